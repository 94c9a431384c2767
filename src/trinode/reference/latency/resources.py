"""Computing for given rates: the exact convex problem, the split of the tasks eliminated.

At a best split all parts of a task end together, so a terminal at the edge needs ``D / sum_m q_m`` with
``q = 1 / (1/R + 1/u)``, and one in the cloud ``D / sum_m q_m + D / g`` with ``q = 1 / (1/R + 1/r)``, where
``u = f / alpha`` and ``g`` are the speeds of an access point and of the cloud. Each q is a cone:
``(R - q) (u - q) >= q^2``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from trinode.errors import InputError
from trinode.reference.latency import _conic
from trinode.reference.latency._network import (
    Bool,
    Network,
    Real,
    network,
    parallel,
    ratio,
    root,
    terminal_frequency,
)

LOCAL, EDGE, CLOUD = 0, 1, 2


@dataclass(frozen=True)
class ResourceResult:
    """A decision on computing for given rates.

    Attributes
    ----------
    latency_s : float
        Largest latency, s; infinite where a terminal with a task has no way to the mode it was given.
    terminal_latency_s : (K,)
        Latency of each terminal, s.
    terminal_frequency_hz : (K,)
        Frequency of the terminals' own CPUs.
    edge_frequency_hz : (K, M)
    cloud_frequency_hz : (K,)
    fronthaul_bps : (K, M)
    edge_share, cloud_share : (K, M)
        b and c of (8).
    solved : bool
        Whether every convex problem was solved to its tolerance.
    """

    latency_s: float
    terminal_latency_s: Real
    terminal_frequency_hz: Real
    edge_frequency_hz: Real
    cloud_frequency_hz: Real
    fronthaul_bps: Real
    edge_share: Real
    cloud_share: Real
    solved: bool


def resource_step(
    scenario: Any, rates_bps: Any, modes: Any, *, received_power_w: Any = 0.0, radiated_power_w: Any = 0.0
) -> ResourceResult:
    """Smallest largest latency for given rates and modes, over shares, frequencies and fronthaul.

    Minimises the maximum of (22) subject to (23a)-(23g) for whole tasks. Terminals at the edge, in the cloud
    and on their own share no resource, so each group is made as fast as it can be, not only the slowest of
    the three.

    Parameters
    ----------
    rates_bps : (K, M)
        Rates; only those of serving access points count.
    modes : (K,)
        0 on the terminal, 1 at the edge, 2 in the cloud.
    received_power_w : (K, M)
        ``|H w|**2``, which (23d) adds to the CPU power of an access point for terminals in the cloud; counted
        for every serving access point with a rate.
    radiated_power_w : (K,)
        Leaves less of (23c) to a terminal's own CPU.
    """
    net = network(scenario)
    modes = np.asarray(modes)
    if modes.shape != (net.terminals,) or not np.isin(modes, (LOCAL, EDGE, CLOUD)).all():
        raise InputError("modes", modes, "an array (K,) of 0, 1 and 2")
    rate = np.asarray(rates_bps, float) / net.rate_unit
    if rate.shape != net.serving.shape or not np.all(rate >= 0) or not np.all(np.isfinite(rate)):
        raise InputError("rates_bps", rates_bps, "a finite array (K, M) of at least 0")
    rate = np.where(net.serving, rate, 0.0)
    received = np.where((modes[:, None] == CLOUD) & (rate > 0), received_power_w, 0.0).sum(axis=0)

    at_edge = _edge_group(net, rate, modes == EDGE, received)
    in_cloud = _cloud_group(net, rate, modes == CLOUD)
    own = terminal_frequency(net.raw, np.broadcast_to(radiated_power_w, modes.shape))
    alone = ratio(net.raw.terminal_cycles_per_bit * net.raw.task_bits, own)
    latency = np.select(
        [modes == EDGE, modes == CLOUD], [at_edge.time * net.time_unit, in_cloud.time * net.time_unit], alone
    )
    return ResourceResult(
        latency_s=float(latency.max()),
        terminal_latency_s=latency,
        terminal_frequency_hz=own,
        edge_frequency_hz=at_edge.frequency_hz,
        cloud_frequency_hz=in_cloud.cpu_hz,
        fronthaul_bps=in_cloud.frequency_hz * net.rate_unit,
        edge_share=at_edge.share,
        cloud_share=in_cloud.share,
        solved=at_edge.solved and in_cloud.solved,
    )


@dataclass(frozen=True)
class _Group:
    time: Real
    share: Real
    frequency_hz: Real  # of the access points; for the cloud the fronthaul, in rate units
    cpu_hz: Real
    solved: bool


def _edge_group(net: Network, rate: Real, members: Bool, received: Real) -> _Group:
    power_limit = power_limited_speed(net, received)
    limit = np.minimum(net.edge_limit, power_limit)
    free = np.isinf(limit)
    busy = members & (net.task > 0)
    links = (rate > 0) & busy[:, None] & (limit > 0)
    speed, solved = np.where(links & free, np.inf, 0.0), True
    paced = links & ~free
    reachable = busy & links.any(axis=1)
    if paced.any():
        p = _edge_problem(_pattern(paced), _pattern(links & free), _pattern(reachable), *_shape(links))
        p.set(net, rate, reachable, net.edge_limit, power_limit)
        solved = _conic.solve(p.problem, 1e-10)
        speed[paced] = p.value(p.speed)
        speed = _clean(rate, speed, links)
        speed = _fill(speed, paced, net.edge_limit, power_limit)
    through = np.where(links, parallel(rate, speed), 0.0)
    cycles = net.raw.edge_cycles_per_bit
    with np.errstate(invalid="ignore"):
        hertz = np.where(paced, speed * cycles * net.rate_unit, 0.0)
    unpaced = links & free
    hertz = np.where(unpaced, _even(unpaced, _hertz_limit(net, received, unpaced)), hertz)
    total = through.sum(axis=1)
    share = np.where(members[:, None], _split(through, links, members, net), 0.0)
    return _Group(np.where(members, ratio(net.task, total), 0.0), share, hertz, np.zeros(len(members)), solved)


def _cloud_group(net: Network, rate: Real, members: Bool) -> _Group:
    busy = members & (net.task > 0)
    links = (rate > 0) & busy[:, None] & (net.fronthaul_limit > 0)
    reachable = busy & links.any(axis=1) & (net.cloud_limit > 0)
    links &= reachable[:, None]
    free = np.isinf(net.cloud_limit)
    relay, cpu, solved = np.zeros_like(rate), np.zeros(len(members)), True
    if reachable.any():
        p = _cloud_problem(_pattern(links), _pattern(reachable), bool(free), *_shape(links))
        p.set(net, rate, reachable)
        solved = _conic.solve(p.problem, 1e-10)
        relay[links] = p.value(p.relay)
        relay = _clean(rate, relay, links)
        relay = _fill(relay, links, net.fronthaul_limit, np.full(len(net.fronthaul_limit), np.inf))
        if not free:
            upload = ratio(net.task, parallel(rate, relay).sum(axis=1))[reachable]
            cpu[reachable] = _equal_cpu(upload, net.task[reachable], net.cloud_limit)
    through = np.where(links, parallel(rate, relay), 0.0)
    time = ratio(net.task, through.sum(axis=1)) + (0.0 if free else ratio(net.task, cpu))
    cycles, most = float(net.raw.cloud_cycles_per_bit), float(net.raw.cloud_max_frequency_hz)
    hertz = cpu * cycles * net.rate_unit if cycles > 0 else reachable * most / max(1, reachable.sum())
    share = np.where(members[:, None], _split(through, links, members, net), 0.0)
    return _Group(np.where(members, time, 0.0), share, relay, hertz, solved)


def _split(through: Real, links: Bool, members: Bool, net: Network) -> Real:
    """Shares in proportion to throughput; whole at the first serving access point where there is none."""
    total = through.sum(axis=1, keepdims=True)
    first = np.zeros_like(through)
    first[np.arange(len(members)), np.argmax(net.serving, axis=1)] = net.serving.any(axis=1)
    return np.where(total > 0, through / np.where(total > 0, total, 1.0), first)


def power_limited_speed(net: Network, received_w: Real) -> Real:
    """Largest speed of a lone terminal at each access point by (23d), what it receives counted."""
    power = net.raw.ap_max_power_w
    left = np.where(power > 0, 1 - received_w / np.where(power > 0, power, 1.0), -received_w)
    return np.where(left > 0, net.edge_power_limit * np.cbrt(np.maximum(left, 0)), 0.0)


def _equal_cpu(upload: Real, task: Real, limit: float) -> Real:
    """Cloud speeds that end all terminals together, given when their uploads end."""
    low, high = upload.max() + task[np.argmax(upload)] / limit, upload.max() + task.sum() / limit
    end = high
    if high > low * (1 + 1e-15):
        end = root(lambda t: float(np.sum(task / (t - upload))) / limit - 1, low, high, 1e-14)
    speed = task / (end - upload)
    return speed * (limit / speed.sum())


def _clean(rate: Real, speed: Real, links: Bool) -> Real:
    """Close links that carry less of a task than the solver's tolerance."""
    through = np.where(links, parallel(rate, speed), 0.0)
    return np.where(through > 1e-9 * through.sum(axis=1, keepdims=True), speed, 0.0)


