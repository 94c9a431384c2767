"""Which terminals compute at the edge and which in the cloud: certified values of assignments, and a search.

Without interference and sensing, and with each terminal's power shared among its links by choice, every assignment
is one convex program per tier. Its value bounds from below what any beams can do under that assignment, so the
smallest value over all assignments bounds the scenario, and only assignments whose own bound lies below the best
decision known can still win.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from trinode.computing import pool
from trinode.numerics.loops import while_loop
from trinode.systems.latency.tiers import CLOUD, EDGE, LOCAL, Tiers

FREE_TERMINALS = 7
"""Up to so many terminals every edge/cloud assignment is ranked by its estimate; beyond, the most undecided ones."""


class Shortlist(NamedTuple):
    """The most promising assignments, best first.

    Attributes
    ----------
    modes : (L, K) int
        LOCAL, EDGE or CLOUD.
    value : (L,)
        Certified lower bound of the largest latency under each.
    computing : PoolDecision
        Interference-free optimum under each (leading axis L): where beams begin.
    """

    modes: Int[Array, "L K"]
    value: Float[Array, " L"]
    computing: pool.PoolDecision


OPEN = -1
"""In place of a mode: undecided."""


@partial(jax.jit, static_argnames="tolerance")
def value_of(t: Tiers, modes: Int[Array, " K"], tolerance: float):
    """Interference-free decision under an assignment, and its certified lower bound."""
    computing = pool.solve(t.pool(modes, None), tolerance=tolerance, max_steps=40)
    own = jnp.max(jnp.where(modes == LOCAL, t.local_s, 0.0))
    lower = jnp.maximum(computing.lower, own)
    return jnp.where(_lost(t, modes), jnp.inf, lower), computing


def _lost(t: Tiers, modes: Int[Array, " K"]) -> Bool[Array, ""]:
    """Whether a terminal has a task and is where it has no link to."""
    lost = (modes == EDGE) & ~jnp.any(t.edge_able, axis=1)
    lost |= (modes == CLOUD) & ~jnp.any(t.cloud_able, axis=1)
    return jnp.any(lost & (t.scenario.task_bits > 0))


def cloud_floor(t: Tiers, sets: Bool[Array, "N K"]) -> Float[Array, " N"]:
    """Cheap lower bound of the cloud latency of each set: own fronthaul, full power on each link, shared computing."""
    s = t.scenario
    load = (s.task_bits * jnp.log(2.0) / s.bandwidth_hz)[:, None]
    nats = jnp.log1p(t.snr)
    relay = s.task_bits[:, None] / jnp.where(s.fronthaul_max_bps > 0, s.fronthaul_max_bps, 1.0)[t.index]
    each = jnp.where(t.cloud_able, 1 / (load / jnp.where(nats > 0, nats, 1.0) + relay + 1e-300), 0.0).sum(axis=1)
    upload = jnp.where(s.task_bits > 0, 1 / jnp.where(each > 0, each, 1e-300), 0.0)
    serial = (
        s.cloud_cycles_per_bit * s.task_bits / jnp.where(s.cloud_max_frequency_hz > 0, s.cloud_max_frequency_hz, 1e-300)
    )
    slowest = jnp.max(jnp.where(sets, upload, 0.0), axis=1)
    low = jnp.maximum(slowest, jnp.max(jnp.where(sets, upload + serial, 0.0), axis=1))
    high = slowest + jnp.sum(jnp.where(sets, serial, 0.0), axis=1)

    def halve(_, bracket):
        low, high = bracket
        middle = 0.5 * (low + high)
        room = jnp.maximum(middle[:, None] - upload, 1e-300)
        over = jnp.sum(jnp.where(sets, serial / room, 0.0), axis=1) > 1
        return jnp.where(over, middle, low), jnp.where(over, high, middle)

    return lax.fori_loop(0, 40, halve, (low, high))[0]


@partial(jax.jit, static_argnames=("length", "tolerance"))
def shortlist(t: Tiers, local: Bool[Array, " K"], length: int, tolerance: float) -> Shortlist:
    """Assignments of those who do not compute themselves, the lowest certified values first, and the uniform ones.

    All-edge and all-cloud are valued first, then the ``length`` that :func:`ranked` finds by the prices of all-edge,
    then, as long as the first of the list changes, all that differ from it in one terminal: what ranks assignments
    before they are valued is far below the truth where few can go to the cloud. One program values them all, as many at
    a time as there are neighbours.
    """
    k = t.snr.shape[0]
    uniform = jnp.where(local, LOCAL, jnp.asarray([[EDGE], [CLOUD]]))
    count = min(length, 2 ** min(k, FREE_TERMINALS))
    size = count + len(uniform)
    width = max(k, len(uniform))
    parts = -(-count // width)

    class Turn(NamedTuple):
        listed: Shortlist
        made: Int[Array, ""]
        changed: Bool[Array, ""]

    def turn(before: Turn) -> Turn:
        some, made, _ = before

        def filled(modes: Int[Array, "n K"]) -> Int[Array, "W K"]:
            return jnp.concatenate([modes, jnp.broadcast_to(modes[:1], (width - len(modes), k))])

        def promising() -> Int[Array, "W K"]:
            edge = jnp.argmax(jnp.all(some.modes == uniform[0], axis=1))
            modes = ranked(t, local, jax.tree.map(lambda leaf: leaf[edge], some.computing), count)
            return jnp.resize(modes, (parts, width, k))[made - 1]

        def beside() -> Int[Array, "W K"]:
            turned = jnp.eye(k, dtype=bool) & ~local
            return filled(jnp.where(turned, EDGE + CLOUD - some.modes[0], some.modes[0]))

        which = jnp.where(made == 0, 0, jnp.where(made <= parts, 1, 2))
        modes = lax.switch(which, [lambda: filled(uniform), promising, beside])
        more = Shortlist(modes, *jax.vmap(lambda m: value_of(t, m, tolerance))(modes))
        every = jax.tree.map(lambda a, b: jnp.concatenate([a, b]), some, more)
        alike = jnp.all(every.modes[:, None] == every.modes, axis=2)
        spare = jnp.any(jnp.tril(alike, -1), axis=1) | (every.modes[:, 0] == OPEN)
        always = jnp.any(jnp.all(every.modes[:, None] == uniform, axis=2), axis=1)
        kept = jnp.lexsort((jnp.where(always, -jnp.inf, every.value), spare))[:size]
        kept = kept[jnp.argsort(every.value[kept])]
        after = jax.tree.map(lambda leaf: leaf[kept], every)
        return Turn(after, made + 1, (made <= parts) | (after.value[0] < some.value[0]))

    links = jnp.zeros((size, *t.snr.shape))
    ends, none = jnp.zeros((size, k)), jnp.zeros(size)
    nothing = pool.PoolDecision(none, none, links, links, ends, ends, jnp.zeros(size, int))
    blank = Shortlist(jnp.full((size, k), OPEN), none + jnp.inf, nothing)
    found = while_loop(lambda state: state.changed, turn, Turn(blank, jnp.asarray(0), jnp.asarray(True))).listed
    return found._replace(modes=jnp.where(found.modes == OPEN, uniform[0], found.modes))


def ranked(t: Tiers, local: Bool[Array, " K"], base: pool.PoolDecision, count: int) -> Int[Array, "count K"]:
    """The assignments with the lowest of cheap estimates: :func:`cloud_floor`, and at the edge all-edge's value less
    the prices of those that leave.

    All subsets of the at most :data:`FREE_TERMINALS` least decided terminals are ranked.

    Parameters
    ----------
    base : PoolDecision
        All-edge.
    """
    k = t.snr.shape[0]
    everyone = ~local
    must_cloud = everyone & ~jnp.any(t.edge_able, axis=1)
    free = min(k, FREE_TERMINALS)
    table = jnp.asarray(np.array(list(itertools.product([False, True], repeat=free))))
    if k <= FREE_TERMINALS:
        rows = table
        sets = table & everyone[None]
    else:
        # those to whom the relaxation gives most of the cloud leave first; every subset of a window along that order
        fraction = relaxed(t, root(t, local), solo_upload(t), 1e-4).cloud + jnp.where(must_cloud, 10.0, 0.0)
        order = jnp.argsort(-fraction, stable=True)
        sizes = _window_starts(k, free)
        rows = jnp.concatenate([_window(k, start, table) for start in sizes])
        sets = jnp.zeros_like(rows).at[:, order].set(rows) & everyone[None]
    edge_value = base.latency * jnp.sum(jnp.where(sets, 0.0, base.price[None]), axis=1)
    stuck = jnp.any(must_cloud[None] & ~sets, axis=1)
    stuck |= jnp.any(sets & ~jnp.any(t.cloud_able, axis=1)[None], axis=1)
    duplicate = jnp.any(rows & local[None], axis=1) if k <= FREE_TERMINALS else jnp.zeros(rows.shape[0], bool)
    score = jnp.where(stuck | duplicate, jnp.inf, jnp.maximum(cloud_floor(t, sets), edge_value))
    _, pick = lax.top_k(-score, count)
    return jnp.where(local, LOCAL, jnp.where(sets[pick], CLOUD, EDGE))


class Node(NamedTuple):
    """Assignments that have some modes in common, relaxed.

    Attributes
    ----------
    modes : (K,) int
        LOCAL, EDGE, CLOUD, or OPEN where they differ.
    value : float
        Certified lower bound of the largest latency under each of them.
    doubt : (K,)
        What a terminal gains from being in both places at once; 0 where its mode is decided.
    cloud : (K,)
        Share of the cloud that each terminal gets whose mode is open.
    """

    modes: Int[Array, "*n K"]
    value: Float[Array, "*n"]
    doubt: Float[Array, "*n K"]
    cloud: Float[Array, "*n K"]


def root(t: Tiers, local: Bool[Array, " K"]) -> Int[Array, " K"]:
    """Modes that all assignments have in common where those of a set compute at home."""
    busy = t.scenario.task_bits > 0
    edge, cloud = (jnp.any(able, axis=1) & busy for able in (t.edge_able, t.cloud_able))
    return jnp.where(local, LOCAL, jnp.where(edge & cloud, OPEN, jnp.where(cloud, CLOUD, EDGE)))


def relaxed(t: Tiers, modes: Int[Array, " K"], solo: Float[Array, " K"], tolerance: float) -> Node:
    """Lower bound over all assignments that agree with ``modes``: exact, but for interference, where none is open.

    A terminal whose mode is open may split its task between edge and cloud, at full power in both. The cloud becomes
    one more of its links: the upload takes the least time that it ever could, ``solo`` (K,) s, and computing a share of
    the cloud, of which those in the cloud have the rest. Any assignment is feasible here at no larger latency, and the
    program is convex.
    """
    open_ = modes == OPEN
    own = t.pool(jnp.where(open_, EDGE, modes), None)
    serial = t.cloud_pool(open_, None).serial

    def widen(links: Array, extra: Array) -> Array:
        return jnp.concatenate([links, extra[:, None].astype(links.dtype)], axis=1)

    nothing = jnp.zeros_like(solo)
    both = pool.Pool(
        widen(own.index, nothing + own.pools),
        widen(own.usable, open_),
        widen(own.upload, nothing),
        widen(own.cost, serial),
        widen(own.cubic, nothing),
        own.serial,
        widen(t.snr, nothing + 1),
        widen(0 * t.snr, jnp.where(open_, solo, 1.0)),
        pools=own.pools + 1,
        common=own.pools,
    )
    best = pool.solve(both, tolerance=tolerance, max_steps=40)
    home = jnp.max(jnp.where(modes == LOCAL, t.local_s, 0.0))
    value = jnp.where(_lost(t, modes), jnp.inf, jnp.maximum(best.lower, home))
    whole = 1 / pool.latencies(both, best.share, best.power, best.serial_share)
    alone = 1 / (solo + serial / jnp.where(best.share[:, -1] > 0, best.share[:, -1], 1e-300))
    part = jnp.where(open_, jnp.clip(alone / whole, 0.0, 1.0), 0.0)
    doubt = jnp.where(open_, 1e-9 + best.price * jnp.minimum(part, 1 - part), 0.0)
    return Node(modes, value, doubt, jnp.where(open_, best.share[:, -1], 0.0))


def solo_upload(t: Tiers) -> Float[Array, " K"]:
    """Least upload time of a task to the cloud with all fronthaul its own and the power shared among its links, s.

    The speeds of the links are concave in their powers, so tangents at any powers certify it.
    """
    s = t.scenario
    load = (s.task_bits * jnp.log(2.0) / s.bandwidth_hz)[:, None]
    load = jnp.where(load > 0, load, 1.0)
    relay = s.task_bits[:, None] / jnp.where(s.fronthaul_max_bps > 0, s.fronthaul_max_bps, 1.0)[t.index]
    able = t.cloud_able

    def step(_, state):
        power, least = state
        nats = jnp.log1p(t.snr * power)
        speed = jnp.where(able, nats / (load + relay * nats), 0.0)
        slope = jnp.where(able, load / (load + relay * nats) ** 2 * t.snr / (1 + t.snr * power), 0.0)
        most = jnp.sum(speed - slope * power, axis=1) + jnp.max(slope, axis=1)
        ahead = power * jnp.sqrt(slope)
        total = jnp.sum(ahead, axis=1, keepdims=True)
        return ahead / jnp.where(total > 0, total, 1.0), jnp.minimum(least, most)

    even = able / jnp.maximum(jnp.sum(able, axis=1, keepdims=True), 1)
    _, speed = lax.fori_loop(0, 25, step, (even, jnp.full(even.shape[0], jnp.inf)))
    return 1 / jnp.where(speed > 0, speed, 1e-300)


def most_parts(terminals: int) -> int:
    """Into how many parts :func:`least` divides all assignments at most: each takes the longer the more terminals."""
    return int(min(max(400 * (10 / terminals) ** 3, 16), 400))


@partial(jax.jit, static_argnames="tolerance")
def least(
    t: Tiers, local: Bool[Array, " K"], tolerance: float, most: int | Int[Array, ""] = 10**9
) -> tuple[Float[Array, ""], Int[Array, " K"], Int[Array, ""]]:
    """Smallest certified value over all edge/cloud assignments where those of a set compute at home.

    Branch and bound, the least value first: the part of the assignments that has it is divided by the mode of the
    terminal most in doubt, until it is one assignment only. Once there are ``most`` parts, or :func:`most_parts`, the
    least of them is the bound.

    Returns
    -------
    value, modes, parts
        The value; the modes of the part that has it, none of them OPEN where it is exact; how many parts there were.
    """
    solo = solo_upload(t)
    k = local.shape[0]
    room = most_parts(k)

    def going(state: tuple[Node, Int[Array, ""]]) -> Bool[Array, ""]:
        parts, count = state
        i = jnp.argmin(parts.value)
        open_ = jnp.any(parts.doubt[i] > 0) & jnp.isfinite(parts.value[i])
        return (count < 1) | (open_ & (count < jnp.minimum(most, room)))

    def divide(state: tuple[Node, Int[Array, ""]]) -> tuple[Node, Int[Array, ""]]:
        parts, count = state
        i = jnp.argmin(parts.value)
        who = (jnp.arange(k) == jnp.argmax(parts.doubt[i])) & (count > 0)  # the first is the whole, twice

        def half(mode: Int[Array, ""]) -> Node:
            return relaxed(t, jnp.where(who, mode, parts.modes[i]), solo, tolerance)

        halves = jax.vmap(half)(jnp.asarray([EDGE, CLOUD]))
        halves = halves._replace(value=jnp.maximum(halves.value, parts.value[i]))
        at = jnp.stack([i, count])
        return jax.tree.map(lambda every, new: every.at[at].set(new), parts, halves), count + 1

    whole = jnp.zeros((room, k), int).at[0].set(root(t, local))
    parts = Node(whole, jnp.full(room, jnp.inf).at[0].set(-jnp.inf), *jnp.zeros((2, room, k)))
    parts, count = while_loop(going, divide, (parts, jnp.asarray(0)))
    i = jnp.argmin(parts.value)
    return parts.value[i], parts.modes[i], count


def alone(t: Tiers) -> Float[Array, " K"]:
    """Latency below which no terminal is away from home: all of the network its own, full power on every link, s."""
    edge = t.edge_pool(jnp.ones(t.snr.shape[0], bool), None)
    most = jnp.minimum(1.0, 1 / jnp.cbrt(jnp.maximum(edge.cubic, 1e-300)))
    path = edge.upload / jnp.log1p(t.snr) + edge.cost / most
    at_edge = 1 / jnp.sum(jnp.where(edge.usable, 1 / path, 0.0), axis=1)
    in_cloud = cloud_floor(t, jnp.eye(t.snr.shape[0], dtype=bool))
    in_cloud = jnp.where(jnp.any(t.cloud_able, axis=1), in_cloud, jnp.inf)
    return jnp.where(t.scenario.task_bits > 0, jnp.minimum(at_edge, in_cloud), 0.0)


class Homes(NamedTuple):
    """Who computes at home, as a nest: at a latency of t whoever can reach it alone, so these sets are all that matter.

    Set n is those with ``rank < n``. First come those who can go nowhere else, then those who are quicker at home than
    they could be anywhere else, at any scale, then the others from the quickest.

    Attributes
    ----------
    rank : (K,) int
        Place of each terminal in that order.
    low : (K + 1,)
        Lower bound of the largest latency under each set.
    stuck, better : int
        How many can go nowhere else; how many of those and of those who are quicker at home there are.
    """

    rank: Int[Array, " K"]
    low: Float[Array, " K1"]
    stuck: Int[Array, ""]
    better: Int[Array, ""]

    def local(self, n: Int[Array, ""]) -> Bool[Array, " K"]:
        """Set n."""
        return self.rank < n


def homes(t: Tiers, local_s: Float[Array, " K"]) -> Homes:
    """The nest of those who compute at home, for given latencies there."""
    away = alone(t)
    stuck, better = jnp.isinf(away), local_s <= away
    order = jnp.argsort(jnp.where(stuck, -2.0, jnp.where(better, -1.0, local_s)), stable=True)
    nothing = jnp.zeros(1)
    own = jnp.concatenate([nothing, lax.cummax(local_s[order])])
    others = jnp.concatenate([lax.cummax(away[order], reverse=True), nothing])
    return Homes(jnp.argsort(order), jnp.maximum(own, others), jnp.sum(stuck), jnp.sum(stuck | better))


def lowest(t: Tiers, value: Callable[[Bool[Array, " K"]], Float[Array, ""]]) -> Float[Array, ""]:
    """Smallest certified value over all sets that compute at home, with all their power; ``value(local)`` is one's."""
    nest = homes(t, t.local_limit_s)

    def open_(state) -> Bool[Array, " K1"]:
        done, best = state
        return ~done & (nest.low < best)

    def one(state):
        done, best = state
        n = jnp.argmin(jnp.where(open_(state), nest.low, jnp.inf))
        return done.at[n].set(True), jnp.minimum(best, jnp.maximum(nest.low[n], value(nest.local(n))))

    start = (jnp.arange(nest.low.size) < nest.better, jnp.asarray(jnp.inf))
    return while_loop(lambda state: jnp.any(open_(state)), one, start)[1]


def _window_starts(k: int, free: int) -> list[int]:
    return sorted({min(start, k - free) for start in range(0, k, max(free // 2, 1))})


def _window(k: int, start: int, table: Bool[Array, "N free"]) -> Bool[Array, "N K"]:
    ahead = jnp.ones((table.shape[0], start), bool)
    behind = jnp.zeros((table.shape[0], k - start - table.shape[1]), bool)
    return jnp.concatenate([ahead, table, behind], axis=1)
