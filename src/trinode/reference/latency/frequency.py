"""The paper's step for frequencies and fronthaul: problem (47), shares given."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from trinode.reference.latency import _conic
from trinode.reference.latency._network import Network, Real, network, parallel, ratio, terminal_frequency
from trinode.reference.latency.resources import ResourceResult, _fill, incidence, power_limited_speed


def paper_frequency_step(
    scenario: Any,
    rates_bps: Any,
    edge_share: Any,
    cloud_share: Any,
    *,
    received_power_w: Any = 0.0,
    radiated_power_w: Any = 0.0,
    received_reserve_w: Any = 0.0,
) -> ResourceResult:
    """Frequencies and fronthaul of problem (47), as printed: one common t, the shares b and c fixed.

    Subject to (23c)-(23g). The terminals' own frequencies are at their limit, which is best for any shares.
    What no share uses gets zero; what an access point or the cloud has left at the optimum is handed out in
    proportion.

    Parameters
    ----------
    rates_bps, edge_share, cloud_share : (K, M)
        Fixed; the shares may be fractions, as (22) allows before rounding.
    received_power_w : (K, M)
        ``|H w|**2`` of (23d).
    radiated_power_w : (K,)
        ``g^H g`` of (23c).
    received_reserve_w : (M,)
        Power kept back for what beams chosen later may add to the received power.
    """
    net = network(scenario)
    rate = np.asarray(rates_bps, float) / net.rate_unit
    b, c = np.asarray(edge_share, float), np.asarray(cloud_share, float)
    received = np.where(c > 0, received_power_w, 0.0).sum(axis=0)
    received = np.maximum(received, np.where((c > 0).any(axis=0), received_reserve_w, 0.0))
    own = terminal_frequency(net.raw, np.broadcast_to(radiated_power_w, net.task.shape))
    own_time = ratio(net.raw.terminal_cycles_per_bit * net.raw.task_bits, own) / net.time_unit

    power_limit = power_limited_speed(net, received)
    work = net.task[:, None] > 0
    edge = (b > 0) & work & np.isfinite(net.edge_limit)  # bits without cycles need no decision
    relay = (c > 0) & work
    cloud = relay.any(axis=1) & np.isfinite(net.cloud_limit)
    speed, through, cpu, solved = np.zeros_like(b), np.zeros_like(b), np.zeros(len(b)), True
    possible = np.all(rate[(b > 0) | (c > 0)] > 0) and np.all(
        np.minimum(net.edge_limit, power_limit)[edge.any(axis=0)] > 0
    )
    possible &= np.all(net.fronthaul_limit[relay.any(axis=0)] > 0) and (net.cloud_limit > 0 or not cloud.any())
    if possible and (edge.any() or relay.any()):

        def needed(share: Real, links: Any, time: Real) -> Real:
            bits = (share * net.task[:, None])[links]
            spare = time - bits / rate[links]
            return np.where(spare > 0, bits / np.where(spare > 0, spare, 1.0), 0.0)

        p = _frequency_problem(edge.tobytes(), relay.tobytes(), cloud.tobytes(), *b.shape)
        p.set(net, rate, b, c, own_time, power_limit)
        solved = _conic.solve(p.problem)
        speed[edge], through[relay], cpu[cloud] = p.read()
        # a sliver of a task needs a sliver of a CPU, which a solver's tolerance would take away
        edge_time, relay_time = p.times()
        speed[edge] = np.maximum(speed[edge], needed(b, edge, edge_time))
        through[relay] = np.maximum(through[relay], needed(c, relay, relay_time))
    speed = _fill(speed, edge, net.edge_limit, power_limit)
    through = _fill(through, relay, net.fronthaul_limit, np.full(b.shape[1], np.inf))
    cpu_used = float(np.sum(c.sum(axis=1) * cpu))
    if cpu_used > 0:
        cpu *= net.cloud_limit / cpu_used

    cycles = np.where(np.isfinite(net.edge_limit), net.raw.edge_cycles_per_bit, 0.0)
    result_edge = speed * cycles * net.rate_unit
    result_cloud = cpu * float(net.raw.cloud_cycles_per_bit) * net.rate_unit
    latency = share_latency(net, rate, b, c, speed, through, cpu, own_time) * net.time_unit
    return ResourceResult(
        latency_s=float(latency.max()),
        terminal_latency_s=latency,
        terminal_frequency_hz=own,
        edge_frequency_hz=result_edge,
        cloud_frequency_hz=result_cloud,
        fronthaul_bps=through * net.rate_unit,
        edge_share=b,
        cloud_share=c,
        solved=solved,
    )


def share_latency(
    net: Network, rate: Real, b: Real, c: Real, speed: Real, relay: Real, cpu: Real, own_time: Real
) -> Real:
    """Latency (22) of each terminal by (9), (11)-(13) and (16)-(19), all in the network's units.

    Fractions in b and c are allowed, as while Algorithm 1 runs.
    """
    task = net.task[:, None]
    speed = np.where(np.isfinite(net.edge_limit), speed, np.inf)
    edge = np.max(ratio(b * task, rate) + ratio(b * task, speed), axis=1)
    cloud = np.max(ratio(c * task, rate) + ratio(c * task, relay), axis=1)
    cpu = cpu if np.isfinite(net.cloud_limit) else np.full_like(own_time, np.inf)
    cloud = cloud + ratio(net.task, cpu)
    xb, xc = b.sum(axis=1), c.sum(axis=1)

    def times(share: Real, time: Real) -> Real:
        none = np.abs(share) < 1e-12  # what rounding leaves of a whole task stays nowhere
        return np.where(none, 0.0, share * np.where(none, 0.0, time))

    return times(1 - xb - xc, own_time) + times(xb, edge) + times(xc, cloud)


@dataclass
class _FrequencyProblem:
    problem: Any
    variables: tuple[Any, Any, Any]
    link_times: tuple[Any, Any]
    parameters: dict[str, Any]
    masks: tuple[Any, Any, Any]
    scale: float = 1.0

    def set(self, net: Network, rate: Real, b: Real, c: Real, own_time: Real, power_limit: Real) -> None:
        edge, relay, cloud = self.masks
        on_edge = parallel(rate, np.minimum(net.edge_limit, power_limit))[edge]
        self.scale = float(np.median(np.concatenate([on_edge, parallel(rate, net.fronthaul_limit)[relay]])))
        edge_bits, cloud_bits = (b * net.task[:, None])[edge], (c * net.task[:, None])[relay]
        xb, xc = b.sum(axis=1), c.sum(axis=1)
        known = np.where(1 - xb - xc > 1e-12, (1 - xb - xc) * np.minimum(own_time, 1e9), 0.0)
        values = {
            "edge upload": edge_bits / rate[edge] * self.scale,
            "cloud upload": cloud_bits / rate[relay] * self.scale,
            "edge bits": np.sqrt(edge_bits),
            "cloud bits": np.sqrt(cloud_bits),
            "task": np.sqrt(net.task[cloud]),
            "edge limit": net.edge_limit[edge.any(axis=0)] / self.scale,
            "power": self.scale / power_limit[np.nonzero(edge)[1]],
            "relay limit": net.fronthaul_limit[relay.any(axis=0)] / self.scale,
            "cloud limit": net.cloud_limit / self.scale if cloud.any() else 0.0,
            "known": known * self.scale,
            "xb": xb[edge.any(axis=1)],
            "xc": xc[relay.any(axis=1)],
            "xc computed": xc[cloud],
        }
        for name, parameter in self.parameters.items():
            parameter.value = values[name]

    def read(self) -> tuple[Real, Real, Real]:
        found = []
        for variable in self.variables:
            value = np.ones(variable.shape) if variable.value is None else np.maximum(variable.value, 0)
            found.append(value * self.scale)
        return found[0], found[1], found[2]

    def times(self) -> tuple[Real, Real]:
        """Upload and processing time of each edge link, upload and relaying time of each cloud link."""
        values = [np.zeros(1) if t is None or t.value is None else t.value / self.scale for t in self.link_times]
        return values[0], values[1]


@lru_cache(maxsize=64)
def _frequency_problem(
    edge_mask: bytes, relay_mask: bytes, cloud_mask: bytes, terminals: int, access_points: int
) -> _FrequencyProblem:
    cp = _conic.load()
    edge = np.frombuffer(edge_mask, bool).reshape(terminals, access_points)
    relay = np.frombuffer(relay_mask, bool).reshape(terminals, access_points)
    cloud = np.frombuffer(cloud_mask, bool)
    time = cp.Variable()
    parameters: dict[str, Any] = {"known": cp.Parameter(terminals)}
    constraints: list[Any] = []
    total: Any = parameters["known"]  # right-hand side of (47a)

    def parameter(name: str, size: Any = ()) -> Any:
        parameters[name] = cp.Parameter(size, nonneg=True)
        return parameters[name]

    speed, through, cpu = (
        cp.Variable(int(edge.sum())),
        cp.Variable(int(relay.sum())),
        cp.Variable(int(cloud.sum())),
    )
    edge_times: Any = None
    relay_times: Any = None
    if edge.any():  # (47b), (23d), (23e)
        _, _, of, at = incidence(edge)
        part = cp.Variable(int(edge.any(axis=1).sum()))
        spread, place = of[edge.any(axis=1)].T, np.eye(terminals)[:, edge.any(axis=1)]
        at, n = at[edge.any(axis=0)], int(edge.sum())
        edge_times = spread @ part
        constraints += [
            _conic.product_at_least(edge_times - parameter("edge upload", n), speed, parameter("edge bits", n)),
            at @ speed <= parameter("edge limit", len(at)),
            at @ cp.power(cp.multiply(parameter("power", n), speed), 3) <= 1,
        ]
        total = total + place @ cp.multiply(parameter("xb", part.shape), part)
    if relay.any():  # (47c), (23f), (23g)
        _, _, of, at = incidence(relay)
        upload = cp.Variable(int(relay.any(axis=1).sum()))
        spread, place = of[relay.any(axis=1)].T, np.eye(terminals)[:, relay.any(axis=1)]
        at, n = at[relay.any(axis=0)], int(relay.sum())
        relay_times = spread @ upload
        constraints += [
            _conic.product_at_least(relay_times - parameter("cloud upload", n), through, parameter("cloud bits", n)),
            at @ through <= parameter("relay limit", len(at)),
        ]
        part = upload
        if cloud.any():
            compute = cp.Variable(int(cloud.sum()))
            constraints += [
                _conic.product_at_least(compute, cpu, parameter("task", compute.shape)),
                parameter("xc computed", compute.shape) @ cpu <= parameter("cloud limit"),
            ]
            part = upload + np.eye(terminals)[np.ix_(relay.any(axis=1), cloud)] @ compute
        total = total + place @ cp.multiply(parameter("xc", upload.shape), part)
    constraints.append(total <= time)
    return _FrequencyProblem(
        cp.Problem(cp.Minimize(time), constraints),
        (speed, through, cpu),
        (edge_times, relay_times),
        parameters,
        (edge, relay, cloud),
    )
