"""Which terminals share an uplink pilot: the farther apart they are, the less they disturb each other's estimates.

All functions give one label in 0 .. pilots-1 to each terminal, and use every label. The number of pilots may be traced;
it is checked where it is not.
"""

from __future__ import annotations

import itertools

import jax.numpy as jnp
import numpy as np
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


def exact(distance: np.ndarray, pilots: int) -> np.ndarray:
    """Labels with the largest possible smallest distance between sharers; on the host, for a few dozen terminals.

    The largest threshold at which the terminals that are nearer than it can be told apart by ``pilots`` colours.
    """
    distance = np.asarray(distance, float)
    count = len(distance)
    _check(count, pilots)
    values = np.unique(distance[np.triu_indices(count, 1)]) if count > 1 else np.zeros(1)
    low, high = 0, len(values) - 1  # at values[0] nobody is nearer: always possible
    best = _colours(distance < values[0], pilots)
    while low < high:
        middle = (low + high + 1) // 2
        found = _colours(distance < values[middle], pilots)
        low, high = (middle, high) if found is not None else (low, middle - 1)
        best = found if found is not None else best
    if pilots == count:
        best = np.arange(count)
    assert best is not None
    return _use_every_label(best, pilots)


def smallest_distance(distance: Float[Array, "K K"], label: Int[Array, " K"]) -> Float[Array, ""]:
    """Smallest distance between two terminals that share a pilot; infinite where none do."""
    other = ~jnp.eye(len(label), dtype=bool)
    return jnp.min(jnp.where(other & (label[:, None] == label[None]), distance, jnp.inf))


def _check(count: int, pilots: int | Int[Array, ""]) -> None:
    if not isinstance(pilots, Tracer) and not 1 <= pilots <= count:
        raise InputError("pilots", pilots, f"from 1 to the number of terminals, {count}")


def _colours(conflict: np.ndarray, colours: int) -> np.ndarray | None:
    """A colouring in which no two in conflict agree, the most constrained terminal first; None if there is none."""
    count = len(conflict)
    conflict = conflict & ~np.eye(count, dtype=bool)
    label = np.full(count, -1)

    def colour(left: int, used: int) -> bool:
        if left == 0:
            return True
        open_ = np.flatnonzero(label < 0)
        taken = [set(label[conflict[k] & (label >= 0)]) for k in open_]
        pick = max(range(len(open_)), key=lambda i: (len(taken[i]), conflict[open_[i]].sum()))
        k = open_[pick]
        for c in itertools.islice((c for c in range(min(used + 1, colours)) if c not in taken[pick]), colours):
            label[k] = c
            if colour(left - 1, max(used, c + 1)):
                return True
        label[k] = -1
        return False

    return label.copy() if colour(count, 0) else None


def _use_every_label(label: np.ndarray, pilots: int) -> np.ndarray:
    """Give unused labels to terminals that share one."""
    label = label.copy()
    for unused in sorted(set(range(pilots)) - set(label.tolist())):
        crowded = np.flatnonzero(np.bincount(label, minlength=pilots)[label] > 1)
        label[crowded[0]] = unused
    return label
