"""What the schemes share: the sensing screen, warm starts, the alternation, the answer."""

from __future__ import annotations

import math
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode._words import one_of
from trinode.errors import InputError
from trinode.numerics.loops import while_loop
from trinode.sensing import cones, echo
from trinode.systems.contract import EFFORTS
from trinode.systems.decision import Status
from trinode.systems.threetier import optimise
from trinode.systems.threetier.optimise import Outcome, Stages
from trinode.systems.threetier.solution import ThreetierSolution
from trinode.systems.threetier.tiers import CLOUD, EDGE, KINDS, LOCAL, Decision, Tiers


class Screen(NamedTuple):
    """Whether all echoes can be met, and how.

    Attributes
    ----------
    met : bool
        Whether some beams within ``budget`` meet every requirement.
    beam : (K, T)
        They, or the best effort.
    budget : (K,)
        Power limits of ``beam``, W.
    margin, sinr : float
        Largest common factor on the requirements and largest common SINR; NaN where met and not asked for.
    """

    met: Bool[Array, ""]
    beam: Complex[Array, "K T"]
    budget: Float[Array, " K"]
    margin: Float[Array, ""]
    sinr: Float[Array, ""]


def prepare(
    t: Tiers, nats: Float[Array, "K M"], kinds: tuple[int, ...], exact: bool = False
) -> tuple[Decision, Decision, Screen]:
    """The best decision for given spectral efficiencies, the one to begin with, and the feasibility of its echoes.

    The two differ where the power that local computing takes away makes the echo requirements infeasible: then the best
    decision without it is the one to begin with. One loop asks for both margins and, where neither is enough and
    requirements differ, for the largest common SINR, so that one program answers all.
    """
    s = t.scenario
    need = s.sensing_sinr_min
    asked = need > 0
    alike = jnp.all(jnp.where(asked, need, jnp.max(need)) == jnp.max(need))
    at_full = t.budget(jnp.full(s.terminals, EDGE))
    able = jnp.broadcast_to(jnp.asarray([[True], [False]]), (2, s.terminals))
    both = jax.vmap(lambda local: t.choose(nats, kinds, local))(able)
    first, second = (jax.tree.map(lambda leaf, i=i: leaf[i], both) for i in range(2))
    own_power = jnp.any(t.budget(first.mode) < at_full) & jnp.isfinite(second.latency)

    def ask(state):
        turn, view = state
        budget = jnp.where(
            turn == 0, t.budget(first.mode), jnp.where(jnp.isfinite(second.latency), at_full, view.budget)
        )
        model = eqx.tree_at(lambda m: m.max_power_w, t.echo, budget)
        limit = echo.largest_margin(
            model,
            jnp.where(turn == 2, asked.astype(float), need),
            verdict_only=not exact,
        )
        last = turn == 2
        margin = jnp.where(last, view.margin, limit.margin)
        sinr = jnp.where(last, limit.margin, limit.margin * jnp.max(need))
        beam = jnp.where(last, view.beam, limit.precoder)
        known = alike if exact else (margin >= 1) | alike
        after = jnp.where((turn == 0) & (margin < 1) & own_power, 1, jnp.where((turn < 2) & ~known, 2, 3))
        return after, Screen(margin >= 1, beam, jnp.where(last, view.budget, budget), margin, sinr)

    _, view = while_loop(lambda state: state[0] < 3, ask, (jnp.asarray(0), nothing(t, 0)[1]))
    only_away = own_power & jnp.all(view.budget == at_full)
    decision = jax.tree.map(lambda a, b: jnp.where(only_away, b, a), first, second)
    if not exact:
        hide = jnp.where(view.met, jnp.nan, 0.0)
        view = view._replace(margin=view.margin + hide, sinr=view.sinr + hide)
    return first, decision, view


