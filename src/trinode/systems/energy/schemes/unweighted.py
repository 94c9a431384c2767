"""CTEM: the energy of the access point counted like that of the terminals."""

from __future__ import annotations

from typing import Any, ClassVar, final

from trinode._runtime import in_stages
from trinode.systems.contract import Scheme
from trinode.systems.energy import problem as problems
from trinode.systems.energy import search
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.energy.schemes import _lanes
from trinode.systems.energy.solution import EnergySolution


@final
class Unweighted(Scheme):
    """The decision of ``joint`` for weights of 1; the judge prices it with the weights that it ignored.

    Its ``history`` is in the unweighted energy that it minimises.
    """

    name: ClassVar[str] = "unweighted"
    summary: ClassVar[str] = "joint for weights of 1 (CTEM), priced with the true ones"
    iterates: ClassVar[bool] = False
    part: ClassVar[int] = 8

    def part_of(self, scenarios: Any) -> int:
        """Scenarios of these shapes to one program."""
        return _lanes.part_of(scenarios)

    @in_stages
    def solve(self, scenario: EnergyScenario, start: EnergySolution | None = None) -> EnergySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        problem = problems.build(scenario, weight=1.0)
        outcome, echoes = search.solve(problem)
        return search.finish(scenario, problem, outcome, echoes)
