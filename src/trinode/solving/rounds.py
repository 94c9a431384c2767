"""The one driver of descents: rounds of an augmented Lagrangian, the best point kept, batches in lanes.

A round moves all variables downhill by L-BFGS and then changes the prices. What is not smooth has prices too: the
largest of f_i is ``max over w of w . f - |w - price|^2 / (2 pace)``, w on the simplex, which is smooth in f and exact
at the right prices (the method of multipliers on ``f_i <= t`` with t eliminated). Whatever is positive is seen through
its logarithm, so that nothing depends on units.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from trinode.compose.expression import Constraint, Expression
from trinode.compose.problem import Program
from trinode.compose.scope import Scope
from trinode.numerics import descent
from trinode.numerics.curvature import Memory
from trinode.numerics.descent import Run
from trinode.numerics.loops import while_loop

Sizes = tuple[Float[Array, ""], tuple[Float[Array, "..."], ...], tuple[Float[Array, ""], ...]]
"""Of the objective, of each constraint, and of what each largest or smallest is taken of."""


class Settings(NamedTuple):
    """When a descent ends.

    Attributes
    ----------
    evaluations : int
        Most of one round, at first.
    most : int
        Most of one descent; it ends with the round in which they are reached.
    tolerance : float
        Relative: of the objective from round to round, and of what the smooth stand-ins leave open (:data:`IDLE` says
        what ends a descent that cannot reach that).
    pace, fastest : float
        How strongly prices follow at first, and at most.
    """

    evaluations: int = 30
    most: int = 3000
    tolerance: float = 5e-7
    pace: float = 1.5
    fastest: float = 15.0


class State(NamedTuple):
    """A descent at any time.

    Attributes
    ----------
    run : Run
        The round that goes on.
    best : (n,)
        The best variables seen at the end of a round.
    pace : float
        How strongly prices follow.
    budget : int
        Evaluations of a round at most.
    fine : float
        By how much less than elsewhere a step may gain before a round ends.
    corners : tuple of arrays
        Prices of what a largest or smallest is taken of, (rows, each), rows on the simplex.
    sizes : tuple of arrays
        How large objective, constraints and what corners are taken of were when the round began: what may be of either
        sign is counted in these.
    prices : (c,)
        Of the constraints.
    inward : (c,)
        By how much constraints are drawn in, so that they are met and not only nearly so.
    value, excess : float
        Objective (small is good) and largest relative violation at ``best``.
    open : float
        What the last round left open.
    mark : float
        Violation that has to be undercut by a tenth, or the round counts as stalled.
    stalled, idle, rounds, evaluations : int
    done : bool
    """

    run: Run
    best: Float[Array, " n"]
    pace: Float[Array, ""]
    budget: Int[Array, ""]
    fine: Float[Array, ""]
    corners: tuple[Float[Array, "..."], ...]
    sizes: Sizes
    prices: Float[Array, " c"]
    inward: Float[Array, " c"]
    value: Float[Array, ""]
    excess: Float[Array, ""]
    open: Float[Array, ""]
    mark: Float[Array, ""]
    stalled: Int[Array, ""]
    idle: Int[Array, ""]
    rounds: Int[Array, ""]
    evaluations: Int[Array, ""]
    done: Bool[Array, ""]

    def plain(self) -> tuple[Any, ...]:
        """The same in tuples, which programs may return."""
        return (tuple(self.run._replace(memory=tuple(self.run.memory))), *self[1:])  # type: ignore[arg-type]

    @classmethod
    def of(cls, plain: tuple[Any, ...]) -> State:
        """From what a program returned."""
        run = Run._make(plain[0])
        return cls(run._replace(memory=Memory(*run.memory)), *plain[1:])


STALL = 6
"""Rounds in which a violation does not shrink after which a descent is given up."""
LONGEST = 16
"""Rounds become longer by this factor at most."""
SMALL, IDLE = 1e-5, 8
"""A descent also ends after so many rounds without a gain in which no more than this is left open."""
FINEST = 1e-6
"""Steps of rounds that end too early may gain less by this factor at most."""
MET = 1e-9
"""Relative violation that counts as none inside the descent; the judge allows more."""


def on_simplex(point: Float[Array, " n"]) -> Float[Array, " n"]:
    """The nearest point with no entry below zero and a sum of one."""
    falling = jnp.sort(point)[::-1]
    above = (jnp.cumsum(falling) - 1) / jnp.arange(1, point.size + 1)
    count = jnp.sum(falling > above)
    return jnp.maximum(point - above[count - 1], 0.0)


def corners(program: Program) -> dict[Any, tuple[tuple[int, ...], int | None]]:
    """Where a problem is not smooth: shapes of what the largest or smallest is taken of, and along which axis."""
    found: dict[Any, tuple[tuple[int, ...], int | None]] = {}

    def note(node: Any, values: Any, axis: int | None, smallest: bool, positive: bool) -> Any:
        found[node] = (values.shape, axis)
        return jnp.max(values, axis=axis)

    def whole(x: Any) -> Any:
        scope = Scope(program, program.decide(x), jnp, note)
        return [scope(one) for one in _compared(program)]

    jax.eval_shape(whole, jax.ShapeDtypeStruct((program.size,), jnp.float64))
    return found


def _compared(program: Program) -> list[Expression]:
    """The objective, and both sides of all constraints."""
    return [program.objective, *(side for one in program.constraints for side in (one.left, one.right))]


def measured(program: Program, x: Float[Array, " n"]) -> Sizes:
    """How large objective, constraints and what corners are taken of are at variables."""
    found: dict[Any, Any] = {}

    def note(node: Any, values: Any, axis: int | None, smallest: bool, positive: bool) -> Any:
        found[node] = jnp.max(jnp.abs(values)) + 1e-300
        return jnp.min(values, axis=axis) if smallest else jnp.max(values, axis=axis)

    scope = Scope(program, program.decide(x), jnp, note)
    for one in _compared(program):
        scope(one)
    whole, *sides = [one.magnitude(scope) for one in _compared(program)]
    each = tuple(jnp.maximum(*jnp.broadcast_arrays(*pair)) + 1e-300 for pair in zip(sides[::2], sides[1::2]))
    return whole + 1e-300, each, tuple(found[node] for node in corners(program))


def _smooth(program: Program, x: Any, prices: dict[Any, Any], sizes: dict[Any, Any], pace: Any) -> tuple[Scope, Any]:
    """Quantities at variables with smooth corners, and the weights that these give."""
    weights: dict[Any, Any] = {}

    def corner(node: Any, values: Any, axis: int | None, smallest: bool, positive: bool) -> Any:
        sign = -1.0 if smallest else 1.0
        fixed = jax.lax.stop_gradient
        if positive:
            floor = 1e-150 + 1e-30 * fixed(jnp.max(values))
            seen = sign * jnp.log(jnp.maximum(values, floor))
        else:
            seen = sign * values / sizes[node]
        rows = seen.reshape(1, -1) if axis is None else jnp.moveaxis(seen, axis, -1).reshape(-1, seen.shape[axis])
        weight = fixed(jax.vmap(on_simplex)(prices[node] + pace * rows))
        weights[node] = weight
        level = jnp.sum(weight * rows - (weight - prices[node]) ** 2 / (2 * pace), axis=1)
        level = level[0] if axis is None else level.reshape(_without(seen.shape, axis))
        return jnp.exp(sign * level) if positive else sign * sizes[node] * level

    return Scope(program, program.decide(x), jnp, corner), weights


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]


def _exact(program: Program, x: Any) -> Scope:
    return Scope(program, program.decide(x), jnp)


def _signed(program: Program, scope: Scope, size: Any) -> Any:
    """The objective as it is descended: small is good, of order one."""
    value = scope(program.objective)
    sign = 1.0 if program.minimise else -1.0
    return sign * (jnp.log(jnp.maximum(value, 1e-300)) if program.objective.positive else value / size)


def excess(one: Constraint, scope: Scope, size: Any) -> Any:
    """By how much a constraint is violated, relatively; negative where it is met."""
    left, right = jnp.broadcast_arrays(scope(one.left), scope(one.right))
    if one.left.positive and one.right.positive:
        held = right > 0  # a requirement of nothing is met
        known = jnp.log(jnp.where(held, right, 1.0)) - jnp.log(jnp.maximum(left, 1e-300 + 1e-30 * right))
        return jnp.where(held, known, -1.0).reshape(-1)
    return ((right - left) / size).reshape(-1)


def _excesses(program: Program, scope: Scope, sizes: Sizes) -> Any:
    each = [excess(one, scope, size) for one, size in zip(program.constraints, sizes[1], strict=True)]
    return jnp.concatenate(each) if each else jnp.zeros(0)


def merit(program: Program, x: Float[Array, " n"], sizes: Sizes) -> Float[Array, ""]:
    """How promising a start is: small is good."""
    scope = _exact(program, x)
    found = _signed(program, scope, sizes[0]) + 10 * jnp.sum(jnp.maximum(_excesses(program, scope, sizes), 0.0))
    return jnp.where(jnp.isfinite(found), found, jnp.inf)


def begin(program: Program, x: Float[Array, " n"], settings: Settings) -> State:
    """A descent that has not begun."""
    scope = _exact(program, x)
    prices = []
    for shape, axis in corners(program).values():
        each = int(np.prod(shape)) if axis is None else shape[axis]
        prices.append(jnp.full((int(np.prod(shape)) // each, each), 1 / each))
    sizes = measured(program, x)
    over = _excesses(program, scope, sizes)
    zero, none = jnp.zeros(over.size), jnp.asarray(0)
    worst = jnp.max(over, initial=0.0)
    return State(
        descent.begun(x), x, jnp.asarray(settings.pace), jnp.asarray(settings.evaluations), jnp.asarray(1.0),
        tuple(prices), sizes, zero, zero, _signed_value(program, scope), worst, jnp.asarray(jnp.inf), worst,
        none, none, none, none, jnp.asarray(False),
    )  # fmt: skip


def _signed_value(program: Program, scope: Scope) -> Any:
    value = scope(program.objective)
    return value if program.minimise else -value


def advance(program: Program, state: State, last: Any, settings: Settings) -> State:
    """Go on to the end of a descent, or of the round of a number."""

    def one(state: State) -> State:
        run = descent.descend(
            lambda x: _lagrangian((program, state), x),
            state.run,
            until=state.budget,
            tolerance=_fine(state, settings),
        )
        return _turned(program, state, run, settings)

    return while_loop(lambda state: ~state.done & (state.rounds < last), one, state)


def advance_many(program: Program, state: State, most: Any, settings: Settings) -> State:
    """Go on with many descents side by side, each of a program of its own, for so many evaluations at most.

    Where a round ends, prices turn and the next one begins; a descent that is done stays as it is.
    """
    run = descent.descend_many(
        _lagrangian,
        (program, state._replace(run=None)),
        state.run,
        until=jnp.where(state.done, 0, jnp.minimum(state.run.trips + most, state.budget)),
        tolerance=_fine(state, settings),
    )
    return jax.vmap(lambda p, s, r: _turned(p, s, r, settings))(program, state, run)


def _fine(state: State, settings: Settings) -> Any:
    """What a step gains that counts as nothing: prices are off by the square root of what a value is."""
    return jnp.clip(0.01 * state.fine * state.open**2, 1e-15, 0.1 * settings.tolerance * state.fine)


def _lagrangian(given: tuple[Program, State], x: Float[Array, " n"]) -> Float[Array, ""]:
    program, state = given
    pace, sizes = state.pace, state.sizes
    scope, _ = _smoothed(program, x, state)
    pressed = jnp.maximum(state.prices + pace * (_excesses(program, scope, sizes) + state.inward), 0.0)
    return _signed(program, scope, sizes[0]) + jnp.sum(pressed**2 - state.prices**2) / (2 * pace)


def _smoothed(program: Program, x: Any, state: State) -> tuple[Scope, dict[Any, Any]]:
    nodes = corners(program)
    return _smooth(program, x, dict(zip(nodes, state.corners)), dict(zip(nodes, state.sizes[2])), state.pace)


def _turned(program: Program, state: State, run: Run, settings: Settings) -> State:
    """Where a round has ended: new prices, the better point, and whether all is done."""
    pace, sizes, x = state.pace, state.sizes, run.x
    smooth, weights = _smoothed(program, x, state)
    stood = _signed(program, smooth, sizes[0])
    over = _excesses(program, smooth, sizes) + state.inward
    prices = jnp.maximum(state.prices + pace * over, 0.0)
    turned = tuple(weights[node] for node in corners(program))

    exact, fresh_sizes = _exact(program, x), measured(program, x)
    value, true_over = _signed_value(program, exact), _excesses(program, exact, fresh_sizes)
    worst = jnp.max(true_over, initial=0.0)
    met, was_met = worst <= MET, state.excess <= MET
    better = jnp.where(met & was_met, value < state.value, jnp.where(met | was_met, met, worst < state.excess))
    better &= jnp.isfinite(value)
    # how far prices still have to go: what stand-ins differ by, and what constraints that count are off by
    left = jnp.abs(_signed(program, exact, sizes[0]) - stood)
    # what is drawn in and met may have no room beyond its limit: full power has none
    drawn = (state.inward > 0) & (true_over <= MET)
    off = jnp.where(drawn, jnp.minimum(jnp.abs(over), jnp.abs(true_over)), over)
    left += jnp.sum(jnp.abs(prices * off)) + jnp.max(jnp.maximum(off, 0.0), initial=0.0)
    calm = (left <= settings.tolerance) & (state.open <= 100 * settings.tolerance)
    # a round that its budget ended may gain as much once more
    ended = run.calm >= descent.CALM
    near = jnp.abs(value - state.value) <= jnp.where(ended, 10, 1) * settings.tolerance * fresh_sizes[0]
    near |= was_met & (value >= state.value)  # a point that was not drawn in as far may be better for good
    # prices are settled and yet something is not quite met: it is drawn in
    inward = jnp.where((left <= 1e-5) & (true_over > 0.5 * MET), state.inward + 2 * true_over, state.inward)
    spent = state.evaluations + run.trips
    shrinks = worst < 0.9 * state.mark
    stalled = jnp.where(shrinks | (worst <= 1e-4), 0, state.stalled + 1)
    # rounding may keep what is left open from closing further
    gained = better & (value < state.value - settings.tolerance * fresh_sizes[0])
    idle = jnp.where(gained | (left > SMALL), 0, state.idle + 1)
    hopeless = (stalled >= STALL) & ~was_met
    done = (calm & met & near) | (was_met & (idle >= IDLE)) | hopeless | (spent >= settings.most)
    # prices that settle slowly are to follow faster, and where they do already, rounds to come nearer their ends
    slow, fast = left > 0.5 * state.open, pace >= settings.fastest
    fresh = State(
        descent.begun(x, run.memory),
        jnp.where(better, x, state.best),
        jnp.where(slow, jnp.minimum(2 * pace, settings.fastest), pace),
        jnp.where(slow & fast & ~ended, jnp.minimum(2 * state.budget, LONGEST * settings.evaluations), state.budget),
        jnp.where(slow & fast & ended, jnp.maximum(0.1 * state.fine, FINEST), state.fine),
        turned,
        fresh_sizes,
        prices,
        inward,
        jnp.where(better, value, state.value),
        jnp.where(better, jnp.maximum(worst, 0.0), state.excess),
        left,
        jnp.where(shrinks, worst, state.mark),
        stalled,
        idle,
        state.rounds + 1,
        spent,
        done,
    )
    ends = (run.trips >= state.budget) | ended
    going = state._replace(run=run)
    return jax.tree.map(lambda new, old: jnp.where(ends & ~state.done, new, old), fresh, going)