def nothing(t: Tiers, rounds: int) -> tuple[Outcome, Screen]:
    """What a search begins with: no decision, nothing known of the echoes."""
    away = jnp.full(t.scenario.terminals, EDGE)
    silence = jnp.zeros_like(t.echo.steering)
    history = jnp.full(rounds + 1, jnp.nan)
    found = Outcome(
        away, jnp.zeros_like(away), silence, jnp.asarray(jnp.inf), jnp.asarray(0), jnp.asarray(True), history
    )
    return found, Screen(jnp.asarray(False), silence, t.budget(away), jnp.asarray(0.0), jnp.asarray(0.0))


def look(t: Tiers, budget: Float[Array, " K"]) -> Screen:
    """The verdict for given powers alone."""
    model = eqx.tree_at(lambda m: m.max_power_w, t.echo, budget)
    need = t.scenario.sensing_sinr_min
    limit = echo.largest_margin(model, need, verdict_only=True)
    met = limit.margin >= 1
    return Screen(met, limit.precoder, budget, jnp.where(met, jnp.nan, limit.margin), jnp.asarray(jnp.nan))


def safe_beams(t: Tiers, mode: Int[Array, " K"], view: Screen) -> Complex[Array, "K T"]:
    """The best echo beams within the powers of a decision, all scaled alike so that their margin stays."""
    limit = view.budget
    spare = jnp.where(limit > 0, t.budget(mode) / jnp.where(limit > 0, limit, 1.0), 1.0)
    return jnp.sqrt(jnp.minimum(jnp.min(spare), 1.0)) * view.beam


def chosen(solution: ThreetierSolution) -> tuple[Int[Array, " K"], Int[Array, " K"]]:
    """Mode and target of each terminal."""
    edge, cloud = solution.edge_choice, solution.cloud_choice
    mode = jnp.where(edge.any(axis=1), EDGE, jnp.where(cloud.any(axis=1), CLOUD, LOCAL))
    return mode, jnp.argmax(edge | cloud, axis=1)


def as_is(t: Tiers, solution: ThreetierSolution, kinds: tuple[int, ...], rounds: int = 0) -> Outcome:
    """An earlier solution as an outcome; infinite where it breaks anything or lies outside the kinds."""
    s = t.scenario
    mode, target = chosen(solution)
    load = jnp.sum(solution.edge_choice * s.edge_frequency_hz[:, None], axis=0)
    allowed = jnp.all(load <= s.edge_capacity_hz * (1 + 1e-9)) & jnp.all(jnp.isin(mode, jnp.asarray(kinds)))
    latency = jnp.where(allowed, optimise.score(t, mode, target, solution.precoder), jnp.inf)
    history = jnp.full(rounds + 1, jnp.nan).at[0].set(latency)
    return Outcome(mode, target, solution.precoder, latency, jnp.asarray(0), jnp.asarray(True), history)


def fixed_beams(t: Tiers, beam: Complex[Array, "K T"], kinds: tuple[int, ...] = KINDS[""], rounds: int = 0) -> Outcome:
    """Beams of norm 1 at full power with the exact offloading for them; infinite where an echo misses.

    Who computes itself has less left to radiate.
    """
    s = t.scenario
    w = jnp.sqrt(s.terminal_max_power_w)[:, None] * beam
    mode, target, _ = t.choose(optimise.link_rates(t, w), kinds)
    limit = jnp.where(s.terminal_max_power_w > 0, s.terminal_max_power_w, 1.0)
    w = jnp.where((mode == LOCAL)[:, None], w * jnp.sqrt(t.budget(mode) / limit)[:, None], w)
    return _at_rest(t, mode, target, w, rounds)


def _at_rest(
    t: Tiers, mode: Int[Array, " K"], target: Int[Array, " K"], w: Complex[Array, "K T"], rounds: int
) -> Outcome:
    latency = optimise.score(t, mode, target, w)
    history = jnp.full(rounds + 1, jnp.nan).at[0].set(latency)
    return Outcome(mode, target, w, latency, jnp.asarray(0), jnp.asarray(True), history)


