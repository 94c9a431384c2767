"""Optimal powers for many channels of one topology: what a network learns from (Section IV).

A topology fixes the large-scale gains; its channels differ in their fading only. Channels exist a few at a time, as a
program turns them into Gram matrices at once, and the same keys give them back whenever they are needed.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float, Key

from trinode.radio.interference import Air, overlaps, relative
from trinode.systems.fairness import common, scenario, single
from trinode.systems.fairness.params import FairnessParams

CHUNK = 125
"""Channels that exist at a time."""


class Labels(NamedTuple):
    """Optimum of each channel of a topology: powers, offloading ratios, largest latency (s), certified bound (s)."""

    power_fraction: Float[Array, "n K"]
    offload_fraction: Float[Array, "n K"]
    latency_s: Float[Array, " n"]
    bound_s: Float[Array, " n"]


def channel(params: FairnessParams, key: Key[Array, ""], index: Array) -> Complex[Array, "S K M A"]:
    """One channel of the topology of a key."""
    gain, _, _ = scenario.large_scale(params, key)
    antennas = params.ap_antennas if params.layout == "cell-free" else params.ap_antennas * params.access_points
    shape = (2, params.subcarriers, params.terminals, gain.shape[1], antennas)
    parts = jax.random.normal(jax.random.fold_in(key, index), shape) * jnp.sqrt(0.5)
    return scenario.on_gain(params, gain, lax.complex(parts[0], parts[1]))


def air(params: FairnessParams, uplink: Complex[Array, "S K M A"]) -> Air:
    """What schemes see of a channel, through maximum ratio combiners."""
    h = uplink.reshape(*uplink.shape[:2], -1)
    gain = overlaps(h)
    norm = jnp.sqrt(jnp.einsum("skk->sk", gain))
    gain = gain / norm[..., None] * params.terminal_max_power_w
    return relative(gain, jnp.broadcast_to(scenario.noise_w(params, uplink.shape[2]), norm.shape))


def label(params: FairnessParams, key: Key[Array, ""], channels: int) -> Labels:
    """Optimum of the first channels of the topology of a key; one subcarrier, equal tasks or not."""
    whole = scenario.draw(params, key)
    tasks = common.tasks_of(whole)
    bandwidth = whole.subcarrier_bandwidth_hz

    def one(index: Array) -> Labels:
        seen = air(params, channel(params, key, index))
        gains = seen.cross[0], seen.noise[0]
        on = common.active(seen, tasks)
        found = single.fastest(lambda _: gains, tasks, bandwidth, on, common.inversion(seen, tasks)[0])
        rate = bandwidth * jnp.log2(1 + seen.sinr(found.power[None])[0])
        return Labels(found.power, tasks.share(rate), 1 / found.speed, 1 / found.limit)

    return lax.map(one, jnp.arange(channels), batch_size=min(CHUNK, channels))
