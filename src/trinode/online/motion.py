"""Channels that move: ageing, walks over drawn path loss, tracks through a file; each a function of seed and slot.

What is drawn for a slot depends on the seed, the name of what is drawn, the slot and the indices alone, so that any
slot can be had without those before it where it does not build on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from importlib import import_module
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from scipy.special import j0

from trinode import _programs, api
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


def aged(channel: Any, rho: Any, key: Any, slot: Any, name: str = "channel", size: Any = None) -> Any:
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
MOST_GOALS = 2**16
"""Of a walk."""
WALKS = ("latency", "threetier")
"""Systems that draw terminals over an area."""
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
    rho = np.asarray(correlation(speed_m_s, slot_s, carrier_hz))
    axes = MOVING[system.name]
    fields = {name: jnp.asarray(getattr(network, name)) for name in axes}
    # what fades of a channel of few paths is its core between the spaces that the paths span
    few = system.name in FEW_PATHS
    spaces = {name: _spaces(fields[name]) if few else None for name in axes}
    cores = {name: _core(fields[name], spaces[name]) for name in axes}
    sizes = {n: np.sqrt(np.mean(np.abs(np.asarray(cores[n])) ** 2, axis=axes[n], keepdims=True)) for n in axes}
    yield network
    for slot in range(1, slots):
        given = cores, sizes, spaces, rho, np.asarray(seed), np.asarray(slot)
        cores, moved = _programs.call(_older, *given)
        yield _doors.trusted(replace(network, **jax.block_until_ready(moved)))


def _older(cores: Any, sizes: Any, spaces: Any, rho: Any, seed: Any, slot: Any) -> tuple[Any, Any]:
    """What fades one slot later, and the channels that come of it."""
    key = draws.named_key(jax.random.key(seed), "ageing")
    ahead = {name: aged(core, rho, key, slot, name, sizes[name]) for name, core in cores.items()}
    return ahead, {name: _whole(core, spaces[name]) for name, core in ahead.items()}


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
    length = speed_m_s * slot_s * (slots - 1)
    count, far, goals = 8, np.zeros(len(start)), np.zeros((len(start), 0, 2))
    while count * np.mean(high - low) < 4 * length:  # mostly long enough
        count *= 2
    while np.any(far <= length) and count <= MOST_GOALS:
        share = np.asarray(_goals(seed, (len(start), count, 2)))
        goals = low + share * (high - low)
        legs = np.diff(np.concatenate([start[:, None], goals], axis=1), axis=1)
        far, count = np.linalg.norm(legs, axis=2).sum(axis=1), 2 * count
    if np.any(far <= length) and length > 0:
        raise InputError("area_m", area_m, f"an area in which a walk of {length:.3g} m has at most {MOST_GOALS} legs")
    points = np.concatenate([start[:, None], goals], axis=1)
    walked = speed_m_s * slot_s * np.arange(slots)
    return np.stack([_along(own, walked) for own in points], axis=1)


@partial(jax.jit, static_argnames="shape")
def _goals(seed: Any, shape: tuple[int, ...]) -> Any:
    return draws.uniform(draws.named_key(jax.random.key(seed), "way points"), "goals", shape)


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
    params: Any = None,
) -> Iterator[Any]:
    """Networks along random way points: path gains of the system's own law at the new places, fading that ages.

    For systems that draw terminals over an area (latency, threetier). Serving clusters stay those of the first
    network; its fading is what its channels are over the root of their path gains.

    Parameters
    ----------
    area_m : float, (2,) or (2, 2), optional
        Where they walk, see :func:`way_points`; the square of ``params``' ``area_m`` where absent.
    params : mapping, optional
        Parameters with which the network was drawn, where they are not the defaults.
    """
    system, network = check_walks(network)
    values = api.parameters(system, params)
    side = float(values.area_m)
    if area_m is None:
        area_m = side if system.name == "latency" else _around(network, side)
    begin = np.asarray(network.terminal_position_m)
    path = way_points(begin, slots, speed_m_s=speed_m_s, slot_s=slot_s, area_m=area_m, seed=seed)
    heights = np.broadcast_to(begin[None, :, 2:], (slots, len(begin), begin.shape[1] - 2))
    path = np.concatenate([path, heights], axis=2)
    rho, ap = np.asarray(correlation(speed_m_s, slot_s, carrier_hz)), network.ap_position_m

    def over(channel: Any, gain: Any) -> Any:
        root = np.sqrt(np.asarray(gain))[..., None, None]
        return np.asarray(channel) / np.where(root > 0, root, 1.0)

    gains = _programs.call(_gains, system.name, values, ap, path[0])
    fading = tuple(over(*pair) for pair in zip((network.uplink_channel, network.terminal_channel), gains))
    yield network
    for slot in range(1, slots):
        given = system.name, values, ap, fading, rho, np.asarray(seed), np.asarray(slot), path[slot]
        fading, (uplink, crosstalk) = _programs.call(_further, *given)
        place = jnp.asarray(path[slot])
        moved = {"uplink_channel": uplink, "terminal_channel": crosstalk, "terminal_position_m": place}
        yield _doors.trusted(replace(network, **jax.block_until_ready(moved)))


def _gains(system: str, values: Any, ap: Any, place: Any) -> tuple[Any, Any]:
    """Path gains to access points and between terminals, by the system's own law."""
    law = import_module(f"trinode.online.{system}").path_gain
    off = ~jnp.eye(len(place), dtype=bool)
    between = law(values, propagation.distance_m(place[:, None], place[None]))
    return law(values, propagation.distance_m(place[:, None], ap[None])), jnp.where(off, between, 0.0)


def _further(
    system: str, values: Any, ap: Any, fading: Any, rho: Any, seed: Any, slot: Any, place: Any
) -> tuple[Any, Any]:
    """Fading one slot later, and the channels at these places."""
    key = draws.named_key(jax.random.key(seed), "walking")
    ahead = tuple(aged(one, rho, key, slot, name, 1.0) for one, name in zip(fading, ("uplink", "terminal")))
    gains = _gains(system, values, ap, place)
    return ahead, tuple(jnp.sqrt(gain)[..., None, None] * one for gain, one in zip(gains, ahead))


def check_walks(network: Any) -> tuple[Any, Any]:
    """The system of a network whose terminals can walk, and the network.

    Parameters
    ----------
    network : Scenario
        One network.

    Returns
    -------
    system : System
    network : Scenario

    Raises
    ------
    InputError
        A network of another system, or one that does not say where terminals are.
    """
    system, network = _doors.network(network)
    if system.name not in WALKS:
        raise InputError("network", f"one of {system.name}", f"one of {' or '.join(WALKS)}, which have an area")
    for name in ("terminal_position_m", "ap_position_m"):
        if getattr(network, name) is None:
            raise InputError(name, None, "positions, along which they walk")
    return system, network


def _around(network: Any, side: float) -> np.ndarray:
    middle = np.asarray(network.ap_position_m)[:, :2].mean(axis=0)
    return np.stack([middle - side / 2, middle + side / 2])
