"""Answers to the ready problems by other means: cones and bisection, semidefinite programs, fixed points, WMMSE."""

import cvxpy as cp
import numpy as np


def gaussian(rng, *shape):
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)


class MaxMin:
    """Second-order cones and bisection, the program compiled once; power per access point or in sum."""

    def __init__(self, users, points, antennas, per_point=True):
        n = points * antennas
        self.beams = cp.Variable((n, users), complex=True)
        self.channel, self.lifted = cp.Parameter((users, n), complex=True), cp.Parameter((users, n), complex=True)
        self.amplitude = cp.Parameter(points if per_point else 1, nonneg=True)
        heard = self.channel @ self.beams
        wanted = cp.diag(self.lifted @ self.beams)
        held = [cp.imag(wanted) == 0]
        for k in range(users):
            held.append(cp.real(wanted[k]) >= cp.norm(cp.hstack([heard[k], 1])))
        groups = np.split(np.arange(n), points) if per_point else [np.arange(n)]
        self.stretch = cp.Variable()
        for place, group in enumerate(groups):
            held.append(cp.norm(cp.vec(self.beams[group], order="F")) <= self.amplitude[place] * self.stretch)
        self.problem = cp.Problem(cp.Minimize(self.stretch), held)

    def __call__(self, channel, noise_w, max_power_w, steps=40):
        flat = channel.reshape(len(channel), -1) / np.sqrt(noise_w)
        self.channel.value = flat
        self.amplitude.value = np.sqrt(np.atleast_1d(max_power_w))
        low, high = 0.0, float(np.max(np.sum(np.abs(flat) ** 2, axis=1)) * np.sum(max_power_w))
        for _ in range(steps):
            level = (low + high) / 2
            self.lifted.value = np.sqrt(1 + 1 / level) * flat
            self.problem.solve(solver=cp.CLARABEL)
            fits = self.problem.status == "optimal" and self.stretch.value <= 1
            low, high = (level, high) if fits else (low, level)
        return low


def least_power(channel, noise_w, sinr_min):
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


def brightest(channel, target, noise_w, max_power_w, sinr_min):
    """The semidefinite relaxation of the illumination, W."""
    users, points, antennas = channel.shape
    n = points * antennas
    h = channel.reshape(users, n) / np.sqrt(noise_w)
    size = np.max(max_power_w)
    beams = [cp.Variable((n, n), hermitian=True) for _ in range(users + 1)]
    every = sum(beams)
    held = [one >> 0 for one in beams]
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
    return problem.value * scale * size


def wmmse(channel, noise_w, power_w, streams, start=None, tolerance=1e-7, most=3000):
    """Sum rate of the weighted mean square error method, bit/s/Hz (Shi, Razaviyayn, Luo and He 2011)."""
    users, receive, _ = channel.shape
    if start is None:
        start = np.array([np.linalg.svd(one)[2][:streams].conj() for one in channel])
    beams = start * np.sqrt(power_w / np.sum(np.abs(start) ** 2))
    last = 0.0
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
