"""Answers to the ready problems by other means: cones and bisection, semidefinite programs, fixed points, WMMSE.

They share no code with the general engine: benchmarks compare with them, and tests.
"""

from __future__ import annotations

from typing import Any

import cvxpy as cp
import numpy as np
from cvxpy.error import SolverError


def gaussian(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Complex Gaussian numbers of unit variance."""
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)


class MaxMin:
    """Second-order cones and bisection, the program compiled once; power per access point or in sum."""

    def __init__(self, users: int, points: int, antennas: int, per_point: bool = True) -> None:
        n = points * antennas
        self.beams = cp.Variable((n, users), complex=True)
        self.channel, self.lifted = cp.Parameter((users, n), complex=True), cp.Parameter((users, n), complex=True)
        self.amplitude = cp.Parameter(points if per_point else 1, nonneg=True)
        heard = self.channel @ self.beams
        wanted = cp.diag(self.lifted @ self.beams)
        held: list[Any] = [cp.imag(wanted) == 0]
        for k in range(users):
            held.append(cp.real(wanted[k]) >= cp.norm(cp.hstack([heard[k], 1])))
        groups = np.split(np.arange(n), points) if per_point else [np.arange(n)]
        self.stretch: Any = cp.Variable()
        for place, group in enumerate(groups):
            held.append(cp.norm(cp.vec(self.beams[group], order="F")) <= self.amplitude[place] * self.stretch)
        self.problem = cp.Problem(cp.Minimize(self.stretch), held)

    def __call__(self, channel: np.ndarray, noise_w: float, max_power_w: Any, steps: int = 40) -> float:
        flat = channel.reshape(len(channel), -1) / np.sqrt(noise_w)
        self.channel.value = flat
        self.amplitude.value = np.sqrt(np.atleast_1d(max_power_w))
        low, high = 0.0, self.most(channel, noise_w, max_power_w)
        for _ in range(steps):
            level = (low + high) / 2
            self.lifted.value = np.sqrt(1 + 1 / level) * flat
            self.problem.solve(solver=cp.CLARABEL)
            fits = self.problem.status == "optimal" and self.stretch.value <= 1
            low, high = (level, high) if fits else (low, level)
        return low

    @staticmethod
    def most(channel: np.ndarray, noise_w: float, max_power_w: Any) -> float:
        """What no user exceeds."""
        gain = np.sum(np.abs(channel.reshape(len(channel), -1)) ** 2, axis=1) / noise_w
        return float(np.max(gain) * np.sum(max_power_w))

    def cones(self, channel: np.ndarray, noise_w: float, max_power_w: Any, level: float) -> dict[str, Any]:
        """The conic program of a level, as it is handed to a solver."""
        flat = channel.reshape(len(channel), -1) / np.sqrt(noise_w)
        self.channel.value, self.lifted.value = flat, np.sqrt(1 + 1 / level) * flat
        self.amplitude.value = np.sqrt(np.atleast_1d(max_power_w))
        return self.problem.get_problem_data(cp.CLARABEL)[0]


def least_power(channel: np.ndarray, noise_w: float, sinr_min: Any) -> float:
    """The dual fixed point of the least power, whose value is the primal one."""
    h = channel.reshape(len(channel), -1) / np.sqrt(noise_w)
    asked = np.broadcast_to(sinr_min, len(h))
    price = np.ones(len(h)) / np.sum(np.abs(h) ** 2, axis=1)
    for _ in range(5000):
        total = np.eye(h.shape[1]) + (h.conj().T * price) @ h
        reach = np.real(np.sum(h.conj() * np.linalg.solve(total.conj(), h.T).T, axis=1))
        new = 1 / ((1 + 1 / asked) * reach)
        if np.max(np.abs(new / price - 1)) < 1e-14:
            break
        price = new
    return price.sum()


def brightest(
    channel: np.ndarray, target: np.ndarray, noise_w: float, max_power_w: np.ndarray, sinr_min: float
) -> tuple[float, int]:
    """The semidefinite relaxation of the illumination, W, and the largest rank of a user's covariance in it."""
    users, points, antennas = channel.shape
    n = points * antennas
    h = channel.reshape(users, n) / np.sqrt(noise_w)
    size = np.max(max_power_w)
    beams: list[Any] = [cp.Variable((n, n), hermitian=True) for _ in range(users + 1)]
    every: Any = sum(beams[1:], beams[0])
    held: list[Any] = [one >> 0 for one in beams]
    for k in range(users):
        gram = size * np.outer(h[k].conj(), h[k])
        heard = cp.real(cp.trace(gram @ every))
        held.append((1 + 1 / sinr_min) * cp.real(cp.trace(gram @ beams[k])) >= heard + 1)
    for m in range(points):
        at = slice(m * antennas, (m + 1) * antennas)
        held.append(cp.real(cp.trace(every[at, at])) <= max_power_w[m] / size)
    scale = np.max(np.abs(target)) ** 2
    reached = []
    for response in target:
        block = np.zeros((n, n), complex)
        for m in range(points):
            at = slice(m * antennas, (m + 1) * antennas)
            block[at, at] = np.outer(response[m], response[m].conj()) / scale
        reached.append(cp.real(cp.trace(block @ every)))
    problem = cp.Problem(cp.Maximize(cp.min(cp.hstack(reached))), held)
    problem.solve(solver=cp.CLARABEL)
    best: Any = problem.value
    if best is None or not np.isfinite(best):
        return np.nan, 0
    spread = [np.linalg.eigvalsh(one.value) for one in beams[:users]]
    return float(best * scale * size), max(int(np.sum(each > 1e-4 * each[-1])) for each in spread)


def wmmse(
    channel: np.ndarray,
    noise_w: float,
    power_w: float,
    streams: int,
    start: np.ndarray | None = None,
    tolerance: float = 1e-7,
    most: int = 3000,
) -> float:
    """Sum rate of the weighted mean square error method, bit/s/Hz (Shi, Razaviyayn, Luo and He 2011)."""
    users, receive, _ = channel.shape
    if start is None:
        start = np.array([np.linalg.svd(one)[2][:streams].conj() for one in channel])
    beams = start * np.sqrt(power_w / np.sum(np.abs(start) ** 2))
    rate, last = 0.0, 0.0
    for _ in range(most):
        heard = np.einsum("kra,jda->kjrd", channel, beams)
        covariance = np.einsum("kjrd,kjsd->krs", heard, heard.conj()) + noise_w * np.eye(receive)
        own = heard[np.arange(users), np.arange(users)]
        filters = np.linalg.solve(covariance, own)
        errors = np.eye(streams) - np.einsum("krd,kre->kde", own.conj(), filters)
        rate = -np.sum(np.linalg.slogdet(errors)[1]) / np.log(2)
        if rate - last < tolerance * rate:
            return rate
        last = rate
        weights = np.linalg.inv(errors)
        back = np.einsum("kra,krd->kad", channel.conj(), filters)
        level, turn = np.linalg.eigh(np.einsum("kad,kde,kbe->ab", back, weights, back.conj()))
        level = np.maximum(level, 0.0)
        aimed = np.einsum("ba,kbd,kde->kae", turn.conj(), back, weights)
        strength = np.sum(np.abs(aimed) ** 2, axis=(0, 2))
        low, high = 0.0, np.sqrt(strength.sum() / power_w)
        for _ in range(60):
            price = (low + high) / 2
            low, high = (price, high) if np.sum(strength / (level + price) ** 2) > power_w else (low, price)
        beams = np.einsum("ab,kbd->kda", turn / (level + high), aimed)
    return rate


def eigen_zero_forcing(channel: np.ndarray, noise_w: float, power_w: float) -> float:
    """Sum rate of one stream per user along the strongest receive directions, without interference, power filled in."""
    rows = np.array([np.linalg.svd(one)[0][:, 0].conj() @ one for one in channel])
    beams = np.linalg.pinv(rows)
    gain = 1 / (noise_w * np.sum(np.abs(beams) ** 2, axis=0))
    level = 0.0
    for used in range(len(gain), 0, -1):
        level = (power_w + np.sum(np.sort(1 / gain)[:used])) / used
        if level > np.sort(1 / gain)[used - 1]:
            break
    return float(np.sum(np.log2(1 + gain * np.maximum(level - 1 / gain, 0.0))))


Joint = tuple[np.ndarray, np.ndarray, np.ndarray]
"""Channels of users (K, A), targets (Q, R, A) and clutter (C, R, A), over the noise amplitudes."""


def joint_value(given: Joint, beams: np.ndarray, weight: float) -> float:
    """``min ln(1 + SINR) + weight min ln(1 + SCNR)`` of beams (S, A), filters being the best."""
    users, target, clutter = given
    power = np.abs(users @ beams.T) ** 2
    own = np.diag(power)
    sinr = own / (1 + power.sum(axis=1) - own)
    return float(np.log1p(sinr.min()) + weight * np.log1p(min(scnr for scnr, _ in _echoes(target, clutter, beams))))


def _echoes(target: np.ndarray, clutter: np.ndarray, beams: np.ndarray) -> list[tuple[float, np.ndarray]]:
    """SCNR and receive filter of each target."""
    found = []
    every = [one @ beams.T for one in (*target, *clutter)]
    total = np.eye(target.shape[1]) + sum(one @ one.conj().T for one in every)
    for one in every[: len(target)]:
        root = np.linalg.cholesky(total - one @ one.conj().T)
        white = np.linalg.solve(root, one)
        left, strength, _ = np.linalg.svd(white, full_matrices=False)
        found.append((float(strength[0] ** 2), np.linalg.solve(root.conj().T, left[:, 0])))
    return found


def joint_start(given: Joint, power_w: np.ndarray) -> np.ndarray:
    """Regularised zero forcing, as strong as the antennas allow."""
    users = given[0]
    beams = np.linalg.solve(users @ users.conj().T + np.eye(len(users)) * len(users) / power_w.sum(), users).conj()
    beams = beams / np.linalg.norm(beams, axis=1, keepdims=True)
    return beams * np.sqrt(np.min(power_w / np.sum(np.abs(beams) ** 2, axis=0)))


def projected_gradient(given: Joint, power_w: np.ndarray, weight: float, most: int = 300) -> float:
    """Ascent of the smoothed minima (log-sum-exp, sharper every 50 steps), rows scaled back to their limits.

    The step is halved until the value rises, as in projected gradient methods for fair joint beamforming (compare
    arXiv:2409.17644); filters are the best ones in every step.
    """
    users, target, clutter = given
    beams = joint_start(given, power_w)
    best, step = joint_value(given, beams, weight), 0.1

    def smooth(beams: np.ndarray, sharp: float) -> tuple[float, np.ndarray]:
        heard = users @ beams.T
        power = np.abs(heard) ** 2
        own = np.diag(power)
        total = 1 + power.sum(axis=1)
        rates = np.log(total) - np.log(total - own)
        share = np.exp(-sharp * (rates - rates.min()))
        value = rates.min() - np.log(share.sum()) / sharp
        share /= share.sum()
        others = heard * (1 - np.eye(len(heard)))
        push = (heard / total[:, None] - others / (total - own)[:, None]) * share[:, None]
        slope = push.T @ users.conj()
        echoes = _echoes(target, clutter, beams)
        rates = np.log1p([scnr for scnr, _ in echoes])
        share = np.exp(-sharp * (rates - rates.min()))
        value += weight * (rates.min() - np.log(share.sum()) / sharp)
        share *= weight / share.sum()
        for q, (_, receive) in enumerate(echoes):
            rows = np.array([receive.conj() @ one for one in (*target, *clutter)])
            heard = rows @ beams.T
            power = np.sum(np.abs(heard) ** 2, axis=1)
            noise = np.sum(np.abs(receive) ** 2)
            total_q, rest = power.sum() + noise, power.sum() + noise - power[q]
            lift = np.where(np.arange(len(rows)) == q, 1 / total_q, 1 / total_q - 1 / rest)
            slope += share[q] * (heard * lift[:, None]).T @ rows.conj()
        return float(value), slope

    for turn in range(most):
        sharp = 10.0 * 2 ** (turn // 50)
        value, slope = smooth(beams, sharp)
        for _ in range(30):
            moved = beams + step * slope / np.linalg.norm(slope) * np.linalg.norm(beams)
            moved *= np.minimum(1, np.sqrt(power_w / np.maximum(np.sum(np.abs(moved) ** 2, axis=0), 1e-300)))
            if smooth(moved, sharp)[0] > value:
                beams, step = moved, 1.5 * step
                break
            step /= 2
        best = max(best, joint_value(given, beams, weight))
    return best


def minorise_maximise(
    given: Joint, power_w: np.ndarray, weight: float, most: int = 30, tolerance: float = 1e-4
) -> float:
    """Concave minorants of all ratios, tight at the beams of before, on CVXPY until the value rests.

    ``|s|^2 / n >= 2 Re(y* s) - |y|^2 n`` with ``y = s / n`` of before (the quadratic transform of Shen and Yu 2018).
    """
    users, target, clutter = given
    streams, antennas = users.shape
    beams = cp.Variable((streams, antennas), complex=True)
    now: Any = joint_start(given, power_w)
    value = joint_value(given, now, weight)
    limits = [cp.norm(beams[:, a]) <= np.sqrt(power_w[a]) for a in range(antennas)]
    for _ in range(most):
        least, echo = cp.Variable(nonneg=True), cp.Variable(nonneg=True)
        held = [*limits]
        heard = users @ now.T
        for k, row in enumerate(users):
            mine = np.arange(streams) == k
            noise = 1 + np.sum(np.abs(heard[k, ~mine]) ** 2)
            y = heard[k, k] / noise
            loss = cp.sum_squares(beams[~mine] @ row) if streams > 1 else 0
            held.append(2 * cp.real(np.conj(y) * (beams[k] @ row)) - abs(y) ** 2 * (1 + loss) >= least)
        for q, (_, receive) in enumerate(_echoes(target, clutter, now)):
            rows = np.array([receive.conj() @ one for one in (*target, *clutter)])
            floor = np.sum(np.abs(receive) ** 2)
            back = rows @ now.T
            rest = np.arange(len(rows)) != q
            y = back[q] / (floor + np.sum(np.abs(back[rest]) ** 2))
            loss = cp.sum_squares(rows[rest] @ beams.T) + floor
            held.append(2 * cp.real(y.conj() @ (beams @ rows[q])) - np.sum(np.abs(y) ** 2) * loss >= echo)
        problem = cp.Problem(cp.Maximize(cp.log1p(least) + weight * cp.log1p(echo)), held)
        try:
            problem.solve(solver=cp.CLARABEL)
        except SolverError:  # the method ends where its program cannot be solved
            break
        now = beams.value
        last, value = value, joint_value(given, now, weight)
        if value - last < tolerance * abs(value):
            break
    return value