def _fill(speed: Real, links: Bool, limit: Real, power_limit: Real) -> Real:
    """Scale what each access point gives so that its first limit is met with equality."""
    speed = np.where(links, np.maximum(speed, 0), 0.0)
    used = speed.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        cubed = np.sum((speed / power_limit) ** 3, axis=0)
        factor = np.minimum(limit / used, 1 / np.cbrt(cubed))
    factor = np.where(used > 0, factor, 1.0)
    return speed * np.where(np.isfinite(factor), factor, 1.0)


def _hertz_limit(net: Network, received: Real, links: Bool) -> Real:
    count = np.maximum(links.sum(axis=0), 1)
    lone = np.cbrt(
        np.maximum(net.raw.ap_max_power_w - received, 0) / count / np.maximum(net.raw.edge_capacitance, 1e-300)
    )
    return np.minimum(net.raw.edge_max_frequency_hz, count * lone)


def _even(links: Bool, total: Real) -> Real:
    return np.where(links, total / np.maximum(links.sum(axis=0), 1), 0.0)


def _pattern(mask: Bool) -> bytes:
    return np.asarray(mask, bool).tobytes()


def _shape(mask: Bool) -> tuple[int, int]:
    return mask.shape[0], mask.shape[1]


def incidence(mask: Bool) -> tuple[Any, Any, Real, Real]:
    """Links of a mask: their terminals and access points, and the 0/1 matrices that sum links over each."""
    k, m = np.nonzero(mask)
    number = np.arange(len(k))
    by_terminal = np.zeros((mask.shape[0], len(k)))
    by_ap = np.zeros((mask.shape[1], len(k)))
    by_terminal[k, number] = 1
    by_ap[m, number] = 1
    return k, m, by_terminal, by_ap


