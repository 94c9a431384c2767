"""P1, P2.6 and P3.4 of the region paper on CVXPY; equation numbers are the paper's."""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np

from trinode.errors import MissingExtraError, TrinodeError

try:
    import cvxpy as cp
    from cvxpy.error import SolverError
except ImportError as fault:
    raise MissingExtraError("cvxpy", "reference") from fault

Array = np.ndarray


class Network(NamedTuple):
    """A scenario in NumPy: channels with the powers in them, errors stacked over the access points."""

    channel: Array  # (K, N)
    error: Array  # (K, N, N)
    power: Array  # (M,), p_m
    sensing: Array  # (M,) bool
    ideal: Array  # (M, D)
    steering: Array  # (D, A)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """M, K, A."""
        k, n = self.channel.shape
        a = self.steering.shape[1]
        return n // a, k, a


def network(scenario: Any) -> Network:
    """Read a scenario."""
    h = np.asarray(scenario.channel_estimate)
    m, k, a = h.shape
    root = np.sqrt(np.asarray(scenario.ap_power))
    channel = np.moveaxis(root[:, None, None] * h, 1, 0).reshape(k, m * a)
    theta = np.einsum("m,n,mnkab->kmanb", root, root, np.asarray(scenario.error_covariance)).reshape(k, m * a, m * a)
    phase = 2 * np.pi * float(scenario.element_spacing) * np.sin(np.asarray(scenario.direction_rad))
    steering = np.exp(1j * phase[:, None] * np.arange(a))
    sensing, ideal = np.asarray(scenario.sensing_ap), np.asarray(scenario.ideal_pattern)
    power = np.asarray(scenario.ap_power)
    return Network(channel, (theta + theta.conj().swapaxes(1, 2)) / 2, power, sensing, ideal, steering)


def p1(net: Network, m: int, **settings: Any) -> tuple[float, Array]:
    """The sensing-only program (22) of access point m: pattern error and Z_m."""
    a = net.steering.shape[1]
    z, scale = cp.Variable((a, a), hermitian=True), cp.Variable()
    error = cp.sum_squares(scale * net.ideal[m] - _radar(net, z)) / len(net.steering)
    problem = cp.Problem(cp.Minimize(error), [z >> 0, cp.real(cp.trace(z)) == 1])
    _solve(problem, **settings)
    return float(np.asarray(error.value)), np.asarray(z.value)


def transforms(net: Network, w: Array, z: Array) -> tuple[Array, Array]:
    """gamma (29), (39) and g (36), (40) at precoders w (N, K) and sensing covariances z (M, A, A)."""
    heard = net.channel.conj() @ w
    signal = np.diagonal(heard)
    noise = _interference(net, w, z)
    gamma = np.abs(signal) ** 2 / noise
    return gamma, np.sqrt(1 + gamma) * signal / (noise + np.abs(signal) ** 2)


def sum_rate(net: Network, w: Array, z: Array) -> float:
    """Sum rate, bit/s/Hz, by (18)."""
    return float(np.sum(np.log2(1 + transforms(net, w, z)[0])))


def p2_6(net: Network, w: Array, m: int, gamma: Array, g: Array) -> Array:
    """The program (37) of access point m: its best precoders (A, K), the others at w (N, K)."""
    _, k, a = net.sizes
    x = cp.Variable((a, k), complex=True)
    before, after = w[: m * a], w[(m + 1) * a :]
    whole = cp.vstack([part for part in (before, x, after) if part.shape[0]])
    value = _value(net, whole, gamma, g)
    problem = cp.Problem(cp.Maximize(value), [cp.sum_squares(x) <= 1])
    _solve(problem)
    return np.asarray(x.value)


def p3_4(
    net: Network, w: Array, gamma: Array, g: Array, limit: float, penalty: float, literal: bool = False
) -> tuple[Array, Array]:
    """The program (52) at the beams w: new precoders (N, K) and sensing covariances (M, A, A).

    Parameters
    ----------
    penalty : float
        q of (51).
    literal : bool
        Whether to linearise the difference of convex functions (42)-(46), (53) as printed, in place of A_k itself,
        which is convex already.
    """
    m, k, a = net.sizes
    x = cp.Variable((m * a, k), complex=True)
    v = cp.Variable()
    z: dict[int, Any] = {int(i): cp.Variable((a, a), hermitian=True) for i in np.flatnonzero(net.sensing)}
    limits: list[Any] = [v <= 1]
    errors = []
    for i in range(m):
        own, was = x[i * a : (i + 1) * a], w[i * a : (i + 1) * a]
        if i not in z:
            limits.append(cp.sum_squares(own) <= 1)  # (14)
            continue
        scale, xi = cp.Variable(nonneg=True), cp.Variable(len(net.steering))
        radar = _radar(net, z[i])
        towards, fixed = net.steering.conj() @ own, net.steering.conj() @ was
        pattern = cp.sum(cp.square(cp.abs(towards)), axis=1) + radar
        line = cp.sum(2 * cp.real(cp.multiply(fixed.conj(), towards)) - np.abs(fixed) ** 2, axis=1) + radar  # (54)
        power = cp.real(cp.trace(z[i]))
        kept = 2 * cp.real(cp.sum(cp.multiply(was.conj(), own))) - np.sum(np.abs(was) ** 2) + power
        limits += [
            z[i] >> 0,
            xi >= scale * net.ideal[i] - line,  # (52c)
            xi >= pattern - scale * net.ideal[i],  # (48b)
            cp.sum_squares(own) + power <= 1,  # (50)
            kept >= v,  # (52d)
        ]
        errors.append(cp.sum_squares(xi) / len(net.steering))
    limits.append(sum(errors) / len(errors) <= limit)  # (48c)
    value = _value(net, x, gamma, g, z)
    if literal:
        value += _linearisation_loss(net, x, w, g)
    problem = cp.Problem(cp.Maximize(value - penalty * (1 - v)), limits)
    _solve(problem)
    radar = np.zeros((m, a, a), complex)
    for i, one in z.items():
        radar[i] = _positive(np.asarray(one.value))
    return np.asarray(x.value), radar


