"""The paper's benchmarks of one offloaded share for everybody: nothing, everything, half."""

from __future__ import annotations

from typing import Any, ClassVar, final

from trinode._runtime import in_stages
from trinode.systems.contract import Scheme
from trinode.systems.energy import problem as problems
from trinode.systems.energy import search
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.energy.schemes import _lanes
from trinode.systems.energy.solution import EnergySolution


def _solve(share: float, scenario: EnergyScenario, start: EnergySolution | None) -> EnergySolution:
    problem = problems.build(scenario, share=share)
    outcome, echoes = search.solve(problem, search.as_beams(problem, start))
    return search.finish(scenario, problem, outcome, echoes)


@final
class FullLocal(Scheme):
    """FL: every terminal computes its whole task itself."""

    name: ClassVar[str] = "full-local"
    summary: ClassVar[str] = "every terminal computes its whole task itself"
    family: ClassVar[str] = "full-local"
    part: ClassVar[int] = 8

    def part_of(self, scenarios: Any) -> int:
        """Scenarios of these shapes to one program."""
        return _lanes.part_of(scenarios)

    @in_stages
    def solve(self, scenario: EnergyScenario, start: EnergySolution | None = None) -> EnergySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        return _solve(0.0, scenario, start)


@final
class FullOffload(Scheme):
    """FO: every terminal sends its whole task, with the best beams and powers for that."""

    name: ClassVar[str] = "full-offload"
    summary: ClassVar[str] = "every terminal offloads its whole task"
    family: ClassVar[str] = "full-offload"
    part: ClassVar[int] = 8

    def part_of(self, scenarios: Any) -> int:
        """Scenarios of these shapes to one program."""
        return _lanes.part_of(scenarios)

    @in_stages
    def solve(self, scenario: EnergyScenario, start: EnergySolution | None = None) -> EnergySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        return _solve(1.0, scenario, start)


@final
class HalfOffload(Scheme):
    """HO: every terminal sends half of its task, with the best beams and powers for that."""

    name: ClassVar[str] = "half-offload"
    summary: ClassVar[str] = "every terminal offloads half of its task"
    family: ClassVar[str] = "half-offload"
    part: ClassVar[int] = 8

    def part_of(self, scenarios: Any) -> int:
        """Scenarios of these shapes to one program."""
        return _lanes.part_of(scenarios)

    @in_stages
    def solve(self, scenario: EnergyScenario, start: EnergySolution | None = None) -> EnergySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        return _solve(0.5, scenario, start)
