"""Slots of the latency system: the carried assignment with echoes and computing mended, then descents.

Ways: the carried beams; the carried assignment from each link's strongest direction; for each terminal the assignment
in which it alone computes elsewhere, then everyone at the edge and everyone in the cloud, from the carried beams, where
certified values say that they could be quicker.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from trinode.numerics.loops import while_loop
from trinode.radio import beams, propagation
from trinode.systems.latency import assignments, optimise, search
from trinode.systems.latency.optimise import Outcome, Stages
from trinode.systems.latency.scenario import LatencyScenario
from trinode.systems.latency.search import Screen
from trinode.systems.latency.solution import LatencySolution
from trinode.systems.latency.tiers import CLOUD, EDGE, LOCAL, Tiers, tiers

ABSENT = ("task_bits", "sensing_sinr_min", "terminal_max_power_w")
"""What a terminal that is not there has none of."""
LENGTHS = (1, 2, 4, 6)
"""Rounds that one improvement may have."""
EVALUATIONS = 20
"""Gradients of a round."""
CARRIED, STRONGEST, ELSEWHERE = 0, 1, 2


def ways(scenario: LatencyScenario) -> int:
    """How many there are."""
    return ELSEWHERE + scenario.uplink_channel.shape[-4] + 2


def path_gain(params: Any, distance_m: Any) -> Any:
    """Power gain of a path of this length, as networks are drawn."""
    return propagation.three_slope_gain(distance_m, params.carrier_hz, params.ap_height_m, params.terminal_height_m)


def repaired(s: LatencyScenario, carried: LatencySolution) -> tuple[LatencySolution, Any]:
    """The carried assignment, its beams within the powers and echoes met, computing exact; beams that meet echoes."""
    t = tiers(s)
    modes, w = search.compact(t, carried)
    t = t.keeping(modes == LOCAL)
    budget = t.budget(modes == LOCAL)
    view = search.screen(t)
    fixed = optimise.repair(t, beams.within(w, budget), modes, view.beam)
    settled = optimise.settle(t, modes, fixed, jnp.asarray(0))
    found = Outcome(settled, jnp.asarray(True), settled.latency[None])
    return search.finish(t, found, view), (view.met, view.beam)


def improved(
    s: LatencyScenario,
    had: LatencySolution,
    aid: Any,
    way: Int[Array, ""],
    rounds: Int[Array, ""],
    value: Float[Array, ""],
) -> tuple[LatencySolution, Bool[Array, ""]]:
    """Rounds of one way, settled once; it may end worse than it began, or nowhere."""
    t = tiers(s)
    modes, carried = search.compact(t, had)
    t = t.keeping(modes == LOCAL)
    met, beam = aid
    ahead = _assignment(modes, way)

    def on():
        share = optimise.as_logs(*_shares(t, modes, had))
        return jnp.asarray(0.0), carried, share

    def elsewhere():
        links = tiers(s)  # their strongest directions are found here only, not whatever the way
        lowest, computing = assignments.value_of(links, ahead, 1e-3)
        strongest = optimise.starting_beams(links, ahead, computing.power, beam)
        # who has computed itself has no beams to go on with
        fresh = (way == STRONGEST) | (modes == LOCAL) & (ahead != LOCAL)
        start = jnp.where(fresh[:, None, None], strongest, carried)
        return lowest, start, optimise.as_logs(computing.share, computing.serial_share)

    lowest, start, others = lax.cond(way == CARRIED, on, elsewhere)
    hope = lowest < value * (1 - 1e-9)
    down = optimise.downhill(t, ahead, Stages().penalty)

    def go(state: tuple[Int[Array, ""], beams.Beams]) -> tuple[Int[Array, ""], beams.Beams]:
        made, was = state
        now = down.round(was.precoder, was.others, was.price, was.memory, EVALUATIONS)
        return made + 1, now._replace(evaluations=was.evaluations + now.evaluations)

    def descend():
        none = jnp.zeros(modes.size), jnp.asarray(0), beams.no_memory(start, others.size)
        first = beams.Beams(jnp.where(down.gate, start, 0.0), others, *none)
        _, last = while_loop(lambda state: state[0] < rounds, go, (jnp.zeros_like(rounds), first))
        w = jnp.where(down.gate, last.precoder, 0.0)
        return optimise.settle(t, ahead, optimise.repair(t, w, ahead, beam), last.evaluations)

    def stay():
        return optimise.no_decision(t)._replace(latency=jnp.asarray(jnp.inf), modes=modes, precoder=carried)

    decision = lax.cond(hope, descend, stay)
    view = Screen(met, beam, jnp.asarray(jnp.nan), jnp.asarray(jnp.nan))
    return search.finish(t, Outcome(decision, ~hope, decision.latency[None]), view), ~hope


def _assignment(modes: Int[Array, " K"], way: Int[Array, ""]) -> Int[Array, " K"]:
    """Where everyone computes in a way."""
    moved = jnp.arange(modes.size) == way - ELSEWHERE
    # who computes itself keeps power from its radar: going away only loosens what echoes ask
    ahead = jnp.where(moved, jnp.where(modes == EDGE, CLOUD, EDGE), modes)
    together = way - ELSEWHERE - modes.size
    return jnp.where(together < 0, ahead, jnp.where(together == 0, EDGE, CLOUD))


def _shares(t: Tiers, modes: Int[Array, " K"], had: LatencySolution) -> tuple[Float[Array, "K S"], Float[Array, " K"]]:
    """Shares of servers or fronthauls on each link, and of the cloud."""
    s = t.scenario

    def over(part: Float[Array, "..."], whole: Float[Array, "..."]) -> Float[Array, "..."]:
        return part / jnp.where(whole > 0, whole, 1.0)

    edge, cloud = (
        jnp.take_along_axis(over(part, whole), t.index, axis=1)
        for part, whole in ((had.edge_frequency_hz, s.edge_max_frequency_hz), (had.fronthaul_bps, s.fronthaul_max_bps))
    )
    return jnp.where((modes == EDGE)[:, None], edge, cloud), over(had.cloud_frequency_hz, s.cloud_max_frequency_hz)


def quotas(s: LatencyScenario) -> tuple[int, ...]:
    """Shape of what a policy may set: for each terminal scores of staying, edge and cloud, and its share of power."""
    return s.terminals, 4


def acted(s: LatencyScenario, action: Float[Array, "K 4"]) -> LatencySolution:
    """The decision of quotas: links of their strongest directions, equally strong, echoes met, computing exact."""
    t = tiers(s)
    modes = jnp.argmax(action[:, :3], axis=1)
    t = t.keeping(modes == LOCAL)
    view = search.screen(t)
    begin = optimise.starting_beams(t, modes, jnp.full(t.snr.shape, 1 / t.snr.shape[1]), view.beam)
    share = jnp.sqrt(jnp.clip(action[:, 3], 0.0, 1.0))
    w = begin.at[:, :-1].multiply(share[:, None, None])
    settled = optimise.settle(t, modes, optimise.repair(t, w, modes, view.beam), jnp.asarray(0))
    return search.finish(t, Outcome(settled, jnp.asarray(True), settled.latency[None]), view)
