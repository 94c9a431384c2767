"""Channels that move: ageing, walks over drawn path loss, tracks through a file; each a function of seed and slot.

What is drawn for a slot depends on the seed, the name of what is drawn, the slot and the indices alone, so that any
slot can be had without those before it where it does not build on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import j0

from trinode import api
from trinode.errors import InputError
from trinode.radio import draws, propagation
from trinode.systems import doors as _doors

CARRIER_HZ = 2e9
"""Where a system does not say on which carrier it is."""


def correlation(speed_m_s: float, slot_s: float, carrier_hz: float = CARRIER_HZ) -> float:
    """Correlation of a fading coefficient from one slot to the next: ``J0(2 pi f_d T)``, ``f_d = v f / c``.

    Parameters
    ----------
    speed_m_s : float
        Of the terminal, m/s.
    slot_s : float
        From slot to slot, s.
    carrier_hz : float
        Hz.
    """
    for name, value in (("speed_m_s", speed_m_s), ("slot_s", slot_s), ("carrier_hz", carrier_hz)):
        if not np.all(np.isfinite(value)) or np.any(np.asarray(value) < 0):
            raise InputError(name, value, "a number of at least 0")
    return float(j0(2 * np.pi * speed_m_s * carrier_hz / propagation.LIGHT_M_S * slot_s))


def aged(channel: Any, rho: Any, key: Any, slot: int, name: str = "channel", size: Any = None) -> Any:
    """The channel one slot later: ``rho h + sqrt(1 - rho**2) w``, w as strong as the channel on the mean.

    Parameters
    ----------
    channel : complex array
        h.
    rho : float or array
        Of each entry, from -1 to 1.
    key : key
        Of all that moves (:func:`jax.random.key`).
    slot, name : int, str
        Which innovation w is drawn.
    size : array, optional
        Root of the mean power of each entry; that of its last two axes together where absent, which changes with the
        channel: give the root of the path gain to keep it.
    """
    h = jnp.asarray(channel)
    if size is None:
        size = jnp.sqrt(jnp.mean(jnp.abs(h) ** 2, axis=(-2, -1), keepdims=True))
    fresh = draws.complex_normal(jax.random.fold_in(key, slot), name, h.shape)
    return rho * h + jnp.sqrt(1 - jnp.asarray(rho) ** 2) * size * fresh


MOVING: dict[str, dict[str, tuple[int, ...]]] = {
    "latency": {"uplink_channel": (-2, -1), "terminal_channel": (-2, -1)},
    "threetier": {"uplink_channel": (-2, -1), "terminal_channel": (-2, -1)},
    "fairness": {"uplink_channel": (-4, -1)},
    "energy": {"uplink_channel": (-2, -1)},
    "region": {"channel_estimate": (-1,)},
}
"""Arrays of a network that fade, of each system, and the axes over which the mean power of a link is taken."""
FEW_PATHS = ("energy",)
"""Systems whose channels are of few paths."""


def ageing(
    network: Any, slots: int, *, speed_m_s: float, slot_s: float = 0.01, carrier_hz: float = CARRIER_HZ, seed: int = 0
) -> Iterator[Any]:
    """Networks of so many slots, the first one as given: every fading coefficient is a Gauss-Markov process.

    Path gains, tasks and targets stay; the mean power of each link is what it is in the first network, over its
    antennas and subcarriers. Of the energy system the channels keep their row and column spaces, so that no direction
    is added to those of their paths.

    Parameters
    ----------
    network : Scenario
        Of a system of trinode.
    slots : int
        How many.
    speed_m_s, slot_s, carrier_hz : float
        See :func:`correlation`.
    seed : int
        The same one, the same networks.
    """
    system, network = _doors.network(network)
    if system.name not in MOVING:
        raise InputError("network", f"one of {system.name}", f"one of {', '.join(MOVING)}")
    rho = correlation(speed_m_s, slot_s, carrier_hz)
    key = draws.named_key(jax.random.key(seed), "ageing")
    names = MOVING[system.name]
    fields = {name: jnp.asarray(getattr(network, name)) for name in names}
    # what fades of a channel of few paths is its core between the spaces that the paths span
    few = system.name in FEW_PATHS
    spaces = {name: _spaces(fields[name]) if few else None for name in names}
    cores = {name: _core(fields[name], spaces[name]) for name in names}
    sizes = {n: jnp.sqrt(jnp.mean(jnp.abs(cores[n]) ** 2, axis=names[n], keepdims=True)) for n in names}
    step = jax.jit(lambda cores, slot: {n: aged(cores[n], rho, key, slot, n, sizes[n]) for n in names})
    rebuild = jax.jit(lambda cores: {name: _whole(cores[name], spaces[name]) for name in names})
    for slot in range(slots):
        if slot:
            cores = step(cores, slot)
        yield network if not slot else _doors.trusted(replace(network, **rebuild(cores)))


def _spaces(channel: Any) -> tuple[Any, Any] | None:
    """Orthonormal bases of the column and row spaces of each link's matrix, where they are not everything."""
    left, size, right = np.linalg.svd(np.asarray(channel), full_matrices=False)
    rank = int(np.max(np.sum(size > 1e-9 * size[..., :1], axis=-1)))
    if rank in (0, size.shape[-1]):
        return None
    return jnp.asarray(left[..., :rank]), jnp.asarray(right[..., :rank, :])


def _core(channel: Any, spaces: Any) -> Any:
    if spaces is None:
        return channel
    left, right = spaces
    return jnp.swapaxes(left.conj(), -1, -2) @ channel @ jnp.swapaxes(right.conj(), -1, -2)


