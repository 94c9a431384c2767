"""What the radars of a network can reach: the echo requirements (23h) as semidefinite programs.

Rank one is enough for echoes: for any covariance X of terminal k the beam ``w = X a / sqrt(a^H X a)`` lights
the target as much, and ``w w^H <= X``, so it uses no more power and disturbs nobody more. The largest margin
is therefore found on beams, by second-order cones, which a solver answers more sharply;
:func:`sensing_feasible` is the semidefinite program.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from trinode.reference.latency import _conic
from trinode.reference.latency._network import Bool, Complex, Network, Real, echo_sinr, network, root


class SensingMargin(NamedTuple):
    """Largest common factor on every echo requirement, and largest common echo SINR, that any beams reach."""

    margin_max: float
    sinr_max: float


def sensing_margin(scenario: Any, tolerance: float = 1e-9) -> SensingMargin:
    """How far all echo requirements can be raised together within the power limits (23c).

    The factor is the root of a decreasing function: the largest radar noise amplitude that beams at full
    power can bear when every requirement is multiplied by it.

    Returns
    -------
    SensingMargin
        ``margin_max`` is infinite where no terminal has a requirement; the requirements can be met when it is
        at least 1. ``sinr_max`` is linear, over all terminals. Both are attained by beams, so they err low,
        by about ``tolerance`` relative.
    """
    net = network(scenario)
    ones = np.ones(net.terminals)
    margin, _ = largest_factor(net, net.requirement, tolerance)
    wanted = net.requirement
    if np.all(wanted > 0) and np.ptp(wanted) == 0:
        return SensingMargin(margin, margin * float(wanted[0]))
    return SensingMargin(margin, largest_factor(net, ones, tolerance)[0])


def largest_factor(net: Network, requirement: Real, tolerance: float = 1e-9) -> tuple[float, Complex]:
    """Largest factor on the echo requirements, and sensing beams (K, T) that reach it."""
    active = requirement > 0
    if not active.any():
        return float("inf"), np.zeros_like(net.echo)
    strength = np.sum(np.abs(net.echo) ** 2, axis=1)
    full = np.where(active[:, None], net.echo.conj() / np.sqrt(np.maximum(strength, 1e-300))[:, None], 0.0)
    if np.any(strength[active] == 0):
        return 0.0, full
    problem = _beam_problem(active.tobytes(), net.antennas)
    problem.place(net, requirement)
    beams = {}

    def spare(inverse: float) -> float:
        amplitude, beams[inverse] = problem.noise_borne(inverse)
        return amplitude**2 - 1

    def reached(beam: Complex) -> float:
        sinr = echo_sinr(net, np.zeros((*net.serving.shape, net.antennas), complex), beam)
        return float(np.min(sinr[active] / requirement[active]))

    best = float(np.min(strength[active] / requirement[active]))  # without interference
    easy = reached(full)
    low, high = 1 / best, 1 / easy  # of the inverse factor
    if high <= low * (1 + tolerance) or spare(low) >= 0:
        return easy, full
    if spare(high) <= 0:  # the solver is not sharper than the start
        return easy, full
    inverse = root(spare, low, high, tolerance)
    found = [full, *(beams[key] for key in beams if abs(key / inverse - 1) < 1e-3)]
    value = max(found, key=reached)
    return reached(value), value


class _BeamProblem:
    """Largest radar noise amplitude that beams bear at a given factor on the requirements."""

    def __init__(self, active: Bool, antennas: int):
        cp = _conic.load()
        self.active = active
        self.antennas = antennas
        count = int(active.sum())
        self.beam = cp.Variable((2 * antennas, count))
        self.noise = cp.Variable()
        self.echo_re = [cp.Parameter(2 * antennas) for _ in range(count)]
        self.echo_im = [cp.Parameter(2 * antennas) for _ in range(count)]
        self.crosstalk = {
            (k, j): cp.Parameter((2 * antennas, 2 * antennas)) for k in range(count) for j in range(count) if j != k
        }
        constraints = []
        for k in range(count):
            u = self.beam[:, k]
            disturbance = [self.crosstalk[k, j] @ self.beam[:, j] for j in range(count) if j != k]
            constraints += [
                cp.norm(cp.hstack([self.noise, *disturbance])) <= self.echo_re[k] @ u,
                self.echo_im[k] @ u == 0,
                cp.norm(u) <= 1,
            ]
        self.problem = cp.Problem(cp.Maximize(self.noise), constraints)

    def place(self, net: Network, requirement: Real) -> None:
        """Load a network; each constraint is divided by its terminal's root requirement."""
        index = np.nonzero(self.active)[0]
        self.row = net.echo[index] / np.sqrt(requirement[index])[:, None]
        self.index, self.net = index, net
        for (k, j), parameter in self.crosstalk.items():
            parameter.value = real_factor(net.crosstalk[index[k], index[j]])

    def noise_borne(self, inverse_factor: float) -> tuple[float, Complex]:
        """Noise amplitude at the factor ``1 / inverse_factor``, and the beams."""
        for k, row in enumerate(self.row):
            self.echo_re[k].value, self.echo_im[k].value = _conic.embed(row * np.sqrt(inverse_factor))
        beams = np.zeros_like(self.net.echo)
        if not _conic.solve(self.problem, 1e-10):
            return 0.0, beams
        u = self.beam.value[: self.antennas] + 1j * self.beam.value[self.antennas :]
        beams[self.index] = (u / np.maximum(np.linalg.norm(u, axis=0), 1)).T
        return max(float(self.noise.value), 0.0), beams