def _solve(problem: Any, **settings: Any) -> None:
    """Solve with Clarabel; an answer that it calls inaccurate is an answer (the weights of (53) span 1e12).

    Its steps end so close to the cone's rim that rounding may stop it near the optimum; shorter ones then get there.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Solution may be inaccurate", UserWarning)
        try:
            problem.solve(solver="CLARABEL", **settings)
        except SolverError:
            problem.solve(solver="CLARABEL", **settings, max_step_fraction=0.9)
    if problem.status not in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE):
        raise TrinodeError(f"the convex program was not solved: {problem.status}")


def _value(net: Network, x: Any, gamma: Array, g: Array, z: dict[int, Any] | None = None) -> Any:
    """(35), (38) in nat."""
    a = net.steering.shape[1]
    total: Any = float(np.sum(np.log1p(gamma) - gamma))
    for k, h in enumerate(net.channel):
        heard = h.conj()[None] @ x
        noise = cp.sum_squares(heard) + cp.sum_squares(_half(net.error[k]) @ x) + 1
        for i in z or {}:
            at = slice(i * a, (i + 1) * a)
            both = np.outer(h[at], h[at].conj()) + net.error[k][at, at]
            noise += cp.real(cp.trace(both @ (z or {})[i]))
        total += 2 * np.sqrt(1 + gamma[k]) * cp.real(np.conj(g[k]) * heard[0, k]) - abs(g[k]) ** 2 * noise
    return total


def _linearisation_loss(net: Network, x: Any, w: Array, g: Array) -> Any:
    """What (53) adds to A_k: minus |g_k|^2 times C_k less its linearisation, a proximal term."""
    m, _, a = net.sizes
    total: Any = 0.0
    for k in range(len(net.channel)):
        for i in range(m):
            for j in range(i + 1, m):
                # (43); the block holds the powers of both access points
                block = net.error[k][i * a : (i + 1) * a, j * a : (j + 1) * a]
                one = block.conj().T @ (x[i * a : (i + 1) * a] - w[i * a : (i + 1) * a])
                other = x[j * a : (j + 1) * a] - w[j * a : (j + 1) * a]
                sizes = cp.sum_squares(one) / net.power[j] + net.power[j] * cp.sum_squares(other)
                total -= abs(g[k]) ** 2 * sizes
    return total


def _interference(net: Network, w: Array, z: Array) -> Array:
    """A_k of (18)."""
    m, _, a = net.sizes
    heard = np.abs(net.channel.conj() @ w) ** 2
    noise = heard.sum(axis=1) - np.diagonal(heard) + 1
    noise += np.einsum("nj,knp,pj->k", w.conj(), net.error, w).real
    for i in range(m):
        at = slice(i * a, (i + 1) * a)
        own = net.channel[:, at]
        noise += np.einsum("ka,ab,kb->k", own.conj(), z[i], own).real
        noise += np.einsum("kab,ba->k", net.error[:, at, at], z[i]).real
    return noise


def _radar(net: Network, z: Any) -> Any:
    """a^H Z a towards all directions."""
    a = net.steering.shape[1]
    table = np.einsum("dn,dp->dnp", net.steering.conj(), net.steering).reshape(len(net.steering), -1)
    flat = cp.reshape(z, (a * a,), order="C")
    return table.real @ cp.real(flat) - table.imag @ cp.imag(flat)


def _half(matrix: Array) -> Array:
    """B with B^H B = matrix."""
    value, vector = np.linalg.eigh(matrix)
    kept = value > 1e-13 * max(value[-1], 1e-300)
    return np.sqrt(value[kept])[:, None] * vector[:, kept].conj().T


def _positive(matrix: Array) -> Array:
    """Without the negative eigenvalues that a solver leaves."""
    value, vector = np.linalg.eigh((matrix + matrix.conj().T) / 2)
    return (vector * np.maximum(value, 0.0)) @ vector.conj().T
