"""The paper's centralised counterpart: all channels in one place, one beam program for all terminals."""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple, final

import equinox as eqx
import numpy as np

from trinode.systems.contract import Scheme
from trinode.systems.threetier import host, wmmse
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.solution import ThreetierSolution
from trinode.systems.threetier.tiers import EDGE, LOCAL
from trinode.systems.threetier.wmmse import Sensing


class _Best(NamedTuple):
    """The best so far: its sum of latencies, s, and mode, target and beam of every terminal."""

    latency: float
    decision: tuple[Any, Any, Any]


@final
class Centralised(Scheme):
    """CCET-ISCC: exact offloading, and fractional programming with WMMSE whose beam step is one convex program.

    Attributes
    ----------
    begin : {"best", "mrs", "mrt"}
        Beams to begin with; see :data:`.host.BEGINNINGS`.
    outer, beam_steps : int
        Most turns of offloading and beams, and beam steps in each.
    tolerance : float
        Stop the beam steps when one improves the upload time by less than this share.
    """

    name: ClassVar[str] = "centralised"
    summary: ClassVar[str] = "one place that knows everything, WMMSE with exact offloading (CCET-ISCC)"
    host: ClassVar[bool] = True
    begin: str = eqx.field(static=True, default="best")
    outer: int = eqx.field(static=True, default=3)
    beam_steps: int = eqx.field(static=True, default=40)
    tolerance: float = eqx.field(static=True, default=1e-5)

    def solve(self, scenario: ThreetierScenario, start: ThreetierSolution | None = None) -> ThreetierSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        t, view = host.prepared(scenario)
        k = scenario.terminals
        history = np.full(self.outer * self.beam_steps * (1 + host.ESCAPES), np.nan)
        if not bool(view.met):
            nowhere = np.zeros(k, np.int64)
            return host.answer(t, view, np.full(k, LOCAL), nowhere, view.beam, 0, True, history, None)
        w, _ = host.starting_point(t, view, self.begin, start)
        best, steps, settled = _Best(np.inf, (np.full(k, LOCAL), np.zeros(k, np.int64), w)), 0, False
        escape, ahead = host.Escapes(t, view), w
        while ahead is not None:
            best, steps, settled = self._turns(t, ahead, best, steps, history)
            ahead, rested = escape(best.decision[2], best.latency)
            settled = settled and rested
        return host.answer(t, view, *best.decision, steps, settled, history, start)

    def _turns(self, t: Any, w: Any, best: _Best, steps: int, history: Any) -> tuple[_Best, int, bool]:
        """Offloading and beams in turn; the best so far, the steps so far, and whether it came to rest."""
        s = t.scenario
        channel, bits = np.asarray(t.channel), np.asarray(s.task_bits)
        nats = _rates(channel, w)
        place, rested = None, False
        for _ in range(self.outer):
            mode, target = (np.asarray(part) for part in host.offload(t, nats, w)[:2])
            if place == (tuple(mode), tuple(target)):
                return best, steps, rested
            place = (tuple(mode), tuple(target))
            rest = np.where(mode == LOCAL, t.local_s, np.where(mode == EDGE, t.edge_s, t.cloud_s)).sum()
            care = _sensing(t, mode)
            served = [np.flatnonzero((mode != LOCAL) & (target == at)) for at in range(channel.shape[1])]
            before, kept, ahead, share = np.inf, w, w, 1.0
            solved, rested = True, False
            for _ in range(self.beam_steps):
                heard = [wmmse.receivers(channel[:, at], w, ids, bits) for at, ids in enumerate(served)]
                upload = sum(float(part.upload.sum()) for part in heard) / float(s.bandwidth_hz) * np.log(2)
                gained = before - upload
                if gained < -self.tolerance * upload and share > wmmse.LEAST_SHARE:  # as in the cloud's `_beams`
                    share *= 0.5
                    w = kept + share * (ahead - kept)
                    continue
                if not gained > self.tolerance * upload:
                    rested = solved and wmmse.at_rest(gained, share, self.tolerance * upload)
                    break
                kept, before = w, upload
                if rest + upload < best.latency:
                    best = _Best(rest + upload, (mode, target, w))
                history[steps] = rest + upload
                steps += 1
                vectors = np.concatenate([part.vectors for part in heard])
                pull = np.concatenate([part.pull for part in heard])
                linear = np.zeros_like(w)
                for i, who in enumerate(np.concatenate(served)):
                    linear[who] = pull[i] * vectors[i, who]
                w, solved = wmmse.improve_all(care, vectors, linear, w)
                ahead, share = w, 1.0
            w = kept
            nats = _rates(channel, w)
        return best, steps, False


def _rates(channel: Any, w: Any) -> Any:
    return np.stack([wmmse.spectral_efficiency(channel[:, at], w) for at in range(channel.shape[1])], axis=1)


def _sensing(t: Any, mode: Any) -> list[Sensing]:
    e, budget, need = t.echo, np.asarray(t.budget(mode)), np.asarray(t.scenario.sensing_sinr_min)
    gain, steering, noise = np.asarray(e.gain), np.asarray(e.steering), np.asarray(e.noise_w)
    leakage = np.asarray(e.leakage)
    return [
        Sensing(float(gain[k]), steering[k], float(noise[k]), float(need[k]), leakage[:, k], float(budget[k]))
        for k in range(len(gain))
    ]