@lru_cache(maxsize=32)
def _beam_problem(active: bytes, antennas: int) -> _BeamProblem:
    return _BeamProblem(np.frombuffer(active, bool), antennas)


def real_factor(channel: Complex) -> Real:
    """Square real matrix F with ``|F [Re w; Im w]| = |channel w|`` for every w."""
    antennas = channel.shape[-1]
    triangle = np.asarray(np.linalg.qr(channel, mode="r"))
    square = np.zeros((antennas, antennas), complex)
    square[: triangle.shape[0]] = triangle
    return np.concatenate(_conic.embed(square), axis=0)


def sensing_feasible(scenario: Any, tolerance: float = 1e-6) -> bool:
    """Whether any covariances within the power limits (23c) meet every echo requirement (23h)."""
    return sensing_slack(network(scenario)) >= 1 - tolerance


def sensing_slack(net: Network) -> float:
    """Largest multiple of the radar noise under which covariances still meet the requirements.

    Maximises n subject to ``e_k X_k e_k^H >= s_k (n + sum_j tr G_kj X_j G_kj^H)``, ``tr X_k <= 1``, ``X_k >=
    0``; infinite where no terminal has a requirement, negative infinity where the solver found nothing.
    """
    cp = _conic.load()
    if not np.any(net.requirement > 0):
        return float("inf")
    noise = cp.Variable()
    parts = covariances(net)
    unit = np.min(_strength(net)[net.requirement > 0])
    if unit == 0:
        return 0.0
    problem = cp.Problem(
        cp.Maximize(noise),
        [*echo_constraints(net, parts, unit * noise), *(cp.trace(part) <= 2 for part in parts)],
    )
    return float(noise.value) * unit if _conic.solve(problem) else float("-inf")


def covariances(net: Network) -> list[Any]:
    """Variables Z_k >= 0, real, for covariances X_k: ``e X e^H = tr(E^T E Z) / 2`` for embedded rows E.

    A real matrix without the symmetry of an embedded complex one loses nothing, since averaging restores the
    symmetry, and Clarabel answers far better than with the equations that CVXPY adds for Hermitian variables.
    """
    cp = _conic.load()
    return [cp.Variable((2 * net.antennas, 2 * net.antennas), PSD=True) for _ in range(net.terminals)]


def complex_covariance(part: Real) -> Complex:
    """X of a real Z of :func:`covariances`."""
    n = part.shape[0] // 2
    return ((part[:n, :n] + part[n:, n:]) + 1j * (part[n:, :n] - part[:n, n:])) / 2


def echo_constraints(net: Network, parts: list[Any], noise: Any) -> list[Any]:
    """(23h) in covariances, each divided by its terminal's largest echo SINR over its requirement."""
    cp = _conic.load()
    strength = _strength(net)
    constraints = []
    for k in np.nonzero(net.requirement > 0)[0]:
        light = gram(net.echo[k][None]) / np.sum(np.abs(net.echo[k]) ** 2)
        disturbance = [
            cp.trace(gram(net.crosstalk[k, j]) / strength[k] @ parts[j]) for j in range(net.terminals) if j != k
        ]
        constraints.append(cp.trace(light @ parts[k]) >= noise / strength[k] + sum(disturbance))
    return constraints


def gram(channel: Complex) -> Real:
    """Real matrix Q with ``tr(channel X channel^H) = tr(Q Z)``."""
    rows = np.concatenate(_conic.embed(channel), axis=0)
    return rows.T @ rows / 2


def _strength(net: Network) -> Real:
    light = np.sum(np.abs(net.echo) ** 2, axis=1)
    return np.where(net.requirement > 0, light / np.where(net.requirement > 0, net.requirement, 1.0), 0.0)