def data_beams(t: Tiers) -> Complex[Array, "K T"]:
    """The strongest direction of each terminal to the access point with the strongest channel (MRT)."""
    strongest = jnp.argmax(jnp.sum(jnp.abs(t.scenario.uplink_channel) ** 2, axis=(2, 3)), axis=1)
    return jnp.take_along_axis(t.direction, strongest[:, None, None], axis=1)[:, 0]


def sensing_beams(t: Tiers) -> Complex[Array, "K T"]:
    """Each terminal's direction to its own target (MRS)."""
    a = t.scenario.transmit_steering
    length = jnp.linalg.norm(a, axis=1, keepdims=True)
    return a / jnp.where(length > 0, length, 1.0)


def simple(t: Tiers, view: Screen, kinds: tuple[int, ...], rounds: int) -> Outcome:
    """The best that takes no descent: MRT, MRS, or everyone by itself; infinite where each breaks something."""
    nowhere = jnp.zeros(t.scenario.terminals, int)
    alone = jnp.full(t.scenario.terminals, LOCAL)
    found = _at_rest(t, alone, nowhere, safe_beams(t, alone, view), rounds)
    fixed = jax.vmap(lambda beam: fixed_beams(t, beam, kinds, rounds))(jnp.stack([data_beams(t), sensing_beams(t)]))
    for i in range(2):
        found = better(found, jax.tree.map(lambda leaf, i=i: leaf[i], fixed))
    return found


def better(one: Outcome, other: Outcome) -> Outcome:
    """The quicker of two."""
    return jax.tree.map(lambda a, b: jnp.where(other.latency < one.latency, b, a), one, other)


NEAR = 4
"""With at most so many terminals decisions with one terminal forced to another access point are always tried."""
SUSPECTS = 24
"""With at most so many terminals (and tasks of one size at the edge) they are tried where the upload is suspicious."""
LEVELS = (0.1, 1.0)
"""Shares of the mean leakage that regularise beams which begin with little of it (:func:`starts`)."""


TURNS = (4, 12, 48)
"""Most decisions that get beams, up to each effort, which goes on where the one before ends: more is never worse."""
SUSPICION = (math.inf, 0.04, 0.0)
"""An upload that takes a share of more than this above what it takes without interference is suspicious: then other
starts are descended as well, decisions with one terminal forced to another access point are tried while their bounds
say that they could win, and the best is descended again, within the echoes, until it gains nothing."""
STARTS = (1, 4, 5)
"""How many of :func:`starts` are descended where it is."""
PROMISE = (0.15, 0.15, 1.0)
"""A decision is tried only if it is estimated to take at most a share of so much of the upload more than the best."""


def level(effort: str) -> Int[Array, ""]:
    """The last level of an effort: a number, so that one program does for all."""
    if effort not in EFFORTS:
        raise InputError("effort", effort, one_of(effort, EFFORTS))
    return jnp.asarray(EFFORTS.index(effort))


class Begin(NamedTuple):
    """A decision and beams to descend from."""

    mode: Int[Array, " K"]
    target: Int[Array, " K"]
    precoder: Complex[Array, "K T"]


