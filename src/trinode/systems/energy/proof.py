"""What proves that a network cannot be served, in words."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trinode.radio import reduced
from trinode.systems.energy import problem as problems
from trinode.systems.energy.bound import bound, least_demand
from trinode.systems.energy.margin import largest_margin
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.reason import terminals
from trinode.systems.report import FEASIBILITY_TOLERANCE

ALONE = "whatever the others do"


def bound_reason(scenario: EnergyScenario) -> str:
    """Why the bound of a network is infinite; where it is not, where it comes from."""
    echo, demand, capacity, margin, value = map(np.asarray, _facts(scenario))
    if (lost := np.flatnonzero(echo < 1)).size:
        return f"{terminals(lost)} cannot meet the echo requirement, {ALONE}"
    if (lost := np.flatnonzero(np.isinf(demand))).size:
        return f"{terminals(lost)} cannot meet the deadline, {ALONE}"
    if demand.sum() > capacity * (1 + 1e-12):
        return f"the terminals need at least {demand.sum():.4g} cycle/s of the access point, which has {capacity:.4g}"
    if margin < 1 - FEASIBILITY_TOLERANCE:
        return f"all echo requirements together are met at no more than {margin:.6g} of what is asked for"
    if np.isinf(value):
        return "within the powers, data and echo of a terminal, or the data of two terminals, exclude each other"
    return "each terminal alone, its own streams and pairs of terminals in each other's way"


@jax.jit
def _facts(s: EnergyScenario) -> tuple[Any, ...]:
    problem = problems.build(s)
    air = problem.air
    asked = air.need > 0
    echo = jnp.where(asked, air.limit * reduced.alone(air)[1] / jnp.where(asked, air.need, 1.0), jnp.inf)
    margin = largest_margin(air, air.need).most
    return echo, least_demand(problem), problem.work.capacity, margin, bound(s)
