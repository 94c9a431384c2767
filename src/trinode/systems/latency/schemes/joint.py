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
from trinode.systems.latency.tiers import Tiers, tiers


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
        outcome = search.over_assignments(t, self._queue(t), view, self.stages, start, self.enough)
        return search.finish(t, outcome, view)

    def _queue(self, t: Tiers) -> search.Queue:
        """The best assignment, all-edge, all-cloud; then the best once more, and the next ones."""
        local, listed = assignments.self_computing(t, self.listed, 1e-5)
        uniform = [
            jnp.argmax(jnp.all(local | (listed.modes == mode), axis=1))
            for mode in (assignments.EDGE, assignments.CLOUD)
        ]
        others = range(1, listed.value.shape[0])
        return search.Queue.of(
            listed,
            place=[0, *uniform, 0, *others],
            even=[False] * 3 + [True] + [False] * len(others),
            retry=[False] * 3 + [True] * (1 + len(others)),
        )
