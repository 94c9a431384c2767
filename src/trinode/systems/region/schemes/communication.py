"""Communication only (P2)."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx

from trinode.numerics.loops import in_turn
from trinode.systems.contract import Scheme
from trinode.systems.region import optimise
from trinode.systems.region.downlink import downlink
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.solution import RegionSolution


@final
class Communication(Scheme):
    """Largest sum rate within the powers (P2): R_max of the region. No access point senses."""

    name: ClassVar[str] = "communication"
    summary: ClassVar[str] = "largest sum rate, no sensing (P2)"
    evenness: ClassVar[float] = 2e-2
    part: ClassVar[int] = 1
    rounds: int = eqx.field(static=True, default=4)
    evaluations: int = eqx.field(static=True, default=120)
    tolerance: float = eqx.field(static=True, default=2e-4)

    def solve(self, scenario: RegionScenario, start: RegionSolution | None = None) -> RegionSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        return in_turn(self._solve)(scenario, start)

    def _solve(self, scenario: RegionScenario, start: RegionSolution | None) -> RegionSolution:
        d = downlink(scenario)
        given = optimise.as_given(d, None, start)
        run = optimise.communicate(
            d,
            optimise.start_beams(d, start)._replace(sensing=optimise.nothing(d).data[..., 0]),
            given,
            evaluations=self.evaluations,
            rounds=self.rounds,
            tolerance=self.tolerance,
        )
        return optimise.finish(
            scenario,
            run.best,
            need=None,
            senses=False,
            converged=run.calm > 0,
            iterations=run.rounds,
            history=run.history,
        )
