"""The paper's benchmarks: every terminal computes in the same place."""

from __future__ import annotations

from typing import ClassVar, final

import jax
import jax.numpy as jnp
from jaxtyping import Array, Int

from trinode.systems.contract import Scheme
from trinode.systems.latency import assignments, optimise, search
from trinode.systems.latency.optimise import Outcome, Stages
from trinode.systems.latency.scenario import LatencyScenario
from trinode.systems.latency.solution import LatencySolution
from trinode.systems.latency.tiers import CLOUD, EDGE, LOCAL, tiers


@final
class _Worker(Scheme):
    """One program for all places."""

    name: ClassVar[str] = "worker"
    summary: ClassVar[str] = "all in one place"
    place: Int[Array, ""]
    stages: Stages

    def solve(self, scenario: LatencyScenario, start: LatencySolution | None = None) -> LatencySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t = tiers(scenario)
        view = search.screen(t)
        modes = jnp.full(scenario.terminals, self.place)
        value, edge, cloud = assignments.value_of(t, modes, 1e-6)
        modes, value, edge, cloud = jax.tree.map(lambda leaf: leaf[None], (modes, value, edge, cloud))
        only = assignments.Shortlist(modes, value, edge, cloud, rest=jnp.asarray(jnp.inf))
        queue = search.Queue.of(only, tries=[(0, search.STRONGEST)], retries=[(0, begin) for begin in search.AGAIN])
        outcome = search.over_assignments(t, queue, view, self.stages, start, search.ENOUGH)
        return search.finish(t, outcome, view)


class _Everywhere(Scheme):
    """All terminals in one place."""

    place: ClassVar[int]
    stages: Stages = Stages()

    def worker(self) -> _Worker:
        """The program of all such schemes."""
        return _Worker(jnp.asarray(self.place), self.stages)


@final
class Mec(_Everywhere):
    """All terminals at the edge servers of their clusters ("MEC scheme" of Section IV)."""

    name: ClassVar[str] = "mec"
    summary: ClassVar[str] = "all at the edge servers (the paper's MEC benchmark, solved as well as we can)"
    family: ClassVar[str] = "mec"
    place: ClassVar[int] = EDGE


@final
class Cloud(_Everywhere):
    """All terminals in the cloud ("CC scheme" of Section IV)."""

    name: ClassVar[str] = "cloud"
    summary: ClassVar[str] = "all in the cloud (the paper's CC benchmark, solved as well as we can)"
    family: ClassVar[str] = "cloud"
    place: ClassVar[int] = CLOUD


@final
class Local(Scheme):
    """Every terminal computes itself and radiates for its radar only ("Local scheme" of Section IV)."""

    name: ClassVar[str] = "local"
    summary: ClassVar[str] = "every terminal by itself (the paper's local benchmark, closed form)"
    iterates: ClassVar[bool] = False
    family: ClassVar[str] = "local"

    def solve(self, scenario: LatencyScenario, start: LatencySolution | None = None) -> LatencySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t = tiers(scenario)
        modes = jnp.full(scenario.terminals, LOCAL)
        view = search.screen(t, modes)
        quiet = jnp.zeros((*t.snr.shape, view.beam.shape[1]), view.beam.dtype)
        beams = jnp.concatenate([quiet, view.beam[:, None]], axis=1)
        decision = optimise.settle(t, modes, beams, jnp.asarray(0))
        return search.finish(t, Outcome(decision, jnp.asarray(True), decision.latency[None]), view)
