"""Which terminals compute at the edge and which in the cloud: certified values of assignments, and a search.

Without interference and sensing, and with each terminal's power shared among its links by choice, every assignment
is one convex program per tier. Its value bounds from below what any beams can do under that assignment, so the
smallest value over all assignments bounds the scenario, and only assignments whose own bound lies below the best
decision known can still win.
"""

from __future__ import annotations

import itertools
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
"""Up to so many terminals every edge/cloud assignment is looked at; beyond, the most undecided ones."""


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


@partial(jax.jit, static_argnames="tolerance")
def value_of(t: Tiers, modes: Int[Array, " K"], tolerance: float):
    """Interference-free decision under an assignment, and its certified lower bound."""
    computing = pool.solve(t.pool(modes, None), tolerance=tolerance, max_steps=40)
    busy = t.scenario.task_bits > 0
    lost = (modes == EDGE) & busy & ~jnp.any(t.edge_able, axis=1)
    lost |= (modes == CLOUD) & busy & ~jnp.any(t.cloud_able, axis=1)
    own = jnp.max(jnp.where(modes == LOCAL, t.local_s, 0.0))
    lower = jnp.maximum(computing.lower, own)
    return jnp.where(jnp.any(lost), jnp.inf, lower), computing


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
    """The assignments of the terminals that do not compute themselves with the lowest certified values.

    All subsets of the at most :data:`FREE_TERMINALS` least decided terminals are ranked by a cheap estimate (cloud:
    :func:`cloud_floor`; edge: the all-edge value less the prices of those that leave), the first ``length`` of them,
    and all-edge and all-cloud, are solved exactly.
    """
    k = t.snr.shape[0]
    everyone = ~local
    must_cloud = everyone & ~jnp.any(t.edge_able, axis=1)
    base = pool.solve(t.edge_pool(everyone, None), tolerance=1e-3, max_steps=25)
    free = min(k, FREE_TERMINALS)
    table = jnp.asarray(np.array(list(itertools.product([False, True], repeat=free))))
    if k <= FREE_TERMINALS:
        rows = table
        sets = table & everyone[None]
    else:
        # those to whom the relaxation gives most of the cloud leave first; every subset of a window along that order
        fraction = relaxed(t, local, 1e-4)[1] + jnp.where(must_cloud, 10.0, 0.0)
        order = jnp.argsort(-fraction, stable=True)
        sizes = _window_starts(k, free)
        rows = jnp.concatenate([_window(k, start, table) for start in sizes])
        sets = jnp.zeros_like(rows).at[:, order].set(rows) & everyone[None]
    cloud_value = cloud_floor(t, sets)
    edge_value = base.latency * jnp.sum(jnp.where(sets, 0.0, base.price[None]), axis=1)
    stuck = jnp.any(must_cloud[None] & ~sets, axis=1)
    stuck |= jnp.any(sets & ~jnp.any(t.cloud_able, axis=1)[None], axis=1)
    duplicate = jnp.any(rows & local[None], axis=1) if k <= FREE_TERMINALS else jnp.zeros(rows.shape[0], bool)
    score = jnp.where(stuck | duplicate, jnp.inf, jnp.maximum(cloud_value, edge_value))
    count = min(length, rows.shape[0])
    _, pick = lax.top_k(-score, count)
    modes = jnp.where(local, LOCAL, jnp.where(sets[pick], CLOUD, EDGE))
    modes = jnp.concatenate([modes, jnp.where(local, LOCAL, EDGE)[None], jnp.where(local, LOCAL, CLOUD)[None]])
    value, computing = jax.vmap(lambda m: value_of(t, m, tolerance))(modes)
    rank = jnp.argsort(value, stable=True)
    return Shortlist(*jax.tree.map(lambda leaf: leaf[rank], (modes, value, computing)))