def starts(t: Tiers, first: Decision, view: Screen, kinds: tuple[int, ...]) -> Begin:
    """Where descents begin, along a leading axis.

    The decision for terminals alone on the air with the strongest directions; beams at the strongest access points and
    at the targets, repaired where an echo misses, with the best decision for each (where the paper's algorithms begin);
    the first decision again with beams that leak little to the other access points in use.
    """
    s = t.scenario
    full = jnp.sqrt(s.terminal_max_power_w)[:, None]
    away = first.mode != LOCAL
    used = jnp.any(away[:, None] & (first.target[:, None] == jnp.arange(s.access_points)), axis=0)
    gram = jnp.einsum("kmat,kmau->kmtu", t.channel.conj(), t.channel)
    own = jnp.take_along_axis(gram, first.target[:, None, None, None], axis=1)[:, 0]
    others = used[None] & (first.target[:, None] != jnp.arange(s.access_points))
    leak = jnp.sum(jnp.where(others[..., None, None], gram, 0.0), axis=1)
    mean = jnp.trace(leak, axis1=1, axis2=2).real / leak.shape[-1]
    leak = leak / jnp.where(mean > 0, mean, 1.0)[:, None, None]

    def quiet(level: Float[Array, ""]) -> Begin:
        pull = jnp.linalg.solve(leak + level * jnp.eye(leak.shape[-1]), own)
        strongest = jnp.take_along_axis(t.direction, first.target[:, None, None], axis=1)[:, 0]

        def power(_, x: Complex[Array, "K T"]) -> Complex[Array, "K T"]:
            x = jnp.sum(pull * x[:, None], axis=2)
            return x / jnp.maximum(jnp.linalg.norm(x, axis=1, keepdims=True), 1e-300)

        return Begin(first.mode, first.target, full * lax.fori_loop(0, 20, power, strongest))

    def toward(beam: Complex[Array, "K T"]) -> Begin:
        w = cones.repair(t.echo, s.sensing_sinr_min * (1 + 1e-7), full * beam, view.beam)
        mode, target, _ = t.choose(optimise.link_rates(t, w), kinds)
        return Begin(mode, target, w)

    alone = Begin(first.mode, first.target, optimise.starting_beams(t, first.mode, first.target, view.beam))
    found = [jax.tree.map(lambda leaf: leaf[None], alone)]
    found += [jax.vmap(toward)(jnp.stack([data_beams(t), sensing_beams(t)])), jax.vmap(quiet)(jnp.asarray(LEVELS))]
    some = jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *found)
    quietly = jax.vmap(lambda mode: safe_beams(t, mode, view))(some.mode)
    within = jnp.sqrt(0.98 * jax.vmap(t.budget)(some.mode))[..., None] / jnp.where(full > 0, full, 1.0)
    moved = jnp.where(jnp.arange(len(some.mode))[:, None, None] > 0, within * some.precoder, some.precoder)
    return some._replace(precoder=jnp.where((some.mode == LOCAL)[..., None], quietly, moved))