@dataclass
class _EdgeProblem:
    """max S with ``D_k S <= sum_m q_km`` and the limits of (23d), (23e); times are 1/S."""

    problem: Any
    speed: Any
    rate: Any
    free_rate: Any
    task: Any
    limit: Any
    inverse_power_limit: Any
    paced: Bool
    free: Bool
    scale: float = 1.0

    def set(self, net: Network, rate: Real, reachable: Bool, limit: Real, power_limit: Real) -> None:
        bound = np.minimum(limit, power_limit)
        self.scale = float(np.median(parallel(rate, bound)[self.paced]))
        self.rate.value = rate[self.paced] / self.scale
        self.free_rate.value = np.where(self.free, rate, 0.0).sum(axis=1)[reachable] / self.scale
        self.task.value = net.task[reachable] / net.task[reachable].max()
        at_work = self.paced.any(axis=0)
        self.limit.value = np.where(np.isinf(limit), 1e3 * bound, limit)[at_work] / self.scale
        self.inverse_power_limit.value = self.scale / power_limit[np.nonzero(self.paced)[1]]

    def value(self, variable: Any) -> Real:
        if variable.value is None:
            return np.ones(variable.shape) * self.scale
        return np.maximum(variable.value, 0) * self.scale


@lru_cache(maxsize=256)
def _edge_problem(paced: bytes, free: bytes, busy: bytes, terminals: int, access_points: int) -> _EdgeProblem:
    cp = _conic.load()
    mask = np.frombuffer(paced, bool).reshape(terminals, access_points)
    busy_mask = np.frombuffer(busy, bool)
    _, _, by_terminal, by_ap = incidence(mask)
    count = by_terminal.shape[1]
    by_terminal, by_ap = by_terminal[busy_mask], by_ap[mask.any(axis=0)]
    speed, through, value = cp.Variable(count), cp.Variable(count), cp.Variable()
    rate = cp.Parameter(count, nonneg=True)
    free_rate = cp.Parameter(len(by_terminal), nonneg=True)
    task = cp.Parameter(len(by_terminal), nonneg=True)
    limit = cp.Parameter(len(by_ap), nonneg=True)
    inverse = cp.Parameter(count, nonneg=True)
    constraints = [
        cp.multiply(task, value) <= by_terminal @ through + free_rate,
        _conic.product_at_least(rate - through, speed - through, through),
        through >= 0,
        by_ap @ speed <= limit,
        by_ap @ cp.power(cp.multiply(inverse, speed), 3) <= 1,
    ]
    return _EdgeProblem(
        cp.Problem(cp.Maximize(value), constraints),
        speed,
        rate,
        free_rate,
        task,
        limit,
        inverse,
        mask,
        np.frombuffer(free, bool).reshape(terminals, access_points),
    )


