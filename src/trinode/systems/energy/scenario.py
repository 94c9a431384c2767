"""A network of the energy system: its arrays, drawn at random or brought from outside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Complex, Float, Key

from trinode.channels.files import Field, Schema
from trinode.radio import draws, propagation
from trinode.systems.declared import INNER, NONNEGATIVE, POSITIVE, same
from trinode.systems.energy.params import EnergyParams
from trinode.systems.network import Scenario

NEGLIGIBLE = 1e-10
"""Singular values below this share of the largest do not count as dimensions of a channel."""
ROUNDING = 1e-12
"""What rounding may leave of a dimension that is not there, over the largest singular value."""


class EnergyScenario(Scenario):
    """One network of the energy system; names, shapes and units are those of the file.

    The echo channels are kept as products, ``echo_channel[k, j] = echo_receive[k, j] @ echo_transmit[j]^H``, since
    one target leaves them with a single column; a matrix of R x T for every pair would not fit a batch.

    Attributes
    ----------
    echo_receive : (K, K, R, E)
        What terminal k's radar hears of terminal j's signal, per direction in which that signal is heard at all.
    echo_transmit : (K, T, E)
        These directions.
    channel_error : float, optional
        Largest spectral norm of the error of an uplink channel, over the channel's.
    uplink_rank : int
        Static: an upper bound of the rank of every uplink channel; 0 where none is known.
    """

    outer: ClassVar[Schema] = {"echo_channel": Field("complex", ("K", "K", "R", "T"))}

    uplink_channel: Complex[Array, "K A T"]
    ap_noise_w: Float[Array, ""] = eqx.field(metadata=POSITIVE)
    bandwidth_hz: Float[Array, ""] = eqx.field(metadata=POSITIVE)
    echo_receive: Complex[Array, "K K R E"] = eqx.field(metadata=INNER)
    echo_transmit: Complex[Array, "K T E"] = eqx.field(metadata=INNER)
    radar_noise_w: Float[Array, " K"] = eqx.field(metadata=POSITIVE)
    terminal_max_power_w: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    task_bits: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    cycles_per_bit: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    terminal_max_frequency_hz: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    ap_max_frequency_hz: Float[Array, ""] = eqx.field(metadata=NONNEGATIVE)
    terminal_capacitance: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    ap_capacitance: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    ap_energy_weight: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    sensing_sinr_min: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    latency_max_s: Float[Array, " K"] = eqx.field(metadata=POSITIVE)
    terminal_position_m: Float[Array, "K dims"] | None = None
    ap_position_m: Float[Array, "M dims"] | None = None
    channel_error: Float[Array, ""] | None = eqx.field(default=None, metadata=NONNEGATIVE)
    uplink_rank: int = eqx.field(static=True, default=0)

    @property
    def echo_channel(self) -> Complex[Array, "K K R T"]:
        """The echo channels as the file holds them."""
        return jnp.einsum("...kjre,...jte->...kjrt", self.echo_receive, self.echo_transmit.conj())

    @classmethod
    def inside(cls, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """Echo channels become products; channels of low rank are recognised, exactly up to rounding."""
        own = dict(arrays)
        if "echo_channel" in own:
            own["echo_receive"], own["echo_transmit"] = factor_echoes(np.asarray(own.pop("echo_channel")))
        return super().inside(own)

    def settled(self) -> EnergyScenario:
        """As many dimensions as the uplink channels need."""
        rank = _rank(self.uplink_channel, self.uplink_rank)
        return self if rank == self.uplink_rank else replace(self, uplink_rank=rank)


def _rank(channel: Array, known: int) -> int:
    """An upper bound of the ranks of matrices: the known one where it still is, else the largest of them."""
    full = min(channel.shape[-2:])
    if isinstance(channel, Tracer) or known >= full:
        return full
    matrices = np.asarray(channel)
    if known and _within(matrices, known):
        return known
    singular = np.linalg.svd(matrices, compute_uv=False)
    return max(int(np.max(np.sum(singular > NEGLIGIBLE * singular[..., :1], axis=-1))), 1)


def _within(matrices: np.ndarray, rank: int) -> bool:
    """Whether no matrix has a larger rank, save for rounding: seen from both sides through more random vectors."""
    dice = np.random.default_rng(1)
    left, right = (dice.standard_normal((2, rank + 1, size)) for size in matrices.shape[-2:])
    small = (left[0] + 1j * left[1]) @ matrices @ (right[0] + 1j * right[1]).T
    singular = np.linalg.svd(small, compute_uv=False)
    return bool(np.all(singular[..., -1] <= ROUNDING * singular[..., 0]))


def factor_echoes(channel: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Common right factors of the echo channels (K, K, R, T) of each transmitter: see :class:`EnergyScenario`."""
    k, _, r, t = channel.shape
    stacked = channel.transpose(1, 0, 2, 3).reshape(k, k * r, t)
    # QR first: of a tall matrix the small factor alone has the right singular vectors
    small = np.stack([np.linalg.qr(one, mode="r") for one in stacked])
    _, size, right = np.linalg.svd(small, full_matrices=False)
    rank = max(int(np.max(np.sum(size > NEGLIGIBLE * size.max(axis=1, keepdims=True), axis=1))), 1)
    transmit = right[:, :rank].conj().transpose(0, 2, 1)
    receive = np.einsum("kjrt,jte->kjre", channel, transmit)
    return receive, transmit


