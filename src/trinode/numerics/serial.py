"""L-BFGS for one problem at a time, quick on a CPU, whose memory outlives a call.

The iterates are those of :func:`trinode.numerics.descent.lbfgs`; what differs is where the time goes. The pairs lie in
one ring that is written in place, and a trip ends with its evaluation, so that the slope is written once. That pays
with a thousand variables and more. In a batch the ring would be scattered to: see
:func:`trinode.numerics.loops.in_turn`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from trinode.numerics import descent
from trinode.numerics.descent import Objective
from trinode.numerics.loops import while_loop

PAIRS = 8
"""Steps that are remembered."""


class Memory(NamedTuple):
    """What the last steps say of the curvature; empty where ``moved`` ends with 0.

    Attributes
    ----------
    ring : (2 PAIRS + 2, n)
        Moves and bends (changes of the slope), in turn; the place at ``at`` is free.
    at : int
    inverse : (PAIRS, PAIRS)
        Of the upper triangle of ``moves . bends``, the oldest step first.
    moved : (PAIRS,)
        ``move . bend`` of each step.
    bent : (PAIRS, PAIRS)
        ``bends . bends``.
    """

    ring: Float[Array, "rows n"]
    at: Int[Array, ""]
    inverse: Float[Array, "h h"]
    moved: Float[Array, " h"]
    bent: Float[Array, "h h"]


class End(NamedTuple):
    """Best point seen, its value, the number of evaluations, and the memory to go on with."""

    point: Float[Array, " n"]
    value: Float[Array, ""]
    evaluations: Int[Array, ""]
    memory: Memory


class _State(NamedTuple):
    x: Float[Array, " n"]
    f: Float[Array, ""]
    g: Float[Array, " n"]
    d: Float[Array, " n"]
    slope: Float[Array, ""]
    a: Float[Array, ""]
    trial: Float[Array, " n"]
    trial_f: Float[Array, ""]
    trial_g: Float[Array, " n"]
    memory: Memory
    calm: Int[Array, ""]
    trips: Int[Array, ""]


def nothing(n: int) -> Memory:
    """An empty memory."""
    square = jnp.zeros((PAIRS, PAIRS))
    return Memory(jnp.zeros((2 * PAIRS + 2, n)), jnp.asarray(0), square, jnp.zeros(PAIRS), square)


def lbfgs(
    objective: Objective,
    start: Float[Array, " n"],
    memory: Memory,
    *,
    max_evaluations: int | Int[Array, ""],
    tolerance: float,
) -> End:
    """Minimise a smooth function; as :func:`trinode.numerics.descent.lbfgs`, begun with what is remembered."""
    value_and_slope = jax.value_and_grad(objective)

    def trip(s: _State) -> _State:
        x, f, g = s.trial, s.trial_f, s.trial_g
        good = jnp.isfinite(f) & (f <= s.f + 1e-4 * s.a * s.slope)
        move, bend = x - s.x, g - s.g
        product = jnp.vdot(move, bend)
        keep = good & (product > 1e-12 * jnp.sqrt(jnp.vdot(move, move) * jnp.vdot(bend, bend)))
        now = jnp.where(good, g, s.g)
        memory, ahead = _learn(s.memory, move, bend, keep, now)
        slope, steep = jnp.vdot(ahead, now), jnp.vdot(now, now)
        downhill = (slope < 0) & (memory.moved[-1] > 0)
        # a failed trial: minimiser of the parabola through it, kept within [0.1, 0.5] of the step
        parabola = -s.slope * s.a / (2 * (f - s.f - s.a * s.slope))
        shorter = s.a * jnp.clip(jnp.where(jnp.isfinite(parabola), parabola, 0.1), 0.1, 0.5)
        calm = jnp.where(good, jnp.where(s.f - f < tolerance, s.calm + 1, 0), s.calm)
        calm = jnp.where(~good & (shorter < 1e-12), 99, calm)
        point = jnp.where(good, x, s.x)
        d = jnp.where(good, jnp.where(downhill, ahead, -now), s.d)
        a = jnp.where(good, jnp.where(downhill, 1.0, 0.1 / jnp.sqrt(steep + 1e-300)), shorter)
        slope = jnp.where(good, jnp.where(downhill, slope, -steep), s.slope)
        trial = point + a * d
        after = value_and_slope(trial)
        return _State(point, jnp.where(good, f, s.f), now, d, slope, a, trial, *after, memory, calm, s.trips + 1)

    zero, still = jnp.asarray(0.0), jnp.zeros_like(start)
    first = value_and_slope(start)
    none = jnp.asarray(0)
    began = _State(start, jnp.asarray(jnp.inf), still, still, zero, zero, start, *first, memory, none, none + 1)
    last = while_loop(lambda s: (s.trips < max_evaluations) & (s.calm < 5), trip, began)
    better = last.trial_f < last.f
    point = jnp.where(better, last.trial, last.x)
    return End(point, jnp.where(better, last.trial_f, last.f), last.trips, last.memory)


def constrained(
    objective: Objective,
    constraints: Callable[[Float[Array, " n"]], Float[Array, " m"]],
    start: Float[Array, " n"],
    multipliers: Float[Array, " m"],
    memory: Memory,
    *,
    penalty: float,
    max_evaluations: int | Int[Array, ""],
    tolerance: float,
) -> tuple[End, Float[Array, " m"]]:
    """One round of the augmented Lagrangian; see :func:`trinode.numerics.descent.constrained`.

    The memory of the round before still fits: the new multipliers change the curvature little.
    """
    lagrangian = descent.augmented(objective, constraints, multipliers, penalty)
    best = lbfgs(lagrangian, start, memory, max_evaluations=max_evaluations, tolerance=tolerance)
    return best, jnp.maximum(multipliers + penalty * constraints(best.point), 0.0)


def _learn(
    old: Memory, move: Float[Array, " n"], bend: Float[Array, " n"], keep: Array, slope: Float[Array, " n"]
) -> tuple[Memory, Float[Array, " n"]]:
    """The memory with one more step, and the direction that it gives at a slope."""
    h = PAIRS
    # written whether it is kept or not: where it is not, the place stays free
    ring = lax.dynamic_update_slice(old.ring, jnp.stack([move, bend]), (2 * old.at, 0))
    at = jnp.where(keep, (old.at + 1) % (h + 1), old.at)

    def products(vector: Float[Array, " n"]) -> tuple[Float[Array, " h"], Float[Array, " h"]]:
        both = jnp.roll((ring @ vector).reshape(h + 1, 2).T, -at, axis=1)[:, 1:]
        return both[0], both[1]

    column, bends = products(bend)
    one = 1 / jnp.where(keep, column[-1], 1.0)
    rest = old.inverse[1:, 1:]
    inverse = jnp.zeros((h, h)).at[:-1, :-1].set(rest).at[:-1, -1].set(-(rest @ column[:-1]) * one).at[-1, -1].set(one)
    bent = jnp.zeros((h, h)).at[:-1, :-1].set(old.bent[1:, 1:]).at[:, -1].set(bends).at[-1, :].set(bends)
    moved = jnp.concatenate([old.moved[1:], column[-1:]])
    small = [jnp.where(keep, new, was) for new, was in zip((inverse, moved, bent), old[2:])]
    memory = Memory(ring, at, *small)
    # compact form of Byrd, Nocedal and Schnabel (1994)
    along, across = products(slope)
    newest = memory.bent[-1, -1]
    scale = jnp.where(newest > 0, memory.moved[-1] / jnp.where(newest > 0, newest, 1.0), 1.0)
    first = memory.inverse @ along
    push = memory.inverse.T @ (memory.moved * first + scale * (memory.bent @ first) - scale * across)
    weights = jnp.concatenate([jnp.zeros((2, 1)), jnp.stack([push, -scale * first])], axis=1)
    return memory, -(scale * slope + jnp.roll(weights, at, axis=1).T.reshape(-1) @ ring)
