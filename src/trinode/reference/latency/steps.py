"""The steps of the paper's method on one scenario, from one plan to the next."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from trinode.reference.latency import start as beginnings
from trinode.reference.latency._network import (
    Bool,
    Complex,
    Real,
    cube_root_ratio,
    echo_sinr,
    network,
    radiated_power_w,
    rates,
    ratio,
    received_power_w,
    speed,
    terminal_frequency,
)
from trinode.reference.latency.beams import beam_step, links, received_limit
from trinode.reference.latency.frequency import paper_frequency_step, share_latency
from trinode.reference.latency.offloading import algorithm1, equal_split
from trinode.reference.latency.resources import CLOUD, EDGE, LOCAL
from trinode.reference.latency.sensing import largest_factor, sensing_margin
from trinode.systems.decision import Status
from trinode.systems.latency.solution import LatencySolution

RECEIVED_RESERVE = 1e-6
"""Part of an access point's power kept for (23d)'s received power, where that can never be more."""

ECHO_MARGIN = 1e-6
"""By which beams exceed the echo requirements, relative, so that no tolerance ends below them."""


@dataclass(frozen=True)
class Plan:
    """All decision variables; beams in the root of each terminal's maximum power, the rest in SI units."""

    modes: Any
    edge_share: Real
    cloud_share: Real
    data: Complex
    sensing: Complex
    terminal_frequency_hz: Real
    edge_frequency_hz: Real
    cloud_frequency_hz: Real
    fronthaul_bps: Real


