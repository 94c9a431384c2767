"""The three-tier paper's distributed algorithm on CVXPY: an oracle for its steps, and a yardstick.

Slow on purpose and plain; it shares no code with the fast schemes. Equation numbers are those of Liu et al., "Joint
Offloading and Beamforming Design in Integrating Sensing, Communication, and Computing Systems: A Distributed
Approach". Needs the extra ``reference``.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import Any, NamedTuple

import jax.numpy as jnp
import numpy as np

from trinode.errors import MissingExtraError
from trinode.systems.decision import Status
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.solution import ThreetierSolution


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


def _solve(problem: Any) -> bool:
    cp = load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an inaccurate answer is judged by the caller
        try:
            problem.solve(solver=cp.CLARABEL, max_threads=1)
        except cp.error.SolverError:
            return False
    return problem.status in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE)


def local_copies(cost_edge, cost_cloud, edge, cloud, size, capacity, penalty) -> tuple[Any, Any]:
    """Problem (29) of one station: its copies nearest to ``edge`` and ``cloud`` (K,) at given costs, within (21)."""
    scale = max(float(np.max(size)), 1e-300)
    problem, x, y, aim, aim_cloud, share, most = _copies_problem(len(edge))
    # the squares of (29) completed: at given costs, nearest to a point moved against them
    aim.value, aim_cloud.value = edge - cost_edge / penalty, cloud - cost_cloud / penalty
    share.value, most.value = size / scale, capacity / scale
    _solve(problem)
    return x.value, y.value


@lru_cache(maxsize=8)
def _copies_problem(k: int) -> tuple[Any, ...]:
    cp = load()
    x, y, most = cp.Variable(k), cp.Variable(k), cp.Parameter()
    aim, aim_cloud, size = (cp.Parameter(k) for _ in range(3))
    met = [x >= 0, x <= 1, y >= 0, y <= 1, size @ x <= most]
    problem = cp.Problem(cp.Minimize(cp.sum_squares(x - aim) + cp.sum_squares(y - aim_cloud)), met)
    return problem, x, y, aim, aim_cloud, size, most


def global_variables(edge, cloud, least) -> tuple[Any, Any]:
    """Problem (31): variables (K, L) nearest to the copies plus multipliers, sums at most 1 and, for (31b), at least
    ``least`` (K,)."""
    problem, x, y, *given = _variables_problem(edge.shape)
    for parameter, value in zip(given, (edge, cloud, least), strict=True):
        parameter.value = value
    _solve(problem)
    return x.value, y.value


@lru_cache(maxsize=8)
def _variables_problem(shape: tuple[int, int]) -> tuple[Any, ...]:
    cp = load()
    x, y, edge, cloud = cp.Variable(shape), cp.Variable(shape), cp.Parameter(shape), cp.Parameter(shape)
    least = cp.Parameter(shape[0])
    total = cp.sum(x, axis=1) + cp.sum(y, axis=1)
    value = cp.sum_squares(x - edge) + cp.sum_squares(y - cloud)
    return cp.Problem(cp.Minimize(value), [total <= 1, total >= least]), x, y, edge, cloud, least


class _Beam(NamedTuple):
    """Problem (56) with parameters, built once for each shape."""

    problem: Any
    variable: Any
    vectors: Any
    linear: Any
    leaks: list[Any]
    echo: Any
    wanted: Any


@lru_cache(maxsize=8)
def _beam_problem(decoded: int, radars: int, receive: int, transmit: int) -> _Beam:
    cp = load()
    w = cp.Variable(2 * transmit)
    vectors = cp.Parameter((2 * decoded, 2 * transmit))
    linear = cp.Parameter(2 * transmit)
    leaks = [cp.Parameter((2 * receive, 2 * transmit)) for _ in range(radars)]
    echo, wanted = cp.Parameter(2 * transmit), cp.Parameter()
    met = [cp.norm(w) <= 1, echo @ w >= wanted] + [cp.norm(leak @ w) <= 1 for leak in leaks]
    problem = cp.Problem(cp.Minimize(cp.sum_squares(vectors @ w) - linear @ w), met)
    return _Beam(problem, w, vectors, linear, leaks, echo, wanted)


def _rows(matrix: Any) -> Any:
    """Real rows of a complex matrix that acts on ``[Re w; Im w]``."""
    return np.concatenate(
        [np.concatenate([matrix.real, -matrix.imag], axis=1), np.concatenate([matrix.imag, matrix.real], axis=1)]
    )


def beam(vectors, linear, channels, ceiling, gain, steering, at, noise_w, heard, need, power) -> Any:
    """Problem (56) of one terminal.

    Parameters
    ----------
    vectors, linear : (I, T), (T,)
        The objective ``2 Re(linear^H w) - sum |vectors_i^H w|^2``, to be maximised.
    channels, ceiling : (J, R, T), (J,)
        Channels into the other radars and the bounds Upsilon of (56a).
    gain, steering, at, noise_w, heard, need : float, (T,), (T,), float, float, float
        Of the own echo: (55) linearised at the beam ``at``, ``heard`` the sum of Upsilon_kj.
    power : float
        (40a).
    """
    unit = np.sqrt(power)
    b = _beam_problem(len(vectors), len(channels), channels.shape[1], len(linear))
    size = max(float(np.abs(linear).max()) * unit, 1e-300)
    b.vectors.value = _rows(vectors.conj()) * unit / np.sqrt(size)
    b.linear.value = 2 * np.concatenate([linear.real, linear.imag]) * unit / size
    for parameter, channel, most in zip(b.leaks, channels, ceiling, strict=True):
        parameter.value = _rows(channel) * unit / np.sqrt(max(most, 1e-300))
    echo = steering.conj() @ at
    scale = max(abs(echo) ** 2, 1e-300)
    row = 2 * echo * steering * unit / scale
    b.echo.value = np.concatenate([row.real, row.imag])
    b.wanted.value = need * (heard + noise_w) / (gain * scale) + 1.0 if need > 0 else -1e6
    if not _solve(b.problem):
        return at
    value = b.variable.value
    return unit * (value[: len(linear)] + 1j * value[len(linear) :])


def sensing_margin(s: ThreetierScenario, tolerance: float = 1e-6) -> float:
    """Largest common factor on all echo requirements, by bisection on second-order cones."""
    cp = load()
    h, need = np.asarray(s.terminal_channel), np.asarray(s.sensing_sinr_min)
    k, _, _, t = h.shape
    noise, power = np.sqrt(np.asarray(s.radar_noise_w)), np.sqrt(np.asarray(s.terminal_max_power_w))
    gain = np.asarray(s.echo_gain) * np.linalg.norm(np.asarray(s.receive_steering), axis=1)
    w = [cp.Variable(2 * t) for _ in range(k)]
    root = cp.Parameter(nonneg=True)
    lift = cp.Variable()
    met = [cp.norm(x) <= 1 for x in w]
    for i in range(k):
        heard = [_rows(h[i, j]) * power[j] / noise[i] @ w[j] for j in range(k) if j != i]
        steering = np.asarray(s.transmit_steering)[i]
        row = np.concatenate([steering.real, steering.imag]) * gain[i] * power[i] / noise[i] / np.sqrt(need[i])
        met.append(row @ w[i] >= root * cp.norm(cp.hstack([*heard, np.ones(1)])) + lift)
    problem = cp.Problem(cp.Maximize(lift), met)
    low, high = 0.0, float(np.max(gain**2 * power**2 * t / (noise**2 * need)))
    while high - low > tolerance * high:
        middle = np.sqrt(low * high) if low > 1e-12 * high else high * 1e-3
        root.value = np.sqrt(middle)
        low, high = (middle, high) if _solve(problem) and lift.value >= 0 else (low, middle)
    return low


def quiet_uploads(s: ThreetierScenario, target: Any) -> float:
    """Least sum of upload times (s) to the given stations without interference among them, echoes required.

    In covariances of any rank: a semidefinite relaxation, with one linear row an echo requirement (18e).
    """
    cp = load()
    k, _, _, t = s.uplink_channel.shape
    power, need = np.asarray(s.terminal_max_power_w), np.asarray(s.sensing_sinr_min)
    x = [cp.Variable((t, t), hermitian=True) for _ in range(k)]
    met = [part for own in x for part in (own >> 0, cp.real(cp.trace(own)) <= 1)]
    gain = np.asarray(s.echo_gain) ** 2 * np.linalg.norm(np.asarray(s.receive_steering), axis=1) ** 2
    across = np.asarray(s.terminal_channel)
    times = []
    for i in range(k):
        own = np.asarray(s.uplink_channel)[i, target[i]]
        snr = power[i] / float(s.ap_noise_w[target[i]]) * own.conj().T @ own
        scale = float(np.linalg.eigvalsh(snr)[-1])
        nats = cp.log(1 + scale * cp.real(cp.trace(snr / scale @ x[i])))
        times.append(float(s.task_bits[i] / s.bandwidth_hz) * np.log(2) * cp.inv_pos(nats))
        steering = np.asarray(s.transmit_steering)[i]
        unit = gain[i] * power[i] / need[i]
        heard = sum(
            cp.real(cp.trace(power[j] / unit * across[i, j].conj().T @ across[i, j] @ x[j])) for j in range(k) if j != i
        )
        echo = cp.real(cp.trace(np.outer(steering, steering.conj()) @ x[i]))
        met.append(echo >= heard + float(s.radar_noise_w[i]) / unit)
    problem = cp.Problem(cp.Minimize(sum(times)), met)
    return float(problem.value) if _solve(problem) else float("nan")


def distributed(
    s: ThreetierScenario,
    precoder: Any,
    *,
    penalty: float = 0.1,
    turns: int = 3,
    consensus_steps: int = 500,
    beam_steps: int = 40,
    rebuild: bool = False,
) -> ThreetierSolution:
    """Algorithms 1 and 2 in turns until the places repeat, begun at feasible beams (K, T).

    Parameters
    ----------
    penalty : float
        rho of (24), s.
    turns, consensus_steps, beam_steps : int
        Most turns, and most steps of Algorithms 1 and 2 in each; the limits of the scheme ``distributed``, whose
        stopping rules are used too.
    rebuild : bool
        Build every convex program anew, as CVXPY's own examples do, instead of once for each shape with parameters.
    """
    fresh = _forget if rebuild else lambda: None
    h = np.asarray(s.uplink_channel) / np.sqrt(np.asarray(s.ap_noise_w))[:, None, None]
    k = len(h)
    w = np.array(precoder)
    limit = np.asarray(s.terminal_max_power_w)
    cpu = np.asarray(s.terminal_capacitance) * np.asarray(s.terminal_frequency_hz) ** 3
    place, best, total = None, None, 0
    for _ in range(turns):
        cost, cost_cloud = _costs(s, h, w)
        least = np.clip(1 - (limit - np.sum(np.abs(w) ** 2, axis=1)) / np.maximum(cpu, 1e-300), 0.0, 1.0)
        least = np.where(least < 1e-9, 0.0, least)
        edge, cloud, steps = _consensus(s, cost, cost_cloud, least, penalty, consensus_steps, fresh)
        total += steps
        at_edge, in_cloud = _round(edge, cloud, least, np.asarray(s.edge_frequency_hz), np.asarray(s.edge_capacity_hz))
        if place is not None and all(np.array_equal(a, b) for a, b in zip(place, (at_edge, in_cloud), strict=True)):
            break
        place = at_edge, in_cloud
        away = (at_edge | in_cloud).any(axis=1)
        target = np.argmax(at_edge | in_cloud, axis=1)
        w, steps = _beams(s, h, w, away, target, np.where(away, limit, limit - cpu), beam_steps, fresh)
        total += steps
        cost, cost_cloud = _costs(s, h, w)
        value = float(np.sum(np.where(at_edge, cost, 0.0)) + np.sum(np.where(in_cloud, cost_cloud, 0.0)))
        if best is None or value < best[0]:
            best = value, at_edge, in_cloud, w
    assert best is not None
    _, at_edge, in_cloud, w = best
    return ThreetierSolution(
        status=jnp.asarray(int(Status.CONVERGED)),
        terminal_feasible=jnp.ones(k, bool),
        iterations=jnp.asarray(total),
        history=jnp.zeros(0),
        edge_choice=jnp.asarray(at_edge),
        cloud_choice=jnp.asarray(in_cloud),
        precoder=jnp.asarray(w),
        sensing_margin_max=jnp.asarray(jnp.nan),
        sensing_sinr_max=jnp.asarray(jnp.nan),
    )


def _forget() -> None:
    """Forget all problems that are built."""
    for built in (_copies_problem, _variables_problem, _beam_problem):
        built.cache_clear()


def _costs(s: ThreetierScenario, h: Any, w: Any) -> tuple[Any, Any]:
    """What each place at the edge and in the cloud costs over computing itself, s; (K, L) both."""
    bits, cycles = np.asarray(s.task_bits), np.asarray(s.task_bits) * np.asarray(s.cycles_per_bit)
    own = cycles / np.asarray(s.terminal_frequency_hz)
    upload = bits[:, None] / (float(s.bandwidth_hz) / np.log(2) * _rates(h, w))
    cloud = bits / float(s.backhaul_bps) + cycles / np.asarray(s.cloud_frequency_hz)
    return upload + (cycles / np.asarray(s.edge_frequency_hz) - own)[:, None], upload + (cloud - own)[:, None]


def _consensus(
    s: ThreetierScenario, cost: Any, cost_cloud: Any, least: Any, penalty: float, steps: int, fresh: Any
) -> tuple[Any, Any, int]:
    """Algorithm 1."""
    size, capacity = np.asarray(s.edge_frequency_hz), np.asarray(s.edge_capacity_hz)
    edge, cloud, fee, fee_cloud = (np.zeros(cost.shape) for _ in range(4))
    for step in range(steps):
        copies = []
        for l in range(len(capacity)):  # noqa: E741
            fresh()
            near = (edge - fee)[:, l], (cloud - fee_cloud)[:, l]
            copies.append(local_copies(cost[:, l], cost_cloud[:, l], *near, size, capacity[l], penalty))
        mine = np.stack([c[0] for c in copies], axis=1)
        mine_cloud = np.stack([c[1] for c in copies], axis=1)
        fresh()
        new, new_cloud = global_variables(mine + fee, mine_cloud + fee_cloud, least)
        fee, fee_cloud = fee + mine - new, fee_cloud + mine_cloud - new_cloud  # (37), (38)
        pairs = ((new, edge), (new_cloud, cloud), (mine, new), (mine_cloud, new_cloud))
        edge, cloud = new, new_cloud
        if max(np.abs(a - b).max() for a, b in pairs) <= 1e-4:
            return edge, cloud, step + 1
    return edge, cloud, steps


def _rates(h: Any, w: Any) -> Any:
    y = np.einsum("kmat,kt->kma", h, w)
    total = np.einsum("kma,kmb->mab", y, y.conj()) + np.eye(y.shape[2])
    others = total[None] - np.einsum("kma,kmb->kmab", y, y.conj())
    return np.log1p(np.einsum("kma,kma->km", y.conj(), np.linalg.solve(others, y[..., None])[..., 0]).real)


def _round(edge: Any, cloud: Any, least: Any, size: Any, capacity: Any) -> tuple[Any, Any]:
    """Inflation: the largest relaxed entry becomes 1 where capacity allows, until every terminal has a place."""
    k, m = edge.shape
    room = np.array(capacity, dtype=float)
    own = np.where(least > 0, -1.0, 1 - edge.sum(axis=1) - cloud.sum(axis=1))
    values = np.concatenate([edge, cloud, own[:, None]], axis=1)
    at_edge, in_cloud = np.zeros((k, m), bool), np.zeros((k, m), bool)
    left = set(range(k))
    for i, j in sorted(np.ndindex(values.shape), key=lambda place: -values[place]):
        if i not in left or (j < m and size[i] > room[j] * (1 + 1e-12)):
            continue
        left.remove(i)
        if j < m:
            at_edge[i, j] = True
            room[j] -= size[i]
        elif j < 2 * m:
            in_cloud[i, j - m] = True
    return at_edge, in_cloud


def _beams(
    s: ThreetierScenario, h: Any, w: Any, away: Any, target: Any, power: Any, steps: int, fresh: Any
) -> tuple[Any, int]:
    """Algorithm 2."""
    k = len(w)
    cross, bits = np.asarray(s.terminal_channel), np.asarray(s.task_bits)
    gain = np.asarray(s.echo_gain) ** 2 * np.sum(np.abs(np.asarray(s.receive_steering)) ** 2, axis=1)
    steering, noise, need = (np.asarray(x) for x in (s.transmit_steering, s.radar_noise_w, s.sensing_sinr_min))
    who = np.flatnonzero(away)
    before = np.inf
    for step in range(steps):
        rates = _rates(h, w)[who, target[who]]
        value = float(np.sum(bits[who] / rates))
        if before - value <= 1e-5 * value:
            return w, step
        before = value
        vectors, linear = np.zeros((len(who), k, w.shape[1]), complex), np.zeros_like(w)
        for n, i in enumerate(who):
            l = target[i]  # noqa: E741
            y = np.einsum("kat,kt->ka", h[:, l], w)
            u = np.linalg.solve(y.T @ y.conj() + np.eye(y.shape[1]), y[i])  # (46)
            error = 1 - (y[i].conj() @ u).real  # (47)
            weight = np.sqrt(bits[i] / rates[n] ** 2 / error)  # sqrt(c^2 V)
            vectors[n] = weight * np.einsum("kat,a->kt", h[:, l].conj(), u)
            linear[i] = weight * vectors[n, i]
        leak = np.sum(np.abs(np.einsum("kjrt,jt->kjr", cross, w)) ** 2, axis=2)  # (58)
        moved = w.copy()
        for i in range(k):
            fresh()
            others = [j for j in range(k) if j != i]
            moved[i] = beam(
                vectors[:, i], linear[i], cross[others, i], leak[others, i], gain[i], steering[i], w[i], noise[i],
                leak[i].sum(), need[i], power[i],
            )  # fmt: skip
        w = moved
    return w, steps