def alternate(
    t: Tiers,
    least: Decision,
    first: Decision,
    view: Screen,
    stages: Stages,
    kinds: tuple[int, ...],
    effort: Int[Array, ""],
    start: ThreetierSolution | None,
    wanted: Bool[Array, ""],
) -> tuple[Outcome, Bool[Array, ""]]:
    """Beams for a decision, the exact decision for what each terminal could reach then, and again to a fixed point.

    Parameters
    ----------
    least, first : Decision
        The best for terminals alone on the air, and the one to begin with; see :func:`prepare`.
    effort : int
        See :func:`level`.

    Returns
    -------
    outcome : Outcome
        The quickest; infinite where not ``wanted``.
    clouded : bool
        Whether it would have gone another way without the cloud.
    """
    s = t.scenario
    k, m = s.terminals, s.access_points
    full = s.terminal_max_power_w[:, None]
    ideal = t.alone()
    near = k <= NEAR
    looks = m > 1 and (near or (k <= SUSPECTS and s.even_edge))  # integer programs would take too long
    everywhere = jnp.divmod(jnp.arange(k * m), m)

    def upload(found: Decision | Outcome) -> Float[Array, ""]:
        """What a decision takes more than computing and backhaul."""
        return jnp.maximum(found.latency - t.latency(found.mode, found.target, jnp.full(k, jnp.inf)), 0.0)

    levels = jnp.arange(len(EFFORTS))
    suspicious = jnp.where(levels > 0, least.latency + jnp.asarray((0.0, *SUSPICION[1:])) * upload(least), jnp.inf)

    def forced(nats: Float[Array, "K M"]) -> Decision:
        """The best decisions with each terminal forced to each access point."""

        def one(who: Int[Array, ""], where: Int[Array, ""]) -> Decision:
            open_ = (jnp.arange(k) != who)[:, None] | (jnp.arange(m) == where)
            return t.choose(jnp.where(open_, nats, 0.0), kinds)

        return jax.vmap(one)(*everywhere)

    def options(nats: Float[Array, "K M"], wide: Bool[Array, ""]) -> tuple[Decision, Float[Array, " n"]]:
        """Decisions to look at with lower bounds of their latencies: the free one and, where wanted, the forced."""
        free = jax.tree.map(lambda leaf: leaf[None], t.choose(nats, kinds))
        if not looks:
            return free, jnp.zeros(1)
        nothing = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(forced, nats))
        blank = nothing._replace(latency=nothing.latency + jnp.inf)

        def look(_):
            both = jax.vmap(forced)(jnp.stack([nats, ideal]))
            return jnp.asarray(False), jax.tree.map(lambda leaf: leaf[0], both), both.latency[1]

        _, more, lower = while_loop(lambda state: state[0], look, (wide, blank, blank.latency))
        return jax.tree.map(lambda a, b: jnp.concatenate([a, b]), free, more), jnp.concatenate([jnp.zeros(1), lower])

    class Turn(NamedTuple):
        mode: Int[Array, " K"]
        target: Int[Array, " K"]
        precoder: Complex[Array, "K T"]
        best: Outcome
        tried: Int[Array, "turns K"]
        evaluations: Int[Array, ""]
        going: Bool[Array, ""]
        made: Int[Array, ""]
        clouded: Bool[Array, ""]
        level: Int[Array, ""]
        begun: Int[Array, ""]
        rested: Float[Array, ""]
        within: Bool[Array, ""]

    def code(mode: Int[Array, "... K"], target: Int[Array, "... K"]) -> Int[Array, "... K"]:
        return jnp.where(mode == LOCAL, -1, mode * m + target)

    def one(turn: Turn) -> Turn:
        safe = safe_beams(t, turn.mode, view)
        found = optimise.decide(t, turn.mode, turn.target, turn.precoder, safe, stages, turn.within)
        best = better(turn.best, found)
        tried = turn.tried.at[turn.made].set(code(turn.mode, turn.target))
        gain, beam = optimise.response(t, best.precoder)
        open_ = (best.latency > suspicious) & (levels <= effort)
        ahead, lower = options(jnp.log1p(full * gain), near | jnp.any(open_))
        known = jnp.any(jnp.all(code(ahead.mode, ahead.target)[:, None] == tried[None], axis=2), axis=1)
        more = jnp.where(jnp.isfinite(best.latency), upload(best), 0.0)
        hope = best.latency + jnp.asarray(PROMISE)[:, None] * more
        seen = near | open_[:, None] | (jnp.arange(lower.size) == 0)
        worth = seen & ~known & (lower < best.latency * (1 - 1e-7)) & (ahead.latency < hope)
        # in each level first other starts, then what responses promise, and last the best again while that gains; the
        # best that has not come to rest before that
        listed = open_ & (turn.begun < jnp.asarray(STARTS))
        gains = open_ & (best.latency < turn.rested - 1e-5 * more)
        open_ = (listed | jnp.any(worth, axis=1) | gains) & (turn.made + 1 < jnp.asarray(TURNS))
        open_ = open_ & (levels >= turn.level) & (levels <= effort)
        now = jnp.argmax(open_)
        pick = jnp.argmin(jnp.where(worth[now], ahead.latency, jnp.inf))
        mode, target = ahead.mode[pick], ahead.target[pick]
        beam = jnp.take_along_axis(beam, target[:, None, None], axis=1)[:, 0]
        away = jnp.sqrt(0.98 * t.budget(mode))[:, None] * beam
        w = jnp.where((mode == LOCAL)[:, None], safe_beams(t, mode, view), away)
        stays = (mode == best.mode) & (target == best.target)
        promised = Begin(mode, target, jnp.where(stays[:, None], best.precoder, w))
        other = jax.tree.map(lambda leaf: leaf[jnp.minimum(turn.begun, len(leaf) - 1)], queue)
        same = Begin(best.mode, best.target, best.precoder)
        again = ~listed[now] & ((gains[now] & ~best.converged) | ~jnp.any(worth[now]))
        then = jax.tree.map(lambda a, b, c: jnp.where(listed[now], a, jnp.where(again, b, c)), other, same, promised)
        going = jnp.any(open_)
        return Turn(
            then.mode, then.target, then.precoder, best, tried, turn.evaluations + found.evaluations, going,
            turn.made + 1, turn.clouded | (going & jnp.any(then.mode == CLOUD)), now, turn.begun + listed[now],
            jnp.where(again, best.latency, turn.rested), again,
        )  # fmt: skip

    queue = starts(t, first, view, kinds)
    mode, target, w = (leaf[0] for leaf in queue)
    history = jnp.full(stages.rounds + 1, jnp.nan)
    safe = safe_beams(t, mode, view)
    none = Outcome(mode, target, safe, jnp.asarray(jnp.inf), jnp.asarray(0), jnp.asarray(True), history)
    if start is not None:
        none = as_is(t, start, kinds, stages.rounds)
        usable = jnp.isfinite(none.latency)
        mode, target = jnp.where(usable, none.mode, mode), jnp.where(usable, none.target, target)
        w = jnp.where(usable, none.precoder, w)
    tried = jnp.full((TURNS[-1], k), -2)
    clouded = jnp.any((first.mode == CLOUD) | (least.mode == CLOUD) | (mode == CLOUD))
    zero, never = jnp.asarray(0), jnp.asarray(jnp.inf)
    begin = Turn(mode, target, w, none, tried, zero, view.met & wanted, zero, clouded, zero, zero + 1, never, never < 0)
    last = while_loop(lambda turn: turn.going, one, begin)
    return last.best._replace(evaluations=last.evaluations), last.clouded


