"""Algorithms 2 and 3 of the region paper around the programs on CVXPY."""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode.reference.region import programs
from trinode.reference.region.programs import Array, Network


def algorithm_2(
    scenario: Any, sweeps: int = 15, parallel: bool = False, tolerance: float = 0.0
) -> tuple[Array, list[float]]:
    """Communication only: P2.6 for the access points in turn, or at once as printed.

    Parameters
    ----------
    sweeps, tolerance : int, float
        Most sweeps; it ends before when one changes the rate by no more than this share of it.

    Returns
    -------
    precoder : (M, K, A)
    history : list of float
        Sum rate after each sweep, bit/s/Hz; with ``parallel`` it may fall.
    """
    net = programs.network(scenario)
    m, _, a = net.sizes
    w, none = maximum_ratio(net), np.zeros((m, a, a), complex)
    history = []
    for _ in range(sweeps):
        before = w.copy()
        for i in range(m):
            seen = before if parallel else w
            gamma, g = programs.transforms(net, seen, none)
            new = programs.p2_6(net, seen, i, gamma, g)
            w = w.copy()
            w[i * a : (i + 1) * a] = new
        history.append(programs.sum_rate(net, w, none))
        if _at_rest(history, tolerance):
            break
    return unstacked(net, w), history


def algorithm_3(
    scenario: Any, rounds: int = 20, penalty: float = 10.0, literal: bool = False, tolerance: float = 0.0
) -> tuple[Array, Array, list[float]]:
    """Communication and sensing: P3.4 with iota and kappa brought up to date after each.

    It begins at maximum ratio precoders scaled down until P1's optimum, filled in, meets the requirement.

    Parameters
    ----------
    rounds, tolerance : int, float
        Most programs; it ends before when one changes the rate by no more than this share of it.
    penalty : float
        q of (51): at 1 the power ends below 1, at 100 steps are tiny.
    literal : bool
        The difference of convex functions as printed, under which all access points but the first stay where they are.

    Returns
    -------
    precoder : (M, K, A)
    sensing_covariance : (M, A, A)
    history : list of float
        Sum rate after each program, bit/s/Hz.
    """
    net = programs.network(scenario)
    limit = float(scenario.pattern_mse_max)
    w, z = _start(net, limit)
    history = [programs.sum_rate(net, w, z)]
    for _ in range(rounds):
        gamma, g = programs.transforms(net, w, z)
        w, z = programs.p3_4(net, w, gamma, g, limit, penalty, literal)
        history.append(programs.sum_rate(net, w, z))
        if _at_rest(history, tolerance):
            break
    return unstacked(net, w), z, history


def _at_rest(history: list[float], tolerance: float) -> bool:
    return len(history) > 1 and abs(history[-1] - history[-2]) <= tolerance * abs(history[-1])


def maximum_ratio(net: Network) -> Array:
    """Full power at every access point along the estimates, stacked (N, K)."""
    m, k, a = net.sizes
    w = net.channel.T.reshape(m, a, k)
    return (w / np.linalg.norm(w, axis=(1, 2), keepdims=True)).reshape(m * a, k)


def unstacked(net: Network, w: Array) -> Array:
    """From (N, K) to (M, K, A)."""
    m, k, a = net.sizes
    return w.reshape(m, a, k).swapaxes(1, 2)


def _start(net: Network, limit: float) -> tuple[Array, Array]:
    m, k, a = net.sizes
    best = np.stack([programs.p1(net, i)[1] if net.sensing[i] else np.zeros((a, a)) for i in range(m)])
    w = maximum_ratio(net).reshape(m, a, k)
    low, high = 0.0, 1.0
    for _ in range(40):
        share = (low + high) / 2
        low, high = (share, high) if _error(net, w, best, share) <= limit * (1 - 1e-4) else (low, share)
    scale = np.where(net.sensing, np.sqrt(low), 1.0)
    z = np.where(net.sensing, 1 - low, 0.0)[:, None, None] * best
    return (scale[:, None, None] * w).reshape(m * a, k), z


def _error(net: Network, w: Array, best: Array, share: float) -> float:
    errors = []
    for i in np.flatnonzero(net.sensing):
        q = share * w[i] @ w[i].conj().T + (1 - share) * best[i]
        pattern = np.einsum("da,ab,db->d", net.steering.conj(), q, net.steering).real
        ideal = net.ideal[i]
        errors.append(np.mean((ideal @ pattern / (ideal @ ideal) * ideal - pattern) ** 2))
    return float(np.mean(errors))
