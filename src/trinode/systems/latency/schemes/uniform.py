"""The paper's benchmarks: every terminal computes in the same place."""

from __future__ import annotations

from typing import ClassVar, final

import jax.numpy as jnp

from trinode.systems.contract import Scheme
from trinode.systems.latency import optimise, search
from trinode.systems.latency.optimise import Outcome, Stages
from trinode.systems.latency.scenario import LatencyScenario
from trinode.systems.latency.schemes._worker import Worker
from trinode.systems.latency.schemes.joint import Joint
from trinode.systems.latency.solution import LatencySolution
from trinode.systems.latency.tiers import CLOUD, EDGE, LOCAL, tiers


class _Everywhere(Scheme):
    """All terminals in one place."""

    place: ClassVar[int]
    stages: Stages = Stages()

    def worker(self) -> Worker:
        """The program of all schemes that descend assignments."""
        return Worker(jnp.asarray(self.place), jnp.asarray(search.ENOUGH), Joint().listed, self.stages)


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
        everyone = jnp.ones(scenario.terminals, bool)
        t = tiers(scenario).keeping(everyone)
        modes = jnp.full(scenario.terminals, LOCAL)
        view = search.screen(t)
        quiet = jnp.zeros((*t.snr.shape, view.beam.shape[1]), view.beam.dtype)
        beams = jnp.concatenate([quiet, view.beam[:, None]], axis=1)
        decision = optimise.settle(t, modes, beams, jnp.asarray(0))
        return search.finish(t, Outcome(decision, jnp.asarray(True), decision.latency[None]), view)
