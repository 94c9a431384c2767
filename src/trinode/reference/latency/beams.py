"""The paper's beamforming step: Algorithm 2 on (36), by WMMSE rates (43) and linearised echoes (46)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from trinode.reference.latency import _conic
from trinode.reference.latency._network import (
    Bool,
    Complex,
    Network,
    Real,
    echo_sinr,
    network,
    rates,
    ratio,
    receivers,
    speed,
)
from trinode.reference.latency.sensing import real_factor


@dataclass(frozen=True)
class BeamResult:
    """Beams found by Algorithm 2.

    Attributes
    ----------
    data : (K, M, T)
        In the root of a watt.
    sensing : (K, T)
    history : (n,)
        Largest latency at the start and after each accepted program, s.
    """

    data: Complex
    sensing: Complex
    history: Real


def algorithm2(
    scenario: Any,
    precoder: Any,
    sensing_precoder: Any,
    edge_share: Any,
    cloud_share: Any,
    edge_frequency_hz: Any,
    cloud_frequency_hz: Any,
    fronthaul_bps: Any,
    terminal_frequency_hz: Any,
    **settings: Any,
) -> BeamResult:
    """Beams for a given offloading of whole tasks, frequencies and fronthaul, from beams that meet (23h).

    In SI units; what it does and where it departs from the paper says :func:`beam_step`, which also
    takes the further settings ``margin``, ``tolerance`` and ``max_iterations``.

    Parameters
    ----------
    precoder, sensing_precoder : (K, M, T), (K, T)
        Start; a stream that is zero stays zero. :func:`~trinode.reference.latency.start.feasible_start` has
        one.
    edge_share, cloud_share, edge_frequency_hz, fronthaul_bps : (K, M)
    cloud_frequency_hz, terminal_frequency_hz : (K,)
    """
    net = network(scenario)
    b, c = np.asarray(edge_share, float), np.asarray(cloud_share, float)
    bits, delay = links(net, b, c, edge_frequency_hz, cloud_frequency_hz, fronthaul_bps)
    local = (b + c).sum(axis=1) < 0.5
    raw = net.raw
    own = ratio(raw.terminal_cycles_per_bit * raw.task_bits, terminal_frequency_hz) / net.time_unit
    cpu = np.where(local, raw.terminal_capacitance * np.asarray(terminal_frequency_hz) ** 3, 0.0)
    limit = np.maximum(1 - ratio(cpu, raw.terminal_max_power_w), 0.0)
    unit = np.where(net.amplitude > 0, net.amplitude, 1.0)
    found = beam_step(
        net,
        np.asarray(precoder, np.complex128) / unit[:, None, None],
        np.asarray(sensing_precoder, np.complex128) / unit[:, None],
        bits,
        delay,
        float(np.max(own, where=local, initial=0.0)),
        limit,
        received_limit(net, b, c, edge_frequency_hz),
        **settings,
    )
    return BeamResult(found.data * unit[:, None, None], found.sensing * unit[:, None], found.history * net.time_unit)


def links(
    net: Network, b: Real, c: Real, edge_frequency_hz: Any, cloud_frequency_hz: Any, fronthaul_bps: Any
) -> tuple[Real, Real]:
    """What each link carries and the time after its upload, (K, M) each, in the network's units."""
    u = speed(edge_frequency_hz, net.raw.edge_cycles_per_bit, net.rate_unit)
    g = speed(cloud_frequency_hz, net.raw.cloud_cycles_per_bit, net.rate_unit)
    b, c = b * net.task[:, None], c * net.task[:, None]
    in_cloud = ratio(c, np.asarray(fronthaul_bps) / net.rate_unit) + ratio(net.task, g)[:, None]
    return b + c, np.where(b > 0, ratio(b, u), np.where(c > 0, in_cloud, 0.0))


def received_limit(net: Network, b: Real, c: Real, edge_frequency_hz: Any) -> Real:
    """(35c) per link, over the noise of the access point: what the CPUs leave; infinite where none counts.

    At least a ten-millionth of the power, since CPUs at their limit would forbid any signal at all.
    """
    raw = net.raw
    used = np.where(b > 0, raw.edge_capacitance * np.asarray(edge_frequency_hz) ** 3, 0.0).sum(axis=0)
    left = np.maximum(raw.ap_max_power_w - used, 1e-7 * raw.ap_max_power_w)
    return np.where(c > 0, left / raw.ap_noise_w, np.inf)


