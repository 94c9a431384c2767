"""The paper's fixed beams: maximum ratio towards an access point or towards the target, offloading exact."""

from __future__ import annotations

from typing import ClassVar, final

import jax.numpy as jnp
from jaxtyping import Array, Complex

from trinode.systems.contract import Scheme
from trinode.systems.threetier import optimise, search
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.search import Outcome
from trinode.systems.threetier.solution import ThreetierSolution
from trinode.systems.threetier.tiers import CLOUD, EDGE, LOCAL, Tiers, tiers


def _solve(t: Tiers, beam: Complex[Array, "K T"]) -> ThreetierSolution:
    """Offload exactly over beams of norm 1 at full power; what misses an echo requirement is infeasible."""
    s = t.scenario
    w = jnp.sqrt(s.terminal_max_power_w)[:, None] * beam
    nats = optimise.link_rates(t, w)
    decision = t.choose(nats)
    # who computes itself has less left to radiate
    limit = jnp.where(s.terminal_max_power_w > 0, s.terminal_max_power_w, 1.0)
    w = jnp.where((decision.mode == LOCAL)[:, None], w * jnp.sqrt(t.budget(decision.mode) / limit)[:, None], w)
    _, view = search.prepare(t, nats, (EDGE, CLOUD), exact=True)
    latency = optimise.score(t, decision.mode, decision.target, w)
    outcome = Outcome(
        decision.mode, decision.target, w, latency, jnp.asarray(0), jnp.asarray(True), latency[None]
    )  # fmt: skip
    return search.finish(t, outcome, view._replace(met=jnp.asarray(True)))


@final
class MaximumRatioTransmission(Scheme):
    """DCET-MRT: full power along the strongest direction to the access point with the strongest channel."""

    name: ClassVar[str] = "mrt"
    summary: ClassVar[str] = "beams at the strongest access point, exact offloading (DCET-MRT); echoes as they fall"
    iterates: ClassVar[bool] = False

    def solve(self, scenario: ThreetierScenario, start: ThreetierSolution | None = None) -> ThreetierSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t = tiers(scenario)
        strongest = jnp.argmax(jnp.sum(jnp.abs(scenario.uplink_channel) ** 2, axis=(2, 3)), axis=1)
        return _solve(t, jnp.take_along_axis(t.direction, strongest[:, None, None], axis=1)[:, 0])


@final
class MaximumRatioSensing(Scheme):
    """DCET-MRS: full power towards the terminal's own target."""

    name: ClassVar[str] = "mrs"
    summary: ClassVar[str] = "beams at the targets, exact offloading (DCET-MRS); echoes as they fall"
    iterates: ClassVar[bool] = False

    def solve(self, scenario: ThreetierScenario, start: ThreetierSolution | None = None) -> ThreetierSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t = tiers(scenario)
        a = scenario.transmit_steering
        length = jnp.linalg.norm(a, axis=1, keepdims=True)
        return _solve(t, a / jnp.where(length > 0, length, 1.0))
