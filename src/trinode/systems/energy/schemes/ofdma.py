"""OFDMA: a sub-band for each terminal."""

from __future__ import annotations

from typing import Any, ClassVar, final

from trinode.systems.contract import Scheme
from trinode.systems.energy import problem as problems
from trinode.systems.energy import search
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.energy.schemes import _lanes
from trinode.systems.energy.solution import EnergySolution


@final
class Ofdma(Scheme):
    """Sub-bands inversely proportional to the channels' gains; in them, the decision of ``joint``.

    Terminals do not meet, neither at the access point nor in their echoes, and the noise of both shrinks with the
    sub-band. That leaves the feasible set of (P1), so the bound of the scenario does not bound this scheme.
    """

    name: ClassVar[str] = "ofdma"
    summary: ClassVar[str] = "a sub-band for each terminal, more for weaker channels"
    family: ClassVar[str] = "ofdma"
    part: ClassVar[int] = 8

    def part_of(self, scenarios: Any) -> int:
        """Scenarios of these shapes to one program."""
        return _lanes.part_of(scenarios)

    def solve(self, scenario: EnergyScenario, start: EnergySolution | None = None) -> EnergySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        problem, band = problems.apart(scenario, problems.build(scenario))
        outcome, echoes = search.solve(problem, search.as_beams(problem, start))
        return search.finish(scenario, problem, outcome, echoes, band)
