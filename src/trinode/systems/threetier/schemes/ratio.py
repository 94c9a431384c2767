"""The paper's fixed beams: maximum ratio towards an access point or towards the target, offloading exact."""

from __future__ import annotations

from typing import ClassVar, final

import jax.numpy as jnp
from jaxtyping import Array, Complex

from trinode.systems.contract import Scheme
from trinode.systems.threetier import optimise, search
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.solution import ThreetierSolution
from trinode.systems.threetier.tiers import CLOUD, EDGE, Tiers, tiers


def _solve(t: Tiers, beam: Complex[Array, "K T"]) -> ThreetierSolution:
    """Offload exactly over beams of norm 1 at full power; what misses an echo requirement is infeasible."""
    nats = optimise.link_rates(t, jnp.sqrt(t.scenario.terminal_max_power_w)[:, None] * beam)
    _, _, view = search.prepare(t, nats, (EDGE, CLOUD), exact=True)
    return search.finish(t, search.fixed_beams(t, beam), view._replace(met=jnp.asarray(True)))


@final
class MaximumRatioTransmission(Scheme):
    """DCET-MRT: full power along the strongest direction to the access point with the strongest channel."""

    name: ClassVar[str] = "mrt"
    summary: ClassVar[str] = "beams at the strongest access point, exact offloading (DCET-MRT); echoes as they fall"
    iterates: ClassVar[bool] = False

    def solve(self, scenario: ThreetierScenario, start: ThreetierSolution | None = None) -> ThreetierSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t = tiers(scenario)
        return _solve(t, search.data_beams(t))


@final
class MaximumRatioSensing(Scheme):
    """DCET-MRS: full power towards the terminal's own target."""

    name: ClassVar[str] = "mrs"
    summary: ClassVar[str] = "beams at the targets, exact offloading (DCET-MRS); echoes as they fall"
    iterates: ClassVar[bool] = False

    def solve(self, scenario: ThreetierScenario, start: ThreetierSolution | None = None) -> ThreetierSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t = tiers(scenario)
        return _solve(t, search.sensing_beams(t))
