"""What the last steps of a descent say of the curvature: the memory of L-BFGS in its compact form.

The pairs lie in a ring that is written in place, and the small matrices of the compact form are carried along, in the
order of the ring, since forming them from the pairs takes longer than using them.

Source: Byrd, Nocedal and Schnabel, Representations of quasi-Newton matrices and their use in limited memory methods,
Mathematical Programming 63 (1994), Theorem 2.2.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int


class Memory(NamedTuple):
    """The last h accepted steps at most; one of the h + 1 places is free, and zero in all but the ring.

    Attributes
    ----------
    ring : (2 h + 2, n)
        Of each step its move and its bend, the change of the slope along it, one below the other: what is written at
        once lies together, or XLA would copy the ring.
    free : int
        Where the next step goes. The newest one lies before it, the oldest behind.
    inverse : (h + 1, h + 1)
        Of ``moves . bends``, of which only steps with the same or later bends count.
    moved : (h + 1,)
        ``move . bend`` of each step.
    bent : (h + 1, h + 1)
        ``bends . bends``.
    """

    ring: Float[Array, "rows n"]
    free: Int[Array, ""]
    inverse: Float[Array, "places places"]
    moved: Float[Array, " places"]
    bent: Float[Array, "places places"]


def nothing(n: int, steps: int = 8) -> Memory:
    """An empty memory of so many steps."""
    square = jnp.zeros((steps + 1, steps + 1))
    return Memory(jnp.zeros((2 * steps + 2, n)), jnp.asarray(0), square, jnp.zeros(steps + 1), square)


def known(memory: Memory) -> Bool[Array, ""]:
    """Whether there is anything in a memory."""
    return jnp.any(memory.moved > 0)


def learn(old: Memory, move: Float[Array, " n"], bend: Float[Array, " n"], keep: Bool[Array, ""]) -> Memory:
    """The memory with one more step, if it is to be kept; ``move . bend`` is then positive."""
    places = old.moved.size
    # written whether it is kept or not: where it is not, the place stays free
    ring = lax.dynamic_update_slice(old.ring, jnp.stack([move, bend]), (2 * old.free, 0))
    moves, bends = (ring @ bend).reshape(places, 2).T
    behind = (old.free + 1) % places
    here, gone = jnp.arange(places) == old.free, jnp.arange(places) == behind
    one = 1 / jnp.where(keep, jnp.sum(jnp.where(here, moves, 0.0)), 1.0)
    column = jnp.where(here, one, -(old.inverse @ moves) * one)
    inverse = jnp.where(here, column[:, None], old.inverse)
    bent = jnp.where(here, bends[:, None], jnp.where(here[:, None], bends, old.bent))
    out = gone | gone[:, None]
    moved = jnp.where(gone, 0.0, jnp.where(here, moves, old.moved))
    new = (behind, jnp.where(out, 0.0, inverse), moved, jnp.where(out, 0.0, bent))
    return Memory(ring, *(jnp.where(keep, now, was) for now, was in zip(new, old[1:])))


def direction(memory: Memory, slope: Float[Array, " n"]) -> Float[Array, " n"]:
    """Minus the inverse of the remembered curvature times a slope."""
    places = memory.moved.size
    along, across = (memory.ring @ slope).reshape(places, 2).T
    newest = (jnp.arange(places) + 1) % places == memory.free
    moved, bent = (jnp.sum(jnp.where(newest, each, 0.0)) for each in (memory.moved, jnp.diagonal(memory.bent)))
    scale = jnp.where(bent > 0, moved / jnp.where(bent > 0, bent, 1.0), 1.0)
    first = memory.inverse @ along
    push = memory.inverse.T @ (memory.moved * first + scale * (memory.bent @ first) - scale * across)
    return -(scale * slope + jnp.stack([push, -scale * first], axis=1).reshape(-1) @ memory.ring)
