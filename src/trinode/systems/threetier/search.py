"""What the schemes share: the sensing screen, warm starts, the alternation, the answer."""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.numerics.loops import while_loop
from trinode.sensing import echo
from trinode.systems.contract import Status
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
) -> tuple[Decision, Screen]:
    """The best decision for given spectral efficiencies, and the exact feasibility of its echo requirements.

    Where the power that local computing takes away makes them infeasible, the best decision without it is taken
    instead. One loop asks for both margins and, where neither is enough and requirements differ, for the largest
    common SINR, so that one program answers all.
    """
    s = t.scenario
    need = s.sensing_sinr_min
    asked = need > 0
    alike = jnp.all(jnp.where(asked, need, jnp.max(need)) == jnp.max(need))
    nobody = jnp.zeros(s.terminals, bool)
    at_full = t.budget(jnp.full(s.terminals, EDGE))
    first, second = t.choose(nats, kinds), t.choose(nats, kinds, local=nobody)
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
    return decision, view


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
    for beam in (data_beams(t), sensing_beams(t)):
        found = better(found, fixed_beams(t, beam, kinds, rounds))
    return found


def better(one: Outcome, other: Outcome) -> Outcome:
    """The quicker of two."""
    return jax.tree.map(lambda a, b: jnp.where(other.latency < one.latency, b, a), one, other)


class Effort(eqx.Module):
    """How long to look.

    Attributes
    ----------
    turns : int
        Most decisions that get beams.
    neighbours : int
        With at most so many terminals, decisions with one terminal forced to another access point are tried too,
        while their bounds say that they could win.
    promise : float
        Tried only if what they are estimated to reach is at most so many times the best.
    suspects, suspicion, tries
        With at most ``suspects`` terminals (and tasks of one size at the edge) they are tried too where the upload is
        a share of more than ``suspicion`` above what it takes without interference, in at most ``tries`` turns.
    """

    turns: int = eqx.field(static=True, default=8)
    neighbours: int = eqx.field(static=True, default=4)
    promise: float = eqx.field(static=True, default=1.01)
    suspects: int = eqx.field(static=True, default=12)
    suspicion: float = eqx.field(static=True, default=0.04)
    tries: int = eqx.field(static=True, default=4)


def alternate(
    t: Tiers,
    first: Decision,
    view: Screen,
    stages: Stages,
    kinds: tuple[int, ...],
    effort: Effort,
    start: ThreetierSolution | None,
    wanted: Bool[Array, ""],
) -> tuple[Outcome, Bool[Array, ""]]:
    """Beams for a decision, the exact decision for what each terminal could reach then, and again to a fixed point.

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
    near = k <= effort.neighbours
    looks = m > 1 and (near or (k <= effort.suspects and s.even_edge))  # integer programs would take too long
    everywhere = jnp.divmod(jnp.arange(k * m), m)
    least = t.choose(ideal, kinds)
    suspicious = least.latency + effort.suspicion * jnp.maximum(
        least.latency - t.latency(least.mode, least.target, jnp.full(k, jnp.inf)), 0.0
    )

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
            return jnp.asarray(False), forced(nats), forced(ideal).latency

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

    def code(mode: Int[Array, "... K"], target: Int[Array, "... K"]) -> Int[Array, "... K"]:
        return jnp.where(mode == LOCAL, -1, mode * m + target)

    def one(turn: Turn) -> Turn:
        safe = safe_beams(t, turn.mode, view)
        found = optimise.decide(t, turn.mode, turn.target, turn.precoder, safe, stages)
        best = better(turn.best, found)
        tried = turn.tried.at[turn.made].set(code(turn.mode, turn.target))
        gain, beam = optimise.response(t, best.precoder)
        wide = near | ((best.latency > suspicious) & (turn.made + 1 < effort.tries))
        ahead, lower = options(jnp.log1p(full * gain), wide)
        known = jnp.any(jnp.all(code(ahead.mode, ahead.target)[:, None] == tried[None], axis=2), axis=1)
        worth = ~known & (lower < best.latency * (1 - 1e-7)) & (ahead.latency < best.latency * effort.promise)
        pick = jnp.argmin(jnp.where(worth, ahead.latency, jnp.inf))
        mode, target = ahead.mode[pick], ahead.target[pick]
        beam = jnp.take_along_axis(beam, target[:, None, None], axis=1)[:, 0]
        away = jnp.sqrt(0.98 * t.budget(mode))[:, None] * beam
        w = jnp.where((mode == LOCAL)[:, None], safe_beams(t, mode, view), away)
        stays = (mode == best.mode) & (target == best.target)
        w = jnp.where(stays[:, None], best.precoder, w)
        return Turn(
            mode, target, w, best, tried, turn.evaluations + found.evaluations, jnp.any(worth), turn.made + 1,
            turn.clouded | (jnp.any(worth) & jnp.any(mode == CLOUD)),
        )  # fmt: skip

    mode, target = first.mode, first.target
    safe = safe_beams(t, mode, view)
    w = optimise.starting_beams(t, mode, target, safe)
    history = jnp.full(stages.rounds + 1, jnp.nan)
    none = Outcome(mode, target, safe, jnp.asarray(jnp.inf), jnp.asarray(0), jnp.asarray(True), history)
    if start is not None:
        none = as_is(t, start, kinds, stages.rounds)
        usable = jnp.isfinite(none.latency)
        mode, target = jnp.where(usable, none.mode, mode), jnp.where(usable, none.target, target)
        w = jnp.where(usable, none.precoder, w)
    tried = jnp.full((effort.turns, k), -2)
    clouded = jnp.any((first.mode == CLOUD) | (least.mode == CLOUD) | (mode == CLOUD))
    begin = Turn(mode, target, w, none, tried, jnp.asarray(0), view.met & wanted, jnp.asarray(0), clouded)
    last = while_loop(lambda turn: turn.going & (turn.made < effort.turns), one, begin)
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