class Run:
    """The steps on one scenario."""

    def __init__(self, scenario: Any, beam_tolerance: float, max_beam_iterations: int):
        self.scenario = scenario
        self.net = network(scenario)
        self.beam_tolerance, self.max_beam_iterations = beam_tolerance, max_beam_iterations
        raw, serving = self.net.raw, self.net.serving
        worst = np.linalg.norm(self.net.uplink, ord=2, axis=(2, 3)) ** 2 * raw.ap_noise_w * serving
        self.worst_received = worst.sum(axis=0)
        self.reserve = np.minimum(self.worst_received, RECEIVED_RESERVE * raw.ap_max_power_w)
        self.limits_received = bool(np.any(self.worst_received > self.reserve))

    def begin(self, modes: Any, beams: str, seed: int) -> Plan | None:
        """Equal shares of everything, and beams that meet the echo requirements."""
        net, raw = self.net, self.net.raw
        self.margin, _ = largest_factor(net, net.requirement)
        if self.margin < 1:
            return None
        headroom = min(1e-5, (self.margin - 1) / 2)
        directions = beginnings.matched_directions(net)
        if beams == "random":
            directions = beginnings.random_directions(net, seed)
        own = np.minimum(
            raw.terminal_max_frequency_hz,
            cube_root_ratio(raw.terminal_max_power_w / 2, raw.terminal_capacitance),
        )
        streams = net.serving & (net.amplitude > 0)[:, None]
        spared = np.where(
            net.amplitude > 0,
            1 - raw.terminal_capacitance * own**3 / np.maximum(raw.terminal_max_power_w, 1e-300),
            0.0,
        )
        found = beginnings.feasible_beams(net, directions, streams, spared, 1 + headroom)
        found = found or beginnings.feasible_beams(net, directions, streams, np.ones_like(spared), 1 + headroom)
        if found is None:
            return None
        self.echo_margin = min(ECHO_MARGIN, headroom / 2)
        self.spared, self.own = spared, own
        count = np.maximum(net.serving.sum(axis=0), 1)
        lone = cube_root_ratio(np.maximum(raw.ap_max_power_w - self.reserve, 0) / count, raw.edge_capacitance)
        edge = np.minimum(raw.edge_max_frequency_hz / count, lone)
        zero = np.zeros(net.serving.shape)
        plan = Plan(
            modes=modes,
            edge_share=zero,
            cloud_share=zero,
            data=found[0],
            sensing=found[1],
            terminal_frequency_hz=own,
            edge_frequency_hz=np.where(net.serving, edge, 0.0),
            cloud_frequency_hz=np.full(net.terminals, float(raw.cloud_max_frequency_hz) / net.terminals),
            fronthaul_bps=net.serving * (net.fronthaul_limit * net.rate_unit / count),
        )
        return self.split(plan)

    def _speeds(self, plan: Plan) -> tuple[Real, Real, Real]:
        raw, unit = self.net.raw, self.net.rate_unit
        u = np.minimum(speed(plan.edge_frequency_hz, raw.edge_cycles_per_bit, unit), 1e300)
        g = np.minimum(speed(plan.cloud_frequency_hz, raw.cloud_cycles_per_bit, unit), 1e300)
        return u, plan.fronthaul_bps / unit, g

    def latency(self, plan: Plan) -> float:
        """Largest latency, in the network's unit."""
        return float(self.latencies(plan).max())

    def latencies(self, plan: Plan) -> Real:
        """Latency (22) of each terminal, in the network's unit."""
        net = self.net
        u, relay, g = self._speeds(plan)
        own = ratio(net.raw.terminal_cycles_per_bit * net.raw.task_bits, plan.terminal_frequency_hz) / net.time_unit
        rate = rates(net, plan.data, plan.sensing)
        return share_latency(net, rate, plan.edge_share, plan.cloud_share, u, relay, g, own)

    def split(self, plan: Plan) -> Plan:
        """The split of each whole task at which all its access points end together."""
        u, relay, _ = self._speeds(plan)
        b, c = equal_split(self.net, plan.modes, rates(self.net, plan.data, plan.sensing), u, relay)
        return replace(plan, edge_share=b, cloud_share=c)

    def offload(self, plan: Plan, settings: dict[str, Any]) -> Plan:
        """Algorithm 1; then what the new shares use is scaled into each access point's limits."""
        net = self.net
        rate = rates(net, plan.data, plan.sensing) * net.rate_unit
        found = algorithm1(
            self.scenario,
            rate,
            plan.edge_frequency_hz,
            plan.fronthaul_bps,
            plan.cloud_frequency_hz,
            plan.terminal_frequency_hz,
            received_power_w=received_power_w(net, plan.data),
            **settings,
        )
        plan = replace(plan, modes=found.modes, edge_share=found.edge_share, cloud_share=found.cloud_share)
        return self.split(self._fit(self._go_local(plan)))

    def guard(self, candidate: Plan, plan: Plan, held: Plan | None) -> Plan:
        """The new offloading, unless the one held so far, or at the start either single route, is faster."""
        if held is not None:
            kept = self.split(plan)
            return candidate if self.latency(candidate) <= self.latency(kept) else kept
        served = self.net.serving.any(axis=1)
        routes = [
            self.split(self._fit(self.split(replace(plan, modes=np.where(served, mode, LOCAL)))))
            for mode in (EDGE, CLOUD)
        ]
        times = np.array([self.latency(route) for route in routes])
        slowest = np.max(times, where=np.isfinite(times), initial=0.0)
        return candidate if self.latency(candidate) <= slowest else routes[int(np.argmin(times))]

    def _go_local(self, plan: Plan) -> Plan:
        """Fold the data beams of terminals that now compute on their own into their sensing beams."""
        data, sensing = plan.data.copy(), plan.sensing.copy()
        for k in np.nonzero((plan.modes == LOCAL) & np.any(data != 0, axis=(1, 2)))[0]:
            streams = np.concatenate([data[k], sensing[k][None]])
            sensing[k] = beginnings.strongest_towards(self.net.echo[k], streams.T @ streams.conj())
            data[k] = 0
        spent = radiated_power_w(self.net, data, sensing)
        own = np.where(plan.modes == LOCAL, terminal_frequency(self.net.raw, spent), self.own)
        revived = (plan.modes != LOCAL) & ~np.any(data != 0, axis=(1, 2)) & (self.net.task > 0)
        if revived.any():  # a terminal without data beams cannot offload
            modes = np.where(revived, LOCAL, plan.modes)
            still = ~revived[:, None]
            plan = replace(plan, modes=modes, edge_share=plan.edge_share * still, cloud_share=plan.cloud_share * still)
        return replace(plan, data=data, sensing=sensing, terminal_frequency_hz=own)

    def _fit(self, plan: Plan) -> Plan:
        raw = self.net.raw
        on_edge, on_cloud = plan.edge_share > 0, plan.cloud_share > 0
        used = np.where(on_edge, plan.edge_frequency_hz, 0.0)
        spare = raw.ap_max_power_w - self._received(plan)
        cubes = raw.edge_capacitance * np.sum(used**3, axis=0)
        factor = np.minimum(
            _within(used.sum(axis=0), raw.edge_max_frequency_hz),
            np.cbrt(_within(cubes, np.maximum(spare, 0))),
        )
        relayed = np.where(on_cloud, plan.fronthaul_bps, 0.0).sum(axis=0)
        cloud = np.where(on_cloud.any(axis=1), plan.cloud_frequency_hz, 0.0).sum()
        return replace(
            plan,
            edge_frequency_hz=plan.edge_frequency_hz * factor,
            fronthaul_bps=plan.fronthaul_bps * _within(relayed, raw.fronthaul_max_bps),
            cloud_frequency_hz=plan.cloud_frequency_hz * _within(cloud, raw.cloud_max_frequency_hz),
        )

    def _received(self, plan: Plan) -> Real:
        """Received power that (23d) reserves at each access point, W."""
        now = np.where(plan.cloud_share > 0, received_power_w(self.net, plan.data), 0.0).sum(axis=0)
        return np.where((plan.cloud_share > 0).any(axis=0), np.maximum(now, self.reserve), 0.0)

    def beamform(self, plan: Plan) -> Plan:
        """Algorithm 2."""
        net, raw = self.net, self.net.raw
        b, c = plan.edge_share, plan.cloud_share
        bits, delay = links(net, b, c, plan.edge_frequency_hz, plan.cloud_frequency_hz, plan.fronthaul_bps)
        local = plan.modes == LOCAL
        own = ratio(raw.terminal_cycles_per_bit * raw.task_bits, plan.terminal_frequency_hz) / net.time_unit
        spent = np.sum(np.abs(plan.data) ** 2, axis=(1, 2)) + np.sum(np.abs(plan.sensing) ** 2, axis=1)
        received = received_limit(net, b, c, plan.edge_frequency_hz) if self.limits_received else None
        found = beam_step(
            net,
            plan.data,
            plan.sensing,
            bits,
            delay,
            float(np.max(own, where=local, initial=0.0)),
            np.where(local, np.maximum(self.spared, spent), 1.0),
            received,
            margin=self.echo_margin,
            tolerance=self.beam_tolerance,
            max_iterations=self.max_beam_iterations,
        )
        return replace(plan, data=found.data, sensing=found.sensing)

    def frequencies(self, plan: Plan) -> Plan:
        """Problem (47); what no share uses keeps its last value."""
        net = self.net
        radiated = radiated_power_w(net, plan.data, plan.sensing)
        found = paper_frequency_step(
            self.scenario,
            rates(net, plan.data, plan.sensing) * net.rate_unit,
            plan.edge_share,
            plan.cloud_share,
            received_power_w=received_power_w(net, plan.data),
            radiated_power_w=radiated,
            received_reserve_w=self.reserve,
        )
        on_edge, on_cloud = plan.edge_share > 0, plan.cloud_share > 0
        new = replace(
            plan,
            terminal_frequency_hz=np.where(plan.modes == LOCAL, found.terminal_frequency_hz, self.own),
            edge_frequency_hz=np.where(
                on_edge & (found.edge_frequency_hz > 0), found.edge_frequency_hz, plan.edge_frequency_hz
            ),
            fronthaul_bps=np.where(on_cloud & (found.fronthaul_bps > 0), found.fronthaul_bps, plan.fronthaul_bps),
            cloud_frequency_hz=np.where(
                on_cloud.any(axis=1) & (found.cloud_frequency_hz > 0),
                found.cloud_frequency_hz,
                plan.cloud_frequency_hz,
            ),
        )
        return new if self.latency(new) <= self.latency(plan) else plan

    def loop(self, plan: Plan, turn: Any, max_outer: int, tolerance: float) -> LatencySolution:
        """Take turns until the latency settles; the best plan of all."""
        history: list[float] = []
        best, status = plan, Status.ITERATION_LIMIT
        for _ in range(max_outer):
            plan = turn(plan)
            history.append(self.latency(plan))
            if history[-1] <= min(history):
                best = plan
            if len(history) > 1 and np.isfinite(history[-1]) and np.isclose(*history[-2:], rtol=tolerance, atol=0):
                status = Status.CONVERGED
                break
        if not np.isfinite(self.latency(best)):
            return self.infeasible(np.isfinite(self.latencies(best)))
        heard = np.where(best.cloud_share > 0, received_power_w(self.net, best.data), 0.0).sum(axis=0)
        deaf = (best.cloud_share > 0) & (heard > self.net.raw.ap_max_power_w * (1 + 1e-6))
        if deaf.any():  # (23d) without any computing
            return self.infeasible(~deaf.any(axis=1))
        return self.solution(best, status, history)

    def solution(
        self, plan: Plan, status: Status, history: list[float], terminal_feasible: Bool | None = None
    ) -> LatencySolution:
        net, raw = self.net, self.net.raw
        margin, sinr = self.margin, float("nan")
        if status == Status.INFEASIBLE:
            margin, sinr = sensing_margin(self.scenario)
        work = net.task[:, None] > 0  # a task of nothing takes no resource
        on_edge, on_cloud = (plan.edge_share > 0) & work, (plan.cloud_share > 0) & work
        feasible = np.ones(net.terminals, bool) if terminal_feasible is None else terminal_feasible
        return LatencySolution(
            status=jnp.asarray(int(status)),
            terminal_feasible=jnp.asarray(feasible),
            iterations=jnp.asarray(len(history)),
            history=jnp.asarray(np.array(history) * net.time_unit),
            edge_share=jnp.asarray(plan.edge_share),
            cloud_share=jnp.asarray(plan.cloud_share),
            precoder=jnp.asarray(plan.data * net.amplitude[:, None, None] * net.serving[..., None]),
            sensing_precoder=jnp.asarray(plan.sensing * net.amplitude[:, None]),
            terminal_frequency_hz=jnp.asarray(np.minimum(plan.terminal_frequency_hz, raw.terminal_max_frequency_hz)),
            edge_frequency_hz=jnp.asarray(np.where(on_edge, plan.edge_frequency_hz, 0.0)),
            cloud_frequency_hz=jnp.asarray(np.where(on_cloud.any(axis=1), plan.cloud_frequency_hz, 0.0)),
            fronthaul_bps=jnp.asarray(np.where(on_cloud, plan.fronthaul_bps, 0.0)),
            sensing_margin_max=jnp.asarray(margin),
            sensing_sinr_max=jnp.asarray(sinr),
        )

    def infeasible(self, reachable: Bool | None = None) -> LatencySolution:
        """The answer where requirements or a route cannot be met: best sensing beams, all tasks at home."""
        net = self.net
        _, beams = largest_factor(net, net.requirement)
        zero = np.zeros(net.serving.shape)
        data = np.zeros((*net.serving.shape, net.antennas), complex)
        met = echo_sinr(net, data, beams) >= net.requirement
        plan = Plan(
            modes=np.zeros(net.terminals, int),
            edge_share=zero,
            cloud_share=zero,
            data=data,
            sensing=beams,
            terminal_frequency_hz=terminal_frequency(net.raw, radiated_power_w(net, data, beams)),
            edge_frequency_hz=zero,
            cloud_frequency_hz=np.zeros(net.terminals),
            fronthaul_bps=zero,
        )
        return self.solution(plan, Status.INFEASIBLE, [], met if reachable is None else met & reachable)


def _within(used: Real | float, limit: Real | float) -> Real:
    used = np.asarray(used, float)
    return np.where(used > limit, limit / np.where(used > 0, used, 1.0), 1.0)