@dataclass
class _CloudProblem:
    """min T with ``T >= D_k / sum_m q_km + D_k / g_k`` and the limits of (23f), (23g)."""

    problem: Any
    relay: Any
    rate: Any
    root_task: Any
    limit: Any
    cloud_limit: Any
    links: Bool
    scale: float = 1.0

    def set(self, net: Network, rate: Real, reachable: Bool) -> None:
        self.scale = float(np.median(parallel(rate, net.fronthaul_limit)[self.links]))
        self.rate.value = rate[self.links] / self.scale
        self.root_task.value = np.sqrt(net.task[reachable] / net.task[reachable].max())
        self.limit.value = net.fronthaul_limit[self.links.any(axis=0)] / self.scale
        if self.cloud_limit is not None:
            self.cloud_limit.value = net.cloud_limit / self.scale

    def value(self, variable: Any) -> Real:
        if variable.value is None:
            return np.ones(variable.shape) * self.scale
        return np.maximum(variable.value, 0) * self.scale


@lru_cache(maxsize=256)
def _cloud_problem(links: bytes, busy: bytes, free: bool, terminals: int, access_points: int) -> _CloudProblem:
    cp = _conic.load()
    mask = np.frombuffer(links, bool).reshape(terminals, access_points)
    busy_mask = np.frombuffer(busy, bool)
    _, _, by_terminal, by_ap = incidence(mask)
    count = by_terminal.shape[1]
    by_terminal, by_ap = by_terminal[busy_mask], by_ap[mask.any(axis=0)]
    members = len(by_terminal)
    relay, through, time = cp.Variable(count), cp.Variable(count), cp.Variable()
    upload, compute, cpu = cp.Variable(members), cp.Variable(members), cp.Variable(members)
    rate = cp.Parameter(count, nonneg=True)
    root_task = cp.Parameter(members, nonneg=True)
    limit = cp.Parameter(len(by_ap), nonneg=True)
    cloud_limit = None if free else cp.Parameter(nonneg=True)
    constraints = [
        _conic.product_at_least(rate - through, relay - through, through),
        through >= 0,
        by_ap @ relay <= limit,
        _conic.product_at_least(upload, by_terminal @ through, root_task),
    ]
    if free:
        constraints.append(upload <= time)
    else:
        constraints += [
            _conic.product_at_least(compute, cpu, root_task),
            cp.sum(cpu) <= cloud_limit,
            upload + compute <= time,
        ]
    return _CloudProblem(cp.Problem(cp.Minimize(time), constraints), relay, rate, root_task, limit, cloud_limit, mask)