def draw(params: EnergyParams, key: Key[Array, ""], places: Mapping[str, Array] | None = None) -> EnergyScenario:
    """Draw a network: access point at the origin, target ahead of it, terminals on a ring around the target.

    Path loss of an urban micro cell in line of sight (3GPP TR 38.901), Rician fading with a few scattered paths,
    half-wavelength arrays of random orientation, and the radar equation there and back. All of this is chosen: the
    paper states none of it. Every quantity has a key of its own and every entry too. Terminals that are given a place
    count as no nearer to the target than ``terminal_distance_min_m``.
    """
    p = params
    k, scattered = p.terminals, (p.terminals, p.scattered_paths)
    alone = ("terminal distance", "terminal direction", "orientation", "line of sight phase")
    drawn = draws.several(
        key,
        uniform=dict.fromkeys(alone, (k,)) | {"departure": scattered, "arrival": scattered},
        normal={"scattered gain": scattered},
    )
    span = p.terminal_distance_max_m - p.terminal_distance_min_m
    distance = p.terminal_distance_min_m + span * drawn["terminal distance"]
    around = 2 * jnp.pi * drawn["terminal direction"]
    target = jnp.stack([jnp.asarray(p.target_distance_m, float), jnp.asarray(0.0), jnp.asarray(p.terminal_height_m)])
    place = jnp.stack(
        [
            target[0] + distance * jnp.cos(around),
            target[1] + distance * jnp.sin(around),
            jnp.full(k, p.terminal_height_m, dtype=float),
        ],
        axis=1,
    )
    ap = jnp.stack([jnp.asarray(0.0), jnp.asarray(0.0), jnp.asarray(p.ap_height_m, float)])
    if places:
        place, (ap,) = draws.placed(places, place, ap[None])
        aside = place[:, :2] - target[:2]
        distance = jnp.maximum(jnp.hypot(aside[:, 0], aside[:, 1]), p.terminal_distance_min_m)
        around = jnp.arctan2(aside[:, 1], aside[:, 0])
    from_ap = place - ap
    facing = 2 * jnp.pi * drawn["orientation"]
    bearing = jnp.arctan2(-from_ap[:, 1], -from_ap[:, 0]) - facing
    arrival = jnp.arctan2(from_ap[:, 1], from_ap[:, 0])
    length = propagation.distance_m(place, ap)
    uplink = _rician(p, drawn, jnp.sqrt(propagation.micro_cell_gain(length, p.carrier_hz)), bearing, arrival)
    seen = around + jnp.pi - facing
    if p.aligned_target:
        seen = jnp.arcsin(jnp.clip(jnp.sin(bearing) + p.bearing_offset, -1.0, 1.0))
    return assemble(p, uplink, distance, seen, place, ap[None], min(p.ap_antennas, p.terminal_antennas, paths(p)))


def paths(p: EnergyParams) -> int:
    """Paths of an uplink channel."""
    return 1 + p.scattered_paths


def _rician(
    p: EnergyParams,
    drawn: dict[str, Array],
    amplitude: Float[Array, " K"],
    bearing: Float[Array, " K"],
    arrival: Float[Array, " K"],
) -> Complex[Array, "K A T"]:
    """Channels of a line of sight and scattered paths of equal mean power, directions uniform over the half plane."""
    count = p.scattered_paths
    factor = propagation.from_db(p.rician_db)
    turn = jnp.exp(2j * jnp.pi * drawn["line of sight phase"])
    leave = jnp.pi * (drawn["departure"] - 0.5)
    reach = jnp.pi * (drawn["arrival"] - 0.5)
    weak = drawn["scattered gain"] / jnp.sqrt(max(count, 1) * (1 + factor))
    strong = jnp.sqrt(factor / (1 + factor)) * turn if count else turn
    gain = jnp.concatenate([strong[:, None], weak], axis=1) * amplitude[:, None]
    out = propagation.steering(
        jnp.concatenate([bearing[:, None], leave], axis=1), p.terminal_antennas, p.element_spacing
    )
    into = propagation.steering(jnp.concatenate([arrival[:, None], reach], axis=1), p.ap_antennas, p.element_spacing)
    return jnp.einsum("kl,kla,klt->kat", gain, into, out.conj())


def assemble(
    p: EnergyParams,
    uplink: Complex[Array, "K A T"],
    distance: Float[Array, " K"],
    seen: Float[Array, " K"],
    place: Float[Array, "K dims"],
    ap: Float[Array, "M dims"],
    rank: int,
) -> EnergyScenario:
    """A network of given channels, distances to the target and directions in which it is seen."""
    k, _, t = uplink.shape
    reach = jnp.sqrt(propagation.echo_gain(1.0, p.cross_section_m2, propagation.LIGHT_M_S / p.carrier_hz))
    receive = propagation.steering(seen, p.radar_antennas, p.element_spacing)
    if p.cross_echo == "literal":
        # (5): H~_j, whoever listens
        echo = jnp.broadcast_to((reach / distance[:, None] ** 2 * receive)[None], (k, k, p.radar_antennas))
    else:
        echo = reach / (distance[:, None] * distance[None, :])[..., None] * receive[:, None]
    known = same(p, EnergyScenario, K=k)
    known["terminal_max_frequency_hz"] += p.terminal_max_frequency_step_hz * jnp.arange(k)
    known["ap_energy_weight"] += p.ap_energy_weight_step * jnp.arange(k)

    def per_terminal(value: Any) -> Float[Array, " K"]:
        return jnp.full((k,), value, dtype=float)

    return EnergyScenario(
        **known,
        uplink_channel=uplink,
        ap_noise_w=1e-3 * propagation.from_db(p.ap_noise_dbm),
        echo_receive=echo[..., None].astype(complex),
        echo_transmit=propagation.steering(seen, t, p.element_spacing)[..., None],
        radar_noise_w=per_terminal(1e-3 * propagation.from_db(p.radar_noise_dbm)),
        sensing_sinr_min=per_terminal(propagation.from_db(p.sensing_sinr_min_db)),
        terminal_position_m=place,
        ap_position_m=ap,
        uplink_rank=rank,
    )
