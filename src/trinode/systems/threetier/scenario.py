"""A network of the three-tier system: its arrays, drawn at random or brought from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Complex, Float, Key

from trinode.channels.traced import check_diagonal
from trinode.radio import draws, propagation
from trinode.systems.declared import NONNEGATIVE, POSITIVE, same
from trinode.systems.network import Scenario
from trinode.systems.threetier.params import ThreetierParams


class ThreetierScenario(Scenario):
    """One network of the three-tier system; names, shapes and units are those of the file.

    Attributes
    ----------
    even_edge : bool
        Static: whether every terminal is known to get the same frequency at the edge, which makes offloading a
        transportation problem (else it is an integer program).
    """

    uplink_channel: Complex[Array, "K M A T"]
    ap_noise_w: Float[Array, " M"] = eqx.field(metadata=POSITIVE)
    bandwidth_hz: Float[Array, ""] = eqx.field(metadata=POSITIVE)
    terminal_channel: Complex[Array, "K K R T"]
    radar_noise_w: Float[Array, " K"] = eqx.field(metadata=POSITIVE)
    echo_gain: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    transmit_steering: Complex[Array, "K T"]
    receive_steering: Complex[Array, "K R"]
    task_bits: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    cycles_per_bit: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    terminal_frequency_hz: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    edge_frequency_hz: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    cloud_frequency_hz: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    edge_capacity_hz: Float[Array, " M"] = eqx.field(metadata=NONNEGATIVE)
    backhaul_bps: Float[Array, ""] = eqx.field(metadata=NONNEGATIVE)
    terminal_capacitance: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    terminal_max_power_w: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    sensing_sinr_min: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    terminal_position_m: Float[Array, "K dims"] | None = None
    ap_position_m: Float[Array, "M dims"] | None = None
    even_edge: bool = eqx.field(static=True, default=False)

    @classmethod
    def check_together(cls, arrays: Mapping[str, Any]) -> None:
        """Refuse a terminal channel on the diagonal: a terminal does not interfere with its own radar."""
        check_diagonal(arrays["terminal_channel"])

    def settled(self) -> ThreetierScenario:
        """Whether frequencies at the edge are equal, in each of stacked networks."""
        frequency = self.edge_frequency_hz
        even = not isinstance(frequency, Tracer) and not np.any(np.ptp(np.asarray(frequency), axis=-1))
        return self if even == self.even_edge else replace(self, even_edge=even)


CENTRE_M = (200.0, 200.0 / 3**0.5)
"""Centroid of the paper's three base stations."""
TRIANGLE_M = ((0.0, 0.0), (400.0, 0.0), (200.0, 200.0 * 3**0.5))
"""The paper's three base stations."""


def draw(params: ThreetierParams, key: Key[Array, ""], places: Mapping[str, Array] | None = None) -> ThreetierScenario:
    """Draw a network: Section IV-A of the paper, Rayleigh fading everywhere.

    Every quantity has a key of its own and every entry too, so that a draw with more terminals or antennas contains
    the smaller one. Channels between terminals are independent in both directions.
    """
    p = params
    k, m, t = p.terminals, p.access_points, p.terminal_antennas
    drawn = draws.several(
        key,
        uniform={"terminal position": (k, 2)} | _targets(k),
        normal={"uplink fading": (k, m, p.ap_antennas, t), "terminal fading": (k, k, p.radar_antennas, t)},
    )
    around = jnp.asarray(CENTRE_M) + (drawn["terminal position"] - 0.5) * p.area_m
    terminal, ap = draws.placed(places, around, _base_stations(p))
    gain = _gain(p, propagation.distance_m(terminal[:, None], ap[None]))
    between = _gain(p, propagation.distance_m(terminal[:, None], terminal[None]))
    between = jnp.where(jnp.eye(p.terminals, dtype=bool), 0.0, between)
    uplink = jnp.sqrt(gain)[..., None, None] * drawn["uplink fading"]
    crosstalk = jnp.sqrt(between)[..., None, None] * drawn["terminal fading"]
    reach = _target_distance(p, drawn)
    echo = propagation.from_db(p.reference_gain_db) * reach ** (-jnp.asarray(p.echo_path_exponent, dtype=float))
    return _assemble(p, drawn, uplink, crosstalk, terminal, ap, echo)


