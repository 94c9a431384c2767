"""The paper's method: inner convex approximation from channel inversion (Section III)."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx

from trinode.systems.contract import Scheme
from trinode.systems.fairness import air as air_of
from trinode.systems.fairness import common, convex
from trinode.systems.fairness.scenario import FairnessScenario
from trinode.systems.fairness.schemes.exact import begin
from trinode.systems.fairness.solution import FairnessSolution


@final
class Ica(Scheme):
    """All subcarriers in use (Theorem 1), then one convex program after the other until the latency settles.

    The paper names neither a start nor a stopping rule: here channel inversion, and a relative fall of less than
    ``tolerance``. The offloading ratio takes the best value for the powers at the end.

    Attributes
    ----------
    tolerance : float
        Stopping rule.
    max_steps : int
        Convex programs at most.
    """

    name: ClassVar[str] = "ica"
    summary: ClassVar[str] = "the paper's inner convex approximation, from channel inversion"
    family: ClassVar[str] = "given"
    part: ClassVar[int] = 16
    tolerance: float = eqx.field(static=True, default=1e-3)
    max_steps: int = eqx.field(static=True, default=60)

    def solve(self, scenario: FairnessScenario, start: FairnessSolution | None = None) -> FairnessSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        air, tasks = air_of.fixed(scenario), common.tasks_of(scenario)
        on = common.active(air, tasks)
        problem = convex.Problem(air, tasks, scenario.subcarrier_bandwidth_hz, on, False)
        first = begin(air, tasks, on, start)
        end = convex.descend(problem, first, tolerance=self.tolerance, max_steps=self.max_steps)
        return common.finish(
            scenario,
            tasks,
            problem.rates(end.power),
            end.power,
            converged=end.settled,
            iterations=end.steps,
            history=end.history,
        )
