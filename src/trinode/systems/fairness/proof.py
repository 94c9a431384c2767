"""What proves that a network cannot be served, in words."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np

from trinode.systems.fairness import air as air_of
from trinode.systems.fairness import common
from trinode.systems.fairness.scenario import FairnessScenario
from trinode.systems.reason import terminals


def bound_reason(scenario: FairnessScenario) -> str:
    """Why the bound of a network is infinite; where it is not, where it comes from."""
    tasks = common.tasks_of(scenario)
    heard = jnp.any(jnp.einsum("skk->sk", air_of.whitened(scenario)).real > 0, axis=0)
    if (lost := np.flatnonzero((tasks.local_speed == 0) & ~heard)).size:
        return f"{terminals(lost)} can neither be heard nor compute at home"
    if scenario.subcarriers == 1:
        return "the best powers with the best combiners"
    return "each terminal alone in the air"
