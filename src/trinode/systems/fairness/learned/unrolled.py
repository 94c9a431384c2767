"""A few steps of the interference function whose lengths a small network chooses, for networks of any size.

Every step knows, for each terminal and subcarrier, the change ``d`` of its power (logarithm) that the plain fixed point
would make. A network of one hidden layer, the same for all terminals and subcarriers, sees ``d``, SINR, interference,
the subcarrier's rank and means over all terminals, and returns how far to go. So renumbering terminals, access points
or subcarriers renumbers the answer, and zero weights are plain steps from channel inversion.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from trinode.computing.split import SplitTasks
from trinode.radio.interference import Air
from trinode.systems.fairness.learned import Weights

FEATURES = 10
HIDDEN = 12
LEAST = 1e-12


def fresh(rounds: int, rng: np.random.Generator) -> Weights:
    """Weights before training: all steps plain, up to small random hidden layers."""
    return {
        "hidden": rng.normal(size=(rounds, FEATURES, HIDDEN)) / np.sqrt(FEATURES),
        "hidden_shift": np.zeros((rounds, HIDDEN)),
        "out": np.zeros((rounds, HIDDEN, 2)),
        "out_shift": np.zeros((rounds, 2)),
    }


def powers(
    weights: Mapping[str, Any],
    air: Air,
    tasks: SplitTasks,
    bandwidth_hz: Float[Array, ""],
    on: Bool[Array, " K"],
    start: Float[Array, "S K"],
) -> Float[Array, "S K"]:
    """Power fractions after the steps; the largest sum over the subcarriers is 1."""
    used = air.usable & on
    power = start
    for turn in range(weights["out"].shape[0]):
        power = _turn({name: value[turn] for name, value in weights.items()}, air, tasks, bandwidth_hz, used, power)
    return power


def _turn(
    w: Mapping[str, Any],
    air: Air,
    tasks: SplitTasks,
    bandwidth_hz: Float[Array, ""],
    used: Bool[Array, "S K"],
    power: Float[Array, "S K"],
) -> Float[Array, "S K"]:
    nats = jnp.log(2.0) / bandwidth_hz
    on = jnp.any(used, axis=0)
    met = jnp.einsum("skj,sj->sk", air.cross, power) + air.noise
    sinr = jnp.where(used, power / met, 0.0)
    d = _plain(tasks, nats, on, met, sinr, power)
    d = jnp.where(used, jnp.clip(d, -3.0, 3.0), 0.0)
    count = jnp.maximum(used.sum(), 1)
    mean = d.sum() / count
    spread = jnp.sqrt(jnp.where(used, (d - mean) ** 2, 0.0).sum() / count + 1e-16)
    tone = jnp.where(used, -jnp.log(air.noise), 0.0)
    tone = tone - tone.sum(axis=0) / jnp.maximum(used.sum(axis=0), 1)
    load = jnp.where(used, jnp.log(met / air.noise), 0.0)
    clear = jnp.log(sinr + 1e-3)
    own = [d / spread / 3, jnp.log(spread) / 6 + 0 * d, clear / 3, load / 3, tone / 3, jnp.log(power + LEAST) / 10]
    pooled = [jnp.where(used, x, 0.0).sum() / count + 0 * d for x in (clear / 3, load / 3)]
    pooled += [jnp.where(used, d, -jnp.inf).max() / spread / 3 + 0 * d, (d * load).sum() / count / spread + 0 * d]
    features = jnp.stack(own + pooled, axis=-1)
    hidden = jnp.tanh(features @ w["hidden"] + w["hidden_shift"])
    out = hidden @ w["out"] + w["out_shift"]
    free = spread if power.shape[0] == 1 else 1.0  # alone in the air the plain steps end at the optimum
    move = (1 + out[..., 0]) * d + out[..., 1] * free
    logs = jnp.log(jnp.maximum(power, LEAST)) + jnp.clip(move, -4.0, 4.0)
    moved = jnp.where(used, jnp.exp(logs - jnp.where(used, logs, -jnp.inf).max()), 0.0)
    total = moved.sum(axis=0).max()
    return moved / jnp.where(total > 0, total, 1.0)


def _plain(
    tasks: SplitTasks,
    nats: Float[Array, ""],
    on: Bool[Array, " K"],
    met: Float[Array, "S K"],
    sinr: Float[Array, "S K"],
    power: Float[Array, "S K"],
) -> Float[Array, "S K"]:
    """Change of each logarithmic power by the plain fixed point; by Newton's method on several subcarriers."""
    if len(power) == 1:
        alone = jnp.where(on, tasks.speed(jnp.log1p(1 / met[0]) / nats), jnp.inf).min()
        wanted = jnp.expm1(jnp.where(on, tasks.rate(alone)[0] * nats, 0.0)) * met[0]
        return (jnp.log(jnp.maximum(wanted, LEAST)) - jnp.log(jnp.maximum(power[0], LEAST)))[None]
    rate = jnp.log1p(sinr).sum(axis=0)
    speed = jnp.where(on, tasks.speed(rate / nats), jnp.inf).min()
    need = jnp.where(on, tasks.rate(speed)[0] * nats, 0.0)
    slope = (sinr / (1 + sinr)).sum(axis=0)
    return jnp.broadcast_to((need - rate) / jnp.maximum(slope, 1e-3), power.shape)
