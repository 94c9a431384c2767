"""Slots of the fairness system: the carried powers with the best ratios for them, then the optimum or steps towards it.

One subcarrier: the global optimum from there. Several: convex steps from the carried powers, from channel inversion, or
from powers spread evenly.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from trinode.radio.interference import Air
from trinode.systems.fairness import air as air_of
from trinode.systems.fairness import common, convex, single
from trinode.systems.fairness.scenario import FairnessScenario
from trinode.systems.fairness.schemes.exact import CLOSED
from trinode.systems.fairness.solution import FairnessSolution

LENGTHS = (1,)
"""How often an improvement may repeat its steps."""
ABSENT = ("task_bits", "terminal_max_power_w")
"""What a terminal that is not there has none of."""
STEPS = 4


def ways(scenario: FairnessScenario) -> int:
    """How many there are; where it is a single one, it ends at the optimum."""
    return 1 if scenario.uplink_channel.shape[-4] == 1 else 3


def repaired(s: FairnessScenario, carried: FairnessSolution) -> tuple[FairnessSolution, Any]:
    """The carried powers, none above its limit, with the best offloading ratios."""
    tasks, air = common.tasks_of(s), air_of.fixed(s)
    power = _powers(air, common.active(air, tasks), carried)
    return common.finish(s, tasks, common.rates(s, air, power), power), ()


def improved(
    s: FairnessScenario,
    had: FairnessSolution,
    aid: Any,
    way: Int[Array, ""],
    rounds: Int[Array, ""],
    value: Float[Array, ""],
) -> tuple[FairnessSolution, Bool[Array, ""]]:
    """The optimum of one subcarrier, some steps on several; never worse than what was had."""
    tasks, air = common.tasks_of(s), air_of.fixed(s)
    on = common.active(air, tasks)
    power = _powers(air, on, had)
    inversion = common.inversion(air, tasks)
    if s.uplink_channel.shape[0] == 1:
        gains = air.cross[0], air.noise[0]
        lone = jnp.all((power[0] > 0) | ~on)  # someone has just come
        begin = jnp.where(lone, power[0], inversion[0])
        top = begin.max()
        begin = begin / jnp.where(top > 0, top, 1.0)
        found = single.fastest(lambda _: gains, tasks, s.subcarrier_bandwidth_hz, on, begin)
        ahead, rest, steps = found.power[None], found.limit - found.speed <= CLOSED * found.limit, found.steps
    else:
        problem = convex.Problem(air, tasks, s.subcarrier_bandwidth_hz, on, True)
        even = (on & air.usable) / s.subcarriers
        start = jnp.where(way == 0, power, jnp.where(way == 1, inversion, even))
        moved = convex.descend(problem, start, tolerance=1e-5, max_steps=STEPS)
        ahead, rest, steps = moved.power, moved.settled, moved.steps

    def slowest(power: Float[Array, "S K"]) -> Float[Array, ""]:
        return jnp.where(tasks.idle, jnp.inf, tasks.speed(common.rates(s, air, power))).min()

    ahead = jnp.where(slowest(ahead) > slowest(power), ahead, power)
    return common.finish(s, tasks, common.rates(s, air, ahead), ahead, iterations=steps), rest


def _powers(air: Air, on: Bool[Array, " K"], solution: FairnessSolution) -> Float[Array, "S K"]:
    power = jnp.where(air.usable & on & solution.subcarrier_use, jnp.maximum(solution.power_fraction, 0.0), 0.0)
    return power / jnp.maximum(power.sum(axis=0), 1.0)


def quotas(s: FairnessScenario) -> tuple[int, ...]:
    """Shape of what a policy may set: for each terminal its power on each subcarrier, and the share that it sends."""
    return s.terminals, s.subcarriers + 1


def acted(s: FairnessScenario, action: Float[Array, "K S1"]) -> FairnessSolution:
    """The decision of quotas: powers of at most all together, and ratios as they are."""
    tasks, air = common.tasks_of(s), air_of.fixed(s)
    power = jnp.clip(action[:, :-1].T, 0.0, 1.0) * (air.usable & common.active(air, tasks))
    power = power / jnp.maximum(power.sum(axis=0), 1.0)
    share = jnp.where(tasks.idle, 0.0, jnp.clip(action[:, -1], 0.0, 1.0))
    return common.finish(s, tasks, common.rates(s, air, power), power, share=share)