def beam_step(
    net: Network,
    data: Complex,
    sensing: Complex,
    bits: Real,
    delay: Real,
    floor: float,
    power_limit: Real,
    received: Real | None = None,
    *,
    margin: float = 1e-6,
    tolerance: float = 1e-3,
    max_iterations: int = 20,
) -> BeamResult:
    """Beams for given shares, frequencies and fronthaul: one second-order cone program after another.

    All in the network's units, the result too: beams in the root of a terminal's maximum power, time in D/B.

    Each minimises t subject to ``R_km >= bits / (t - delay)``, which is (37) at the edge and (44) in the
    cloud, with the surrogate of the rate in :func:`~trinode.reference.latency._network.surrogate_rates`.

    Departures from the paper: streams are independent, so (35b), (45) and (46) hold for each stream instead
    of for the sum of the precoders; (7), (38) and (46) are read with the indices and transposes that the
    model gives; the rate is (41) with the natural logarithm, without which it is no lower bound; and the loop
    tests the size of the relative change. A step that does not lower the true latency, or misses a
    requirement, is dropped and ends the loop.

    Parameters
    ----------
    data, sensing : (K, M, T), (K, T)
        Beams that meet every requirement; streams that are zero everywhere stay so.
    bits, delay : (K, M)
        What each link carries, and the time after its upload; both 0 where it carries nothing.
    floor : float
        Latency of what no beam changes.
    power_limit : (K,)
        Radiated power, in the terminal's maximum (35b).
    received : (K, M), optional
        Power (35c) that an access point may receive over all links where this is finite, in its noise; None
        for no limit anywhere.
    margin : float
        By which the echo requirements are raised, to end feasible in spite of the solver's tolerance.
    """
    streams = np.any(data != 0, axis=2)
    if not streams.any():
        return BeamResult(data, sensing, np.array([floor]))
    sites = 0 if received is None else net.access_points
    problem = _beam_problem(tuple(int(n) for n in streams.sum(axis=1)), net.antennas, sites)
    problem.place(net, streams, bits, delay, floor, power_limit, received, margin)

    def latency(a: Complex, b: Complex) -> float:
        if received is not None and np.any(_heard(net, a, received) > 1 + 1e-7):
            return float("inf")  # (35c) is convex, so the first program may mend a start that breaks it
        return max(floor, float(np.max(np.where(bits > 0, ratio(bits, rates(net, a, b)) + delay, 0.0))))

    history = [latency(data, sensing)]
    for _ in range(max_iterations):
        found = problem.step(data, sensing)
        if found is None:
            break
        new, missed = latency(*found), np.any(echo_sinr(net, *found) < net.requirement * (1 - 1e-7))
        if not new < history[-1] or missed:
            break
        data, sensing = found
        history.append(new)
        if history[-2] - new <= tolerance * new:
            break
    return BeamResult(data, sensing, np.array(history))


def _heard(net: Network, data: Complex, received: Real) -> Real:
    """Received power of each access point over its limit (35c), (M,)."""
    power = np.sum(np.abs(np.einsum("kmat,kmt->kma", net.uplink, data)) ** 2, axis=2)
    return ratio(np.where(np.isfinite(received), power, 0.0), received).sum(axis=0)


