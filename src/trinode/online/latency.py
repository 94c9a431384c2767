"""Slots of the latency system: the carried assignment with echoes and computing mended, then descents.

Ways: the carried beams; the carried assignment from each link's strongest direction; for each terminal the assignment
in which it alone computes elsewhere, then everyone at the edge and everyone in the cloud, where certified values say
that they could be quicker.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from trinode.radio import propagation
from trinode.systems.latency import assignments, optimise, search
from trinode.systems.latency.optimise import Outcome, Stages
from trinode.systems.latency.scenario import LatencyScenario
from trinode.systems.latency.search import Screen
from trinode.systems.latency.solution import LatencySolution
from trinode.systems.latency.tiers import CLOUD, EDGE, LOCAL, tiers

ABSENT = ("task_bits", "sensing_sinr_min", "terminal_max_power_w")
"""What a terminal that is not there has none of."""
STAGES = Stages(rounds=2, evaluations=20)
"""Of one improvement."""
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
    modes, beams = search.compact(t, carried)
    t = t.keeping(modes == LOCAL)
    budget = t.budget(modes == LOCAL)
    power = jnp.sum(jnp.abs(beams) ** 2, axis=(1, 2))
    within = jnp.where(power > budget, jnp.sqrt(budget / jnp.where(power > 0, power, 1.0)), 1.0)
    view = search.screen(t)
    fixed = optimise.repair(t, within[:, None, None] * beams, modes, view.beam)
    settled = optimise.settle(t, modes, fixed, jnp.asarray(0))
    found = Outcome(settled, jnp.asarray(True), settled.latency[None])
    return search.finish(t, found, view), (view.met, view.beam)


def improved(
    s: LatencyScenario, had: LatencySolution, aid: Any, way: Int[Array, ""], value: Float[Array, ""]
) -> tuple[LatencySolution, Bool[Array, ""]]:
    """Some rounds of one way; only another way than the first may end worse than it began, or nowhere."""
    t = tiers(s)
    modes, beams = search.compact(t, had)
    t = t.keeping(modes == LOCAL)
    met, beam = aid
    view = Screen(met, beam, jnp.asarray(jnp.nan), jnp.asarray(jnp.nan))
    moved = jnp.arange(modes.size) == way - ELSEWHERE
    # who computes itself keeps power from its radar: going away only loosens what echoes ask
    ahead = jnp.where(moved, jnp.where(modes == EDGE, CLOUD, EDGE), modes)
    together = way - ELSEWHERE - modes.size
    ahead = jnp.where(together < 0, ahead, jnp.where(together == 0, EDGE, CLOUD))

    def on(_):
        return jnp.asarray(0.0), beams

    def fresh(_):
        lowest, computing = assignments.value_of(t, ahead, 1e-3)
        return lowest, optimise.starting_beams(t, ahead, computing.power, beam)

    lowest, start = lax.cond(way == CARRIED, on, fresh, None)
    rival = jnp.where(way == CARRIED, jnp.inf, value)
    hope = lowest < value * (1 - 1e-9)

    def descend(_):
        return optimise.decide(t, ahead, start, beam, STAGES, rival)

    def stay(_):
        nothing = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), jax.eval_shape(descend, None))
        decision = nothing.decision._replace(latency=jnp.asarray(jnp.inf), modes=modes, precoder=beams)
        return nothing._replace(decision=decision, converged=jnp.asarray(True))

    found = lax.cond(hope, descend, stay, None)
    return search.finish(t, found, view), found.converged


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
    beams = begin.at[:, :-1].multiply(share[:, None, None])
    settled = optimise.settle(t, modes, optimise.repair(t, beams, modes, view.beam), jnp.asarray(0))
    return search.finish(t, Outcome(settled, jnp.asarray(True), settled.latency[None]), view)
