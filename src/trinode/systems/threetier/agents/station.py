"""A base station of the distributed algorithm: it holds its own data and answers the cloud's messages."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from trinode.systems.threetier import wmmse
from trinode.systems.threetier.agents import messages as say
from trinode.systems.threetier.wmmse import Sensing


@dataclass(frozen=True, eq=False)
class StationData:
    """What a station has before anything is said: its channels, its server, and the terminals attached to it.

    Attributes
    ----------
    channel : (K, A, T)
        From every terminal to it (pilots reach every station), divided by its noise amplitude.
    bits_per_nat_s : float
        Bandwidth over ln 2: bit/s of 1 nat/s/Hz.
    demands, records
        Of the attached terminals.
    """

    channel: Any
    bits_per_nat_s: float
    demands: say.Demands
    records: say.Records


class BaseStation:
    """Answers one message at a time; never sees another station's data but in messages."""

    def __init__(self, data: StationData):
        self._data = data
        self._own: dict[int, Sensing] = {}
        self._everyone: say.Demands | None = None
        self._nats = np.zeros(len(data.channel))
        self._priced: list[wmmse.PricedProblem] = []
        self._price: np.ndarray = np.zeros(len(data.channel))
        self._adopt(data.records)

    def handle(self, message: say.Message) -> tuple[say.Message, float]:
        """Answer; also the seconds of processor time that it took."""
        began = time.thread_time()
        reply = getattr(self, f"_on_{message.kind.lower()}")(message)
        return reply, time.thread_time() - began

    def _on_askdemands(self, _: say.AskDemands) -> say.Demands:
        return self._data.demands

    def _on_demands(self, message: say.Demands) -> say.Done:
        self._everyone = message
        return say.Done()

    def _on_beams(self, message: say.Beams) -> say.Rates:
        self._nats = wmmse.spectral_efficiency(self._data.channel, message.precoder)
        return say.Rates(self._nats)

    def _on_consensus(self, message: say.Consensus) -> say.Copies:
        """Solve (29) by its own optimality conditions."""
        d = self._demands()
        upload = _time(d.task_bits, self._data.bits_per_nat_s * self._nats)
        penalty, scale = consensus_penalty(d), consensus_scale(d)
        own = np.where(np.isfinite(d.local_s), d.local_s, scale)
        edge = message.edge - np.where(np.isfinite(upload + d.edge_s), upload + d.edge_s - own, scale) / penalty
        cloud = message.cloud - np.where(np.isfinite(upload + d.cloud_s), upload + d.cloud_s - own, scale) / penalty
        size, capacity = d.edge_frequency_hz, float(self._data.demands.edge_capacity_hz[0])
        copies = within_capacity(edge, size, capacity)
        return say.Copies(copies, np.clip(cloud, 0.0, 1.0))

    def _on_release(self, message: say.Release) -> say.Records:
        parts = [self._own.pop(int(k)) for k in message.terminal]
        t = self._data.channel.shape[2]
        k = len(self._data.channel)
        return say.Records(
            np.asarray(message.terminal, dtype=np.int64),
            np.stack([p.leakage for p in parts]) if parts else np.zeros((0, k, t, t), complex),
            np.asarray([p.gain for p in parts]),
            np.stack([p.steering for p in parts]) if parts else np.zeros((0, t), complex),
            np.asarray([p.noise_w for p in parts]),
            np.asarray([p.need for p in parts]),
            np.asarray([p.budget_w for p in parts]),
        )

    def _on_records(self, message: say.Records) -> say.Done:
        self._adopt(message)
        return say.Done()

    def _on_budgets(self, message: say.Budgets) -> say.Done:
        for k, budget in zip(message.terminal, message.budget_w, strict=True):
            self._own[int(k)] = self._own[int(k)]._replace(budget_w=float(budget))
        return say.Done()

    def _on_listen(self, message: say.Listen) -> say.Prices:
        served = np.asarray(message.served, dtype=np.int64)
        found = wmmse.receivers(self._data.channel, message.precoder, served, self._demands().task_bits)
        return say.Prices(served, found.vectors, found.pull, found.upload / self._data.bits_per_nat_s)

    def _on_improve(self, message: say.Improve) -> say.Moved:
        moved, solved = np.array(message.precoder), np.ones(len(message.terminal), bool)
        for n, k in enumerate(message.terminal):
            args = (message.vectors[:, n], message.linear[n], message.precoder[n], message.ceiling[n])
            moved[n], solved[n] = wmmse.improve_one(self._own[int(k)], *args, float(message.heard[n]))
        return replace(self._on_assess(say.Assess(message.terminal, moved)), solved=solved)

    def _on_assess(self, message: say.Assess) -> say.Moved:
        beams = [(self._own[int(k)], w) for k, w in zip(message.terminal, message.precoder, strict=True)]
        leak = [np.einsum("t,jtu,u->j", w.conj(), own.leakage, w).real for own, w in beams]
        leakage = np.stack(leak) if leak else np.zeros((0, len(self._data.channel)))
        weight = np.asarray([own.need / own.echo(w) if own.need > 0 else 0.0 for own, w in beams])
        return say.Moved(
            np.asarray(message.terminal, dtype=np.int64), message.precoder, leakage, weight, np.ones(len(beams), bool)
        )

    def _on_frame(self, message: say.Frame) -> say.Done:
        self._priced = [
            wmmse.PricedProblem.build(self._own[int(k)], int(k), vectors, linear, precoder, message.weight)
            for k, vectors, linear, precoder in zip(
                message.terminal, np.moveaxis(message.vectors, 1, 0), message.linear, message.precoder, strict=True
            )
        ]
        return say.Done()

    def _on_toll(self, message: say.Toll) -> say.Load:
        count = len(message.price)
        value, violation, slope = 0.0, np.zeros(count), np.zeros((count, count))
        for problem in self._priced:
            part = problem.respond(message.price)
            value, violation, slope = value + part.value, violation + part.violation, slope + part.slope
        self._price = message.price
        return say.Load(np.asarray([value]), violation, slope)

    def _on_commit(self, _: say.Commit) -> say.Moved:
        ids = np.asarray([problem.terminal for problem in self._priced], dtype=np.int64)
        beams = [problem.respond(self._price).precoder for problem in self._priced]
        empty = np.zeros((0, self._data.channel.shape[2]), complex)
        return self._on_assess(say.Assess(ids, np.stack(beams) if beams else empty))

    def _adopt(self, records: say.Records) -> None:
        for n, k in enumerate(records.terminal):
            self._own[int(k)] = Sensing(
                float(records.echo_gain[n]),
                records.steering[n],
                float(records.radar_noise_w[n]),
                float(records.sensing_sinr_min[n]),
                records.leakage[n],
                float(records.budget_w[n]),
            )

    def _demands(self) -> say.Demands:
        if self._everyone is None:
            raise RuntimeError("the cloud has not said what the terminals want")
        return self._everyone


