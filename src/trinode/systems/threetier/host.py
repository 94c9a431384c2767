"""What the schemes on the host share: how they begin, the exact offloading, the answer."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trinode.sensing import cones
from trinode.systems.threetier import optimise, search
from trinode.systems.threetier.agents import messages as say
from trinode.systems.threetier.agents.station import StationData
from trinode.systems.threetier.optimise import Outcome
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.search import Screen
from trinode.systems.threetier.solution import ThreetierSolution
from trinode.systems.threetier.tiers import EDGE, KINDS, LOCAL, Decision, Tiers, tiers

BEGINNINGS = ("best", "mrs", "mrt")
"""Beams to begin with: at the target or at the strongest access point, repaired where an echo misses, or those of the
two with the smaller sum of latencies. The paper asks for "a feasible value" only. From either alone the algorithm
can end above what the other has without a step."""

ESCAPES = 3
"""How often the paper's algorithms begin again at most, where one terminal's other beam would do at once."""
TRAPPED = 1e-2
"""Share of the sum of latencies that this has to gain."""
RESTED = 1e-3
"""Where it would gain more than this share, nothing has come to rest."""


@jax.jit
def prepared(s: ThreetierScenario) -> tuple[Tiers, Screen]:
    """Preprocessed scenario and sensing screen (no power taken off for local computing)."""
    t = tiers(s)
    away = jnp.full(s.terminals, EDGE)
    view = search.look(t, t.budget(away))
    return t, view


@jax.jit
def beginning(t: Tiers, view: Screen, towards_target: Any) -> tuple[Any, Any]:
    """Beams that meet every echo requirement with room for local computing, and the strongest access points.

    Terminals that could compute themselves keep the power of their processor back, else none could ever do so.
    """
    s = t.scenario
    home = jnp.argmax(jnp.sum(jnp.abs(s.uplink_channel) ** 2, axis=(2, 3)), axis=1)
    keeps, safe = _frugal(t, view)
    w = jnp.sqrt(t.budget(keeps))[:, None] * jnp.where(towards_target, search.sensing_beams(t), search.data_beams(t))
    return cones.repair(t.echo, s.sensing_sinr_min * (1 + 1e-7), w, safe), home


def _frugal(t: Tiers, view: Screen) -> tuple[Any, Any]:
    """Who keeps the power of its processor back, and beams of the largest margin within the rest."""
    s = t.scenario
    keeps = jnp.where(jnp.isfinite(t.local_s) & (t.own_cpu_w < s.terminal_max_power_w), LOCAL, EDGE)
    safe = search.safe_beams(t, keeps, view)
    meets = jnp.all((s.sensing_sinr_min <= 0) | (t.echo.sinr(safe[:, None]) >= s.sensing_sinr_min))
    return jnp.where(meets, keeps, EDGE), jnp.where(meets, safe, view.beam)


@jax.jit
def other_beam(t: Tiers, view: Screen, w: Any) -> tuple[Any, Any]:
    """The best beams of which one terminal's is other than ``w``, and the sum of latencies that they have.

    Tried is the best response of each terminal to each access point, repaired where an echo misses, under the exact
    offloading for it. What steps of beams do not see: the rate of a terminal to an access point at which its beam does
    not look, of one that computes itself in particular, says nothing of what it could be.
    """
    s = t.scenario
    k, m = s.terminals, s.access_points
    _, beam = optimise.response(t, w)
    safe = _frugal(t, view)[1]
    full = jnp.sqrt(0.98 * s.terminal_max_power_w)

    def one(who: Any, where: Any) -> tuple[Any, Any]:
        moved = w.at[who].set(full[who] * beam[who, where])
        moved = cones.repair(t.echo, s.sensing_sinr_min * (1 + 1e-7), moved, safe)
        return moved, offload(t, optimise.link_rates(t, moved), moved).latency

    beams, latency = jax.vmap(one)(*jnp.divmod(jnp.arange(k * m), m))
    best = jnp.argmin(latency)
    return beams[best], latency[best]


class Escapes:
    """Where to begin again after beams and their sum of latencies, if anywhere, and whether these are at rest."""

    def __init__(self, t: Tiers, view: Screen):
        self._t, self._view, self._left = t, view, ESCAPES

    def __call__(self, w: Any, latency: float) -> tuple[Any, bool]:
        """Beams or None, and whether no other beam of one terminal would do much better at once."""
        other, least = other_beam(self._t, self._view, w)
        self._left -= 1
        worth = self._left >= 0 and least < (1 - TRAPPED) * latency
        return (np.asarray(other) if worth else None), bool(least >= (1 - RESTED) * latency)


@jax.jit
def offload(t: Tiers, nats: Any, w: Any) -> Decision:
    """Exact decision for given rates; only who can afford it beside its beam computes itself."""
    spent = jnp.sum(jnp.abs(w) ** 2, axis=1) + t.own_cpu_w
    return t.choose(nats, local=spent <= t.scenario.terminal_max_power_w * (1 + 1e-9))


@jax.jit
def answer(
    t: Tiers, view: Screen, mode: Any, target: Any, w: Any, steps: Any, converged: Any, history: Any, start: Any
) -> ThreetierSolution:
    """Solution of a decision, its echoes repaired where they miss by rounding; the start where that is better."""
    fixed = cones.repair(t.echo, t.scenario.sensing_sinr_min, w, search.safe_beams(t, mode, view))
    outcome = Outcome(mode, target, fixed, optimise.score(t, mode, target, fixed), steps, converged, history)
    if start is not None:
        earlier = search.as_is(t, start, KINDS[""])
        earlier = earlier._replace(evaluations=steps, converged=converged, history=history)
        outcome = search.better(outcome, earlier)
    return search.finish(t, outcome, view)


@jax.jit
def _latency(t: Tiers, w: Any) -> Any:
    return offload(t, optimise.link_rates(t, w), w).latency


def starting_point(
    t: Tiers, view: Screen, begin: str = "best", start: ThreetierSolution | None = None
) -> tuple[Any, Any]:
    """Beams and homes, from an earlier solution where it is feasible."""
    w, home = beginning(t, view, begin == "mrs")
    if begin == "best":
        other, _ = beginning(t, view, True)
        w = other if float(_latency(t, other)) < float(_latency(t, w)) else w
    if start is not None and np.isfinite(float(jax.jit(search.as_is, static_argnums=2)(t, start, KINDS[""]).latency)):
        w = start.precoder
    return np.asarray(w), np.asarray(home)


def station_data(t: Tiers, home: Any) -> list[StationData]:
    """Split a scenario into what each base station holds."""
    s, e = t.scenario, t.echo
    channel, leakage = np.asarray(t.channel), np.asarray(e.leakage)
    parts = []
    for at in range(s.access_points):
        own = np.flatnonzero(np.asarray(home) == at)

        def of(values: Any, own: Any = own) -> np.ndarray:
            return np.asarray(values)[own]

        demands = say.Demands(
            own, of(s.task_bits), of(t.local_s), of(t.edge_s), of(t.cloud_s), of(s.edge_frequency_hz),
            of(t.own_cpu_w), of(s.terminal_max_power_w), np.asarray(s.edge_capacity_hz)[at : at + 1],
        )  # fmt: skip
        records = say.Records(
            own, np.moveaxis(leakage, 0, 1)[own], of(e.gain), of(e.steering), of(e.noise_w),
            of(s.sensing_sinr_min), of(s.terminal_max_power_w),
        )  # fmt: skip
        parts.append(StationData(channel[:, at], float(s.bandwidth_hz) / np.log(2), demands, records))
    return parts
