"""L-BFGS for one problem at a time, quick on a CPU, whose memory outlives a call.

The iterates are those of :func:`trinode.numerics.descent.lbfgs`; what differs is where the time goes: a trip ends with
its evaluation, so that the slope is written once. That pays with a thousand variables and more.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from trinode.numerics import curvature, descent
from trinode.numerics.curvature import Memory
from trinode.numerics.descent import Descent, Objective
from trinode.numerics.loops import while_loop


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


def lbfgs(
    objective: Objective,
    start: Float[Array, " n"],
    memory: Memory,
    *,
    max_evaluations: int | Int[Array, ""],
    tolerance: float | Float[Array, ""],
) -> Descent:
    """Minimise a smooth function; as :func:`trinode.numerics.descent.lbfgs`, begun with what is remembered."""
    value_and_slope = jax.value_and_grad(objective)

    def trip(s: _State) -> _State:
        x, f, g = s.trial, s.trial_f, s.trial_g
        good = jnp.isfinite(f) & (f <= s.f + 1e-4 * s.a * s.slope)
        move, bend = x - s.x, g - s.g
        product = jnp.vdot(move, bend)
        keep = good & (product > 1e-12 * jnp.sqrt(jnp.vdot(move, move) * jnp.vdot(bend, bend)))
        now = jnp.where(good, g, s.g)
        memory = curvature.learn(s.memory, move, bend, keep)
        ahead = curvature.direction(memory, now)
        slope, steep = jnp.vdot(ahead, now), jnp.vdot(now, now)
        downhill = (slope < 0) & curvature.known(memory)
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

    # the first trip steps by nothing and evaluates the start, so that the function is compiled once
    zero, still, unknown, none = jnp.asarray(0.0), jnp.zeros_like(start), jnp.asarray(jnp.inf), jnp.asarray(0)
    began = _State(start, unknown, still, still, zero, zero + 1, start, unknown, still, memory, none, none)
    last = while_loop(lambda s: (s.trips < max_evaluations) & (s.calm < 5), trip, began)
    better = last.trial_f < last.f
    point = jnp.where(better, last.trial, last.x)
    return Descent(point, jnp.where(better, last.trial_f, last.f), last.trips, last.memory)


def constrained(
    objective: Objective,
    constraints: Callable[[Float[Array, " n"]], Float[Array, " m"]],
    start: Float[Array, " n"],
    multipliers: Float[Array, " m"],
    memory: Memory,
    *,
    penalty: float | Float[Array, ""],
    max_evaluations: int | Int[Array, ""],
    tolerance: float | Float[Array, ""],
) -> tuple[Descent, Float[Array, " m"]]:
    """One round of the augmented Lagrangian; see :func:`trinode.numerics.descent.constrained`.

    The memory of the round before still fits: the new multipliers change the curvature little.
    """
    lagrangian = descent.augmented(objective, constraints, multipliers, penalty)
    best = lbfgs(lagrangian, start, memory, max_evaluations=max_evaluations, tolerance=tolerance)
    return best, jnp.maximum(multipliers + penalty * constraints(best.point), 0.0)
