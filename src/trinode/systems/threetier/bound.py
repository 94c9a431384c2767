"""What no decision of a scenario can beat: every terminal alone on the air, and the exact assignment.

Without the others a link carries at most ``B log2(1 + P sigma_max^2)``; with these rates, which no beams exceed, the
best offloading is solved exactly (see :mod:`trinode.computing.assignment`).
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float

from trinode.errors import InputError
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.tiers import KINDS, tiers


def bound(scenario: ThreetierScenario, family: str = "") -> Float[Array, ""]:
    """Lower bound of the sum of latencies, s.

    Parameters
    ----------
    family : {"", "edge", "local"}
        All decisions, those without the cloud, or those where every terminal computes itself.
    """
    if family not in KINDS:
        raise InputError("family", family, "edge, local, or nothing")
    t = tiers(scenario)
    total = t.choose(t.alone(), KINDS[family]).latency
    return jnp.where(jnp.isfinite(total), total * (1 - 1e-12), jnp.nan)
