"""The default: communication and sensing together (P3), in one descent over all precoders."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx
import jax
import jax.numpy as jnp

from trinode.numerics.loops import in_turn
from trinode.systems.contract import Scheme
from trinode.systems.region import optimise, sensing_only
from trinode.systems.region.downlink import downlink
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.solution import RegionSolution


@final
class Isac(Scheme):
    """Largest sum rate within the pattern error ``pattern_mse_max`` (P3) or at the detection probability asked for.

    Without either, it is the largest within the powers alone.

    An augmented Lagrangian holds the requirement, its rounds begun with what the ones before learned of the curvature.
    Every round ends in a decision that meets all constraints exactly, and the best of them is the answer. Without a
    start it is never worse than the closed forms, and begins at zero forcing where that is better than the regularised
    start.

    Attributes
    ----------
    rounds, opening, evaluations : int
        Most rounds, and evaluations of the sum rate in the first and in each other.
    tolerance : float
        In nat: gain of a step, and a tenth of the gain of a round, at which to stop.
    """

    name: ClassVar[str] = "isac"
    summary: ClassVar[str] = "largest sum rate within the pattern error (P3), all beams in one descent"
    evenness: ClassVar[float] = 2e-2
    part: ClassVar[int] = 1
    repaid: ClassVar[float] = 28
    rounds: int = eqx.field(static=True, default=16)
    opening: int = eqx.field(static=True, default=400)
    evaluations: int = eqx.field(static=True, default=150)
    tolerance: float = eqx.field(static=True, default=1e-4)

    def solve(self, scenario: RegionScenario, start: RegionSolution | None = None) -> RegionSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        return in_turn(self._solve)(scenario, start)

    def _solve(self, s: RegionScenario, start: RegionSolution | None) -> RegionSolution:
        d = downlink(s)
        need = sensing_only.requirement(s)
        beams, best = optimise.start_beams(d, start), optimise.as_given(d, need, start)
        if start is None:
            none = optimise.nothing(d).covariance
            first, _ = optimise.feasible(d, need, beams.data, none)
            zero, _ = optimise.feasible(d, need, optimise.zero_forcing(d), none, common=True)
            ratio, _ = optimise.feasible(d, need, optimise.maximum_ratio(d), none)
            # where noise is little, what regularisation leaves of interference is much
            forced = zero.value > first.value
            other = optimise.as_beams(zero.data, zero.covariance)
            beams = jax.tree.map(lambda a, b: jnp.where(forced, b, a), beams, other)
            best = optimise.better(zero, ratio)
        run = optimise.with_sensing(
            d,
            need,
            beams,
            best,
            opening=self.opening,
            evaluations=self.evaluations,
            rounds=self.rounds,
            tolerance=self.tolerance,
        )
        return optimise.finish(
            s,
            run.best,
            need=need,
            senses=need.asked,
            converged=run.calm > 0,
            iterations=run.rounds,
            history=run.history,
        )
