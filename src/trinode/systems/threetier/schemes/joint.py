"""The default, and the same without the cloud: exact offloading, beams in one descent, alternated."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool

from trinode.systems.contract import Scheme
from trinode.systems.threetier import search
from trinode.systems.threetier.optimise import Stages
from trinode.systems.threetier.params import ThreetierParams
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.search import Effort
from trinode.systems.threetier.solution import ThreetierSolution
from trinode.systems.threetier.tiers import KINDS, tiers


@final
class _Worker(Scheme):
    """One program with and without the cloud, which is left out by taking forever."""

    name: ClassVar[str] = "worker"
    summary: ClassVar[str] = "exact offloading and beams in turns"
    cloud: Bool[Array, ""]
    stages: Stages
    effort: Effort

    def repaid_at(self, params: ThreetierParams) -> float:
        """Descents take longer with about the third power of the terminals, compiling as long whatever they are."""
        return 650 * (9 / params.terminals) ** 3

    def solve(self, scenario: ThreetierScenario, start: ThreetierSolution | None = None) -> ThreetierSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t = tiers(scenario)
        t = eqx.tree_at(lambda t: t.cloud_s, t, jnp.where(self.cloud, t.cloud_s, jnp.inf))
        first, view = search.prepare(t, t.alone(), KINDS[""])
        found = search.alternate(t, first, view, self.stages, KINDS[""], self.effort, start)
        plain = search.simple(t, view, KINDS[""], self.stages.rounds)
        return search.finish(t, search.better(found, plain._replace(evaluations=found.evaluations)), view)


class _InTurns(Scheme):
    """What both have in common."""

    cloud: ClassVar[bool] = True
    stages: Stages = eqx.field(default_factory=Stages)
    effort: Effort = eqx.field(default_factory=Effort)

    def worker(self) -> _Worker:
        """The program of both."""
        return _Worker(jnp.asarray(self.cloud), self.stages, self.effort)


@final
class Joint(_InTurns):
    """Offloading solved exactly, beams descended with receivers eliminated, in turns until nothing changes.

    The first decision is the one of the bound, made for terminals alone on the air; later ones count with what each
    terminal could reach against the others' present beams.
    """

    name: ClassVar[str] = "joint"
    summary: ClassVar[str] = "exact offloading and beams in turns (default)"


@final
class Edge(_InTurns):
    """The paper's ET-ISCC: edge servers and terminals, no cloud; solved as well as ``joint``."""

    name: ClassVar[str] = "edge"
    summary: ClassVar[str] = "edge servers or terminals, no cloud (the paper's ET-ISCC, solved as well as we can)"
    family: ClassVar[str] = "edge"
    cloud: ClassVar[bool] = False
