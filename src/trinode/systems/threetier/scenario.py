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

from trinode.channels.files import Field
from trinode.channels.traced import check_diagonal
from trinode.radio import draws, propagation
from trinode.systems.contract import Scenario
from trinode.systems.threetier.params import ThreetierParams

SCENARIO_SCHEMA: dict[str, Field] = {
    "uplink_channel": Field("complex", ("K", "M", "A", "T")),
    "ap_noise_w": Field("float", ("M",), "positive", "W"),
    "bandwidth_hz": Field("float", (), "positive", "Hz"),
    "terminal_channel": Field("complex", ("K", "K", "R", "T")),
    "radar_noise_w": Field("float", ("K",), "positive", "W"),
    "echo_gain": Field("float", ("K",), "nonnegative"),
    "transmit_steering": Field("complex", ("K", "T")),
    "receive_steering": Field("complex", ("K", "R")),
    "task_bits": Field("float", ("K",), "nonnegative", "bit"),
    "cycles_per_bit": Field("float", ("K",), "nonnegative", "cycle/bit"),
    "terminal_frequency_hz": Field("float", ("K",), "nonnegative", "Hz"),
    "edge_frequency_hz": Field("float", ("K",), "nonnegative", "Hz"),
    "cloud_frequency_hz": Field("float", ("K",), "nonnegative", "Hz"),
    "edge_capacity_hz": Field("float", ("M",), "nonnegative", "Hz"),
    "backhaul_bps": Field("float", (), "nonnegative", "bit/s"),
    "terminal_capacitance": Field("float", ("K",), "nonnegative"),
    "terminal_max_power_w": Field("float", ("K",), "nonnegative", "W"),
    "sensing_sinr_min": Field("float", ("K",), "nonnegative"),
    "terminal_position_m": Field("float", ("K", "2|3"), unit="m", optional=True),
    "ap_position_m": Field("float", ("M", "2|3"), unit="m", optional=True),
}


class ThreetierScenario(Scenario):
    """One network of the three-tier system; names, shapes and units are those of :data:`SCENARIO_SCHEMA`.

    Attributes
    ----------
    even_edge : bool
        Static: whether every terminal is known to get the same frequency at the edge, which makes offloading a
        transportation problem (else it is an integer program).
    """

    uplink_channel: Complex[Array, "K M A T"]
    ap_noise_w: Float[Array, " M"]
    bandwidth_hz: Float[Array, ""]
    terminal_channel: Complex[Array, "K K R T"]
    radar_noise_w: Float[Array, " K"]
    echo_gain: Float[Array, " K"]
    transmit_steering: Complex[Array, "K T"]
    receive_steering: Complex[Array, "K R"]
    task_bits: Float[Array, " K"]
    cycles_per_bit: Float[Array, " K"]
    terminal_frequency_hz: Float[Array, " K"]
    edge_frequency_hz: Float[Array, " K"]
    cloud_frequency_hz: Float[Array, " K"]
    edge_capacity_hz: Float[Array, " M"]
    backhaul_bps: Float[Array, ""]
    terminal_capacitance: Float[Array, " K"]
    terminal_max_power_w: Float[Array, " K"]
    sensing_sinr_min: Float[Array, " K"]
    terminal_position_m: Float[Array, "K dims"] | None = None
    ap_position_m: Float[Array, "M dims"] | None = None
    even_edge: bool = eqx.field(static=True, default=False)

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> ThreetierScenario:
        """Build a scenario from checked arrays; raises as :meth:`check_together`."""
        cls.check_together(arrays)
        own: dict[str, Any] = {name: jnp.asarray(value) for name, value in arrays.items()}
        return cls(**own).settled()

    @classmethod
    def check_together(cls, arrays: Mapping[str, Any]) -> None:
        """Refuse a terminal channel on the diagonal: a terminal does not interfere with its own radar."""
        check_diagonal(arrays["terminal_channel"])

    def settled(self) -> ThreetierScenario:
        """Whether frequencies at the edge are equal, in each of stacked networks."""
        frequency = self.edge_frequency_hz
        even = not isinstance(frequency, Tracer) and not np.any(np.ptp(np.asarray(frequency), axis=-1))
        return self if even == self.even_edge else replace(self, even_edge=even)

    @property
    def terminals(self) -> int:
        """K."""
        return self.uplink_channel.shape[0]

    @property
    def access_points(self) -> int:
        """L of the paper, M in files."""
        return self.uplink_channel.shape[1]


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
        uplink_channel=uplink,
        ap_noise_w=jnp.full((m,), noise, dtype=float),
        bandwidth_hz=jnp.asarray(p.bandwidth_hz, dtype=float),
        terminal_channel=crosstalk,
        radar_noise_w=per_terminal(noise),
        echo_gain=jnp.sqrt(cross_section * echo_path_gain),  # (6)
        transmit_steering=propagation.steering(angle, t, p.element_spacing),
        receive_steering=propagation.steering(angle, r, p.element_spacing).conj(),  # a^* of (5)
        task_bits=per_terminal(jnp.asarray(p.task_bits_per_hz) * p.bandwidth_hz * p.echo_looks),
        cycles_per_bit=per_terminal(p.cycles_per_bit),
        terminal_frequency_hz=per_terminal(p.terminal_frequency_hz),
        edge_frequency_hz=per_terminal(p.edge_frequency_hz),
        cloud_frequency_hz=per_terminal(p.cloud_frequency_hz),
        edge_capacity_hz=jnp.full((m,), p.edge_capacity_hz, dtype=float),
        backhaul_bps=jnp.asarray(p.backhaul_bps, dtype=float),
        terminal_capacitance=per_terminal(p.terminal_capacitance),
        terminal_max_power_w=per_terminal(propagation.from_db(p.terminal_max_power_dbm) * 1e-3),
        sensing_sinr_min=per_terminal(propagation.from_db(p.sensing_sinr_min_db)),
        terminal_position_m=terminal,
        ap_position_m=ap,
        even_edge=True,
    )


def _between(low: Any, high: Any, share: Float[Array, "..."]) -> Float[Array, "..."]:
    return low + (high - low) * share
