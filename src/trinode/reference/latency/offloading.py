"""The paper's offloading step: Algorithm 1 on problem (32), its starts (33)-(34), and a rounding."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from trinode.reference.latency import _conic
from trinode.reference.latency._network import Bool, Network, Real, network, parallel, ratio, speed
from trinode.reference.latency.frequency import share_latency
from trinode.reference.latency.resources import CLOUD, EDGE, LOCAL

RATE_FLOOR_BPS = 1e3
"""Rates below this are read as this in problem (32), which divides by them."""


@dataclass(frozen=True)
class OffloadingResult:
    """Shares found by Algorithm 1.

    Attributes
    ----------
    modes : (K,)
        0 on the terminal, 1 at the edge, 2 in the cloud, after rounding.
    edge_share, cloud_share : (K, M)
        b and c after rounding, whole tasks.
    edge_relaxed, cloud_relaxed : (K, M)
        The last solution of (32).
    history : (n,)
        Largest latency (22) of the start and of each relaxed solution, s.
    """

    modes: Any
    edge_share: Real
    cloud_share: Real
    edge_relaxed: Real
    cloud_relaxed: Real
    history: Real


def algorithm1(
    scenario: Any,
    rates_bps: Any,
    edge_frequency_hz: Any,
    fronthaul_bps: Any,
    cloud_frequency_hz: Any,
    terminal_frequency_hz: Any,
    *,
    received_power_w: Any = 0.0,
    start: Literal["half", "better", "literal"] = "half",
    penalty: float = 100.0,
    epsilon: float = 1e-3,
    tolerance: float = 1e-2,
    max_iterations: int = 30,
) -> OffloadingResult:
    """Offloading for given rates, frequencies and fronthaul: the linear programs (32), one after another.

    Departures from the paper: the test of the loop takes the size of the relative change (as printed the
    first fall of the latency ends it); (27a) is kept in (32), which does not list it; and the result is
    rounded to each terminal's dominant mode with the split at which all its access points end together, ``b_m
    ~ 1 / (D / R_m + alpha D / f_m)``, since the paper does not say how to reach (23a).

    Parameters
    ----------
    rates_bps, edge_frequency_hz, fronthaul_bps : (K, M)
    cloud_frequency_hz, terminal_frequency_hz : (K,)
    received_power_w : (K, M)
    start : {"half", "better", "literal"}
        What becomes of the solutions of (33) and (34), each of which offloads the whole task: ``"literal"``
        begins with both, against (27a); ``"half"`` with half of each; ``"better"`` with the faster of the two
        for each terminal, which the linearisation (30) then never leaves.
    penalty, epsilon : float
        v of (28), s, and epsilon of (31).
    """
    net = network(scenario)
    raw = net.raw
    rate = np.where(net.serving, np.maximum(rates_bps, RATE_FLOOR_BPS), 0.0) / net.rate_unit
    u = speed(edge_frequency_hz, raw.edge_cycles_per_bit, net.rate_unit)
    relay = np.asarray(fronthaul_bps, float) / net.rate_unit
    g = speed(cloud_frequency_hz, raw.cloud_cycles_per_bit, net.rate_unit)
    own = ratio(raw.terminal_cycles_per_bit * raw.task_bits, terminal_frequency_hz) / net.time_unit
    own = np.minimum(own, 1e6)
    task = net.task[:, None]
    edge_slope = np.where(net.serving, np.minimum(ratio(task, parallel(rate, u)), 1e6), 0.0)  # of (26b)
    cloud_slope = np.where(net.serving, np.minimum(ratio(task, parallel(rate, relay)), 1e6), 0.0)  # of (26c)
    cloud_time = np.minimum(ratio(net.task, g), 1e6)

    def latency(b: Real, c: Real) -> Real:
        finite_g = np.where(np.isinf(g), 1e300, g)
        finite_u = np.where(np.isinf(u), 1e300, u)
        return share_latency(net, rate, b, c, finite_u, relay, finite_g, own)

    on_edge = net.serving & (u > 0)
    on_cloud = net.serving & (relay > 0) & (g > 0)[:, None]
    ends = (
        equal_split(net, np.full(len(own), EDGE), rate, u, relay)[0],
        equal_split(net, np.full(len(own), CLOUD), rate, u, relay)[1],
    )
    b = _first_shares(on_edge, own, ends[0] * on_edge, edge_slope, 0 * cloud_time)
    c = _first_shares(on_cloud, own, ends[1] * on_cloud, cloud_slope, cloud_time)
    if start == "better":
        faster = latency(b, 0 * c) <= latency(0 * b, c)
        b, c = np.where(faster[:, None], b, 0.0), np.where(faster[:, None], 0.0, c)
    elif start == "half":
        both = np.minimum(b.sum(axis=1), c.sum(axis=1))[:, None] > 0.5
        b, c = np.where(both, b / 2, b), np.where(both, c / 2, c)

    weights = {
        "edge cpu": _of_limit(edge_frequency_hz, raw.edge_max_frequency_hz),
        "edge power": _of_limit(raw.edge_capacitance * np.asarray(edge_frequency_hz) ** 3, raw.ap_max_power_w),
        "received": _of_limit(np.broadcast_to(received_power_w, b.shape), raw.ap_max_power_w),
        "fronthaul": _of_limit(fronthaul_bps, raw.fronthaul_max_bps),
    }
    problem = _offloading_problem(*b.shape)
    problem.cloud_cpu.value = _of_limit(cloud_frequency_hz, raw.cloud_max_frequency_hz)
    problem.edge_allowed.value, problem.cloud_allowed.value = on_edge.astype(float), on_cloud.astype(float)
    problem.own.value, problem.edge_slope.value, problem.cloud_slope.value = own, edge_slope, cloud_slope
    problem.cloud_time.value = cloud_time
    history = [float(latency(b, c).max())]
    for _ in range(max_iterations):
        problem.linearise(b, c, weights, penalty / net.time_unit, epsilon)
        if not _conic.solve(problem.problem, 1e-8):
            break
        b = np.clip(problem.b.value, 0, 1) * on_edge
        c = np.clip(problem.c.value, 0, 1) * on_cloud
        history.append(float(latency(b, c).max()))
        if abs(history[-1] - history[-2]) <= tolerance * abs(history[-1]):
            break
    xb, xc = b.sum(axis=1), c.sum(axis=1)
    modes = np.argmax(np.stack([1 - xb - xc, xb, xc]), axis=0)
    modes = np.where((modes == EDGE) & ~on_edge.any(axis=1), LOCAL, modes)
    modes = np.where((modes == CLOUD) & ~on_cloud.any(axis=1), LOCAL, modes)
    edge, cloud = equal_split(net, modes, np.asarray(rates_bps) / net.rate_unit, u, relay)
    return OffloadingResult(modes, edge, cloud, b, c, np.array(history) * net.time_unit)


def equal_split(net: Network, modes: Any, rate: Real, edge_speed: Real, relay: Real) -> tuple[Real, Real]:
    """Shares b and c of whole tasks at which all access points of a terminal end together."""

    def split(second: Real) -> Real:
        through = np.where(net.serving, parallel(rate, second), 0.0)
        total = through.sum(axis=1, keepdims=True)
        even = net.serving / np.maximum(net.serving.sum(axis=1, keepdims=True), 1)
        share = np.where(total > 0, through / np.where(total > 0, total, 1.0), even)
        share = np.where(share > 1e-9, share, 0.0)
        return share / np.maximum(share.sum(axis=1, keepdims=True), 1e-300)

    modes = np.asarray(modes)[:, None]
    return np.where(modes == EDGE, split(edge_speed), 0.0), np.where(modes == CLOUD, split(relay), 0.0)


def _of_limit(used: Any, limit: Any) -> Real:
    limit = np.asarray(limit, float)
    return np.where(limit > 0, used / np.where(limit > 0, limit, 1.0), np.asarray(used, float) * 0.0)


def _first_shares(allowed: Bool, own: Real, whole: Real, slope: Real, constant: Real) -> Real:
    """Problem (33) or (34) of all terminals in one program, since they share nothing.

    Linearised at the split of the whole task at which all access points of a terminal end together, the paper
    naming no point; there the penalty (28) is zero.
    """
    problem = _start_problem(*whole.shape)
    problem.slope.value, problem.constant.value, problem.own.value = slope, constant, own
    problem.allowed.value = allowed.astype(float)
    problem.x.value = whole.sum(axis=1)
    problem.t.value = np.max(whole * slope, axis=1) + constant
    problem.xt.value = problem.x.value * problem.t.value
    if not _conic.solve(problem.problem, 1e-8):
        return whole
    return np.clip(problem.share.value, 0, 1) * allowed


class _StartProblem:
    """(33) or (34) of all terminals."""

    def __init__(self, terminals: int, access_points: int):
        cp = _conic.load()
        self.share = cp.Variable((terminals, access_points))
        time, worst = cp.Variable(terminals), cp.Variable(terminals)
        self.slope, self.allowed = (cp.Parameter((terminals, access_points), nonneg=True) for _ in range(2))
        self.constant, self.own, self.x, self.t, self.xt = (cp.Parameter(terminals, nonneg=True) for _ in range(5))
        total = cp.sum(self.share, axis=1)
        constraints = [
            worst
            >= self.own
            - cp.multiply(self.own, total)
            + cp.multiply(self.x, time)
            - self.xt
            + cp.multiply(self.t, total),
            cp.reshape(time, (terminals, 1), order="C") @ np.ones((1, access_points))
            >= cp.multiply(self.slope, self.share)
            + cp.reshape(self.constant, (terminals, 1), order="C") @ np.ones((1, access_points)),
            self.share >= 0,
            self.share <= self.allowed,
            total <= 1,
        ]
        self.problem = cp.Problem(cp.Minimize(cp.sum(worst)), constraints)


class _OffloadingProblem:
    """The linear program (32); its parameters are what changes from one iteration to the next."""

    def __init__(self, terminals: int, access_points: int):
        cp = _conic.load()
        shape = (terminals, access_points)

        def parameter(*size: int, nonneg: bool = True) -> Any:
            return cp.Parameter(size, nonneg=nonneg)

        def spread(vector: Any) -> Any:
            return cp.reshape(vector, (terminals, 1), order="C") @ np.ones((1, access_points))

        self.b, self.c = cp.Variable(shape), cp.Variable(shape)
        worst, edge_time, relay_time = cp.Variable(), cp.Variable(terminals), cp.Variable(terminals)
        self.edge_allowed, self.cloud_allowed = parameter(*shape), parameter(*shape)
        self.edge_slope, self.cloud_slope = parameter(*shape), parameter(*shape)
        self.own, self.cloud_time, self.cloud_cpu = (parameter(terminals) for _ in range(3))
        self.xb, self.xc, self.tb, self.tc, self.constant = (parameter(terminals) for _ in range(5))
        self.push_b, self.push_c = (parameter(terminals, nonneg=False) for _ in range(2))
        self.weights = {name: parameter(*shape) for name in ("edge cpu", "edge power", "received", "fronthaul")}
        xb, xc = cp.sum(self.b, axis=1), cp.sum(self.c, axis=1)
        w = self.weights
        constraints = [
            worst  # (32a)
            >= self.own
            - cp.multiply(self.own, xb + xc)
            - self.constant
            + cp.multiply(self.tb, xb)
            + cp.multiply(self.xb, edge_time)
            + cp.multiply(self.tc, xc)
            + cp.multiply(self.xc, relay_time),
            cp.sum(cp.multiply(w["edge power"], self.b) + cp.multiply(w["received"], self.c), axis=0) <= 1,  # (32b)
            cp.sum(cp.multiply(w["edge cpu"], self.b), axis=0) <= 1,  # (32c)
            cp.sum(cp.multiply(w["fronthaul"], self.c), axis=0) <= 1,  # (32d)
            spread(edge_time) >= cp.multiply(self.edge_slope, self.b),  # (26b)
            spread(relay_time) >= cp.multiply(self.cloud_slope, self.c),  # (26c) without its last term
            self.b >= 0,
            self.c >= 0,
            self.b <= self.edge_allowed,
            self.c <= self.cloud_allowed,
            xb + xc <= 1,  # (27a)
            self.cloud_cpu @ xc <= 1,  # (23g)
            edge_time <= 1e7,  # unused times have no price
            relay_time <= 1e7,
        ]
        self.problem = cp.Problem(cp.Minimize(worst + self.push_b @ xb + self.push_c @ xc), constraints)

    def linearise(self, b: Real, c: Real, weights: dict[str, Real], penalty: float, epsilon: float) -> None:
        """Load (28)-(31) at the last shares."""
        xb, xc = b.sum(axis=1), c.sum(axis=1)
        tb = np.max(b * self.edge_slope.value, axis=1)
        tc = np.max(c * self.cloud_slope.value, axis=1) + self.cloud_time.value
        self.xb.value, self.xc.value, self.tb.value, self.tc.value = xb, xc, tb, tc
        # the cloud's own time is in t_CC and in its last value alike, and cancels
        self.constant.value = xb * tb + xc * (tc - self.cloud_time.value)
        # (28), (29): at a start with x_b = x_c = 1 the factors are zero, and never negative before
        self.push_b.value = penalty * np.maximum((1 - xb) * xb, 0) * (1 - 2 * xb)
        self.push_c.value = penalty * np.maximum((1 - xc) * xc, 0) * (1 - 2 * xc)
        for name, parameter in self.weights.items():
            share = b if name.startswith("edge") else c
            parameter.value = weights[name] / (share + epsilon)  # (31)


@lru_cache(maxsize=16)
def _start_problem(terminals: int, access_points: int) -> _StartProblem:
    return _StartProblem(terminals, access_points)


@lru_cache(maxsize=16)
def _offloading_problem(terminals: int, access_points: int) -> _OffloadingProblem:
    return _OffloadingProblem(terminals, access_points)
