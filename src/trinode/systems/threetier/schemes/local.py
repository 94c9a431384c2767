"""Every terminal computes itself."""

from __future__ import annotations

from typing import ClassVar, final

import jax.numpy as jnp

from trinode.sensing import cones
from trinode.systems.contract import Scheme
from trinode.systems.threetier import optimise, search
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.search import Outcome
from trinode.systems.threetier.solution import ThreetierSolution
from trinode.systems.threetier.tiers import KINDS, LOCAL, tiers


@final
class Local(Scheme):
    """The paper's local execution: nobody offloads, and beams only sense, with the least total power that does.

    Where that breaks a terminal's power limit the beams of the largest common margin are used.
    """

    name: ClassVar[str] = "local"
    summary: ClassVar[str] = "every terminal by itself, sensing with the least power (closed form)"
    iterates: ClassVar[bool] = False
    family: ClassVar[str] = "local"

    def solve(self, scenario: ThreetierScenario, start: ThreetierSolution | None = None) -> ThreetierSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t = tiers(scenario)
        mode = jnp.full(scenario.terminals, LOCAL)
        target = jnp.zeros(scenario.terminals, int)
        _, _, view = search.prepare(t, jnp.zeros(t.channel.shape[:2]), KINDS["local"])
        least = cones.least_power(t.echo, scenario.sensing_sinr_min * (1 + 1e-12))
        quiet = optimise.score(t, mode, target, least) < jnp.inf
        w = jnp.where(quiet, jnp.where(quiet, least, 0.0), view.beam)
        latency = optimise.score(t, mode, target, w)
        outcome = Outcome(mode, target, w, latency, jnp.asarray(0), jnp.asarray(True), latency[None])
        return search.finish(t, outcome, view)
