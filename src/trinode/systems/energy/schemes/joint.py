"""Everything at once: beams, powers, shares and frequencies."""

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
class Joint(Scheme):
    """The fixed point of all first-order conditions of (P1), from several starts, settled exactly."""

    name: ClassVar[str] = "joint"
    summary: ClassVar[str] = "beams, powers, shares and frequencies together, settled exactly"
    part: ClassVar[int] = 8

    def part_of(self, scenarios: Any) -> int:
        """Scenarios of these shapes to one program."""
        return _lanes.part_of(scenarios)

    @in_stages
    def solve(self, scenario: EnergyScenario, start: EnergySolution | None = None) -> EnergySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        problem = problems.build(scenario)
        outcome, echoes = search.solve(problem, search.as_beams(problem, start))
        return search.finish(scenario, problem, outcome, echoes)
