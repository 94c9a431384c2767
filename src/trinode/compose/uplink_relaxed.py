"""Convex limits on what an uplink reaches: streams through their covariances, rates without interference."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cvxpy as cp
import numpy as np

from trinode.compose.downlink_relaxed import doubled, hermitian
from trinode.compose.relaxation import Data, Limits, NoBound, View

if TYPE_CHECKING:
    from trinode.compose.uplink import Uplink


def state(air: Uplink, view: View) -> None:
    """Write the limits of an air into a view."""
    if not view.covariances:
        raise NoBound("an uplink is seen through its covariances")
    terminals, points, _, antennas = air.channel.shape
    own, streams = view.own, air.streams
    # of each stream with data, and of the one without; in units of the power limit
    covariances = [[hermitian(antennas) for _ in range(streams + air.sensing_stream)] for _ in range(terminals)]
    view.constraints += [one >> 0 for each in covariances for one in each]
    every = [sum(each[1:], each[0]) for each in covariances]
    spent = cp.hstack([cp.trace(one) / 2 for one in every])
    view.constraints.append(spent <= view.stretch)
    view.share("covariance", every)
    view.share("reference", lambda data: np.asarray(own(data).max_power_w))

    def bit_per_j(data: Data) -> np.ndarray:
        """What a joule carries at most, (K,): with vanishing power, over the strongest direction of the best link."""
        part = own(data)
        h = np.asarray(part.channel) / np.sqrt(np.asarray(part.noise_w))[:, None, None]
        h = np.where(np.asarray(part.serving)[..., None, None], h, 0.0)
        if part.receiver == "joint":
            h = h.reshape(terminals, 1, -1, antennas)
        return np.asarray(part.bandwidth_hz) / np.log(2) * np.max(np.linalg.norm(h, 2, axis=(2, 3)), axis=1) ** 2

    view.share("bit_per_j", bit_per_j)

    def gram(data: Data, k: int, m: int) -> np.ndarray:
        part = own(data)
        if not part.serving[k, m]:
            return np.zeros((2 * antennas,) * 2)
        h = np.asarray(part.channel)[k, m] * np.sqrt(part.max_power_w[k] / part.noise_w[m])
        return doubled(h.conj().T @ h).T / 2

    def power(k: int, m: int, stream: int) -> Any:
        number = view.number((2 * antennas,) * 2, lambda data: gram(data, k, m))
        return cp.sum(cp.multiply(number, covariances[k][stream]))

    def sinr() -> Any:
        if air.receiver == "local":
            return cp.vstack([cp.hstack([power(k, m, m) for m in range(points)]) for k in range(terminals)])
        return cp.hstack([sum(power(k, m, 0) for m in range(points)) for k in range(terminals)])

    def rate() -> Any:
        return cp.log1p(sinr()) / np.log(2)

    view.state("sinr", lambda: Limits(upper=sinr()))
    view.state("rate", lambda: Limits(upper=rate()))
    view.state("rate_bps", lambda: Limits(upper=rate(), scale=lambda data: np.asarray(own(data).bandwidth_hz)))
    view.state(
        "power_w", lambda: Limits(upper=spent, lower=spent, scale=lambda data: np.asarray(own(data).max_power_w))
    )
