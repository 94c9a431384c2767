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
