"""Smooth descent: L-BFGS whose every loop trip evaluates once, and an augmented Lagrangian around it.

One evaluation per trip (line-search trials and accepted steps alike) is what keeps a batch busy under ``vmap``: no
lane waits for another lane's line search.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from trinode.numerics import curvature
from trinode.numerics.curvature import Memory
from trinode.numerics.loops import while_loop

Objective = Callable[[Float[Array, " n"]], Float[Array, ""]]


class Descent(NamedTuple):
    """Best point seen, its value, the number of evaluations, and the memory to go on with."""

    point: Float[Array, " n"]
    value: Float[Array, ""]
    evaluations: Int[Array, ""]
    memory: Memory


class Run(NamedTuple):
    """A descent that can be left and taken up again.

    Attributes
    ----------
    x, f, g
        Best point seen, its value and its slope.
    d, a
        Where to look next, ``x + a d``.
    memory : Memory
    calm : int
        Accepted steps in a row that gained next to nothing.
    trips : int
        Evaluations.
    """

    x: Float[Array, " n"]
    f: Float[Array, ""]
    g: Float[Array, " n"]
    d: Float[Array, " n"]
    a: Float[Array, ""]
    memory: Memory
    calm: Int[Array, ""]
    trips: Int[Array, ""]


CALM = 5
"""Steps in a row that gain next to nothing after which a descent ends."""


def begun(start: Float[Array, " n"], memory: Memory | None = None) -> Run:
    """A descent from a point; its first evaluation is that of the point, so that the function is compiled once."""
    still, none = jnp.zeros_like(start), jnp.asarray(0)
    memory = curvature.nothing(start.size) if memory is None else memory
    return Run(start, jnp.asarray(jnp.inf), still, still, jnp.asarray(0.0), memory, none, none)


def descend(objective: Objective, run: Run, *, until: int | Int[Array, ""], tolerance: float | Float[Array, ""]) -> Run:
    """Go on with a descent.

    Parameters
    ----------
    until
        Evaluations in all after which it is left.
    tolerance : float
        It has ended when five accepted steps in a row lower the value by less than ``tolerance`` (absolute) each.
    """
    return while_loop(lambda s: _going(s, until), lambda s: _trip(objective, s, tolerance), run)


def descend_many(
    objective: Callable[[Any, Float[Array, " n"]], Float[Array, ""]],
    given: Any,
    run: Run,
    *,
    until: Int[Array, " lanes"],
    tolerance: Float[Array, " lanes"],
) -> Run:
    """Go on with many descents side by side, each of ``objective(given, x)`` with its own ``given``.

    Like a batch of :func:`descend`, without a copy of every memory in every trip: a step that does not count is written
    where none is remembered.
    """

    def trip(given: Any, s: Run, until: Any, tolerance: Any) -> Run:
        goes = _going(s, until)
        new = _trip(lambda x: objective(given, x), s, tolerance, goes)
        bare, before = new._replace(memory=None), s._replace(memory=None)
        still = jax.tree.map(lambda now, was: jnp.where(goes, now, was), bare, before)
        return still._replace(memory=new.memory)

    step = jax.vmap(trip)
    return while_loop(lambda s: jnp.any(_going(s, until)), lambda s: step(given, s, until, tolerance), run)


def _going(s: Run, until: Any) -> Any:
    return (s.trips < until) & (s.calm < CALM)


def _trip(objective: Objective, s: Run, tolerance: Any, goes: Any = True) -> Run:
    """One evaluation, and where to look next; nothing is remembered unless ``goes``."""
    x = s.x + s.a * s.d
    f, g = jax.value_and_grad(objective)(x)
    slope = jnp.vdot(s.g, s.d)
    good = jnp.isfinite(f) & (f <= s.f + 1e-4 * s.a * slope)
    move, bend = x - s.x, g - s.g
    product = jnp.vdot(move, bend)
    keep = good & goes & (product > 1e-12 * jnp.linalg.norm(move) * jnp.linalg.norm(bend))

    memory = curvature.learn(s.memory, move, bend, keep)
    ahead = curvature.direction(memory, jnp.where(good, g, s.g))
    # without any memory the first step is a short one
    downhill = (jnp.vdot(ahead, g) < 0) & (curvature.known(memory) | (s.trips > 0))
    ahead = jnp.where(downhill, ahead, -g)
    # a failed trial: minimiser of the parabola through it, kept within [0.1, 0.5] of the step
    parabola = -slope * s.a / (2 * (f - s.f - s.a * slope))
    shorter = s.a * jnp.clip(jnp.where(jnp.isfinite(parabola), parabola, 0.1), 0.1, 0.5)
    calm = jnp.where(good, jnp.where(s.f - f < tolerance, s.calm + 1, 0), s.calm)
    calm = jnp.where(~good & (shorter < 1e-12), 99, calm)
    return Run(
        jnp.where(good, x, s.x),
        jnp.where(good, f, s.f),
        jnp.where(good, g, s.g),
        jnp.where(good, ahead, s.d),
        jnp.where(good, jnp.where(downhill, 1.0, 0.1 / (jnp.linalg.norm(g) + 1e-300)), shorter),
        memory,
        calm,
        s.trips + 1,
    )


def lbfgs(
    objective: Objective,
    start: Float[Array, " n"],
    *,
    max_evaluations: int | Int[Array, ""],
    tolerance: float | Float[Array, ""],
    memory: Memory | None = None,
) -> Descent:
    """Minimise a smooth function, from its start to its end; see :func:`descend`.

    Parameters
    ----------
    memory
        Where an earlier descent of much the same function ended; nothing if absent.
    """
    last = descend(objective, begun(start, memory), until=max_evaluations, tolerance=tolerance)
    return Descent(last.x, last.f, last.trips, last.memory)


def constrained(
    objective: Objective,
    constraints: Callable[[Float[Array, " n"]], Float[Array, " m"]],
    start: Float[Array, " n"],
    multipliers: Float[Array, " m"],
    memory: Memory | None = None,
    *,
    penalty: float | Float[Array, ""],
    max_evaluations: int | Int[Array, ""],
    tolerance: float,
) -> tuple[Descent, Float[Array, " m"]]:
    """One round of the augmented Lagrangian for ``constraints(x) <= 0``: descend, then update the multipliers.

    Repeated rounds, each begun where the last one ended, converge to a constrained stationary point. The memory of the
    round before still fits: the new multipliers change the curvature little.
    """
    lagrangian = augmented(objective, constraints, multipliers, penalty)
    best = lbfgs(lagrangian, start, max_evaluations=max_evaluations, tolerance=tolerance, memory=memory)
    return best, jnp.maximum(multipliers + penalty * constraints(best.point), 0.0)


def augmented(
    objective: Objective,
    constraints: Callable[[Float[Array, " n"]], Float[Array, " m"]],
    multipliers: Float[Array, " m"],
    penalty: float | Float[Array, ""],
) -> Objective:
    """The augmented Lagrangian of ``constraints(x) <= 0``."""
    return lambda x: lagrangian(objective(x), constraints(x), multipliers, penalty)


def lagrangian(
    value: Float[Array, ""],
    excess: Float[Array, " m"],
    multipliers: Float[Array, " m"],
    penalty: float | Float[Array, ""],
) -> Float[Array, ""]:
    """Value of the augmented Lagrangian, of an objective and of constraints ``excess <= 0``."""
    pressed = jnp.maximum(multipliers + penalty * excess, 0.0)
    return value + jnp.sum(pressed**2 - multipliers**2) / (2 * penalty)
