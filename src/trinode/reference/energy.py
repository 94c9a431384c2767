"""The energy paper's problem by successive convex approximation on CVXPY: an oracle and a yardstick.

Slow on purpose and plain; it shares no algorithm with the fast solvers. At given combiners, the best ones for the last
beams, all SINRs are ratios of linear functions of the beams' covariances, rank relaxed. Each step solves one
semidefinite program that is an inner approximation of (P1) at fixed combiners, tight at the last point:

- the rate ``log(S + I) - log(I)`` with its second part linearised (the printed (24) is an upper bound of the rate);
- products of two variables ``x y >= z`` by ``((x + y)^2 - (x - y)^2) / 4`` with the first square linearised, and the
  radiated energy ``P t`` by ``(c P^2 + t^2 / c) / 2``;
- computing energy ``(share cycles)^3 / (deadline - t)^2`` as the power cone that it is.

So the energy falls from step to step. Equation numbers are those of Dong et al., "Energy-Efficient Beamforming and
Adaptive Computational Task Offloading in ISCC Systems". Needs the extra ``reference``.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from trinode.errors import MissingExtraError
from trinode.systems.decision import Status
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.energy.solution import EnergySolution


class Network(NamedTuple):
    """Channels over noise amplitudes, on a basis of each terminal's beams, and the tasks."""

    uplink: np.ndarray  # (K, A, D)
    echo: np.ndarray  # (K, K, R, D)
    basis: np.ndarray  # (K, T, D)
    s: EnergyScenario


class Point(NamedTuple):
    """Covariances and shares that meet every constraint.

    ``rank`` is the largest ratio of the second to the first eigenvalue of a covariance: 0 where the relaxation of
    (17i) is tight.
    """

    data: np.ndarray  # (K, D, D)
    sensing: np.ndarray
    share: np.ndarray
    upload_s: np.ndarray
    ap_frequency_hz: np.ndarray
    energy_j: float
    rank: float


class Result(NamedTuple):
    """Where the approximation ended, the energy after each step (J), and the seconds spent in the solver alone."""

    solution: EnergySolution
    history: np.ndarray
    solver_s: float


def load() -> Any:
    """Return the module ``cvxpy``.

    Raises
    ------
    MissingExtraError
        CVXPY, or its solver Clarabel, is not installed.
    """
    for package in ("clarabel", "cvxpy"):
        try:
            module = __import__(package)
        except ImportError:
            raise MissingExtraError(package, "reference") from None
    return module


def network(s: EnergyScenario, *, reduce: bool = True) -> Network:
    """Take a scenario apart; with ``reduce`` on the span of what is heard of each terminal, else in full size."""
    uplink = np.asarray(s.uplink_channel) / np.sqrt(float(s.ap_noise_w))
    echo = np.asarray(s.echo_channel) / np.sqrt(np.asarray(s.radar_noise_w))[:, None, None, None]
    k, _, t = uplink.shape
    basis = np.broadcast_to(np.eye(t, dtype=complex), (k, t, t))
    if reduce:
        heard = [np.concatenate([uplink[j], *(echo[i, j] for i in range(k))]) for j in range(k)]
        parts = [np.linalg.svd(one, full_matrices=False)[1:] for one in heard]
        size = max(int(np.sum(value > 1e-10 * value[0])) for value, _ in parts)
        basis = np.stack([rows[:size].conj().T for _, rows in parts])
    return Network(
        np.einsum("kat,ktd->kad", uplink, basis), np.einsum("ijrt,jtd->ijrd", echo, basis), np.asarray(basis), s
    )