def finish(t: Tiers, outcome: Outcome, view: Screen) -> ThreetierSolution:
    """The solution of an outcome; best effort and what could be met where infeasible."""
    s = t.scenario
    places = jnp.arange(s.access_points)
    here = outcome.target[:, None] == places
    edge, cloud = (outcome.mode == EDGE)[:, None] & here, (outcome.mode == CLOUD)[:, None] & here
    w = jnp.where(view.met | jnp.isfinite(outcome.latency), outcome.precoder, view.beam)
    nats = t.uplink(outcome.mode, outcome.target).rates(w[:, None])[:, 0]
    away = t.upload_s(nats, s.task_bits) + jnp.where(outcome.mode == EDGE, t.edge_s, t.cloud_s)
    served = jnp.isfinite(jnp.where(outcome.mode == LOCAL, t.local_s, away))
    need = s.sensing_sinr_min
    heard = (need <= 0) | (t.echo.sinr(w[:, None]) >= need * (1 - 1e-9))
    within = jnp.sum(jnp.abs(w) ** 2, axis=1) <= t.budget(outcome.mode) * (1 + 1e-9)
    feasible = served & heard & within
    good = jnp.all(feasible) & jnp.isfinite(outcome.latency)
    feasible = jnp.where(good, feasible, feasible & ~jnp.all(feasible))
    status = jnp.where(good, jnp.where(outcome.converged, Status.CONVERGED, Status.ITERATION_LIMIT), Status.INFEASIBLE)
    return ThreetierSolution(
        status=status.astype(jnp.int64),
        terminal_feasible=feasible,
        iterations=outcome.evaluations.astype(jnp.int64),
        history=outcome.history,
        edge_choice=edge,
        cloud_choice=cloud,
        precoder=w,
        sensing_margin_max=jnp.where(good, jnp.nan, view.margin),
        sensing_sinr_max=jnp.where(good, jnp.nan, view.sinr),
    )
