"""Beams to begin with: as much power on given data beams as the echo requirements leave."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Literal

import numpy as np

from trinode.errors import InputError
from trinode.reference.latency import _conic
from trinode.reference.latency._network import Bool, Complex, Network, Real, echo_sinr, network
from trinode.reference.latency.sensing import (
    complex_covariance,
    covariances,
    echo_constraints,
    gram,
    largest_factor,
)

LEAST_DATA_POWER = 0.01
"""Where the requirements leave less of the power to the directions, all streams share the sensing beams."""


def matched_directions(net: Network) -> Complex:
    """Unit beams (K, M, T) along the strongest input of each channel: maximum ratio transmission."""
    _, _, right = np.linalg.svd(net.uplink)
    return right[..., 0, :].conj()


def random_directions(net: Network, seed: int) -> Complex:
    """Random unit beams (K, M, T)."""
    draw = np.random.default_rng(seed)
    shape = (*net.serving.shape, net.antennas)
    direction = draw.standard_normal(shape) + 1j * draw.standard_normal(shape)
    return direction / np.linalg.norm(direction, axis=-1, keepdims=True)


def feasible_start(
    scenario: Any, beams: Literal["matched", "random"] = "matched", seed: int = 0
) -> tuple[Complex, Complex]:
    """Beams of full power, W^1/2, with as much of it in equal data beams as the echo requirements leave.

    Returns
    -------
    precoder, sensing_precoder : (K, M, T) and (K, T)

    Raises
    ------
    InputError
        No beams meet the requirements.
    """
    net = network(scenario)
    directions = matched_directions(net) if beams == "matched" else random_directions(net, seed)
    streams = net.serving & (net.amplitude > 0)[:, None]
    found = feasible_beams(net, directions, streams, np.ones(net.terminals), 1 + 1e-5)
    if found is None:
        raise InputError("sensing_sinr_min", net.requirement, "what some beams reach; see sensing_margin")
    return found[0] * net.amplitude[:, None, None], found[1] * net.amplitude[:, None]


def feasible_beams(
    net: Network, directions: Complex, streams: Bool, limit: Real, margin: float
) -> tuple[Complex, Complex] | None:
    """Data beams of equal power on the given directions and sensing beams that together meet (23h).

    Semidefinite program: the largest common part of the power, at most all of it, that goes into the data
    beams (and a twentieth of it towards the target, so that the sensing stream never vanishes) when
    covariances X_k of the rest meet the echo requirements; then the beam ``X a / sqrt(a^H X a)`` replaces
    each X. Where next to nothing is left for data, every stream becomes a part of the beam that serves the
    radar best.

    Parameters
    ----------
    directions : (K, M, T)
    streams : (K, M)
        Which data streams exist.
    limit : (K,)
        Radiated power, in the terminal's maximum.
    margin : float
        Factor on the requirements.

    Returns
    -------
    data, sensing : (K, M, T) and (K, T), or None where nothing meets the requirements.
    """
    cp = _conic.load()
    strength = np.sum(np.abs(net.echo) ** 2, axis=1)
    target = net.echo.conj() / np.sqrt(np.maximum(strength, 1e-300))[:, None]
    count = streams.sum(axis=1)
    weight = np.where(count > 0, 0.95 / np.maximum(count, 1), 0.0) * limit
    fixed = [
        _outer(np.sqrt(weight[k]) * directions[k, streams[k]]) + _outer((np.sqrt(limit[k]) * target[k])[None]) / 20
        for k in range(net.terminals)
    ]
    parts, common = covariances(net), cp.Variable(nonneg=True)
    total = [part + common * block for part, block in zip(parts, fixed)]
    problem = cp.Problem(
        cp.Maximize(common),
        [
            common <= 1,
            *(cp.trace(x) <= 2 * limit[k] for k, x in enumerate(total)),
            *echo_constraints(replace(net, requirement=net.requirement * margin), total, 1.0),
        ],
    )
    if not _conic.solve(problem) or common.value < LEAST_DATA_POWER:
        return _shared_sensing(net, streams, limit, margin)
    level = float(np.clip(common.value, 0, 1))
    data = np.where(streams[..., None], np.sqrt(level * weight)[:, None, None] * directions, 0)
    rest = [
        complex_covariance(part.value) + level * limit[k] / 20 * np.outer(target[k], target[k].conj())
        for k, part in enumerate(parts)
    ]
    sensing = np.stack([strongest_towards(net.echo[k], x) for k, x in enumerate(rest)])
    return (data, sensing) if _meets(net, data, sensing, limit) else _shared_sensing(net, streams, limit, margin)


def strongest_towards(echo_row: Complex, covariance: Complex) -> Complex:
    """Beam w with ``w w^H <= covariance`` that lights the target as much as the covariance does."""
    covariance = (covariance + covariance.conj().T) / 2
    light = float((echo_row @ covariance @ echo_row.conj()).real)
    if light <= 0:
        return np.zeros_like(echo_row)
    return covariance @ echo_row.conj() / np.sqrt(light)


def _shared_sensing(net: Network, streams: Bool, limit: Real, margin: float) -> tuple[Complex, Complex] | None:
    """The beams of the largest common echo margin, their power shared evenly by all streams of a terminal."""
    factor, beams = largest_factor(net, net.requirement)
    part = beams / np.sqrt(1 + streams.sum(axis=1))[:, None]
    data = np.where(streams[..., None], part[:, None], 0)
    return (data, part) if factor >= margin and _meets(net, data, part, limit) else None


def _meets(net: Network, data: Complex, sensing: Complex, limit: Real) -> bool:
    power = np.sum(np.abs(data) ** 2, axis=(1, 2)) + np.sum(np.abs(sensing) ** 2, axis=1)
    return bool(np.all(power <= limit * (1 + 1e-7)) and np.all(echo_sinr(net, data, sensing) >= net.requirement))


def _outer(rows: Complex) -> Real:
    """Real matrix Z of the covariance ``sum w w^H`` of beams given as rows."""
    return 2 * gram(rows.conj())
