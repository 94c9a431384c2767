"""Convex limits on what a downlink reaches.

With beams themselves: users of one antenna and one stream reach an SINR where
``Re(h w_k) >= sqrt(sinr / (1 + sinr)) |(h w_1, ..., h w_S, sigma)|``, a second-order cone and exact, since a beam's
phase is free (Bengtsson and Ottersten; Wiesel, Eldar and Shamai 2006). With covariances ``W_s`` (of rank one where a
decision is): everything is linear, and rates are limited by what is reached without interference, and together by what
users reach that hear jointly (Sato). Where channels are known up to an error, the S-procedure says in covariances what
every error leaves (Zheng, Wong and Ng 2008). Where they are estimated, the noise of the errors is one more convex
quadratic form of the beams, linear in covariances.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import cvxpy as cp
import numpy as np

from trinode.compose.relaxation import Data, Limits, Number, View

if TYPE_CHECKING:
    from trinode.compose.downlink import Downlink


def state(air: Downlink, view: View) -> None:
    """Write the limits of an air into a view."""
    (_covariances if view.covariances else _beams)(air, view)


def _share(sinr: Any, users: int) -> np.ndarray:
    """Share of the own signal in all that is heard at an SINR; 0 where nothing is asked."""
    asked = np.maximum(np.broadcast_to(np.asarray(sinr, float), users), 0.0)
    return -np.expm1(-np.log1p(asked))


def _sinr(rate: Any) -> np.ndarray:
    """What a rate in bit/s/Hz takes; beyond a thousand there is no number for it."""
    return np.expm1(np.log(2) * np.minimum(rate, 1000.0))


def _flat(air: Downlink) -> np.ndarray:
    """Channels over noise amplitudes, (K * R, M * A)."""
    users, receive = air.channel.shape[:2]
    channel = np.asarray(air.channel).reshape(users, receive, -1) / np.sqrt(np.asarray(air.noise_w))[:, None, None]
    return channel.reshape(users * receive, -1)


def _uncertain(air: Downlink) -> np.ndarray:
    """Norms of errors over those of channels."""
    return np.asarray(air.error_norm) / np.linalg.norm(np.asarray(air.channel).reshape(len(air.channel), -1), axis=1)


def _errors(air: Downlink) -> np.ndarray:
    """Covariances of the errors of estimates over noise powers, (K, M * A, M * A)."""
    _, _, points, antennas = air.channel.shape
    given = np.asarray(air.error_covariance)
    if given.ndim == 2:
        given = np.repeat(given, antennas, axis=1)[:, :, None] * np.eye(points * antennas)
    return given / np.asarray(air.noise_w)[:, None, None]


def _reference(air: Downlink) -> float:
    """A power of the size of what is spent, W, so that solvers see numbers of order one."""
    if air.limit != "none":
        return float(np.max(np.asarray(air.max_power_w)))
    channel = _flat(air)
    return float(len(channel) / np.mean(np.sum(np.abs(channel) ** 2, axis=1)))


def _beams(air: Downlink, view: View) -> None:
    users, receive, points, antennas = air.channel.shape
    if receive > 1 or air.streams > 1 or air.error_norm is not None:
        return
    own, n, streams = view.own, points * antennas, air.total_streams
    # real and imaginary parts below each other, power in units of the reference
    beams = cp.Variable((2 * n, streams))

    def rows(data: Data) -> np.ndarray:
        h = _flat(own(data)) * np.sqrt(_reference(own(data)))
        return np.concatenate([np.hstack([h.real, -h.imag]), np.hstack([h.imag, h.real])])

    def roots(data: Data) -> np.ndarray:
        """``|root (w)|^2`` is what errors make of a beam."""
        level, basis = np.linalg.eigh(_errors(own(data)) * _reference(own(data)))
        root = np.sqrt(np.maximum(level, 0.0))[:, :, None] * basis.swapaxes(1, 2)
        return np.array([doubled(one) for one in root])

    def reach(number: Number) -> list[Any]:
        def share(data: Data) -> np.ndarray:
            return np.sqrt(_share(number(data), users))

        wanted = cp.diag(view.number((users, 2 * n), lambda data: rows(data)[:users]) @ beams[:, :users])
        heard = view.number((2 * users, 2 * n), lambda data: np.tile(share(data), 2)[:, None] * rows(data)) @ beams
        noise = view.number((users, 1), lambda data: share(data)[:, None])
        others = [heard[:users], heard[users:], noise]
        if air.error_covariance is not None:
            each = [
                view.number((2 * n, 2 * n), lambda data, k=k: share(data)[k] * roots(data)[k]) for k in range(users)
            ]
            others.append(cp.vstack([cp.reshape(root @ beams, (1, 2 * n * streams), order="F") for root in each]))
        return [wanted >= cp.norm(cp.hstack(others), 2, axis=1)]

    def rate(scale: Number) -> Limits:
        return Limits(at_least=lambda number: reach(lambda data: _sinr(number(data) / scale(data))))

    view.state("sinr", lambda: Limits(at_least=reach))
    view.state("rate", lambda: rate(lambda data: 1.0))
    view.state("rate_bps", lambda: rate(lambda data: np.asarray(own(data).bandwidth_hz)))
    each = [
        cp.sum_squares(
            cp.vstack([beams[m * antennas : (m + 1) * antennas], beams[n + m * antennas : n + (m + 1) * antennas]])
        )
        for m in range(points)
    ]
    view.state(
        "power_w",
        lambda: Limits(lower=each[0] if air.single else cp.hstack(each), scale=lambda data: _reference(own(data))),
    )
    if air.limit == "none":
        return
    groups = {
        "sum": [range(n)],
        "access point": [range(m * antennas, (m + 1) * antennas) for m in range(points)],
        "antenna": [range(i, i + 1) for i in range(n)],
    }[air.limit]
    budget = view.number(
        (len(groups),), lambda d: np.sqrt(np.asarray(own(d).max_power_w).reshape(-1) / _reference(own(d))), nonneg=True
    )
    for place, group in enumerate(groups):
        both = [*group, *(n + i for i in group)]
        view.constraints.append(cp.norm(cp.vec(beams[both], order="F")) <= budget[place] * view.stretch)


def _covariances(air: Downlink, view: View) -> None:
    users, receive, points, antennas = air.channel.shape
    own, n = view.own, points * antennas
    # a covariance of the streams of each user, and one of all streams without data
    kinds = users + (1 if air.sensing_streams else 0)
    covariances = []
    for _ in range(kinds):
        lifted = hermitian(n)
        covariances.append(lifted)
        view.constraints.append(lifted >> 0)
    every: Any = sum(covariances[1:], covariances[0])
    view.share("covariances", covariances)
    view.share("covariance", every)
    view.share("reference", lambda data: _reference(own(data)))

    def rows(data: Data) -> np.ndarray:
        h = _flat(own(data)) * np.sqrt(_reference(own(data)))
        if air.error_norm is not None:  # limits that hold for some error hold for the worst
            h = h * (1 - _uncertain(own(data)))[:, None]
        return h.reshape(users, receive, n)

    def gram(data: Data, k: int) -> np.ndarray:
        h = rows(data)[k]
        return doubled(h.conj().T @ h).T

    def disturbed(data: Data, k: int) -> np.ndarray:
        """What is heard of everything, and what errors of the estimate let through."""
        if air.error_covariance is None:
            return gram(data, k)
        return gram(data, k) + doubled(_errors(own(data))[k].conj() * _reference(own(data))).T

    grams = [view.number((2 * n, 2 * n), lambda data, k=k: gram(data, k)) for k in range(users)]

    def heard(k: int, covariance: Any) -> Any:
        return cp.sum(cp.multiply(grams[k], covariance)) / 2

    plain = air.streams == 1 and receive == 1

    def reach(number: Number) -> list[Any]:
        found = []
        for k in range(users):

            def part(data: Data, k: int = k) -> float:
                return float(_share(number(data), users)[k])

            everything = view.number((2 * n, 2 * n), lambda data, k=k, part=part: part(data) * disturbed(data, k))
            noise = view.number((), part, nonneg=True)
            found.append(heard(k, covariances[k]) >= cp.sum(cp.multiply(everything, every)) / 2 + noise)
        return found

    def withstand(number: Number) -> list[Any]:
        """``v X v^H + price (|v - h|^2 - error^2) >= share`` for all v, X the own covariance less the share of all."""
        found = []
        prices = cp.Variable(users, nonneg=True)
        share = view.number((users,), lambda data: _share(number(data), users), nonneg=True)
        for k in range(users):
            # channels in units of their norm, which is that of the last row
            def turned(data: Data, k: int = k) -> np.ndarray:
                h = _flat(own(data))[k]
                return doubled((h.conj() / np.linalg.norm(h))[:, None])

            def noise(data: Data, k: int = k) -> float:
                h = _flat(own(data))[k]
                return float(_share(number(data), users)[k] / (np.sum(np.abs(h) ** 2) * _reference(own(data))))

            centre = view.number((2 * n, 2), turned)
            room = view.number((), lambda data, k=k: float(1 - _uncertain(own(data))[k] ** 2), nonneg=True)
            corner = prices[k] * room - view.number((), noise, nonneg=True)
            left = covariances[k] - share[k] * every + prices[k] * np.eye(2 * n)
            found.append(cp.bmat([[left, -prices[k] * centre], [-prices[k] * centre.T, corner * np.eye(2)]]) >> 0)
        return found

    asked = reach if air.error_norm is None else withstand

    def reached() -> Any:
        alone = _alone(air, view, covariances, rows, heard)
        found = cp.Variable(users)
        view.constraints.append(found <= alone)
        _together(view, every, found, rows)
        return found

    def rate(scale: Number) -> Limits:
        level = lambda number: asked(lambda data: _sinr(number(data) / scale(data)))  # noqa: E731
        return Limits(upper=reached, scale=scale, at_least=level if plain else None)

    if plain:
        one_by_one = cp.hstack([heard(k, covariances[k]) for k in range(users)])
        view.state("sinr", lambda: Limits(upper=one_by_one, at_least=asked))
    view.state("rate", lambda: rate(lambda data: 1.0))
    view.state("rate_bps", lambda: rate(lambda data: np.asarray(own(data).bandwidth_hz)))
    diagonal = (cp.diag(every)[:n] + cp.diag(every)[n:]) / 2
    spent = cp.reshape(diagonal, (points, antennas), order="C")
    by_point = cp.sum(spent) if air.single else cp.sum(spent, axis=1)
    view.state("power_w", lambda: Limits(upper=by_point, lower=by_point, scale=lambda data: _reference(own(data))))
    by_antenna = spent[0] if air.single else spent
    view.state(
        "antenna_power_w", lambda: Limits(upper=by_antenna, lower=by_antenna, scale=lambda data: _reference(own(data)))
    )
    if air.limit == "none":
        return
    budget = view.number(
        np.shape(air.max_power_w), lambda d: np.asarray(own(d).max_power_w) / _reference(own(d)), nonneg=True
    )
    each = {"sum": cp.sum(spent), "access point": cp.sum(spent, axis=1), "antenna": spent}[air.limit]
    view.constraints.append(each <= budget * view.stretch)


def _alone(air: Downlink, view: View, covariances: list[Any], rows: Any, heard: Any) -> Any:
    """Rates of users without interference, bit/s/Hz."""
    users, receive, _, _ = air.channel.shape
    if receive == 1:
        return cp.hstack([cp.log1p(heard(k, covariances[k])) for k in range(users)]) / np.log(2)
    each = [_log_det(view, lambda data, k=k: rows(data)[k], receive, covariances[k]) for k in range(users)]
    return cp.hstack(each)


def _together(view: View, every: Any, rate: Any, rows: Any) -> None:
    """All rates together are at most what users that hear jointly reach."""
    users, receive, n = rows(Data(view.program)).shape
    joint = lambda data: rows(data).reshape(-1, n)  # noqa: E731
    view.constraints.append(cp.sum(rate) <= _log_det(view, joint, users * receive, every))


def _log_det(view: View, rows: Number, count: int, covariance: Any) -> Any:
    """``log2 det(I + H W H^H)``."""
    size, inner = 2 * count, covariance.shape[0]

    def twice(data: Data) -> np.ndarray:
        one = doubled(rows(data))
        return np.kron(one, one)

    big = view.number((size * size, inner * inner), twice)
    heard = cp.reshape(big @ cp.vec(covariance, order="F"), (size, size), order="F")
    return cp.log_det(np.eye(size) + (heard + heard.T) / 2) / (2 * np.log(2))


def hermitian(size: int) -> Any:
    """A Hermitian matrix of variables in real numbers, ``[[Re, -Im], [Im, Re]]``: half the trace counts."""
    symmetric = cp.Variable((size, size), symmetric=True)
    if size == 1:
        return cp.bmat([[symmetric, np.zeros((1, 1))], [np.zeros((1, 1)), symmetric]])
    rows, columns = np.tril_indices(size, -1)
    free = np.arange(len(rows))
    spread = np.zeros((size * size, len(rows)))
    spread[rows + columns * size, free], spread[columns + rows * size, free] = 1.0, -1.0
    skew = cp.reshape(spread @ cp.Variable(len(rows)), (size, size), order="F")
    return cp.bmat([[symmetric, -skew], [skew, symmetric]])


def doubled(matrix: Any) -> np.ndarray:
    """A complex matrix in real numbers."""
    return np.block([[matrix.real, -matrix.imag], [matrix.imag, matrix.real]])
