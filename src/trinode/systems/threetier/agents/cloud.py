"""The cloud's part of Algorithms 1 and 2 (Remark 2 of the paper): it combines, decides and sends on.

The same code drives stations in this process and stations in processes of their own; see
:mod:`trinode.systems.threetier.agents.transport`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, NamedTuple

import numpy as np

from trinode.systems.threetier import wmmse
from trinode.systems.threetier.agents import messages as say
from trinode.systems.threetier.agents.pricing import Dual, maximise
from trinode.systems.threetier.agents.transport import StationLost, Traffic, Transport
from trinode.systems.threetier.tiers import CLOUD, EDGE, LOCAL

Place = tuple[Any, Any]
"""Mode and target of every terminal."""


@dataclass(frozen=True)
class Rules:
    """Settings of a run.

    Attributes
    ----------
    exact_offloading : bool
        Decide by an exact assignment in the cloud instead of Algorithm 1 and rounding.
    priced : bool
        Couple the beam problems by one price per radar instead of the bounds (58), which never let leakage rise.
    outer : int
        Most turns of offloading and beams.
    consensus_steps, consensus_tolerance
        Of Algorithm 1.
    beam_steps, beam_tolerance
        Of Algorithm 2; the tolerance is on the relative change of the upload time.
    price_tolerance : float
        Largest relative violation that prices leave.
    """

    exact_offloading: bool = False
    priced: bool = False
    outer: int = 3
    consensus_steps: int = 500
    consensus_tolerance: float = 1e-4
    beam_steps: int = 40
    beam_tolerance: float = 1e-5
    price_tolerance: float = 1e-8


class Start(NamedTuple):
    """Beams that meet every requirement, and who cares for each terminal at first."""

    precoder: Any
    home: Any


@dataclass
class Run:
    """How a run went.

    Attributes
    ----------
    mode, target, precoder
        The best decision so far, all of which are feasible.
    steps : list of dict
        One entry per step of either algorithm: ``algorithm``, its value, messages and bytes so far.
    traffic : Traffic
        Messages, bytes and processor time.
    thread_seconds : float
        Processor time of the cloud's thread, which in one process holds that of the stations.
    ended : str
        ``converged``, ``step limit`` or what was lost.
    """

    mode: Any
    target: Any
    precoder: Any
    steps: list[dict[str, Any]] = field(default_factory=list)
    traffic: Traffic = field(default_factory=Traffic)
    thread_seconds: float = 0.0
    ended: str = "step limit"

    @property
    def converged(self) -> bool:
        """Whether it came to rest."""
        return self.ended == "converged"


class Radars(NamedTuple):
    """Leakage [radar, terminal] in W, requirement per echo power in 1/W, and price of every radar.

    ``solved`` says whether the beams came from problems that were all solved.
    """

    leakage: Any
    weight: Any
    price: Any
    solved: bool = True


Offload = Callable[[Any, Any], tuple[Any, Any, float]]
"""Exact decision from rates (K, M) in nat/s/Hz and beams (K, T), and its sum of latencies."""

Escape = Callable[[Any, float], tuple[Any, bool]]
"""From beams and their sum of latencies: beams that meet every requirement to begin again with, or None, and whether
those that there are may count as being at rest."""


class Cloud:
    """Drives the stations.

    Parameters
    ----------
    offload : callable
        Exact decision for given rates, used where the rules ask for it and to begin with nothing decided.
    watch : callable, optional
        Told of every step; for tests and for tables.
    escape : callable, optional
        Asked whenever all has come to an end; see :data:`Escape`.
    """

    def __init__(
        self,
        transport: Transport,
        start: Start,
        rules: Rules,
        offload: Offload,
        watch: Callable[[dict[str, Any]], None] | None = None,
        escape: Escape | None = None,
    ):
        self._transport, self._rules, self._offload, self._watch = transport, rules, offload, watch
        self._w = np.array(start.precoder)
        self._carer = np.array(start.home)
        self._run = Run(np.full(len(self._w), LOCAL), np.zeros(len(self._w), np.int64), self._w.copy())
        self._escape = escape
        self._best = np.inf
        self._stations = 0

    def run(self, stations: int) -> Run:
        """Run to the end with so many stations; a lost one ends it with the best decision so far."""
        self._stations = stations
        self._run.traffic.station_seconds = [0.0] * stations
        began = time.thread_time()
        try:
            self._converse()
            while self._escape is not None:
                ahead, rested = self._escape(self._run.precoder, self._best)
                self._run.ended = self._run.ended if rested else "step limit"
                if ahead is None:
                    break
                self._w, self._run.ended = np.array(ahead), "step limit"
                self._converse()
        except StationLost as fault:
            self._run.ended = str(fault)
        self._run.thread_seconds = time.thread_time() - began
        return self._run

    def _converse(self) -> None:
        self._d = self._gather_demands()
        nats = self._rates()
        mode, target, latency = self._offload(nats, self._w)
        if np.isinf(self._best):
            self._run.mode, self._run.target = mode, target
        self._keep(latency, mode, target)  # what rounding loses is not kept
        place, rested = None, False
        for turn in range(self._rules.outer):
            nats = nats if turn == 0 else self._rates()
            if not self._rules.exact_offloading:
                mode, target = self._consensus(nats)
            elif turn > 0:
                mode, target, _ = self._offload(nats, self._w)
            ahead = (tuple(mode), tuple(target))
            if ahead == place:  # beams that did not come to rest go no further: the steps allowed are spent
                self._run.ended = "converged" if rested else self._run.ended
                return
            place = ahead
            self._settle(mode, target)
            rested = self._beams(mode, target)
        if rested and self._rules.outer == 1:
            self._run.ended = "converged"

    # --- messages

    def _ask(self, messages: Sequence[say.Message]) -> list[Any]:
        for message in messages:
            self._run.traffic.count(message)
        answers = self._transport.ask(messages)
        for place, (answer, seconds) in enumerate(answers):
            self._run.traffic.count(answer)
            self._run.traffic.station_seconds[place] += seconds
        return [answer for answer, _ in answers]

    def _tell(self, message: say.Message) -> list[Any]:
        return self._ask([message] * self._stations)

    def _note(self, algorithm: str, **values: Any) -> None:
        traffic = self._run.traffic
        step = {"algorithm": algorithm, **values, "messages": traffic.total_messages, "bytes": traffic.total_bytes}
        self._run.steps.append(step)
        if self._watch is not None:
            self._watch(step)

    def _gather_demands(self) -> say.Demands:
        parts = self._tell(say.AskDemands())
        order = np.argsort(np.concatenate([part.terminal for part in parts]))
        joined = {
            f.name: np.concatenate([np.asarray(getattr(part, f.name)) for part in parts]) for f in fields(say.Demands)
        }
        whole = say.Demands(**{n: v if n == "edge_capacity_hz" else v[order] for n, v in joined.items()})
        self._tell(whole)
        return whole

    def _rates(self) -> np.ndarray:
        return np.stack([part.nats for part in self._tell(say.Beams(self._w))], axis=1)

    # --- decisions

    def _settle(self, mode: Any, target: Any) -> None:
        """Move the care of each terminal to its station, and tell what it may radiate."""
        mode, target = np.asarray(mode), np.asarray(target)
        wanted = np.where(mode == LOCAL, self._carer, target)
        moving = np.flatnonzero(wanted != self._carer)
        if moving.size:
            leaving = [say.Release(moving[self._carer[moving] == at]) for at in range(self._stations)]
            records = self._ask(leaving)
            joined = {f.name: [getattr(r, f.name) for r in records] for f in fields(say.Records)}
            whole = {name: np.concatenate(parts) for name, parts in joined.items()}
            arriving = []
            for at in range(self._stations):
                here = wanted[whole["terminal"]] == at
                arriving.append(say.Records(**{name: part[here] for name, part in whole.items()}))
            self._ask(arriving)
            self._carer = wanted
        d = self._d
        budget = d.max_power_w - np.where(mode == LOCAL, d.own_cpu_w, 0.0)
        own = [np.flatnonzero(self._carer == at) for at in range(self._stations)]
        self._ask([say.Budgets(ids, budget[ids]) for ids in own])

    def _keep(self, latency: float, mode: Any, target: Any) -> None:
        """Keep a feasible decision that is better than all before."""
        if latency < self._best:
            self._best = latency
            self._run.mode, self._run.target, self._run.precoder = mode, target, self._w.copy()

    def _consensus(self, nats: np.ndarray) -> Place:
        """Algorithm 1: consensus ADMM, then greedy inflation of the relaxed variables."""
        d = self._d
        k, m = nats.shape
        edge = np.zeros((k, m))
        cloud = np.zeros((k, m))
        fee, fee_cloud = np.zeros((k, m)), np.zeros((k, m))
        power = np.sum(np.abs(self._w) ** 2, axis=1)
        # (31b): who cannot afford its own processor beside its beam must offload that share
        with np.errstate(divide="ignore", invalid="ignore"):
            afford = np.where(d.own_cpu_w > 0, (d.max_power_w - power) / d.own_cpu_w, 1.0)
        least = np.clip(np.where(np.isfinite(d.local_s), 1 - afford, 1.0), 0.0, 1.0)
        least = np.where(least < 1e-9, 0.0, least)
        for step in range(self._rules.consensus_steps):
            wanted = [say.Consensus(edge[:, at] - fee[:, at], cloud[:, at] - fee_cloud[:, at]) for at in range(m)]
            copies = self._ask(list(wanted))
            own = np.stack([c.edge for c in copies], axis=1)
            own_cloud = np.stack([c.cloud for c in copies], axis=1)
            new, new_cloud = project(own + fee, own_cloud + fee_cloud, least)
            fee, fee_cloud = fee + own - new, fee_cloud + own_cloud - new_cloud  # (37), (38)
            change = max(np.abs(new - edge).max(), np.abs(new_cloud - cloud).max())
            # the paper stops on the change alone, which is 0 while all copies sit at a limit: ask for consensus too
            change = max(change, np.abs(own - new).max(), np.abs(own_cloud - new_cloud).max())
            edge, cloud = new, new_cloud
            self._note("1", step=step, change=float(change))
            if change <= self._rules.consensus_tolerance:
                break
        return self._inflate(edge, cloud, least)

    def _inflate(self, edge: np.ndarray, cloud: np.ndarray, least: np.ndarray) -> Place:
        """Fix the largest relaxed entry to 1, as often as there are terminals, where capacity allows."""
        d = self._d
        k, m = edge.shape
        own = np.where(least > 0, -1.0, 1 - edge.sum(axis=1) - cloud.sum(axis=1))
        values = np.concatenate([edge, cloud, own[:, None]], axis=1)
        room = d.edge_capacity_hz.astype(float).copy()
        mode, target = np.full(k, LOCAL), np.zeros(k, np.int64)
        left = np.ones(k, bool)
        for flat in np.argsort(-values, axis=None, kind="stable"):
            i, j = divmod(int(flat), 2 * m + 1)
            if not left[i] or (j < m and d.edge_frequency_hz[i] > room[j] * (1 + 1e-12)):
                continue
            left[i] = False
            mode[i] = EDGE if j < m else CLOUD if j < 2 * m else LOCAL
            target[i] = j % m if j < 2 * m else 0
            if j < m:
                room[j] -= d.edge_frequency_hz[i]
        return mode, target

    def _beams(self, mode: np.ndarray, target: np.ndarray) -> bool:
        """Algorithm 2; returns whether it came to rest.

        (40) with its receivers fixed is no majorant of (39) at low SINR, where a whole step may raise it. Value and
        slope agree though, and the constraints of (56) are convex: part of the step lowers it then.
        """
        served = [np.flatnonzero((mode != LOCAL) & (target == at)) for at in range(self._stations)]
        own = [np.flatnonzero(self._carer == at) for at in range(self._stations)]
        state = self._assess(own)
        before, kept, d = np.inf, self._w.copy(), self._d
        ahead, share = kept, 1.0
        fixed = float(np.sum(np.where(mode == LOCAL, d.local_s, np.where(mode == EDGE, d.edge_s, d.cloud_s))))
        for step in range(self._rules.beam_steps):
            answers = self._ask([say.Listen(self._w, ids) for ids in served])
            upload = float(sum(np.sum(a.upload) for a in answers))
            gained = before - upload
            if gained > 0:
                kept, before = self._w.copy(), upload
                self._keep(fixed + upload, mode, target)
                self._note("2", step=step, upload_s=upload, latency_s=fixed + upload)
            if gained < -self._rules.beam_tolerance * upload and share > wmmse.LEAST_SHARE:
                share *= 0.5
                self._w = kept + share * (ahead - kept)
                state = self._assess(own)._replace(price=state.price, solved=state.solved)
                continue
            if not gained > self._rules.beam_tolerance * upload:
                self._w = kept
                return state.solved and wmmse.at_rest(gained, share, self._rules.beam_tolerance * upload)
            state = self._priced(own, answers, state) if self._rules.priced else self._bounded(own, answers, state)
            ahead, share = self._w.copy(), 1.0
        self._w = kept
        return False

    def _bounded(self, own: list[np.ndarray], answers: list[say.Prices], state: Radars) -> Radars:
        """Problems (56) under the bounds (58), one round."""
        return self._take(self._ask([self._improve(ids, answers, state.leakage) for ids in own]), state)

    def _priced(self, own: list[np.ndarray], answers: list[say.Prices], state: Radars) -> Radars:
        """All problems (56) at once under (55) with the true leakages: Newton's method on the radars' prices."""
        frames = []
        for ids in own:
            vectors, linear = self._seen(ids, answers)
            frames.append(say.Frame(ids, vectors, linear, self._w[ids], state.weight))
        self._ask(list(frames))

        def ask(price: np.ndarray) -> Dual:
            parts = self._tell(say.Toll(price))
            value = float(sum(part.value[0] for part in parts))
            return Dual(value, sum(part.violation for part in parts), sum(part.slope for part in parts))

        price, met = maximise(ask, state.price, state.weight > 0, self._rules.price_tolerance)
        if not met:
            return state._replace(solved=False)
        return self._take(self._tell(say.Commit()), state)._replace(price=price)

    def _take(self, moved: list[say.Moved], state: Radars) -> Radars:
        leakage, weight = state.leakage.copy(), state.weight.copy()
        for part in moved:
            self._w[part.terminal] = part.precoder
            leakage[:, part.terminal] = part.leakage.T
            weight[part.terminal] = part.weight
        return Radars(leakage, weight, state.price, all(bool(np.all(part.solved)) for part in moved))

    def _assess(self, own: list[np.ndarray]) -> Radars:
        """What the present beams do to the radars."""
        k = len(self._w)
        parts = self._ask([say.Assess(ids, self._w[ids]) for ids in own])
        return self._take(parts, Radars(np.zeros((k, k)), np.zeros(k), np.zeros(k)))

    def _seen(self, ids: np.ndarray, answers: list[say.Prices]) -> tuple[np.ndarray, np.ndarray]:
        """Weighted receivers as these terminals see them, and the pull on each beam."""
        vectors = np.concatenate([answer.vectors[:, ids] for answer in answers])
        who = np.concatenate([answer.served for answer in answers])
        pull = np.concatenate([answer.pull for answer in answers])
        linear = np.zeros((len(ids), self._w.shape[1]), complex)
        for n, k in enumerate(ids):
            for i in np.flatnonzero(who == k):
                linear[n] += pull[i] * vectors[i, n]
        return vectors, linear

    def _improve(self, ids: np.ndarray, answers: list[say.Prices], ceiling: np.ndarray) -> say.Improve:
        vectors, linear = self._seen(ids, answers)
        return say.Improve(ids, vectors, linear, self._w[ids], ceiling[:, ids].T, ceiling[ids].sum(axis=1))


def project(edge: Any, cloud: Any, least: Any) -> tuple[Any, Any]:
    """Global variables of (31) nearest to (K, M) targets: each terminal's sum from ``least`` (K,) to 1.

    (32) and (33) shift all entries of a terminal alike, so the multipliers of (34) and (35) have a closed form.
    """
    total = edge.sum(axis=1) + cloud.sum(axis=1)
    shift = (np.clip(total, least, 1.0) - total) / (2 * edge.shape[1])
    return edge + shift[:, None], cloud + shift[:, None]
