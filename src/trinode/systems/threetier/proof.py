"""What proves that a network cannot be served, in words."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trinode.systems.reason import echoes, terminals
from trinode.systems.threetier.bound import echo_limit
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.tiers import KINDS, tiers


def bound_reason(scenario: ThreetierScenario) -> str:
    """Why the bound of a network is infinite; where it is not, where it comes from."""
    least, total, alone, margin = map(np.asarray, _facts(scenario))
    if (lost := np.flatnonzero(np.isinf(least))).size:
        return f"{terminals(lost)} can compute nowhere"
    if np.isinf(total):
        return "the edge servers have no room for all who can compute nowhere else"
    return (
        echoes(alone, margin)
        or "links without interference, prices of echo requirements, pairs of terminals in each other's way"
    )


@jax.jit
def _facts(s: ThreetierScenario) -> tuple[Any, ...]:
    t = tiers(s)
    link = jnp.min(t.upload_s(t.alone(), s.task_bits[:, None]), axis=1)
    least = jnp.minimum(t.local_s, link + jnp.minimum(t.edge_s, t.cloud_s))
    total = t.choose(t.alone()).latency
    return least, total, t.echo.alone(s.sensing_sinr_min), echo_limit(t, KINDS[""])
