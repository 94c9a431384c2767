"""A network of the latency system: its arrays, drawn at random or brought from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Complex, Float, Key

from trinode.channels.traced import check_diagonal
from trinode.radio import clusters, draws, propagation
from trinode.systems.declared import NONNEGATIVE, POSITIVE, same
from trinode.systems.latency.params import LatencyParams
from trinode.systems.network import Scenario


class LatencyScenario(Scenario):
    """One network of the latency system; names, shapes and units are those of the file.

    Attributes
    ----------
    cluster_size : int
        Static: how many links a terminal has at most, see :func:`cluster_size`; 0 stands for all access points.
    """

    uplink_channel: Complex[Array, "K M A T"]
    serving: Bool[Array, "K M"]
    ap_noise_w: Float[Array, " M"] = eqx.field(metadata=POSITIVE)
    bandwidth_hz: Float[Array, ""] = eqx.field(metadata=POSITIVE)
    terminal_channel: Complex[Array, "K K R T"]
    radar_noise_w: Float[Array, " K"] = eqx.field(metadata=POSITIVE)
    echo_gain: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    transmit_steering: Complex[Array, "K T"]
    receive_steering: Complex[Array, "K R"]
    task_bits: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    terminal_cycles_per_bit: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    edge_cycles_per_bit: Float[Array, " M"] = eqx.field(metadata=NONNEGATIVE)
    cloud_cycles_per_bit: Float[Array, ""] = eqx.field(metadata=NONNEGATIVE)
    terminal_max_frequency_hz: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    edge_max_frequency_hz: Float[Array, " M"] = eqx.field(metadata=NONNEGATIVE)
    cloud_max_frequency_hz: Float[Array, ""] = eqx.field(metadata=NONNEGATIVE)
    fronthaul_max_bps: Float[Array, " M"] = eqx.field(metadata=NONNEGATIVE)
    terminal_capacitance: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    edge_capacitance: Float[Array, " M"] = eqx.field(metadata=NONNEGATIVE)
    terminal_max_power_w: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    ap_max_power_w: Float[Array, " M"] = eqx.field(metadata=NONNEGATIVE)
    sensing_sinr_min: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    terminal_position_m: Float[Array, "K dims"] | None = None
    ap_position_m: Float[Array, "M dims"] | None = None
    cluster_size: int = eqx.field(static=True, default=0)

    @classmethod
    def check_together(cls, arrays: Mapping[str, Any]) -> None:
        """Refuse a terminal channel on the diagonal: a terminal does not interfere with its own radar."""
        check_diagonal(arrays["terminal_channel"])

    def settled(self) -> LatencyScenario:
        """As many links as the largest cluster needs."""
        most = self.serving.shape[-1]
        largest = most if isinstance(self.serving, Tracer) else int(np.asarray(self.serving).sum(axis=-1).max())
        needed = cluster_size(max(1, largest), most)
        return self if needed <= self.cluster_size <= most else replace(self, cluster_size=needed)


def cluster_size(serving: int, access_points: int) -> int:
    """Links per terminal for clusters of so many access points: a multiple of three, so that sizes share programs."""
    return min(-(-serving // 3) * 3, access_points)


def draw(params: LatencyParams, key: Key[Array, ""], places: Mapping[str, Array] | None = None) -> LatencyScenario:
    """Draw a network: uniform positions, (54)-(56) of the paper, Rayleigh fading, targets of Section IV-A.

    Every quantity has a key of its own and every entry too, so that a draw with more terminals, access points or
    antennas contains the smaller one. The echo's loss is one-way, the only reading in which 1 dB can be met.
    """
    p = params
    k, m, t = p.terminals, p.access_points, p.terminal_antennas
    drawn = draws.several(
        key,
        uniform={"ap position": (m, 2), "terminal position": (k, 2)} | _targets(k),
        normal={"uplink fading": (k, m, p.ap_antennas, t), "terminal fading": (k, k, p.radar_antennas, t)},
    )
    area = jnp.asarray(p.area_m, dtype=float)
    terminal, ap = draws.placed(places, drawn["terminal position"] * area, drawn["ap position"] * area)
    gain = _gain(p, propagation.distance_m(terminal[:, None], ap[None]))
    between = _gain(p, propagation.distance_m(terminal[:, None], terminal[None]))
    between = jnp.where(jnp.eye(p.terminals, dtype=bool), 0.0, between)
    uplink = jnp.sqrt(gain)[..., None, None] * drawn["uplink fading"]
    crosstalk = jnp.sqrt(between)[..., None, None] * drawn["terminal fading"]
    reach = _target_distance(p, drawn)
    return _assemble(p, drawn, uplink, crosstalk, clusters.strongest(gain, p.serving), terminal, ap, _gain(p, reach))


def from_channels(channels: Any, params: LatencyParams, key: Key[Array, ""]) -> LatencyScenario:
    """A network on channels from outside (see :class:`trinode.channels.traced.TracedChannels`).

    Sizes come from the channels; serving clusters are the ``params.serving`` strongest access points that a
    terminal can reach at all, so a terminal without any link has an empty cluster. Targets are drawn as in the paper;
    their echoes lose what a free path of that length loses one way, since channels from outside carry their own
    lines of sight and (54), which has none, would put the echo some 28 dB below them.
    """
    uplink = jnp.asarray(channels.uplink_channel)
    crosstalk = jnp.asarray(channels.terminal_channel)
    sized = eqx.tree_at(lambda p: p.carrier_hz, params, jnp.asarray(channels.carrier_hz, dtype=float))
    gain = jnp.sum(jnp.abs(uplink) ** 2, axis=(2, 3))
    serving = clusters.strongest(gain, min(params.serving, uplink.shape[1]))
    terminal = jnp.asarray(channels.terminal_position_m)
    ap = jnp.asarray(channels.ap_position_m)
    drawn = draws.several(key, uniform=_targets(uplink.shape[0]))
    free = propagation.free_space_gain(_target_distance(sized, drawn), sized.carrier_hz)
    return _assemble(sized, drawn, uplink, crosstalk, serving, terminal, ap, free)


def _targets(terminals: int) -> dict[str, tuple[int]]:
    return dict.fromkeys(("target distance", "target angle", "target reflection"), (terminals,))


def _target_distance(p: LatencyParams, drawn: dict[str, Array]) -> Float[Array, " K"]:
    return _between(p.target_distance_min_m, p.target_distance_max_m, drawn["target distance"])


def _gain(p: LatencyParams, distance: Float[Array, "..."]) -> Float[Array, "..."]:
    return propagation.three_slope_gain(distance, p.carrier_hz, p.ap_height_m, p.terminal_height_m)


def _assemble(
    p: LatencyParams,
    drawn: dict[str, Array],
    uplink: Complex[Array, "K M A T"],
    crosstalk: Complex[Array, "K K R T"],
    serving: Bool[Array, "K M"],
    terminal: Float[Array, "K dims"],
    ap: Float[Array, "M dims"],
    echo_path_gain: Float[Array, " K"],
) -> LatencyScenario:
    k, m, _, t = uplink.shape
    r = crosstalk.shape[2]
    noise = propagation.thermal_noise_w(p.bandwidth_hz, p.noise_figure_db, p.temperature_k)
    angle = jnp.pi * drawn["target angle"]
    reflection = _between(p.reflection_min, p.reflection_max, drawn["target reflection"])

    def per_terminal(value: Any) -> Float[Array, " K"]:
        return jnp.full((k,), value, dtype=float)

    return LatencyScenario(
        **same(p, LatencyScenario, K=k, M=m),
        uplink_channel=uplink,
        serving=serving,
        ap_noise_w=jnp.full((m,), noise, dtype=float),
        terminal_channel=crosstalk,
        radar_noise_w=per_terminal(noise),
        echo_gain=reflection * jnp.sqrt(echo_path_gain),
        transmit_steering=propagation.steering(angle, t, p.element_spacing),
        receive_steering=propagation.steering(angle, r, p.element_spacing),
        sensing_sinr_min=per_terminal(propagation.from_db(p.sensing_sinr_min_db)),
        terminal_position_m=terminal,
        ap_position_m=ap,
        cluster_size=cluster_size(min(p.serving, m), m),
    )


def _between(low: Any, high: Any, share: Float[Array, "..."]) -> Float[Array, "..."]:
    return low + (high - low) * share