class _BeamProblem:
    """Problem (36) around given beams, for a number of data streams of each terminal.

    ``access_points`` is 0 where none limits what it receives. Beams are columns ``[Re w; Im w]``, the sensing
    beam last. Whatever changes with the network or the beams is a parameter, so one compiled problem serves
    all networks of a shape.
    """

    def __init__(self, counts: tuple[int, ...], antennas: int, access_points: int):
        cp = _conic.load()
        self.counts, self.antennas = counts, antennas
        n, terminals, total = 2 * antennas, len(counts), sum(counts)
        self.beams = [cp.Variable((n, count + 1)) for count in counts]
        time, rate, loss = cp.Variable(), cp.Variable(total), cp.Variable(total)
        self.floor = cp.Parameter(nonneg=True)
        self.root_bits, self.delay = cp.Parameter(total, nonneg=True), cp.Parameter(total, nonneg=True)
        self.constant = cp.Parameter(total)
        self.row_re = [cp.Parameter((total, n)) for _ in counts]
        self.row_im = [cp.Parameter((total, n)) for _ in counts]
        self.wanted = [cp.Parameter((total, count + 1)) for count in counts]
        self.power = cp.Parameter(terminals, nonneg=True)
        self.light = [cp.Parameter((n, count + 1)) for count in counts]
        self.light_constant = cp.Parameter(terminals)
        self.crosstalk = {(k, j): cp.Parameter((n, n)) for k in range(terminals) for j in range(terminals) if j != k}
        crossing = []
        for x, re, im, wanted in zip(self.beams, self.row_re, self.row_im, self.wanted):
            crossing += [re @ x - wanted, im @ x]
        constraints = [
            _conic.product_at_least(time - self.delay, rate, self.root_bits),  # (37), (44)
            rate + loss <= self.constant,  # (43)
            _squares_at_most(cp.hstack(crossing).T, loss),
            time >= self.floor,
        ]
        for k, x in enumerate(self.beams):
            constraints.append(cp.norm(x, "fro") <= self.power[k])  # (35b)
            light = cp.sum(cp.multiply(self.light[k], x)) - self.light_constant[k]  # (46)
            disturbance = [cp.vec(self.crosstalk[k, j] @ self.beams[j], order="F") for j in range(terminals) if j != k]
            if disturbance:
                column = cp.reshape(cp.hstack(disturbance), (-1, 1), order="F")
                constraints.append(_squares_at_most(column, cp.reshape(light, (1,), order="F")))
            else:
                constraints.append(light >= 0)
        self.received = None
        if access_points:  # (35c)
            self.received = [cp.Parameter((n, n)) for _ in range(total)]
            self.site = cp.Parameter((access_points, total), nonneg=True)
            owner = [(k, i) for k, count in enumerate(counts) for i in range(count)]
            columns = [f @ self.beams[k][:, i] for f, (k, i) in zip(self.received, owner)]
            energy = cp.Variable(total)
            constraints += [_squares_at_most(cp.vstack(columns).T, energy), self.site @ energy <= 1]
        self.problem = cp.Problem(cp.Minimize(time), constraints)

    def place(
        self,
        net: Network,
        streams: Bool,
        bits: Real,
        delay: Real,
        floor: float,
        power_limit: Real,
        received: Real | None,
        margin: float,
    ) -> None:
        """Load what does not change from one step to the next."""
        self.net, self.streams, self.margin, self.limit = net, streams, margin, power_limit
        self.of, self.at = np.nonzero(streams)
        bits, delay = bits[streams], delay[streams]
        self.used = bits > 0
        self.root_bits.value = np.sqrt(bits * np.log(2))  # rates in nats
        self.delay.value, self.floor.value = np.where(self.used, delay, 0.0), floor
        self.power.value = np.sqrt(power_limit) * (1 - 1e-9)
        strength = np.sum(np.abs(net.echo) ** 2, axis=1)
        needs = net.requirement > 0
        self.scale = np.where(needs, np.maximum(strength, 1e-300), 1.0)
        self.noise = net.requirement * (1 + margin) / self.scale
        for (k, j), parameter in self.crosstalk.items():
            parameter.value = real_factor(net.crosstalk[k, j]) * np.sqrt(self.noise[k])
        if self.received is not None and received is not None:
            limit = received[streams]
            counted = self.used & np.isfinite(limit)
            root = np.sqrt(np.maximum(np.where(counted, limit, 1.0), 1e-300))
            for parameter, k, m, counts, size in zip(self.received, self.of, self.at, counted, root):
                parameter.value = real_factor(net.uplink[k, m]) / size * counts
            self.site.value = (self.at == np.arange(self.site.shape[0])[:, None]).astype(float)

    def step(self, data: Complex, sensing: Complex) -> tuple[Complex, Complex] | None:
        """Solve around these beams; None where the solver fails."""
        net = self.net
        combiner, error = receivers(net, data, sensing)
        v, weight = combiner[self.streams], np.where(self.used, 1 / error[self.streams], 1.0)
        root = np.sqrt(weight) * self.used
        loss = weight * np.sum(np.abs(v) ** 2, axis=1) * self.used
        self.constant.value = np.log(weight) + 1 - loss  # of (43), in nats
        for j, count in enumerate(self.counts):
            row = root[:, None] * np.einsum("la,lat->lt", v.conj(), net.uplink[j, self.at])
            self.row_re[j].value, self.row_im[j].value = _conic.embed(row)
            wanted = np.zeros((len(v), count + 1))
            own = np.nonzero(self.of == j)[0]
            wanted[own, np.arange(count)] = root[own]
            self.wanted[j].value = wanted
        constant = np.zeros(len(self.counts))
        for k in range(len(self.counts)):
            beams = np.concatenate([data[k, self.streams[k]], sensing[k][None]])
            amplitude = beams @ net.echo[k]
            rows = 2 * amplitude.conj()[:, None] * net.echo[k] / self.scale[k] * (net.requirement[k] > 0)
            self.light[k].value = _conic.embed(rows)[0].T
            constant[k] = np.sum(np.abs(amplitude) ** 2) / self.scale[k] + self.noise[k]
        self.light_constant.value = np.where(net.requirement > 0, constant, -1.0)
        if not _conic.solve(self.problem, 1e-9):
            return None
        data, sensing = np.zeros_like(data), np.zeros_like(sensing)
        for k, x in enumerate(self.beams):
            beams = (x.value[: self.antennas] + 1j * x.value[self.antennas :]).T
            power = np.sum(np.abs(beams) ** 2)
            if power > self.limit[k]:
                beams = beams * np.sqrt(self.limit[k] / power)
            data[k, self.streams[k]], sensing[k] = beams[:-1], beams[-1]
        return data, sensing


def _squares_at_most(columns: Any, limits: Any) -> Any:
    """Cones ``|column|**2 <= limit`` for the columns of a matrix."""
    cp = _conic.load()
    row = cp.reshape(1 - limits, (1, -1), order="F")
    return cp.SOC(1 + limits, cp.vstack([2 * columns, row]), axis=0)


@lru_cache(maxsize=32)
def _beam_problem(counts: tuple[int, ...], antennas: int, access_points: int) -> _BeamProblem:
    return _BeamProblem(counts, antennas, access_points)
