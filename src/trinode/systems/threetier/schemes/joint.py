"""The default, and the same without the cloud: exact offloading, beams in one descent, alternated."""

from __future__ import annotations

from typing import Any, ClassVar, final

import equinox as eqx

from trinode.systems.contract import Scheme
from trinode.systems.threetier import search
from trinode.systems.threetier.optimise import Stages
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.search import Effort
from trinode.systems.threetier.solution import ThreetierSolution
from trinode.systems.threetier.tiers import KINDS, tiers


def _solve(scheme: Joint | Edge, scenario: ThreetierScenario, start: ThreetierSolution | None) -> ThreetierSolution:
    t = tiers(scenario)
    kinds = KINDS[scheme.family]
    first, view = search.prepare(t, t.alone(), kinds)
    return search.finish(t, search.alternate(t, first, view, scheme.stages, kinds, scheme.effort, start), view)


def _part(scenarios: Any, part: int) -> int:
    """Large networks one by one: their run times vary by tens, and a batch waits for its slowest."""
    return part if scenarios.uplink_channel.shape[-4] <= 20 else 1


@final
class Joint(Scheme):
    """Offloading solved exactly, beams descended with receivers eliminated, in turns until nothing changes.

    The first decision is the one of the bound, made for terminals alone on the air; later ones count with what each
    terminal could reach against the others' present beams.
    """

    name: ClassVar[str] = "joint"
    summary: ClassVar[str] = "exact offloading and beams in turns (default)"
    part: ClassVar[int] = 5
    stages: Stages = eqx.field(default_factory=Stages)
    effort: Effort = eqx.field(default_factory=Effort)

    def part_of(self, scenarios: Any) -> int:
        """See :class:`trinode.systems.contract.Scheme`."""
        return _part(scenarios, self.part)

    def solve(self, scenario: ThreetierScenario, start: ThreetierSolution | None = None) -> ThreetierSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        return _solve(self, scenario, start)


@final
class Edge(Scheme):
    """The paper's ET-ISCC: edge servers and terminals, no cloud; solved as well as ``joint``."""

    name: ClassVar[str] = "edge"
    summary: ClassVar[str] = "edge servers or terminals, no cloud (the paper's ET-ISCC, solved as well as we can)"
    family: ClassVar[str] = "edge"
    part: ClassVar[int] = 5
    stages: Stages = eqx.field(default_factory=Stages)
    effort: Effort = eqx.field(default_factory=Effort)

    def part_of(self, scenarios: Any) -> int:
        """See :class:`trinode.systems.contract.Scheme`."""
        return _part(scenarios, self.part)

    def solve(self, scenario: ThreetierScenario, start: ThreetierSolution | None = None) -> ThreetierSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        return _solve(self, scenario, start)
