"""The default: assignment by certified values, beams, servers, fronthaul and split in one descent."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx
import jax.numpy as jnp

from trinode.systems.contract import Scheme
from trinode.systems.latency import assignments, search
from trinode.systems.latency.optimise import Stages
from trinode.systems.latency.scenario import LatencyScenario
from trinode.systems.latency.search import EVEN, RANDOM, STRONGEST
from trinode.systems.latency.solution import LatencySolution
from trinode.systems.latency.tiers import Tiers, tiers

_RETRIES = (
    (0, EVEN),
    (0, RANDOM),
    (1, STRONGEST),
    (1, RANDOM + 1),
    (2, STRONGEST),
)
"""Which of the listed assignments are descended where the first tries are not enough, and where they begin."""


@final
class Joint(Scheme):
    """Everything at once.

    The assignments are ranked by what each could reach without interference, powers shared by choice, so no rate is
    fixed before the modes are chosen. The best is descended with its servers and splits, and so are all-edge and
    all-cloud while their bounds say that they could still win: it is never worse than either.

    Where that ends more than ``enough`` times above the bound, which happens when the echoes are hard to meet, it is
    tried again from other beams, evenly strong or random, and under the next assignments.

    Attributes
    ----------
    listed : int
        Assignments valued exactly besides all-edge and all-cloud; the best three are descended at most.
    enough : float
        Ratio to the bound that needs no second try.
    """

    name: ClassVar[str] = "joint"
    summary: ClassVar[str] = "beams, servers, fronthaul, split and assignment together (default)"
    listed: int = eqx.field(static=True, default=12)
    enough: float = eqx.field(static=True, default=search.ENOUGH)
    stages: Stages = Stages()

    def solve(self, scenario: LatencyScenario, start: LatencySolution | None = None) -> LatencySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t = tiers(scenario)
        view = search.screen(t)
        outcome = search.over_assignments(t, self._queue(t), view, self.stages, start, self.enough)
        return search.finish(t, outcome, view)

    def _queue(self, t: Tiers) -> search.Queue:
        local, listed = assignments.self_computing(t, self.listed, 1e-5)
        uniform = [
            jnp.argmax(jnp.all(local | (listed.modes == mode), axis=1))
            for mode in (assignments.EDGE, assignments.CLOUD)
        ]
        last = listed.value.shape[0] - 1
        return search.Queue.of(
            listed,
            tries=[(place, STRONGEST) for place in (0, *uniform)],
            retries=[(min(place, last), begin) for place, begin in _RETRIES]
            + [(place, begin) for place in uniform for begin in search.AGAIN],
        )
