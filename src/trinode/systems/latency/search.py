"""What the schemes share: sensing screen, starts, warm starts, and the run over given assignments."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.numerics.loops import while_loop
from trinode.sensing import echo
from trinode.systems.latency import assignments, optimise
from trinode.systems.latency.assignments import Shortlist
from trinode.systems.latency.optimise import Outcome, Stages
from trinode.systems.latency.solution import LatencySolution
from trinode.systems.latency.tiers import CLOUD, EDGE, LOCAL, Tiers

QUIET, STRONGEST, EVEN, RANDOM = -1, 0, 1, 2
"""Where a descent begins (:func:`run`)."""
AGAIN = (QUIET, EVEN, RANDOM, RANDOM + 1)
"""Where the descent of a single assignment begins again."""
ENOUGH = 1.02
"""Ratio to the bound that needs no other start."""
FAR = 1.05
"""Ratio to the bound above which other starts are not given up for being behind."""


class Screen(NamedTuple):
    """Whether all echoes can be met, beams that do, and what could be met where they cannot (else NaN)."""

    met: Bool[Array, ""]
    beam: Complex[Array, "K T"]
    margin: Float[Array, ""]
    sinr: Float[Array, ""]


def screen(t: Tiers) -> Screen:
    """Exact feasibility of the echo requirements."""
    model, need = t.echo, t.scenario.sensing_sinr_min
    limit = echo.largest_margin(model, need, verdict_only=True)
    met = limit.margin >= 1.0
    asked = need > 0
    first = jnp.max(need)
    alike = jnp.all(need == first)

    def common(state):
        # one common SINR for all who need any
        return jnp.asarray(True), echo.largest_margin(model, asked.astype(float), max_rounds=0).margin

    known = (met | alike, limit.margin * first)
    _, sinr = while_loop(lambda state: ~state[0], common, known)
    return Screen(met, limit.precoder, jnp.where(met, jnp.nan, limit.margin), jnp.where(met, jnp.nan, sinr))


class Queue(NamedTuple):
    """Assignments to descend, Q attempts of them.

    Attributes
    ----------
    place : (Q,)
        Which assignment it is: attempts of one assignment that start alike are made once.
    modes, power, value : (Q, K), (Q, K, S), (Q,)
        The assignment, powers to begin with, lower bound of the latency under it.
    begin : (Q,)
        How it starts (see :func:`run`).
    retry : (Q,) bool
        Whether it is made only where the others are not good enough.
    among : (Q,) bool
        Whether it may be made at all.
    lowest : float
        Lower bound over the assignments of the queue.
    """

    place: Int[Array, " Q"]
    modes: Int[Array, "Q K"]
    power: Float[Array, "Q K S"]
    value: Float[Array, " Q"]
    begin: Int[Array, " Q"]
    retry: Bool[Array, " Q"]
    among: Bool[Array, " Q"]
    lowest: Float[Array, ""]

    @classmethod
    def of(cls, listed: Shortlist, tries: list[Any], retries: list[Any], among: Bool[Array, " L"]) -> Queue:
        """Attempts (place of the shortlist, how it starts), the second ones only where the first are not enough.

        Only assignments ``among`` the listed ones are descended.
        """
        at = jnp.stack([jnp.asarray(place) for place, _ in (*tries, *retries)])
        begin = jnp.asarray([one for _, one in (*tries, *retries)])
        retry = jnp.arange(at.size) >= len(tries)
        modes = listed.modes[at]
        lowest = jnp.min(jnp.where(among, listed.value, jnp.inf))
        return cls(at, modes, listed.computing.power[at], listed.value[at], begin, retry, among[at], lowest)


def compact(t: Tiers, solution: LatencySolution) -> tuple[Int[Array, " K"], Complex[Array, "K S1 T"]]:
    """Modes and precoders of a solution in the compact form of :class:`Tiers`."""
    modes = jnp.where(
        solution.edge_share.sum(1) > 0.5, EDGE, jnp.where(solution.cloud_share.sum(1) > 0.5, CLOUD, LOCAL)
    )
    data = jnp.take_along_axis(solution.precoder, t.index[:, :, None], axis=1)
    data = jnp.where(t.linked[..., None], data, 0.0)
    return modes, jnp.concatenate([data, solution.sensing_precoder[:, None]], axis=1)


def run(
    t: Tiers,
    modes: Int[Array, " K"],
    power: Float[Array, "K S"],
    view: Screen,
    stages: Stages,
    start: LatencySolution | None,
    begin: int | Int[Array, ""] = STRONGEST,
    rival: float | Float[Array, ""] = jnp.inf,
) -> Outcome:
    """Decide under one assignment, from the start's beams where its assignment is the same; never worse than it.

    ``begin`` says where it starts otherwise. :data:`STRONGEST`: each link along its strongest direction with the given
    power, which leaves links out for good where interference wants them. :data:`EVEN`: the same with all links equally
    strong. :data:`QUIET`: with as little as possible to be heard by others. A larger number: beams at random, others
    for each number. All but the first meet every echo requirement.
    ``rival`` as for :func:`.optimise.decide`.
    """
    even = optimise.starting_beams(t, modes, jnp.full(power.shape, 1 / power.shape[1]), view.beam)
    quiet = optimise.quiet_beams(t, modes, power)
    other = jnp.where(begin == QUIET, quiet, optimise.random_beams(t, modes, jax.random.key(begin)))
    other = jnp.where(begin == EVEN, even, other)
    strongest = optimise.starting_beams(t, modes, power, view.beam)
    cold = jnp.where(begin == STRONGEST, strongest, optimise.repair(t, other, modes, view.beam))
    if start is None:
        return optimise.decide(t, modes, cold, view.beam, stages, rival)
    had, beams = compact(t, start)
    same = jnp.all(had == modes)
    outcome = optimise.decide(t, modes, jnp.where(same, beams, cold), view.beam, stages, rival)
    return keep_better(outcome, as_is(t, had, beams, view))


def as_is(t: Tiers, modes: Int[Array, " K"], beams: Complex[Array, "K S1 T"], view: Screen) -> optimise.Decision:
    """A given decision with its computing settled exactly; infinite where it breaks an echo or a power limit."""
    radiated = jnp.sum(jnp.abs(beams) ** 2, axis=(1, 2))
    fits = jnp.all(radiated <= t.budget(modes == LOCAL) * (1 + 1e-9))
    settled = optimise.settle(t, modes, beams, jnp.asarray(0))
    return settled._replace(latency=jnp.where(fits & view.met, settled.latency, jnp.inf))


def keep_better(outcome: Outcome, other: optimise.Decision) -> Outcome:
    """Replace the decision by another one where that is quicker."""
    worse = other.latency < outcome.decision.latency
    return outcome._replace(decision=jax.tree.map(lambda a, b: jnp.where(worse, a, b), other, outcome.decision))


class Found(NamedTuple):
    """The best so far, the screen of the power that its echoes could take, and whether nothing was tried yet."""

    best: Outcome
    view: Screen
    fresh: Bool[Array, ""]


def over_homes(
    t: Tiers,
    free: Bool[Array, ""],
    listed: int,
    queue_of: Callable[[Bool[Array, " K"], Shortlist], Queue],
    stages: Stages,
    start: LatencySolution | None,
    enough: float | Float[Array, ""],
) -> Found:
    """Run the attempts of all sets that may compute at home, the most promising first, while they can still win.

    Nobody computes at home where that is not ``free``. Who does takes power from the echo, the larger sets more: where
    one cannot meet the echoes no larger one can.
    """
    nest = assignments.homes(t, t.local_s)
    number = jnp.arange(nest.low.size)

    class Walk(NamedTuple):
        low: Float[Array, " K1"]
        valued: Bool[Array, " K1"]  # whether that is the certified value of its shortlist already
        done: Bool[Array, " K1"]
        found: Found

    def open_(w: Walk) -> Bool[Array, " K1"]:
        return ~w.done & (w.found.fresh | (w.low < w.found.best.decision.latency * (1 - 1e-9)))

    def next_(w: Walk) -> Int[Array, ""]:
        return jnp.argmin(jnp.where(open_(w), jnp.minimum(w.low, 1e300), jnp.inf))

    def one(w: Walk) -> Walk:
        n = next_(w)
        local = nest.local(n)
        some = assignments.shortlist(t, local, listed, 1e-5)
        low = w.low.at[n].max(some.value[0])
        kept = t.keeping(local)
        view = screen(kept)
        now = w.valued[n] | ~view.met | (next_(w._replace(low=low)) == n)
        queue = queue_of(local, some)
        queue = queue._replace(among=queue.among & now)
        done = w.done | (now & (number == n)) | (~view.met & (number > n))
        found = over_assignments(kept, queue, view, stages, start, enough, w.found)
        served = jnp.isfinite(found.best.decision.latency)
        found = found._replace(view=jax.tree.map(lambda a, b: jnp.where(served, a, b), found.view, view))
        return Walk(low, w.valued.at[n].set(True), done, found)

    unknown = Screen(jnp.asarray(False), jnp.zeros_like(t.echo.steering), *jnp.zeros(2))
    nothing = Found(optimise.no_outcome(t, stages), unknown, jnp.asarray(True))
    first = jnp.where(free, nest.stuck, 0)
    done = (number < first) | (~free & (number > 0))
    # sets without all who are better off at home are for echoes that those have no power for
    low = nest.low * jnp.where(number < nest.better, 1 + 1e-6, 1.0)
    walk = Walk(low, jnp.zeros(number.size, bool), done, nothing)
    return while_loop(lambda w: jnp.any(open_(w)), one, walk).found


def over_assignments(
    t: Tiers,
    queue: Queue,
    view: Screen,
    stages: Stages,
    start: LatencySolution | None,
    enough: float | Float[Array, ""],
    found: Found,
) -> Found:
    """Run the attempts of a queue, each only while its bound says that it can still win.

    A second try is made only while the best decision is more than ``enough`` times the best listed bound.
    """

    def pending(done: Bool[Array, " Q"], found: Found) -> Bool[Array, " Q"]:
        latency = found.best.decision.latency
        can_win = queue.value < latency * (1 - 1e-9)
        wanted = ~queue.retry | (latency > enough * queue.lowest)
        return queue.among & ~done & (found.fresh | (can_win & wanted)) & (view.met | found.fresh)

    def step(state):
        done, (best, had, fresh) = state
        i = jnp.argmax(pending(*state))
        # a second try may well begin far behind what is far from good
        patient = queue.retry[i] & (best.decision.latency > FAR * queue.lowest)
        rival = jnp.where(fresh | patient, jnp.inf, best.decision.latency)
        again = run(t, queue.modes[i], queue.power[i], view, stages, start, queue.begin[i], rival)
        take = fresh | (again.decision.latency < best.decision.latency)
        spent = again.decision.evaluations + jnp.where(fresh, 0, best.decision.evaluations)
        best = jax.tree.map(lambda a, b: jnp.where(take, a, b), again, best)
        best = best._replace(decision=best.decision._replace(evaluations=spent))
        seen = jax.tree.map(lambda a, b: jnp.where(take, a, b), view, had)
        alike = (queue.place == queue.place[i]) & (queue.begin == queue.begin[i])
        return done | alike, Found(best, seen, jnp.asarray(False))

    start_ = (jnp.zeros(len(queue.place), bool), found)
    return while_loop(lambda state: jnp.any(pending(*state)), step, start_)[1]


def finish(t: Tiers, outcome: Outcome, view: Screen) -> LatencySolution:
    """The solution of an outcome."""
    return optimise.to_solution(
        t,
        outcome.decision,
        sensing_met=view.met,
        margin=view.margin,
        sinr_max=view.sinr,
        converged=outcome.converged,
        history=outcome.history,
    )
