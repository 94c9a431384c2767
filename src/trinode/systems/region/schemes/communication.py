"""Communication only (P2)."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array

from trinode.numerics.loops import in_turn
from trinode.systems.contract import Scheme
from trinode.systems.region import optimise, starts
from trinode.systems.region.downlink import downlink
from trinode.systems.region.optimise import Answer, Beams, Run
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.solution import RegionSolution
from trinode.systems.region.starts import Search

EFFORTS = {  # one descent from each that is kept
    "quick": Search(kept=1, phases=1),
    "default": Search(kept=1, phases=2, evaluations=40),
    "thorough": Search(kept=8, phases=8),
}


@final
class Communication(Scheme):
    """Largest sum rate within the powers (P2): R_max of the region. No access point senses.

    Attributes
    ----------
    rounds, evaluations : int
        Most rounds of a descent, and evaluations in each.
    tolerance : float
        Gain of a step, and a tenth of the gain of a round, at which to stop: nat, or of the sum rate below 1 nat.
    effort : {"quick", "default", "thorough"}
        How many starts are looked at where none is given, and how many of them are descended from
        (:data:`EFFORTS`).
    """

    name: ClassVar[str] = "communication"
    summary: ClassVar[str] = "largest sum rate, no sensing (P2)"
    evenness: ClassVar[float] = 2e-2
    part: ClassVar[int] = 1
    rounds: int = eqx.field(static=True, default=12)
    evaluations: int = eqx.field(static=True, default=120)
    tolerance: float = eqx.field(static=True, default=2e-5)
    effort: str = eqx.field(static=True, default="default")

    def solve(self, scenario: RegionScenario, start: RegionSolution | None = None) -> RegionSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        return in_turn(self._solve)(scenario, start)

    def _solve(self, scenario: RegionScenario, start: RegionSolution | None) -> RegionSolution:
        d = downlink(scenario)
        given = optimise.as_given(d, None, start)
        if start is None:
            points = starts.search(d, EFFORTS[self.effort])
            data = starts.beams(d, points.x)
            known = jnp.isfinite(points.value)
        else:
            data, known = optimise.start_beams(d, start).data[None], jnp.ones(1, bool)
        silent = optimise.nothing(d).data[..., 0]

        def one(best: Answer, begin: tuple[Array, Array]) -> tuple[Answer, Run]:
            run = optimise.communicate(
                d,
                Beams(begin[0], silent),
                best,
                evaluations=self.evaluations,
                rounds=self.rounds,
                most=jnp.where(begin[1], self.rounds, 0),
                tolerance=self.tolerance,
            )
            return run.best, run

        best, runs = lax.scan(one, given, (data, known))
        last = jnp.argmax(runs.best.value)  # the first that ended with the best
        return optimise.finish(
            scenario,
            best,
            need=None,
            senses=False,
            converged=runs.calm[last] > 0,
            iterations=jnp.sum(runs.rounds),
            history=runs.history.reshape(-1),
        )
