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

    Where that ends more than ``enough`` times above the bound, which happens when the echoes are hard to meet, it is
    tried again with power spread evenly over all links and beams that meet the echoes, and under the next assignments.

    Attributes
    ----------
    listed : int
        Assignments valued exactly, and descended at most besides all-edge and all-cloud.
    enough : float
        Ratio to the bound that needs no second try.
    """

    name: ClassVar[str] = "joint"
    summary: ClassVar[str] = "beams, servers, fronthaul, split and assignment together (default)"
    listed: int = eqx.field(static=True, default=8)
    enough: float = eqx.field(static=True, default=1.02)
    stages: Stages = Stages()

    def solve(self, scenario: LatencyScenario, start: LatencySolution | None = None) -> LatencySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t = tiers(scenario)
        view = search.screen(t)
        local, listed = assignments.self_computing(t, self.listed, 1e-5)
        queue = [search.Attempt(0)]
        for uniform in (assignments.EDGE, assignments.CLOUD):
            queue.append(search.Attempt(jnp.argmax(jnp.all(local | (listed.modes == uniform), axis=1))))
        queue.append(search.Attempt(0, even=True, retry=True))
        queue += [search.Attempt(place, retry=True) for place in range(1, listed.value.shape[0])]
        outcome = search.over_assignments(t, listed, queue, view, self.stages, start, self.enough)
        return search.finish(t, outcome, view)