def sca(
    s: EnergyScenario, beams: np.ndarray, *, reduce: bool = True, tolerance: float = 1e-5, most: int = 20
) -> Result:
    """Successive convex approximation from given beams (K, 2, T), data and sensing, that meet every echo strictly.

    Stops when a step lowers the energy by less than ``tolerance``, relatively.
    """
    net = network(s, reduce=reduce)
    point = start(net, np.einsum("ktd,kst->ksd", net.basis.conj(), beams))
    history, spent = [point.energy_j], 0.0
    for _ in range(most):
        now, seconds = step(net, point)
        spent += seconds
        if now is None:
            break
        gain = 1 - now.energy_j / point.energy_j
        point = now
        history.append(point.energy_j)
        if gain < tolerance:
            break
    return Result(_solution(net, point, history), np.asarray(history), spent)


def combiners(net: Network, data: np.ndarray, sensing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Best combiners of covariances by their definition, norm 1: data (K, A) and radar (K, R)."""
    k = len(data)
    everything = np.eye(net.uplink.shape[1]) + sum(
        net.uplink[j] @ (data[j] + sensing[j]) @ _h(net.uplink[j]) for j in range(k)
    )
    w, v = [], []
    for i in range(k):
        w.append(np.linalg.solve(everything, net.uplink[i] @ _main(data[i])))
        heard = np.eye(net.echo.shape[2]) + sum(
            net.echo[i, j] @ (data[j] + sensing[j]) @ _h(net.echo[i, j]) for j in range(k)
        )
        v.append(np.linalg.solve(heard, net.echo[i, i] @ _main(sensing[i])))
    return _rows(np.stack(w)), _rows(np.stack(v))


def start(net: Network, beams: np.ndarray) -> Point:
    """A point from beams: shares in the middle of what is possible, servers in equal parts.

    Raises
    ------
    ValueError
        The beams leave no time to compute.
    """
    data, sensing = (np.einsum("kd,ke->kde", beams[:, i], beams[:, i].conj()) for i in (0, 1))
    w, _ = combiners(net, data, sensing)
    signal, noise = _heard(net, w, data, sensing)
    bits, cycles, tau = _tasks(net.s)
    rate = float(net.s.bandwidth_hz) * np.log2(1 + signal / noise)
    lowest = np.maximum(0.0, 1 - np.asarray(net.s.terminal_max_frequency_hz) * tau / cycles)
    share = lowest.copy()
    if np.any(share * bits / rate >= tau):
        raise ValueError("these beams leave no time to compute")
    least = cycles * share / (tau - share * bits / rate)
    capacity = float(net.s.ap_max_frequency_hz)
    if least.sum() > capacity:
        raise ValueError("these beams ask more of the access point than it can do")
    for part in np.linspace(1, 0, 41):
        share = lowest + part * (1 - lowest)
        left = tau - share * bits / rate
        if np.all(left > 0) and np.sum(cycles * share / np.where(left > 0, left, 1)) <= capacity:
            break
    upload = share * bits / rate
    remote = cycles * share / (tau - upload)
    return Point(data, sensing, share, upload, remote, _energy(net.s, data, sensing, share, upload), 0.0)


def step(net: Network, at: Point, tolerance: float = 1e-9) -> tuple[Point | None, float]:
    """One convex program at the best combiners of a point; the next point, or None, and the solver's seconds."""
    cp = load()
    s, k = net.s, len(at.share)
    d = net.uplink.shape[2]
    bits, cycles, tau = _tasks(s)
    w, v = combiners(net, at.data, at.sensing)
    limit = np.asarray(s.terminal_max_power_w)
    need = np.asarray(s.sensing_sinr_min)
    data = [cp.Variable((d, d), hermitian=True) for _ in range(k)]  # over the power limit
    sensing = [cp.Variable((d, d), hermitian=True) for _ in range(k)]
    share = cp.Variable(k)
    pace = cp.Variable(k)  # upload time over the last one
    speed = cp.Variable(k)  # rate in nats over the last one
    busy = cp.Variable(k)  # frequency at the access point over the last one
    cube = cp.Variable(k)
    rules: list[Any] = [share >= 0, share <= 1]
    by_ap = np.stack([[_h(net.uplink[j]) @ w[i] for j in range(k)] for i in range(k)])
    by_radar = np.stack([[_h(net.echo[i, j]) @ v[i] for j in range(k)] for i in range(k)])

    def power(row: np.ndarray, covariance: Any, j: int) -> Any:
        outer = np.outer(row, row.conj()) * limit[j]
        return cp.real(cp.trace(outer.conj().T @ covariance))

    signal, noise = _heard(net, w, at.data, at.sensing)
    last_rate = np.log1p(signal / noise)
    used = np.trace(at.data + at.sensing, axis1=1, axis2=2).real
    giga = cycles / 1e9
    energy = []
    for i in range(k):
        p = cp.real(cp.trace(data[i]) + cp.trace(sensing[i]))
        rules += [data[i] >> 0, sensing[i] >> 0, p <= 1]
        others = 1 + sum(power(by_ap[i, j], sensing[j], j) for j in range(k))
        others = others + sum(power(by_ap[i, j], data[j], j) for j in range(k) if j != i)
        whole = others + power(by_ap[i, i], data[i], i)
        rate = cp.log(whole / noise[i]) - (others / noise[i] - 1)  # at most log(whole / others)
        rules.append(last_rate[i] * speed[i] <= rate)
        # share * nats <= time * rate, and cycles * share <= frequency * what is left
        nats = bits[i] * np.log(2.0) / float(s.bandwidth_hz)
        unit = at.upload_s[i] * last_rate[i]
        rules.append(share[i] * nats / unit <= _product(cp, pace[i], speed[i], 1.0, 1.0))
        spare = (tau[i] - at.upload_s[i] * pace[i]) / (tau[i] - at.upload_s[i])
        size = at.ap_frequency_hz[i] * (tau[i] - at.upload_s[i])
        rules.append(share[i] * cycles[i] / size <= _product(cp, busy[i], spare, 1.0, 1.0))
        echo = power(by_radar[i, i], sensing[i], i)
        disturbed = 1 + sum(power(by_radar[i, j], data[j], j) for j in range(k))
        disturbed = disturbed + sum(power(by_radar[i, j], sensing[j], j) for j in range(k) if j != i)
        rules.append(echo / max(need[i], 1e-30) >= disturbed if need[i] > 0 else echo >= 0)
        rules.append(cycles[i] * (1 - share[i]) / float(s.terminal_max_frequency_hz[i]) <= tau[i])
        rules.append(cp.PowCone3D(cube[i], tau[i] - at.upload_s[i] * pace[i], giga[i] * share[i], 1 / 3))
        local = 1e27 * float(s.terminal_capacitance[i]) * giga[i] ** 3 / tau[i] ** 2 * cp.power(1 - share[i], 3)
        remote = 1e27 * float(s.ap_energy_weight[i] * s.ap_capacitance[i]) * cube[i]
        ratio = used[i] / limit[i]
        air = limit[i] * at.upload_s[i] * (cp.square(p) / ratio + ratio * cp.square(pace[i])) / 2
        energy.append(air + local + remote)
    rules.append(cp.sum(cp.multiply(at.ap_frequency_hz, busy)) <= float(s.ap_max_frequency_hz))
    scale = at.energy_j
    problem = cp.Problem(cp.Minimize(cp.sum(cp.hstack(energy)) / scale), rules)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an inaccurate answer is judged below
        try:
            problem.solve(
                solver=cp.CLARABEL,
                max_threads=1,
                tol_gap_abs=tolerance,
                tol_gap_rel=tolerance,
                tol_feas=tolerance,
            )
        except cp.error.SolverError:
            return None, 0.0
    seconds = float(problem.solver_stats.solve_time or 0.0)
    if problem.status not in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE):
        return None, seconds
    matrices = np.stack([[m.value * limit[i] for i, m in enumerate(kind)] for kind in (data, sensing)])
    ratio = max(_second(m) for kind in matrices for m in kind)
    found = np.asarray(share.value)
    upload = np.asarray(pace.value) * at.upload_s
    remote = np.asarray(busy.value) * at.ap_frequency_hz
    value = _energy(s, matrices[0], matrices[1], found, upload)
    return Point(matrices[0], matrices[1], found, upload, remote, value, ratio), seconds