def within_capacity(wanted: np.ndarray, size: np.ndarray, capacity: float) -> np.ndarray:
    """The point of the unit box with ``size @ x <= capacity`` that is nearest to ``wanted``.

    It is ``clip(wanted - price * size)``, whose load falls along straight lines between the prices at which an entry
    leaves 1 or arrives at 0, so the price is found exactly, without the paper's bisection.
    """
    free = np.clip(wanted, 0.0, 1.0)
    if free @ size <= capacity:
        return free
    relative = size / size.max()
    needs = relative > 0
    bends = np.concatenate([(wanted - 1)[needs] / relative[needs], wanted[needs] / relative[needs]])
    price = np.sort(np.append(bends[bends > 0], 0.0))
    load = np.clip(wanted - price[:, None] * relative, 0.0, 1.0) @ size
    load[-1] = 0.0  # but for rounding
    after = int(np.argmax(load <= capacity))
    if after == 0:  # too large by rounding only
        return free
    along = (load[after - 1] - capacity) / (load[after - 1] - load[after])
    return np.clip(wanted - (price[after - 1] + along * (price[after] - price[after - 1])) * relative, 0.0, 1.0)


def consensus_scale(d: say.Demands) -> float:
    """Time that stands for what is impossible: twice the largest finite one, s."""
    times = np.concatenate([d.local_s, d.edge_s, d.cloud_s])
    times = times[np.isfinite(times)]
    return 2 * float(times.max()) if times.size and times.max() > 0 else 1.0


def consensus_penalty(d: say.Demands) -> float:
    """rho of (24), s: 0.1 s at Table III, and in proportion to the largest time elsewhere."""
    return 0.1 * consensus_scale(d) / 1.28


def _time(amount: np.ndarray, speed: np.ndarray) -> np.ndarray:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(amount > 0, amount / speed, 0.0)
