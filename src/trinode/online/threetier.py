"""Slots of the three-tier system: the carried offloading with its echoes mended, then descents from it and from others.

Ways: the carried beams; the exact offloading for what each terminal could reach against the others' beams; the exact
offloading for terminals alone on the air.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.numerics.loops import while_loop
from trinode.radio import beams, propagation
from trinode.sensing import cones
from trinode.systems.threetier import optimise, search
from trinode.systems.threetier.optimise import Outcome, Stages
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.search import Screen
from trinode.systems.threetier.solution import ThreetierSolution
from trinode.systems.threetier.tiers import CLOUD, EDGE, KINDS, LOCAL, Tiers, tiers

ABSENT = ("task_bits", "sensing_sinr_min", "terminal_max_power_w", "terminal_frequency_hz")
"""What a terminal that is not there has none of."""
LENGTHS = (1, 2, 4)
"""Rounds that one improvement may have."""
STAGES = Stages(evaluations=20)
"""Of a round."""
CARRIED, AGAINST_OTHERS, ALONE = 0, 1, 2


def ways(scenario: ThreetierScenario) -> int:
    """How many there are."""
    return 3


def path_gain(params: Any, distance_m: Any) -> Any:
    """Power gain of a path of this length, as networks are drawn."""
    return propagation.from_db(params.reference_gain_db) / jnp.maximum(distance_m, params.least_distance_m) ** 2


def repaired(s: ThreetierScenario, carried: ThreetierSolution) -> tuple[ThreetierSolution, Any]:
    """The carried offloading with its beams within the powers and echoes met exactly; beams that meet them safely."""
    t = tiers(s)
    mode, _ = search.chosen(carried)
    budget = t.budget(mode)
    fits = beams.within(carried.precoder[:, None], budget)[:, 0]
    view = search.look(t, budget)
    w = cones.repair(t.echo, s.sensing_sinr_min, fits, view.beam)
    found = search.as_is(t, replace(carried, precoder=w), KINDS[""])
    return search.finish(t, found, view), (view.met, view.beam, view.budget)


def improved(
    s: ThreetierScenario,
    had: ThreetierSolution,
    aid: Any,
    way: Int[Array, ""],
    rounds: Int[Array, ""],
    value: Float[Array, ""],
) -> tuple[ThreetierSolution, Bool[Array, ""]]:
    """Rounds of one way, settled once; it may end worse than it began."""
    t = tiers(s)
    met, beam, budget = aid
    view = Screen(met, beam, budget, jnp.asarray(jnp.nan), jnp.asarray(jnp.nan))
    mode, target, w = lax.cond(
        way == CARRIED, lambda: (*search.chosen(had), had.precoder), lambda: _offered(t, had, way)
    )
    safe = search.safe_beams(t, mode, view)
    start = jnp.where((way != CARRIED) & (mode == LOCAL)[:, None], safe, w)[:, None]

    def go(state: tuple[Int[Array, ""], beams.Beams]) -> tuple[Int[Array, ""], beams.Beams]:
        made, was = state
        now = optimise.descend(t, mode, target, was.precoder[:, 0], was.price, was.memory, STAGES)
        return made + 1, now._replace(evaluations=was.evaluations + now.evaluations)

    none = jnp.zeros(0), jnp.zeros(s.terminals), jnp.asarray(0), beams.no_memory(start, 0)
    begin = jnp.zeros_like(rounds), beams.Beams(start, *none)
    _, last = while_loop(lambda state: state[0] < rounds, go, begin)
    w, latency = optimise.settle(t, mode, target, last.precoder[:, 0], safe)
    found = Outcome(mode, target, w, latency, last.evaluations, jnp.asarray(False), latency[None])
    return search.finish(t, found, view), jnp.asarray(False)


def _offered(
    t: Tiers, had: ThreetierSolution, way: Int[Array, ""]
) -> tuple[Int[Array, " K"], Int[Array, " K"], Complex[Array, "K T"]]:
    """The exact offloading for what terminals could reach, against the others' beams or alone, and beams that do."""
    s = t.scenario

    def against():
        gain, beam = optimise.response(t, had.precoder)
        return jnp.log1p(s.terminal_max_power_w[:, None] * gain), beam

    def alone():
        own = tiers(s)  # its strongest directions are found here only, not whatever the way
        return own.alone(), own.direction

    nats, beam = lax.cond(way == ALONE, alone, against)
    mode, target, _ = t.choose(nats)
    own = jnp.take_along_axis(beam, target[:, None, None], axis=1)[:, 0]
    return mode, target, jnp.sqrt(0.98 * t.budget(mode))[:, None] * own


def quotas(s: ThreetierScenario) -> tuple[int, ...]:
    """Shape of what a policy may set: for each terminal scores of staying, edge and cloud, and its share of power."""
    return s.terminals, 4


def acted(s: ThreetierScenario, action: Float[Array, "K 4"]) -> ThreetierSolution:
    """The decision of quotas: access points with the strongest channel, beams along it, echoes met exactly.

    Who wants to an edge server beyond its capacity goes to the cloud, those with the lowest scores first.
    """
    t = tiers(s)
    mode = jnp.argmax(action[:, :3], axis=1)
    target = jnp.argmax(t.gain, axis=1)
    at = (mode == EDGE)[:, None] & (target[:, None] == jnp.arange(s.access_points))
    order = jnp.argsort(-action[:, EDGE], stable=True)
    load = jnp.cumsum((at * s.edge_frequency_hz[:, None])[order], axis=0)
    fits = jnp.zeros_like(at).at[order].set(load <= s.edge_capacity_hz * (1 + 1e-9))
    mode = jnp.where((mode == EDGE) & ~jnp.any(at & fits, axis=1), CLOUD, mode)
    budget = t.budget(mode)
    view = search.look(t, budget)
    own = jnp.take_along_axis(t.direction, target[:, None, None], axis=1)[:, 0]
    power = jnp.where(mode == LOCAL, 0.0, jnp.clip(action[:, 3], 0.0, 1.0) * budget)
    w = cones.repair(t.echo, s.sensing_sinr_min, jnp.sqrt(power)[:, None] * own, view.beam)
    latency = optimise.score(t, mode, target, w)
    history, done = latency[None], jnp.asarray(True)
    return search.finish(t, Outcome(mode, target, w, latency, jnp.asarray(0), done, history), view)
