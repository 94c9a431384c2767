"""What proves that a network cannot be served, in words."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trinode.systems.latency import assignments
from trinode.systems.latency.bound import echo_limit
from trinode.systems.latency.scenario import LatencyScenario
from trinode.systems.latency.tiers import tiers
from trinode.systems.reason import echoes, terminals


def bound_reason(scenario: LatencyScenario) -> str:
    """Why the bound of a network is infinite; where it is not, where it comes from."""
    least, alone, margin = map(np.asarray, _facts(scenario))
    if (lost := np.flatnonzero(np.isinf(least))).size:
        return f"{terminals(lost)} can compute nowhere"
    return echoes(alone, margin) or "the best assignment of tasks, without interference and sensing"


@jax.jit
def _facts(s: LatencyScenario) -> tuple[Any, ...]:
    t = tiers(s)
    least = jnp.minimum(t.local_limit_s, assignments.alone(t))
    return least, t.echo.alone(s.sensing_sinr_min), echo_limit(t)
