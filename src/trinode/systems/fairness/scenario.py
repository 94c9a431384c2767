"""A network of the fairness system: its arrays, drawn at random or brought from outside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Key

from trinode.radio import draws, propagation
from trinode.systems.declared import NONNEGATIVE, POSITIVE, same
from trinode.systems.fairness.params import FairnessParams
from trinode.systems.network import Scenario

SPREAD = {"task_bits": "task bits", "cycles_per_bit": "cycles per bit", "terminal_frequency_hz": "terminal frequency"}
"""What unequal tasks differ in, and under which names that is drawn."""


class FairnessScenario(Scenario):
    """One network of the fairness system; names, shapes and units are those of the file.

    ``combiner`` None stands for maximum ratio combining of unit norm over all antennas.
    """

    uplink_channel: Complex[Array, "S K M A"]
    ap_noise_w: Float[Array, " M"] = eqx.field(metadata=POSITIVE)
    subcarrier_bandwidth_hz: Float[Array, ""] = eqx.field(metadata=POSITIVE)
    terminal_max_power_w: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    task_bits: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    cycles_per_bit: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    terminal_frequency_hz: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    server_frequency_hz: Float[Array, ""] = eqx.field(metadata=POSITIVE)
    combiner: Complex[Array, "S K M A"] | None = None
    terminal_position_m: Float[Array, "K dims"] | None = None
    ap_position_m: Float[Array, "M dims"] | None = None

    @property
    def subcarriers(self) -> int:
        """N."""
        return self.uplink_channel.shape[0]


def draw(params: FairnessParams, key: Key[Array, ""], places: Mapping[str, Array] | None = None) -> FairnessScenario:
    """Draw a network: uniform positions on the disc, path loss with shadowing, Rayleigh fading (Section V-A).

    Every quantity has a key of its own and every entry too, so that a draw with more terminals or access points
    contains the smaller one, and both layouts see the same terminals.
    """
    p = params
    gain, terminal, ap = large_scale(p, key, places)
    antennas = p.ap_antennas if p.layout == "cell-free" else p.ap_antennas * p.access_points
    fading = draws.complex_normal(key, "fading", (p.subcarriers, p.terminals, gain.shape[1], antennas))
    return _assemble(p, key, on_gain(p, gain, fading), terminal, ap)


def large_scale(
    p: FairnessParams, key: Key[Array, ""], places: Mapping[str, Array] | None = None
) -> tuple[Float[Array, "K M"], Float[Array, "K 2"], Float[Array, "M 2"]]:
    """Power gains without fading, and where everything is; one access point in the middle where BS-centred."""
    spread = p.layout == "cell-free"
    aps = p.access_points if spread else 1
    even = {"terminal position": (p.terminals, 2)} | ({"ap position": (aps, 2)} if spread else {})
    drawn = draws.several(key, uniform=even, normal={"shadowing": (p.terminals, aps)})
    ap = p.radius_m * _disc(drawn["ap position"]) if spread else jnp.zeros((1, 2))
    terminal, ap = draws.placed(places, p.radius_m * _disc(drawn["terminal position"]), ap)
    flat = propagation.distance_m(terminal[:, None], ap[None])
    distance = jnp.sqrt(flat**2 + jnp.asarray(p.ap_height_m) ** 2)
    shadowing = jnp.sqrt(2.0) * drawn["shadowing"].real
    growth = p.path_loss_per_decade_db * jnp.log10(jnp.maximum(distance, 1.0))
    loss = p.path_loss_1m_db + growth + p.shadowing_db * shadowing
    return propagation.from_db(-jnp.maximum(loss, 0.0)), terminal, ap


def on_gain(p: FairnessParams, gain: Float[Array, "K M"], fading: Complex[Array, "S K M A"]) -> Complex[Array, "..."]:
    """Channels of fading on large-scale gains, in the chosen reading of ``h = beta hbar``."""
    return (jnp.sqrt(gain) if p.path_loss == "power" else gain)[..., None] * fading


def noise_w(p: FairnessParams, access_points: int) -> Float[Array, ""]:
    """Noise of every access point on one subcarrier, W, in the chosen reading."""
    one = 1e-3 * propagation.from_db(p.noise_density_dbm_hz) * p.bandwidth_hz / p.subcarriers
    return one * (access_points if p.noise == "printed" else 1)


def from_channels(channels: Any, params: FairnessParams, key: Key[Array, ""]) -> FairnessScenario:
    """A network on channels from outside (see :class:`trinode.channels.traced.TracedChannels`).

    Sizes come from the channels, which are narrowband and so alike on all subcarriers. Of a terminal with several
    antennas the first is used.
    """
    one = jnp.asarray(channels.uplink_channel)[..., 0]
    uplink = jnp.broadcast_to(one, (params.subcarriers, *one.shape))
    terminal = jnp.asarray(channels.terminal_position_m)
    return _assemble(params, key, uplink, terminal, jnp.asarray(channels.ap_position_m))


def _assemble(
    p: FairnessParams,
    key: Key[Array, ""],
    uplink: Complex[Array, "S K M A"],
    terminal: Float[Array, "K dims"],
    ap: Float[Array, "M dims"],
) -> FairnessScenario:
    k, m = uplink.shape[1:3]
    if p.interference == "printed":
        # (3) to the letter knows no directions: every terminal arrives on the same one, with the power that its own
        # combiner would have collected
        norm = jnp.sqrt(jnp.sum(jnp.abs(uplink) ** 2, axis=(2, 3), keepdims=True))
        uplink = jnp.broadcast_to(norm / np.sqrt(m * uplink.shape[3]), uplink.shape).astype(complex)

    drawn = draws.several(key, uniform=dict.fromkeys(SPREAD.values(), (k,)))
    known = same(p, FairnessScenario, K=k)
    for name, called in SPREAD.items():
        known[name] *= 1 + p.task_spread * (2 * drawn[called] - 1)
    return FairnessScenario(
        **known,
        uplink_channel=uplink,
        ap_noise_w=jnp.full((m,), noise_w(p, m), dtype=float),
        subcarrier_bandwidth_hz=jnp.asarray(p.bandwidth_hz, dtype=float) / p.subcarriers,
        terminal_position_m=terminal,
        ap_position_m=ap,
    )


def _disc(share: Float[Array, "n 2"]) -> Float[Array, "n 2"]:
    """Uniform points of the unit disc from uniform pairs on [0, 1)."""
    angle = 2 * jnp.pi * share[:, 1]
    return jnp.sqrt(share[:, :1]) * jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
