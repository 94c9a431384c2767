"""Which terminals share an uplink pilot: the farther apart they are, the less they disturb each other's estimates.

All functions give one label in 0 .. pilots-1 to each terminal, and use every label. The number of pilots may be traced;
it is checked where it is not.
"""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jax.core import Tracer
from jaxtyping import Array, Bool, Float, Int

from trinode.errors import InputError
from trinode.numerics.loops import while_loop


def clustering(distance: Float[Array, "K K"], pilots: int | Int[Array, ""]) -> Int[Array, " K"]:
    """Merge the two clusters whose nearest members are farthest apart, until ``pilots`` are left.

    Source: region paper, Algorithm 1. It is greedy: the smallest distance between sharers is not the largest possible.
    """
    count = distance.shape[0]
    _check(count, pilots)
    apart = jnp.where(jnp.eye(count, dtype=bool), -jnp.inf, distance)

    def merge(_, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        apart, label = carry
        one, other = jnp.unravel_index(jnp.argmax(apart), apart.shape)
        keep, drop = jnp.minimum(one, other), jnp.maximum(one, other)
        joined = jnp.minimum(apart[keep], apart[drop]).at[keep].set(-jnp.inf)
        apart = apart.at[keep].set(joined).at[:, keep].set(joined)
        apart = apart.at[drop].set(-jnp.inf).at[:, drop].set(-jnp.inf)
        return apart, jnp.where(label == drop, keep, label)

    _, label = lax.fori_loop(0, count - pilots, merge, (apart, jnp.arange(count)))
    first = label == jnp.arange(count)
    return (jnp.cumsum(first) - 1)[label]


def spread(distance: Float[Array, "K K"], pilots: int | Int[Array, ""], max_steps: int = 200) -> Int[Array, " K"]:
    """Improve :func:`clustering` by moving one terminal or swapping two, while that lowers the crowding.

    The crowding is the sum of ``distance**-8`` over all pairs that share a pilot: close to "make the smallest distance
    between sharers as large as possible", but it looks at the other pairs, too.
    """
    count = distance.shape[0]
    start = clustering(distance, pilots)
    scale = jnp.max(distance) + 1e-300
    near = jnp.where(jnp.eye(count, dtype=bool), 0.0, (jnp.maximum(distance, 1e-6 * scale) / scale) ** -8.0)
    eye = jnp.eye(count, dtype=bool)

    def step(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        label, _, steps = carry
        member = (label[:, None] == jnp.arange(count)).astype(float)  # as many pilots as there could be
        load = near @ member  # crowding of terminal k if it had pilot p
        own = jnp.take_along_axis(load, label[:, None], 1)[:, 0]
        last = member.sum(0)[label] == 1  # a pilot keeps its only terminal
        move = jnp.where(last[:, None] | (jnp.arange(count) >= pilots), jnp.inf, load - own[:, None])
        there = load[:, label]  # of k with the pilot of j
        swap = there + there.T - own[:, None] - own[None] - 2 * near
        swap = jnp.where(eye | (label[:, None] == label[None]), jnp.inf, swap)
        best_move, best_swap = jnp.min(move), jnp.min(swap)
        k, pilot = jnp.unravel_index(jnp.argmin(move), move.shape)
        i, j = jnp.unravel_index(jnp.argmin(swap), swap.shape)
        moved = label.at[k].set(pilot)
        swapped = label.at[i].set(label[j]).at[j].set(label[i])
        gain = jnp.minimum(best_move, best_swap)
        better = gain < -1e-12 * jnp.sum(own)
        new = jnp.where(best_move <= best_swap, moved, swapped)
        return jnp.where(better, new, label), better, steps + 1

    def going(carry: tuple[Array, Array, Array]) -> Bool[Array, ""]:
        return carry[1] & (carry[2] < max_steps)

    return while_loop(going, step, (start, jnp.asarray(True), jnp.asarray(0)))[0]


def _check(count: int, pilots: int | Int[Array, ""]) -> None:
    if not isinstance(pilots, Tracer) and not 1 <= pilots <= count:
        raise InputError("pilots", pilots, f"from 1 to the number of terminals, {count}")
