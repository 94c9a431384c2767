"""One program for the schemes that descend assignments: any of them, or the same place for all."""

from __future__ import annotations

from typing import ClassVar, final

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from trinode.systems.contract import Scheme
from trinode.systems.latency import search
from trinode.systems.latency.assignments import Shortlist
from trinode.systems.latency.optimise import Stages
from trinode.systems.latency.scenario import LatencyScenario
from trinode.systems.latency.search import AGAIN, EVEN, QUIET, RANDOM, STRONGEST
from trinode.systems.latency.solution import LatencySolution
from trinode.systems.latency.tiers import CLOUD, EDGE, LOCAL, tiers

ANYWHERE = LOCAL
"""In place of a common place: terminals go where they are best off."""

_RETRIES = (
    (0, QUIET),
    (0, EVEN),
    (0, RANDOM),
    (1, QUIET),
    (1, STRONGEST),
    (1, RANDOM + 1),
    (2, STRONGEST),
)
"""Which of the listed assignments are descended where the first tries are not enough, and where they begin."""


@final
class Worker(Scheme):
    """Descend the assignments that can win.

    Attributes
    ----------
    place : int
        :data:`ANYWHERE`, or where all terminals compute: EDGE or CLOUD.
    enough : float
        Ratio to the bound that needs no second try.
    listed : int
        Assignments valued exactly besides all-edge and all-cloud.
    """

    name: ClassVar[str] = "worker"
    summary: ClassVar[str] = "assignments by certified values, each descended"
    place: Int[Array, ""]
    enough: Float[Array, ""]
    listed: int = eqx.field(static=True)
    stages: Stages

    def solve(self, scenario: LatencyScenario, start: LatencySolution | None = None) -> LatencySolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t = tiers(scenario)
        found = search.over_homes(t, self.place == ANYWHERE, self.listed, self._queue, self.stages, start, self.enough)
        return search.finish(t, found.best, found.view)

    def _queue(self, local: Bool[Array, " K"], listed: Shortlist) -> search.Queue:
        uniform = [jnp.argmax(jnp.all(local | (listed.modes == mode), axis=1)) for mode in (EDGE, CLOUD)]
        last = listed.value.shape[0] - 1
        free = self.place == ANYWHERE
        return search.Queue.of(
            listed,
            tries=[(place, STRONGEST) for place in (0, *uniform)],
            retries=[(min(place, last), begin) for place, begin in _RETRIES]
            + [(place, begin) for place in uniform for begin in AGAIN],
            among=free | (jnp.arange(last + 1) == jnp.where(self.place == EDGE, *uniform)),
        )
