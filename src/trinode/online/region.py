"""Slots of the region system: the largest share of the carried beams that the requirement leaves, then descents.

Ways: the carried beams; regularised zero forcing; zero forcing.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from trinode.systems.region import optimise, sensing_only
from trinode.systems.region.downlink import downlink
from trinode.systems.region.optimise import Answer
from trinode.systems.region.scenario import RegionScenario
from trinode.systems.region.solution import RegionSolution

LENGTHS = (1,)
"""How often an improvement may repeat its rounds."""
ABSENT = ("channel_estimate", "error_covariance")
"""What a terminal that is not there has none of."""
ROUNDS, EVALUATIONS, TOLERANCE = 2, 60, 1e-4


def ways(scenario: RegionScenario) -> int:
    """How many there are."""
    return 3


def repaired(s: RegionScenario, carried: RegionSolution) -> tuple[RegionSolution, Any]:
    """As much of the carried beams as the requirement leaves, filled up with what is best for sensing alone."""
    d, need = downlink(s), sensing_only.requirement(s)
    found, _ = optimise.feasible(d, need, carried.precoder.swapaxes(1, 2), carried.sensing_covariance)
    return optimise.finish(s, found, need=need, senses=need.asked), ()


def improved(
    s: RegionScenario,
    had: RegionSolution,
    aid: Any,
    way: Int[Array, ""],
    rounds: Int[Array, ""],
    value: Float[Array, ""],
) -> tuple[RegionSolution, Bool[Array, ""]]:
    """Rounds from one start; never worse than what was had."""
    d, need = downlink(s), sensing_only.requirement(s)
    none = optimise.nothing(d).covariance
    zero, _ = optimise.feasible(d, need, optimise.zero_forcing(d), none, common=True)
    starts = (
        optimise.start_beams(d, had),
        optimise.start_beams(d, None),
        optimise.as_beams(zero.data, zero.covariance),
    )
    beams = jax.tree.map(lambda *each: jnp.stack(each)[way], *starts)
    before: Answer = optimise.as_given(d, need, had)
    run = optimise.with_sensing(
        d, need, beams, before, rounds=ROUNDS, opening=EVALUATIONS, evaluations=EVALUATIONS, tolerance=TOLERANCE
    )
    gained = run.best.value - before.value
    found = optimise.finish(s, run.best, need=need, senses=need.asked, iterations=run.rounds, history=run.history)
    return found, gained <= TOLERANCE * optimise.unit(run.best.value)


def quotas(s: RegionScenario) -> tuple[int, ...]:
    """Shape of what a policy may set: for each terminal the weight of its stream."""
    return s.channel_estimate.shape[1], 1


def acted(s: RegionScenario, action: Float[Array, "K 1"]) -> RegionSolution:
    """The decision of quotas: zero forcing with these weights, and as much of it as the requirement leaves."""
    d, need = downlink(s), sensing_only.requirement(s)
    weight = jnp.sqrt(jnp.clip(action[:, 0], 0.0, 1.0))
    data = optimise.zero_forcing(d) * weight
    power = jnp.sum(jnp.abs(data) ** 2, axis=(1, 2))
    data = data / jnp.sqrt(jnp.where(power.max() > 0, power.max(), 1.0))
    found, _ = optimise.feasible(d, need, data, optimise.nothing(d).covariance, common=True)
    return optimise.finish(s, found, need=need, senses=need.asked)
