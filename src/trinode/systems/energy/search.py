"""From a scenario to a solution: what echoes can be met, which starts are tried, how it ended."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Complex, Float

from trinode.numerics.loops import while_loop
from trinode.radio import reduced
from trinode.radio.reduced import Air
from trinode.systems.decision import Status
from trinode.systems.energy import air as air_of
from trinode.systems.energy import optimise
from trinode.systems.energy.bound import free_of_interference
from trinode.systems.energy.margin import largest_margin
from trinode.systems.energy.optimise import Decision, Outcome, Problem
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.energy.solution import EnergySolution

CERTIFIED = 5e-6, 2e-4
"""Gap to that bound at which rounds end: few terminals, many."""
FEASIBLE = 1e300
"""Energy at which rounds end when only who can be served is asked, J: any."""
SHARED = 0.5
"""Share of the task that nobody may fall below in a further start."""
AS_IS, RAISED, PLAIN = 0, 1, 2
"""Problems that starts lead over: the one that is asked, nobody below :data:`SHARED`, weights of 1."""
DETOURS = (RAISED, 4), (RAISED, 0), (PLAIN, 0), (PLAIN, 1), (PLAIN, 2)
WAYS = [(AS_IS, n) for n in range(5)] + [step for detour in DETOURS for step in (detour, (AS_IS, -1))]
"""Starts in their order: the problem and the beams in the list of :func:`solve`; -1 goes on where the last ended."""
DRAWN = 24
"""Random starts, tried where all others leave somebody unserved and no bound says that nothing else is possible."""


class Effort(NamedTuple):
    """How much is tried.

    Attributes
    ----------
    gap : float
        To the interference-free bound, above which a further start is tried.
    drawn : bool
        Whether random starts are tried also where somebody else's start serves everybody.
    """

    gap: float | Float[Array, ""]
    drawn: bool | Bool[Array, ""]


EFFORTS = {"quick": Effort(0.1, False), "default": Effort(1e-2, False), "thorough": Effort(0.0, True)}
FEW = 4
"""Up to so many terminals rounds are worth their time to a much smaller change, and all sets of them are admitted."""


class Echoes(NamedTuple):
    """What echoes can be met without any data.

    Attributes
    ----------
    margin, sinr : float
        Largest common factor on the requirements, largest common SINR.
    beams : (K, 2, D)
        Sensing beams that reach the margin.
    """

    margin: Float[Array, ""]
    sinr: Float[Array, ""]
    beams: Complex[Array, "K 2 D"]


def echo_limits(air: Air) -> Echoes:
    """Largest margin and largest common SINR of the echoes."""
    asked = jnp.where(air.need > 0, 1.0, 0.0)
    highest = jnp.max(air.need)
    same = jnp.all((air.need == highest) | (air.need <= 0))  # then one follows from the other
    needs = jnp.stack([air.need, jnp.where(same, 0.0, asked)])
    value, beams, _ = lax.map(lambda need: largest_margin(air, need), needs)
    return Echoes(value[0], jnp.where(same & jnp.any(asked > 0), value[0] * highest, value[1]), beams[0])


def modest_beams(problem: Problem) -> Complex[Array, "K 2 D"]:
    """Starting beams whose data power lies, in decibels, midway between what a terminal needs at least and its limit.

    Nobody else is heard in what it needs, and the share that it offloads is at least :data:`SHARED`. Who is heard well
    whispers, who is heard badly does not.
    """
    air, work = problem.air, problem.work
    share = problem.sending(SHARED).work.lowest
    least = jnp.expm1(problem.nats * share / work.deadline)
    part = jnp.clip(least / jnp.maximum(air.limit * reduced.alone(air)[0], 1e-300), 1e-12, 1.0)
    beams = optimise.starting_beams(air, null=True)
    return beams.at[:, 0].multiply(part[:, None] ** 0.25)


def drawn_beams(air: Air) -> Complex[Array, "n K 2 D"]:
    """Beams of random directions and powers, down to 30 dB below the limits, the same for all networks of a size."""
    k, d = air.limit.shape[0], air.basis.shape[2]
    dice = np.random.default_rng(0)
    beams = dice.standard_normal((2, DRAWN, k, 2, d))
    beams = (beams[0] + 1j * beams[1]) / np.linalg.norm(beams, axis=(0, 4))[..., None]
    level = 10 ** (-1.5 * dice.random((DRAWN, k, 2)))  # of amplitudes
    level /= np.linalg.norm(level, axis=2, keepdims=True)
    return jnp.asarray(beams * level[..., None]) * jnp.sqrt(air.limit)[:, None, None]


def solve(
    problem: Problem, start: Complex[Array, "K 2 D"] | None = None, effort: Effort = EFFORTS["default"]
) -> tuple[Outcome, Echoes]:
    """Best outcome of a few starts; a further one is tried only where the last leaves a gap to the bound.

    A given start comes first, then beams that avoid each other's purpose, matched beams, the sensing beams of the
    largest margin with little data and with modest data, and modest beams. Where terminals crowd each other, one of
    them that sends nothing is a local optimum, and which of them it is depends on the way there. So the last starts
    lead over another problem, in which nobody may send less than :data:`SHARED` of the task, or energy has no weights.
    Where all of them have failed, :data:`DRAWN` random ones are tried. The order is the same for every effort, so that
    more of it is never worse.

    Where not everybody is served in the end, larger sets than those who are served are tried, the others silent: of few
    terminals all sets of one more, and since whoever falls silent harms nobody, none can be served that is larger than
    the last; of many those who are served and one more, so that nobody could be served on top of those who are.
    """
    air, work = problem.air, problem.work
    echoes = echo_limits(air)
    free = free_of_interference(problem)
    modest = modest_beams(problem)
    apart, matched = (optimise.starting_beams(air, null) for null in (True, False))
    careful, audibly = (jnp.stack([data[:, 0], echoes.beams[:, 1]], axis=1) for data in (0.1 * apart, modest))
    known = [apart, matched, careful, audibly, modest] + ([] if start is None else [start])
    listed = jnp.concatenate([jnp.stack(known), drawn_beams(air)])
    way = [(AS_IS, len(known) - 1)] * (start is not None) + WAYS
    usual = len(way)
    way = np.array(way + [(AS_IS, len(known) + n) for n in range(DRAWN)])
    over = np.where(way[:, 1] < 0, np.roll(way[:, 0], 1), way[:, 0])
    ways = jax.tree.map(lambda *leaves: jnp.stack(leaves), problem, problem.sending(SHARED), problem.plain())
    differs = jnp.any((ways.work.lowest != work.lowest) | (ways.work.remote_weight != work.remote_weight), axis=1)
    useful = (over == AS_IS) | differs[over]
    audible = echoes.margin >= 1
    possible = audible & jnp.isfinite(free.value)
    few = len(problem.nats) <= FEW
    enough = jnp.where(possible, free.value * (1 + CERTIFIED[0 if few else 1]), -jnp.inf)
    asked = jnp.where(air.need > 0, air.need / jnp.maximum(air.limit * reduced.alone(air)[1], 1e-300), 0.0)
    burden = asked + free.demand / jnp.maximum(work.capacity, 1e-300)  # shares of the power and of the server
    able = jnp.isfinite(free.demand) & (free.demand <= work.capacity)
    every = np.array(list(itertools.product((False, True), repeat=len(burden) if few else 0)))

    class Search(NamedTuple):
        best: Outcome
        last: Complex[Array, "K 2 D"]
        left: Bool[Array, " S"]  # starts
        refused: Bool[Array, " n"]  # sets

    def further(s: Search) -> Bool[Array, ""]:
        met = s.best.decision.energy <= free.value * (1 + effort.gap)
        more = jnp.any(s.left[:usual]) | effort.drawn & jnp.any(s.left)
        open_ = more & ~met | jnp.any(s.left) & ~(s.best.decision.energy < jnp.inf)
        return audible & (s.left[0] | (open_ & possible))

    def sets(s: Search) -> Bool[Array, "n K"]:
        served = s.best.decision.served
        return jnp.asarray(every) if few else served | jnp.eye(len(served), dtype=bool)

    def waiting(s: Search) -> Bool[Array, " n"]:
        served = s.best.decision.served
        larger = jnp.sum(sets(s), axis=1) == jnp.sum(served) + 1
        return larger & jnp.all(~sets(s) | able | served, axis=1) & ~s.refused & ~jnp.all(sets(s), axis=1)

    def one(s: Search) -> Search:
        whole, known = further(s), s.best.decision
        turn = jnp.argmax(s.left)
        kind, begin = jnp.where(whole, jnp.asarray(way)[turn, 0], AS_IS), jnp.asarray(way)[turn, 1]
        least = jnp.argmin(jnp.where(waiting(s), jnp.sum(jnp.where(sets(s), burden, 0.0), axis=1), jnp.inf))
        candidate = jnp.arange(len(s.refused)) == least
        active = whole | sets(s)[least]
        beams = jnp.where(whole, jnp.where(begin < 0, s.last, listed[begin]), modest)
        found = optimise.descend(
            jax.tree.map(lambda leaf: leaf[kind], ways).only(active),
            jnp.where(active[:, None, None], beams, 0.0),
            enough=jnp.where(whole, jnp.where(kind == PLAIN, -jnp.inf, enough), FEASIBLE),
            rounds=jnp.where(possible | ~whole, optimise.ROUNDS, 0),
            tolerance=1e-6 if few else 1e-4,
        )
        decision = optimise.silenced(found.decision, active)
        wins = optimise.beats(decision, known) & (kind != PLAIN)
        best = jax.tree.map(lambda a, b: jnp.where(wins, a, b), found._replace(decision=decision), s.best)
        best = best._replace(rounds=s.best.rounds + found.rounds)
        left = s.left & ~(whole & (jnp.arange(len(way)) == turn))
        return Search(best, found.decision.beams, left, s.refused | (candidate & ~whole))

    def going(s: Search) -> Bool[Array, ""]:
        return further(s) | jnp.any(waiting(s))

    history = jnp.full(optimise.ROUNDS + 1, jnp.nan)
    refused = jnp.zeros(len(every) if few else len(burden), dtype=bool)
    blank = Outcome(optimise.nothing(problem, listed[0]), jnp.asarray(False), history, jnp.asarray(0))
    best = while_loop(going, one, Search(blank, listed[0], useful, refused)).best
    # out of reach, the answer shows the echoes that are not, with no data to disturb them
    zero = jnp.zeros_like(problem.nats)
    quiet = (air.need <= 0) & (work.lowest <= 0)
    mute = Decision(jnp.asarray(jnp.inf), echoes.beams, zero, zero + optimise.NEVER, jnp.asarray(0.0), quiet)
    shown = audible | (jnp.sum(best.decision.served) > jnp.sum(quiet))
    chosen = jax.tree.map(lambda a, b: jnp.where(shown, a, b), best.decision, mute)
    return best._replace(decision=chosen), echoes


def as_beams(problem: Problem, start: EnergySolution | None) -> Complex[Array, "K 2 D"] | None:
    """Beams of an earlier solution."""
    return None if start is None else reduced.project(problem.air, start.precoder, start.sensing_precoder)


def finish(
    s: EnergyScenario,
    problem: Problem,
    outcome: Outcome,
    echoes: Echoes,
    subband_hz: Float[Array, " K"] | None = None,
    apart: Bool[Array, ""] | bool = False,
) -> EnergySolution:
    """The solution in full size. Where not everybody can be served the others get what is left of the server.

    Terminals have sub-bands of their own where they are given and ``apart`` holds.
    """
    d, work = outcome.decision, problem.work
    good = jnp.isfinite(d.energy) & jnp.all(d.served)
    share, local, remote = _frequencies(s, problem, d, good)
    busy = (jnp.arange(2) == 1) | (s.task_bits > 0)[:, None]
    beams = jnp.where(busy[..., None], d.beams, 0.0)
    full = reduced.lift(problem.air, beams)
    combiner, radar = air_of.combiners(s, problem.air, beams)
    if subband_hz is not None:
        alone = air_of.combiners_apart(s, problem.air, beams, subband_hz)
        combiner, radar = (jnp.where(apart, one, other) for one, other in zip(alone, (combiner, radar)))
    served = jnp.where(good, True, d.served & (work.lowest <= work.highest))
    served = jnp.where(~good & jnp.all(served), jnp.zeros_like(served), served)
    status = jnp.where(good, jnp.where(outcome.converged, Status.CONVERGED, Status.ITERATION_LIMIT), Status.INFEASIBLE)
    return EnergySolution(
        status=status.astype(jnp.int64),
        terminal_feasible=served,
        iterations=outcome.rounds.astype(jnp.int64),
        history=jnp.where(jnp.isfinite(outcome.history), outcome.history, jnp.nan),
        offload_fraction=share,
        terminal_frequency_hz=local,
        ap_frequency_hz=remote,
        precoder=full[:, 0],
        sensing_precoder=full[:, 1],
        combiner=combiner,
        radar_combiner=radar,
        sensing_margin_max=echoes.margin,
        sensing_sinr_max=echoes.sinr,
        subband_hz=subband_hz,
    )


def _frequencies(
    s: EnergyScenario, problem: Problem, d: Decision, good: Bool[Array, ""]
) -> tuple[Float[Array, " K"], Float[Array, " K"], Float[Array, " K"]]:
    """Shares and frequencies; a terminal that cannot be served is made as quick as what is left allows."""
    work = problem.work
    share = d.share
    local, remote = work.local_frequency(share), work.remote_frequency(share, d.upload)
    kept = good | d.served
    heard = d.upload < optimise.NEVER
    left = jnp.maximum(work.capacity - jnp.sum(jnp.where(kept, remote, 0.0)), 0.0)
    demand = jnp.where(kept, 0.0, work.cycles)
    part = left * demand / jnp.maximum(jnp.sum(demand), 1e-300)
    own = s.terminal_max_frequency_hz
    alone = work.cycles / jnp.maximum(own, 1e-300)
    away = jnp.minimum(d.upload, optimise.NEVER) + work.cycles / jnp.maximum(part, 1e-300)
    balanced = jnp.where(alone > 0, 1 / (1 + away / jnp.maximum(alone, 1e-300)), 0.0)
    fixed = (work.highest < 1) | (work.lowest >= work.highest)  # by the scheme, or by what is asked of it
    balanced = jnp.where(fixed, work.highest, jnp.where((problem.nats > 0) & heard, balanced, 0.0))
    return (
        jnp.where(kept, share, balanced),
        jnp.where(kept, local, jnp.where(balanced < 1, own, 0.0)),
        jnp.where(kept, remote, jnp.where(balanced > 0, part, 0.0)),
    )
