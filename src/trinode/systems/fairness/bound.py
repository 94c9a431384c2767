"""What no decision of a scenario can beat.

One subcarrier: the optimum itself, bracketed from above in speed by any power vector whose largest entry is 1 (see
:mod:`~.single`). Over all combiners those of least mean square error are best for given powers, and their
interference function is standard too, so the same bracket holds.

Several subcarriers: the slowest terminal alone in the air, its power poured over the subcarriers in the best way.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float

from trinode.computing.split import SplitTasks
from trinode.radio.interference import Air, best_linear
from trinode.systems.fairness import air as air_of
from trinode.systems.fairness import common, single
from trinode.systems.fairness.scenario import FairnessScenario

MOST_STEPS = 12
"""Newton steps of the bound over all combiners; it holds after any number of them."""


FAMILIES = {"": None, "given": True, "no-local": False}
"""By family: whether terminals compute, with the scenario's combiners; None where all decisions count."""


def bound(scenario: FairnessScenario, local: bool | Bool[Array, ""] | None = None) -> Float[Array, ""]:
    """Lower bound of the largest latency, s; infinite where a task can be computed nowhere.

    Parameters
    ----------
    local : bool, optional
        Of decisions with the scenario's combiners, with or without computing at the terminals; of all where absent.
    """
    tasks = common.tasks_of(scenario, local=True if local is None else local)
    if local is not None:
        air = air_of.fixed(scenario)
        on = common.active(air, tasks)
        limit = (
            _given(scenario, air, tasks, on) if scenario.subcarriers == 1 else _alone(scenario, air.noise, tasks, on)
        )
    else:
        gram = air_of.whitened(scenario)
        snr = jnp.einsum("skk->sk", gram).real
        on = jnp.any(snr > 0, axis=0) & ~tasks.idle
        noise = 1 / jnp.maximum(snr, 1e-300)
        limit = _any(scenario, gram[0], tasks, on) if scenario.subcarriers == 1 else _alone(scenario, noise, tasks, on)
    # those that are not heard compute themselves or not at all
    others = jnp.where(on | tasks.idle, jnp.inf, tasks.local_speed).min()
    return 1 / jnp.minimum(limit, others)


def _given(s: FairnessScenario, air: Air, tasks: SplitTasks, on: Bool[Array, " K"]) -> Float[Array, ""]:
    start = common.inversion(air, tasks)[0]
    gains = air.cross[0], air.noise[0]
    found = single.fastest(lambda _: gains, tasks, s.subcarrier_bandwidth_hz, on, start)
    return jnp.where(jnp.any(on), found.limit, jnp.inf)


def _any(s: FairnessScenario, gram: Array, tasks: SplitTasks, on: Bool[Array, " K"]) -> Float[Array, ""]:
    snr = jnp.diagonal(gram).real
    start = jnp.where(on, jnp.where(on, snr, jnp.inf).min() / jnp.where(on, snr, 1.0), 0.0)

    def gains(power: Float[Array, " K"]) -> tuple[Array, Array]:
        best, _ = best_linear(gram, power)
        return best.cross[0], best.noise[0]

    found = single.fastest(
        gains, tasks, s.subcarrier_bandwidth_hz, on, start, constant=False, opening=3, max_steps=MOST_STEPS
    )
    return jnp.where(jnp.any(on), found.limit, jnp.inf)


def _alone(
    s: FairnessScenario, noise: Float[Array, "S K"], tasks: SplitTasks, on: Bool[Array, " K"]
) -> Float[Array, ""]:
    """Speed of the slowest terminal without interference, its power poured like water."""
    rate = s.subcarrier_bandwidth_hz * jnp.log1p(poured(noise) / noise).sum(axis=0) / jnp.log(2.0)
    return jnp.where(on, tasks.speed(rate), jnp.inf).min()


def poured(noise: Float[Array, "S K"]) -> Float[Array, "S K"]:
    """Water-filling of one unit of power over noise levels, for each column."""
    level = jnp.sort(noise, axis=0)
    count = jnp.arange(1, noise.shape[0] + 1)[:, None]
    water = (1 + jnp.cumsum(level, axis=0)) / count
    used = jnp.sum(water > level, axis=0)
    height = jnp.take_along_axis(water, used[None] - 1, axis=0)
    return jnp.maximum(height - noise, 0.0)
