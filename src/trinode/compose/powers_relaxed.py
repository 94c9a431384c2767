"""Convex limits on what powers reach.

That an SINR is at least so large is linear in the powers, ``p_k >= level (noise_k + sum_j gain_kj p_j) / gain_kk``, and
so exact; rates over several subcarriers are limited by what is reached without interference.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cvxpy as cp
import numpy as np

from trinode.compose.relaxation import Data, Limits, Number, View

if TYPE_CHECKING:
    from trinode.compose.powers import Powers

SMALLEST = 1e-6
"""Powers are counted in those of the decision at hand, or in this part of the limit where they are smaller."""


def state(air: Powers, view: View) -> None:
    """Write the limits of an air into a view."""
    own, place = view.own, view.place
    carriers, terminals, _ = air.gain.shape
    powers = cp.Variable((carriers, terminals), nonneg=True)

    def share(data: Data) -> np.ndarray:
        """What one of a variable is, over the limit of its terminal, (K,)."""
        sent = np.asarray(data.at.decision(place)["transmit_power_w"])
        return np.clip(np.sum(sent, axis=0) / np.asarray(own(data).max_power_w), SMALLEST, 1.0)

    def unit(data: Data) -> np.ndarray:
        return share(data) * np.asarray(own(data).max_power_w)

    def received(data: Data) -> np.ndarray:
        """Power behind each combiner over its noise, for one of each variable, (S, K, K)."""
        return np.asarray(own(data).gain) * unit(data) / np.asarray(own(data).noise_w)[..., None]

    def alone(data: Data) -> np.ndarray:
        return np.diagonal(received(data), axis1=1, axis2=2)

    spent = cp.sum(powers, axis=0)
    view.constraints.append(cp.multiply(view.number((terminals,), share, nonneg=True), spent) <= view.stretch)
    view.state("power_w", lambda: Limits(upper=spent, lower=spent, scale=unit))

    def reach(number: Number) -> list[Any]:
        def rows(data: Data, s: int) -> tuple[np.ndarray, np.ndarray]:
            """Of each terminal, what is wanted less so many times what disturbs it, and less noise; of order one."""
            level = np.maximum(np.asarray(number(data), float).reshape(carriers, terminals)[s], 0.0)[:, None]
            heard = np.where(np.eye(terminals, dtype=bool), received(data)[s], -level * received(data)[s])
            size = np.max(np.abs(np.hstack([heard, level])), axis=1, keepdims=True)
            size = np.where(size > 0, size, 1.0)
            return heard / size, (level / size)[:, 0]

        found = []
        for s in range(carriers):
            heard = view.number((terminals, terminals), lambda data, s=s: rows(data, s)[0])
            noise = view.number((terminals,), lambda data, s=s: rows(data, s)[1], nonneg=True)
            found.append(heard @ powers[s] >= noise)
        return found

    def undisturbed() -> Any:
        """SINRs over those of one of each variable."""
        return powers[0] if air.single else powers

    def sinr(data: Data) -> np.ndarray:
        return alone(data)[0] if air.single else alone(data)

    view.state("sinr", lambda: Limits(upper=undisturbed(), scale=sinr, at_least=reach))

    def rate_alone() -> Any:
        """``log2(1 + snr p) = log2(1 + snr) + log2((1 + snr p) / (1 + snr))``, whose last number is of order one."""
        shape = carriers, terminals
        noise = view.number(shape, lambda data: 1 / (1 + alone(data)), nonneg=True)
        signal = view.number(shape, lambda data: alone(data) / (1 + alone(data)), nonneg=True)
        usual = view.number((terminals,), lambda data: np.mean(np.log1p(alone(data)), axis=0), nonneg=True)
        each = cp.log(noise + cp.multiply(signal, powers))
        return (usual + cp.sum(each, axis=0) / carriers) / np.log(2)

    def rate(scale: Number) -> Limits:
        def level(number: Number) -> list[Any]:
            # beyond 300 bit/s/Hz there is none that fits numbers
            return reach(lambda data: np.expm1(np.log(2) * np.minimum(number(data) / scale(data), 300.0)))

        return Limits(upper=rate_alone, scale=scale, at_least=level if carriers == 1 else None)

    view.state("rate", lambda: rate(lambda data: 1.0))
    view.state("rate_bps", lambda: rate(lambda data: np.asarray(own(data).bandwidth_hz)))

    def bit_per_j(data: Data) -> np.ndarray:
        """What a joule carries at most, (K,): with vanishing power, on the best subcarrier."""
        part = own(data)
        snr = np.diagonal(np.asarray(part.gain), axis1=1, axis2=2) / np.asarray(part.noise_w)
        return np.asarray(part.bandwidth_hz) / carriers / np.log(2) * np.max(snr, axis=0)

    view.share("bit_per_j", bit_per_j)
