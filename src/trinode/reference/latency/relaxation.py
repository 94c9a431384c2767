"""A value that no solution beats: all interference and all sensing dropped, all assignments enumerated.

Without other streams ``R_km <= B log2(1 + p_km sigma_max(H_km)^2 / noise_m)`` with ``sum_m p_km <= P_k``.
Rates, powers, frequencies and fronthaul are then jointly concave, so for each set of terminals at the edge or
in the cloud the smallest latency is one cone program; the two sets share nothing.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import combinations
from typing import Any

import numpy as np

from trinode.errors import InputError
from trinode.reference.latency import _conic
from trinode.reference.latency._network import Bool, Network, Real, network, parallel
from trinode.reference.latency.resources import incidence


def bound(scenario: Any, family: str = "") -> float:
    """Lower bound of the largest latency, s.

    Up to the solver's tolerance of about 1e-8: the dual values of the programs are used, which err on the low
    side.

    Parameters
    ----------
    family : {"", "mec", "cloud", "local"}
        All terminals at the edge, in the cloud or on their own; empty for any mix.
    """
    net = network(scenario)
    everyone = tuple(range(net.terminals))
    relaxation = _Relaxation(net)
    if family == "mec":
        return relaxation.edge(everyone) * net.time_unit
    if family == "cloud":
        return relaxation.cloud(everyone) * net.time_unit
    if family == "local":
        return float(net.local_time.max()) * net.time_unit
    if family:
        raise InputError("family", family, "'', 'mec', 'cloud' or 'local'")
    order = np.argsort(net.local_time)
    best = np.inf
    for count in range(net.terminals + 1):  # those fastest on their own stay there
        alone = float(net.local_time[order[:count]].max(initial=0.0))
        if alone >= best:
            break
        rest = tuple(sorted(int(k) for k in order[count:]))
        best = min(best, max(alone, _best_split(relaxation, rest, best)))
    return float(best * net.time_unit)


def _best_split(relaxation: _Relaxation, members: tuple[int, ...], best: float) -> float:
    """Smallest over all splits of the larger of edge and cloud latency; no set is faster than its subsets."""
    slow: dict[str, list[frozenset[int]]] = {"edge": [], "cloud": []}

    def at_least(kind: str, group: frozenset[int]) -> bool:
        if any(known <= group for known in slow[kind]):
            return True
        value = getattr(relaxation, kind)(tuple(sorted(group)))
        values[kind] = value
        if value >= best:
            slow[kind].append(group)
        return value >= best

    values: dict[str, float] = {}
    half = len(members) // 2
    for size in sorted(range(len(members) + 1), key=lambda n: abs(n - half)):
        for chosen in combinations(members, size):
            edge = frozenset(chosen)
            if at_least("edge", edge) or at_least("cloud", frozenset(members) - edge):
                continue
            best = max(values["edge"], values["cloud"])
    return best


class _Relaxation:
    """The two relaxed problems of a network, in its units."""

    def __init__(self, net: Network):
        self.net = net
        singular = (
            np.linalg.svd(net.uplink, compute_uv=False)[..., 0] if net.uplink.size else np.zeros(net.serving.shape)
        )
        self.snr = np.where(net.serving, singular**2, 0.0)
        self.top = np.log2(1 + self.snr)
        self.edge_known: dict[tuple[int, ...], float] = {}
        self.cloud_known: dict[tuple[int, ...], float] = {}

    def edge(self, members: tuple[int, ...]) -> float:
        """Smallest largest latency of these terminals at the edge."""
        if members not in self.edge_known:
            limit = np.minimum(self.net.edge_limit, self.net.edge_power_limit)
            self.edge_known[members] = self._solve(_edge_problem, members, limit, ())
        return self.edge_known[members]

    def cloud(self, members: tuple[int, ...]) -> float:
        """Smallest largest latency of these terminals in the cloud."""
        if members not in self.cloud_known:
            free = bool(np.isinf(self.net.cloud_limit))
            alive = self.net.fronthaul_limit * (self.net.cloud_limit > 0)
            self.cloud_known[members] = self._solve(_cloud_problem, members, alive, (free,))
        return self.cloud_known[members]

    def _solve(self, build: Any, members: tuple[int, ...], limit: Real, extra: tuple[Any, ...]) -> float:
        net = self.net
        busy = np.isin(np.arange(net.terminals), members) & (net.task > 0)
        if not busy.any():
            return 0.0
        usable = (self.snr > 0) & (limit > 0)
        if not usable[busy].any(axis=1).all():
            return float("inf")
        links = usable & (net.task > 0)[:, None]  # one shape for all members: the others have a task of nothing
        links &= links.any(axis=1, keepdims=True)
        free_links = links & np.isinf(limit)
        problem = build(links.tobytes(), free_links.tobytes(), *links.shape, *extra)
        scale = float(np.median(parallel(self.top, np.minimum(limit, 1e300))[links & busy[:, None]]))
        return problem.latency(net, self.snr, np.where(busy, net.task, 0.0), scale)


class _Problem:
    """Common part: powers, rates, throughputs of all links."""

    def __init__(self, links: Bool):
        cp = _conic.load()
        self.links = links
        self.users = links.any(axis=1)
        self.sites = links.any(axis=0)
        _, _, by_terminal, by_ap = incidence(links)
        self.by_terminal, self.by_ap = by_terminal[self.users], by_ap[self.sites]
        count = by_terminal.shape[1]
        self.power, self.rate, self.through = cp.Variable(count), cp.Variable(count), cp.Variable(count)
        # log2(1 + snr p) = log2(size) + log2(1 / size + snr / size p) with size = max(1, snr)
        self.offset, self.slope, self.head = (cp.Parameter(count, nonneg=True) for _ in range(3))
        self.unit = cp.Parameter(nonneg=True)
        inner = cp.Variable(count)
        logarithm = cp.log(inner) / np.log(2)
        self.constraints = [
            inner == self.offset + cp.multiply(self.slope, self.power),
            self.power >= 0,
            self.by_terminal @ self.power <= 1,
            self.rate <= self.head + self.unit * logarithm,
            self.through >= 0,
        ]
        self.problem: Any = None

    def set(self, snr: Real, scale: float) -> None:
        snr = snr[self.links]
        size = np.maximum(snr, 1.0)
        self.offset.value, self.slope.value = 1 / size, snr / size
        self.head.value, self.unit.value = np.log2(size) / scale, 1 / scale

    def value(self) -> tuple[float, float]:
        """Primal and dual value; raises where there is neither."""
        if not _conic.solve(self.problem):
            raise ArithmeticError("Clarabel found no answer to the relaxed latency problem")
        info = self.problem.solver_stats.extra_stats
        primal = float(self.problem.value)
        dual = getattr(info, "obj_val_dual", None)
        if dual is None:
            return primal, primal
        sign = -1.0 if primal * float(info.obj_val) < 0 else 1.0
        return primal, sign * float(dual)


class _EdgeRelaxation(_Problem):
    def __init__(self, links: Bool, free: Bool):
        super().__init__(links)
        cp = _conic.load()
        free = free[links]
        count, paced = len(free), np.nonzero(~free)[0]
        self.paced = paced
        self.inverse_latency = cp.Variable()
        self.task = cp.Parameter(len(self.by_terminal), nonneg=True)
        self.constraints.append(cp.multiply(self.task, self.inverse_latency) <= self.by_terminal @ self.through)
        if len(paced) < count:
            self.constraints.append(self.through[np.nonzero(free)[0]] <= self.rate[np.nonzero(free)[0]])
        if len(paced):
            by_ap = self.by_ap[:, paced]
            self.paced_sites = by_ap.any(axis=1)
            speed = cp.Variable(len(paced))
            self.limit = cp.Parameter(int(self.paced_sites.sum()), nonneg=True)
            self.inverse = cp.Parameter(len(paced), nonneg=True)
            through, rate = self.through[paced], self.rate[paced]
            self.constraints += [
                _conic.product_at_least(rate - through, speed - through, through),
                by_ap[self.paced_sites] @ speed <= self.limit,
                by_ap[self.paced_sites] @ cp.power(cp.multiply(self.inverse, speed), 3) <= 1,
            ]
        self.problem = cp.Problem(cp.Maximize(self.inverse_latency), self.constraints)

    def latency(self, net: Network, snr: Real, task: Real, scale: float) -> float:
        self.set(snr, scale)
        self.task.value = task[self.users] / task.max()
        if len(self.paced):
            self.limit.value = net.edge_limit[self.sites][self.paced_sites] / scale
            self.inverse.value = scale / net.edge_power_limit[np.nonzero(self.links)[1][self.paced]]
        return float(task.max() / (scale * max(self.value())))


class _CloudRelaxation(_Problem):
    def __init__(self, links: Bool, free: bool):
        super().__init__(links)
        cp = _conic.load()
        members, count = len(self.by_terminal), len(self.by_terminal.T)
        self.time = cp.Variable()
        self.root_task = cp.Parameter(members, nonneg=True)
        self.limit = cp.Parameter(len(self.by_ap), nonneg=True)
        self.cloud_limit = None if free else cp.Parameter(nonneg=True)
        relay, upload = cp.Variable(count), cp.Variable(members)
        self.constraints += [
            _conic.product_at_least(self.rate - self.through, relay - self.through, self.through),
            self.by_ap @ relay <= self.limit,
            _conic.product_at_least(upload, self.by_terminal @ self.through, self.root_task),
        ]
        if free:
            self.constraints.append(upload <= self.time)
        else:
            compute, cpu = cp.Variable(members), cp.Variable(members)
            self.constraints += [
                _conic.product_at_least(compute, cpu, self.root_task),
                cp.sum(cpu) <= self.cloud_limit,
                upload + compute <= self.time,
            ]
        self.problem = cp.Problem(cp.Minimize(self.time), self.constraints)

    def latency(self, net: Network, snr: Real, task: Real, scale: float) -> float:
        self.set(snr, scale)
        self.root_task.value = np.sqrt(task[self.users] / task.max())
        self.limit.value = net.fronthaul_limit[self.sites] / scale
        if self.cloud_limit is not None:
            self.cloud_limit.value = net.cloud_limit / scale
        return float(min(self.value()) * task.max() / scale)


@lru_cache(maxsize=32)
def _edge_problem(links: bytes, free: bytes, terminals: int, access_points: int) -> _EdgeRelaxation:
    shape = terminals, access_points
    return _EdgeRelaxation(np.frombuffer(links, bool).reshape(shape), np.frombuffer(free, bool).reshape(shape))


@lru_cache(maxsize=32)
def _cloud_problem(links: bytes, _: bytes, terminals: int, access_points: int, free: bool) -> _CloudRelaxation:
    return _CloudRelaxation(np.frombuffer(links, bool).reshape(terminals, access_points), free)