def _product(cp: Any, one: Any, other: Any, one_0: float, other_0: float) -> Any:
    """Concave lower bound of a product, exact at the given values."""
    total = one_0 + other_0
    return (2 * total * (one + other) - total**2 - cp.square(one - other)) / 4


def _tasks(s: EnergyScenario) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    bits = np.asarray(s.task_bits)
    return bits, bits * np.asarray(s.cycles_per_bit), np.asarray(s.latency_max_s)


def _energy(s: EnergyScenario, data: np.ndarray, sensing: np.ndarray, share: np.ndarray, upload: np.ndarray) -> float:
    """(17a) with both frequencies as slow as the deadline allows."""
    _, cycles, tau = _tasks(s)
    power = np.trace(data + sensing, axis1=1, axis2=2).real
    local = np.asarray(s.terminal_capacitance) * (cycles * (1 - share)) ** 3 / tau**2
    remote = np.asarray(s.ap_energy_weight * s.ap_capacitance) * (cycles * share) ** 3 / (tau - upload) ** 2
    return float(np.sum(power * upload + local + remote))


def _heard(net: Network, w: np.ndarray, data: np.ndarray, sensing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Signal and disturbance of each data stream behind its combiner."""
    rows = np.einsum("jad,ia->ijd", net.uplink.conj(), w)
    of_data = np.einsum("ijd,jde,ije->ij", rows.conj(), data, rows).real
    of_sensing = np.einsum("ijd,jde,ije->ij", rows.conj(), sensing, rows).real
    signal = np.diagonal(of_data).copy()
    return signal, 1 + of_data.sum(1) - signal + of_sensing.sum(1)


def _solution(net: Network, x: Point, history: list[float]) -> EnergySolution:
    """Beams along the main directions, powers kept; frequencies follow from the true rates."""
    s, k = net.s, len(x.share)
    beams = np.stack([[_main(m) for m in kind] for kind in (x.data, x.sensing)])
    w, v = combiners(net, *(np.einsum("kd,ke->kde", one, one.conj()) for one in beams))
    signal, noise = _heard(net, w, *(np.einsum("kd,ke->kde", one, one.conj()) for one in beams))
    bits, cycles, tau = _tasks(s)
    upload = x.share * bits / (float(s.bandwidth_hz) * np.log2(1 + signal / noise))
    full = np.einsum("ktd,skd->skt", net.basis, beams)
    return EnergySolution(
        status=jnp.asarray(int(Status.CONVERGED)),
        terminal_feasible=jnp.ones(k, bool),
        iterations=jnp.asarray(len(history) - 1),
        history=jnp.asarray(history),
        offload_fraction=jnp.asarray(x.share),
        terminal_frequency_hz=jnp.asarray(cycles * (1 - x.share) / tau),
        ap_frequency_hz=jnp.asarray(cycles * x.share / (tau - upload)),
        precoder=jnp.asarray(full[0]),
        sensing_precoder=jnp.asarray(full[1]),
        combiner=jnp.asarray(w),
        radar_combiner=jnp.asarray(v),
        sensing_margin_max=jnp.asarray(np.nan),
        sensing_sinr_max=jnp.asarray(np.nan),
    )


def _main(matrix: np.ndarray) -> np.ndarray:
    value, vector = np.linalg.eigh(matrix)
    return np.sqrt(max(value[-1], 0.0)) * vector[:, -1]


def _second(matrix: np.ndarray) -> float:
    value = np.linalg.eigvalsh(matrix)
    return float(max(value[-2], 0.0) / max(value[-1], 1e-300)) if len(value) > 1 else 0.0


def _rows(matrix: np.ndarray) -> np.ndarray:
    size = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(size > 0, size, 1.0)


def _h(matrix: np.ndarray) -> np.ndarray:
    return matrix.conj().T