def from_channels(channels: Any, params: ThreetierParams, key: Key[Array, ""]) -> ThreetierScenario:
    """A network on channels from outside (see :class:`trinode.channels.traced.TracedChannels`).

    Sizes come from the channels. Targets are drawn as in the paper; their echoes lose what a free path of that
    length loses one way, which is (6) in the reading of :func:`draw` with the reference gain of that carrier.
    """
    uplink = jnp.asarray(channels.uplink_channel)
    drawn = draws.several(key, uniform=_targets(uplink.shape[0]))
    reach = _target_distance(params, drawn)
    reference = propagation.free_space_gain(jnp.asarray(1.0), jnp.asarray(channels.carrier_hz, dtype=float))
    return _assemble(
        params,
        drawn,
        uplink,
        jnp.asarray(channels.terminal_channel),
        jnp.asarray(channels.terminal_position_m),
        jnp.asarray(channels.ap_position_m),
        reference * reach ** (-jnp.asarray(params.echo_path_exponent, dtype=float)),
    )


def _base_stations(p: ThreetierParams) -> Float[Array, "M 2"]:
    if p.access_points == len(TRIANGLE_M):
        return jnp.asarray(TRIANGLE_M)
    angle = 2 * jnp.pi * jnp.arange(p.access_points) / p.access_points
    ring = jnp.stack([jnp.cos(angle), jnp.sin(angle)], axis=1)
    return jnp.asarray(CENTRE_M) + jnp.asarray(p.ring_radius_m, dtype=float) * ring


def _gain(p: ThreetierParams, distance: Float[Array, "..."]) -> Float[Array, "..."]:
    return propagation.from_db(p.reference_gain_db) / jnp.maximum(distance, p.least_distance_m) ** 2


def _targets(terminals: int) -> dict[str, tuple[int]]:
    return dict.fromkeys(("target distance", "target angle", "target reflection"), (terminals,))


def _target_distance(p: ThreetierParams, drawn: dict[str, Array]) -> Float[Array, " K"]:
    return _between(p.target_distance_min_m, p.target_distance_max_m, drawn["target distance"])


def _assemble(
    p: ThreetierParams,
    drawn: dict[str, Array],
    uplink: Complex[Array, "K M A T"],
    crosstalk: Complex[Array, "K K R T"],
    terminal: Float[Array, "K dims"],
    ap: Float[Array, "M dims"],
    echo_path_gain: Float[Array, " K"],
) -> ThreetierScenario:
    k, m, _, t = uplink.shape
    r = crosstalk.shape[2]
    noise = propagation.from_db(p.noise_density_dbm_hz) * 1e-3 * p.bandwidth_hz
    angle = jnp.pi * drawn["target angle"]
    cross_section = _between(p.reflection_min, p.reflection_max, drawn["target reflection"])

    def per_terminal(value: Any) -> Float[Array, " K"]:
        return jnp.full((k,), value, dtype=float)

    return ThreetierScenario(
        **same(p, ThreetierScenario, K=k, M=m),
        uplink_channel=uplink,
        ap_noise_w=jnp.full((m,), noise, dtype=float),
        terminal_channel=crosstalk,
        radar_noise_w=per_terminal(noise),
        echo_gain=jnp.sqrt(cross_section * echo_path_gain),  # (6)
        transmit_steering=propagation.steering(angle, t, p.element_spacing),
        receive_steering=propagation.steering(angle, r, p.element_spacing).conj(),  # a^* of (5)
        task_bits=per_terminal(jnp.asarray(p.task_bits_per_hz) * p.bandwidth_hz * p.echo_looks),
        terminal_max_power_w=per_terminal(propagation.from_db(p.terminal_max_power_dbm) * 1e-3),
        sensing_sinr_min=per_terminal(propagation.from_db(p.sensing_sinr_min_db)),
        terminal_position_m=terminal,
        ap_position_m=ap,
        even_edge=True,
    )


def _between(low: Any, high: Any, share: Float[Array, "..."]) -> Float[Array, "..."]:
    return low + (high - low) * share
