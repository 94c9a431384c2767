"""The default: assignment by certified values, beams, servers, fronthaul and split in one descent."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx
import jax.numpy as jnp

from trinode.systems.contract import Scheme
from trinode.systems.latency import assignments, search
from trinode.systems.latency.optimise import Stages
from trinode.systems.latency.scenario import LatencyScenario
from trinode.systems.latency.solution import LatencySolution
from trinode.systems.latency.tiers import tiers


@final
class Joint(Scheme):
    """Everything at once.

    The assignments are ranked by what each could reach without interference, powers shared by choice, so no rate is
    fixed before the modes are chosen. The best is descended with its servers and splits, and so are all-edge and
    all-cloud while their bounds say that they could still win: it is never worse than either.

    Attributes
    ----------
    candidates : int
        Assignments descended at most, besides all-edge and all-cloud.
    listed : int
        Assignments valued exactly.
    """

    name: ClassVar[str] = "joint"
    summary: ClassVar[str] = "beams, servers, fronthaul, split and assignment together (default)"
    candidates: int = eqx.field(static=True, default=1)
    listed: int = eqx.field(static=True, default=8)
    stages: Stages = Stages()

    def solve(self, scenario: LatencyScenario, start: LatencySolution | None = None) -> LatencySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t = tiers(scenario)
        view = search.screen(t)
        local, listed = assignments.self_computing(t, self.listed, 1e-5)
        queue = jnp.arange(self.candidates)
        for uniform in (assignments.EDGE, assignments.CLOUD):
            place = jnp.argmax(jnp.all(local | (listed.modes == uniform), axis=1))
            queue = jnp.append(queue, place)
        outcome = search.over_assignments(t, listed, queue, view, self.stages, start)
        return search.finish(t, outcome, view)