def _whole(core: Any, spaces: Any) -> Any:
    return core if spaces is None else spaces[0] @ core @ spaces[1]


def way_points(
    positions_m: Any, slots: int, *, speed_m_s: float, slot_s: float, area_m: Any, seed: int = 0
) -> np.ndarray:
    """Random way points: everyone walks straight to a point drawn uniformly in the area, then to the next one.

    Parameters
    ----------
    positions_m : (K, 2)
        Where they begin.
    slots : int
        How many.
    speed_m_s, slot_s : float
        Of everyone, and the time between slots.
    area_m : float or (2,) or (2, 2)
        Side of a square from the origin, sides of such a rectangle, or its lower and upper corner.
    seed : int
        The same one, the same walks; another terminal leaves those of the others.

    Returns
    -------
    positions : (slots, K, 2)
    """
    start = np.asarray(positions_m, float)[:, :2]
    low, high = _corners(area_m)
    key = draws.named_key(jax.random.key(seed), "way points")
    length = speed_m_s * slot_s * (slots - 1)
    count = 1
    goals = np.zeros((len(start), 0, 2))
    far = np.zeros(len(start))
    while np.any(far <= length) and count < 2**16:  # more legs until everyone's way is long enough
        count *= 2
        share = np.asarray(draws.uniform(key, "goals", (len(start), count, 2)))
        goals = low + share * (high - low)
        legs = np.diff(np.concatenate([start[:, None], goals], axis=1), axis=1)
        far = np.linalg.norm(legs, axis=2).sum(axis=1)
    points = np.concatenate([start[:, None], goals], axis=1)
    walked = speed_m_s * slot_s * np.arange(slots)
    return np.stack([_along(own, walked) for own in points], axis=1)


def _along(points: np.ndarray, walked: np.ndarray) -> np.ndarray:
    """Places on a broken line at walked lengths."""
    marks = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    return np.stack([np.interp(walked, marks, points[:, axis]) for axis in range(2)], axis=1)


def _corners(area: Any) -> tuple[np.ndarray, np.ndarray]:
    given = np.asarray(area, float)
    if given.shape == (2, 2):
        return given[0], given[1]
    if given.shape in ((), (2,)):
        return np.zeros(2), np.broadcast_to(given, (2,))
    raise InputError("area_m", area, "a side, two sides, or two corners")


def walking(
    network: Any,
    slots: int,
    *,
    speed_m_s: float,
    slot_s: float = 0.01,
    area_m: Any = None,
    carrier_hz: float = CARRIER_HZ,
    seed: int = 0,
    **params: Any,
) -> Iterator[Any]:
    """Networks along random way points: path gains of the system's own law at the new places, fading that ages.

    For systems that draw terminals over an area (latency, threetier). Serving clusters stay those of the first
    network; its fading is what its channels are over the root of their path gains.

    Parameters
    ----------
    area_m : float, (2,) or (2, 2), optional
        Where they walk, see :func:`way_points`; the square of ``params``' ``area_m`` where absent.
    **params
        Parameters with which the network was drawn.
    """
    system, network = _doors.network(network)
    if system.name not in ("latency", "threetier"):
        raise InputError("network", f"one of {system.name}", "one of latency or threetier, which have an area")
    from importlib import import_module

    values = api.parameters(system, params)
    law = import_module(f"trinode.online.{system.name}").path_gain
    side = float(values.area_m)
    if area_m is None:
        area_m = side if system.name == "latency" else _around(network, side)
    begin = np.asarray(network.terminal_position_m)
    path = way_points(begin, slots, speed_m_s=speed_m_s, slot_s=slot_s, area_m=area_m, seed=seed)
    heights = np.broadcast_to(begin[None, :, 2:], (slots, len(begin), begin.shape[1] - 2))
    path = np.concatenate([path, heights], axis=2)
    rho = correlation(speed_m_s, slot_s, carrier_hz)
    key = draws.named_key(jax.random.key(seed), "walking")
    off = ~jnp.eye(len(begin), dtype=bool)

    @jax.jit
    def gains(place: Any) -> tuple[Any, Any]:
        ap = network.ap_position_m
        up = law(values, propagation.distance_m(place[:, None], ap[None]))
        return up, jnp.where(off, law(values, propagation.distance_m(place[:, None], place[None])), 0.0)

    def over(channel: Any, gain: Any) -> Any:
        root = jnp.sqrt(gain)[..., None, None]
        return channel / jnp.where(root > 0, root, 1.0)

    up, between = gains(jnp.asarray(path[0]))
    fading = over(network.uplink_channel, up), over(network.terminal_channel, between)

    @jax.jit
    def one(fading: Any, slot: Any, place: Any) -> Any:
        own = tuple(aged(one, rho, key, slot, name, 1.0) for one, name in zip(fading, ("uplink", "terminal")))
        up, between = gains(place)
        return own, tuple(jnp.sqrt(gain)[..., None, None] * one for gain, one in zip((up, between), own))

    for slot in range(slots):
        if not slot:
            yield network
            continue
        fading, (uplink, crosstalk) = one(fading, slot, jnp.asarray(path[slot]))
        moved = {
            "uplink_channel": uplink,
            "terminal_channel": crosstalk,
            "terminal_position_m": jnp.asarray(path[slot]),
        }
        yield _doors.trusted(replace(network, **moved))


def _around(network: Any, side: float) -> np.ndarray:
    middle = np.asarray(network.ap_position_m)[:, :2].mean(axis=0)
    return np.stack([middle - side / 2, middle + side / 2])