@partial(jax.jit, static_argnames="tolerance")
def relaxed(t: Tiers, local: Bool[Array, " K"], tolerance: float) -> tuple[Float[Array, ""], Float[Array, " K"]]:
    """Lower bound over all edge/cloud assignments by letting tasks split between both, and each cloud part.

    The cloud becomes one more link of every terminal: its upload takes the least time it ever could, its computing is
    a share of the cloud. Any assignment is feasible here at no larger latency, and the program is convex.
    """
    s = t.scenario
    k = t.snr.shape[0]
    edge = t.edge_pool(~local, None)
    floor = cloud_floor(t, jnp.eye(k, dtype=bool))
    serial = (
        s.cloud_cycles_per_bit * s.task_bits / jnp.where(s.cloud_max_frequency_hz > 0, s.cloud_max_frequency_hz, 1.0)
    )
    able = jnp.any(t.cloud_able, axis=1) & ~local & (s.task_bits > 0)
    ones = jnp.ones((k, 1))

    def widen(links: Array, extra: Array) -> Array:
        return jnp.concatenate([links, extra.astype(links.dtype)], axis=1)

    both = pool.Pool(
        widen(edge.index, ones * s.access_points),
        widen(edge.usable, able[:, None]),
        widen(edge.upload, 0 * ones),
        widen(edge.cost, serial[:, None]),
        widen(edge.cubic, 0 * ones),
        edge.serial,
        widen(t.snr, ones),
        widen(0 * t.snr, jnp.where(able, jnp.maximum(floor - serial, 1e-9 * floor), 1.0)[:, None]),
        pools=s.access_points + 1,
    )
    best = pool.solve(both, tolerance=tolerance, max_steps=40)
    return best.lower, best.share[:, -1]


def relaxed_value(t: Tiers) -> Float[Array, ""]:
    """Lower bound of the scenario for any number of terminals, local computing included.

    Whoever computes itself at the optimum t has a local latency of at most t, and without more of them the others are
    not faster; so the smallest of ``max(local latency, relaxed value of the others)`` over growing sets is a bound.
    """
    has_link = jnp.any(t.edge_able, axis=1) | jnp.any(t.cloud_able, axis=1)
    busy = t.scenario.task_bits > 0

    def next_one(local: Bool[Array, " K"]) -> Int[Array, ""]:
        return jnp.argmin(jnp.where(local | ~busy, jnp.inf, t.local_limit_s))

    def value(local: Bool[Array, " K"]) -> Float[Array, ""]:
        own = jnp.max(jnp.where(local, t.local_limit_s, 0.0))
        return jnp.maximum(own, relaxed(t, local, 1e-8)[0])

    def more(state) -> Bool[Array, ""]:
        local, best, fresh = state
        return fresh | (~local[next_one(local)] & (t.local_limit_s[next_one(local)] < best))

    def grow(state):
        local, best, fresh = state
        local = local.at[next_one(local)].set(local[next_one(local)] | ~fresh)
        return local, jnp.minimum(best, value(local)), jnp.asarray(False)

    return while_loop(more, grow, (~has_link & busy, jnp.asarray(jnp.inf), jnp.asarray(True)))[1]


def _window_starts(k: int, free: int) -> list[int]:
    return sorted({min(start, k - free) for start in range(0, k, max(free // 2, 1))})


def _window(k: int, start: int, table: Bool[Array, "N free"]) -> Bool[Array, "N K"]:
    ahead = jnp.ones((table.shape[0], start), bool)
    behind = jnp.zeros((table.shape[0], k - start - table.shape[1]), bool)
    return jnp.concatenate([ahead, table, behind], axis=1)


def self_computing(
    t: Tiers, length: int, tolerance: float, allowed: bool | Bool[Array, ""] = True
) -> tuple[Bool[Array, " K"], Shortlist]:
    """Terminals that compute themselves, and the shortlist of the others.

    Those without any usable link have to. A further one does when its own latency is below the best value of the
    others: then it costs nothing and frees servers, so terminals are added from the quickest up while that holds.
    Nobody does where it is not ``allowed``.
    """
    has_link = jnp.any(t.edge_able, axis=1) | jnp.any(t.cloud_able, axis=1)
    busy = t.scenario.task_bits > 0
    forced = ~has_link & busy & allowed

    def candidate(local: Bool[Array, " K"]) -> Int[Array, ""]:
        return jnp.argmin(jnp.where(local | ~busy, jnp.inf, t.local_s))

    def more(state) -> Bool[Array, ""]:
        local, best, fresh = state
        k = candidate(local)
        return fresh | (allowed & ~local[k] & busy[k] & (t.local_s[k] < best.value[0]))

    def grow(state):
        local, _, fresh = state
        local = local.at[candidate(local)].set(local[candidate(local)] | ~fresh)
        return local, shortlist(t, local, length, tolerance), jnp.asarray(False)

    shape = jax.eval_shape(lambda: shortlist(t, forced, length, tolerance))
    blank = jax.tree.map(lambda a: jnp.zeros(a.shape, a.dtype), shape)
    local, best, _ = while_loop(more, grow, (forced, blank, jnp.asarray(True)))
    return local, best
