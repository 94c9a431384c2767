"""The default, and the same without the cloud: exact offloading, beams in one descent, alternated."""

from __future__ import annotations

from typing import ClassVar, NamedTuple, final

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Int

from trinode.numerics.loops import while_loop
from trinode.systems.contract import Scheme
from trinode.systems.threetier import search
from trinode.systems.threetier.optimise import Outcome, Stages
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.search import Screen
from trinode.systems.threetier.solution import ThreetierSolution
from trinode.systems.threetier.tiers import KINDS, tiers


@final
class _Worker(Scheme):
    """One program with and without the cloud, which is left out by taking forever."""

    name: ClassVar[str] = "worker"
    summary: ClassVar[str] = "exact offloading and beams in turns"
    cloud: Bool[Array, ""]
    stages: Stages
    effort: Int[Array, ""]

    def solve(self, scenario: ThreetierScenario, start: ThreetierSolution | None = None) -> ThreetierSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        full = tiers(scenario)
        never = jnp.full(scenario.terminals, jnp.inf)
        grounded = eqx.tree_at(lambda t: t.cloud_s, full, never)
        least = grounded.choose(grounded.alone(), KINDS[""]).latency

        class Pass(NamedTuple):
            best: Outcome
            view: Screen
            cloud: Bool[Array, ""]
            going: Bool[Array, ""]

        def one(last: Pass) -> Pass:
            t = eqx.tree_at(lambda t: t.cloud_s, full, jnp.where(last.cloud, full.cloud_s, never))
            alone, first, view = search.prepare(t, t.alone(), KINDS[""])
            found, clouded = search.alternate(
                t, alone, first, view, self.stages, KINDS[""], self.effort, start, last.going
            )
            spent = last.best.evaluations + found.evaluations
            found = search.better(found, search.simple(t, view, KINDS[""], self.stages.rounds))
            beaten = jnp.isfinite(last.best.latency) & (last.best.latency <= found.latency)
            best, view = jax.tree.map(lambda a, b: jnp.where(beaten, a, b), (last.best, last.view), (found, view))
            # the cloud may have led astray: without it once more, unless even without interference it would be slower
            again = last.cloud & clouded & (least < best.latency * (1 - 1e-7))
            return Pass(best._replace(evaluations=spent), view, jnp.asarray(False), again)

        best, view = search.nothing(full, self.stages.rounds)
        last = while_loop(lambda last: last.going, one, Pass(best, view, self.cloud, jnp.asarray(True)))
        return search.finish(full, last.best, last.view)


class _InTurns(Scheme):
    """What both have in common.

    Attributes
    ----------
    effort : {"quick", "default", "thorough"}
        How long to look for other beams and decisions where those found may not be the best; never worse with more.
    """

    cloud: ClassVar[bool] = True
    stages: Stages = eqx.field(default_factory=Stages)
    effort: str = eqx.field(static=True, default="default")

    def __check_init__(self):
        search.level(self.effort)

    def worker(self) -> _Worker:
        """The program of both, whatever the effort."""
        return _Worker(jnp.asarray(self.cloud), self.stages, search.level(self.effort))


@final
class Joint(_InTurns):
    """Offloading solved exactly, beams descended with receivers eliminated, in turns until nothing changes.

    The first decision is the one of the bound, made for terminals alone on the air; later ones count with what each
    terminal could reach against the others' present beams.

    Why not the general engine (:mod:`trinode.systems.threetier.stated`): told who computes where, which this finds
    itself, it is from 0.002 % better to 0.001 % worse on 10 default networks and takes 19 s of processor time each in a
    batch; this takes 0.019 s (``trinode bench threetier --only stated --trials 10``).
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
