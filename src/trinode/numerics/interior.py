"""A primal-dual interior-point method for small smooth convex programs, batched by ``vmap``.

Source: the predictor-corrector step of Mehrotra on the perturbed optimality conditions (Boyd and Vandenberghe,
Convex Optimization, Section 11.7), started at a strictly feasible point and kept strictly feasible throughout.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jax.scipy.linalg import cho_solve
from jaxtyping import Array, Bool, Float, Int

from trinode.numerics.loops import while_loop

Values = Callable[[Float[Array, " n"]], Float[Array, " m"]]
Derivatives = Callable[
    [Float[Array, " n"], Float[Array, " m"]],
    tuple[Float[Array, " m"], Float[Array, "m n"], Float[Array, "n n"]],
]


class Optimum(NamedTuple):
    """Where the method stopped.

    Attributes
    ----------
    point : (n,)
        Strictly feasible primal point.
    prices : (m,)
        Multipliers of the constraints, positive.
    lower : float
        Certified lower bound of the optimal value (weak duality, over the box that holds the feasible set).
    steps : int
        Newton steps.
    converged : bool
        Whether the gap reached the tolerance.
    """

    point: Float[Array, " n"]
    prices: Float[Array, " m"]
    lower: Float[Array, ""]
    steps: Int[Array, ""]
    converged: Bool[Array, ""]


def minimize_linear(
    cost: Float[Array, " n"],
    values: Values,
    derivatives: Derivatives,
    start: Float[Array, " n"],
    upper: Float[Array, " n"],
    *,
    tolerance: float = 1e-9,
    max_steps: int | Int[Array, ""] = 60,
) -> Optimum:
    """Minimise ``cost . x`` over ``x >= 0``, ``g(x) >= 0`` with every g concave.

    Parameters
    ----------
    values : callable
        g.
    derivatives : callable
        ``(x, z) -> g, its Jacobian, -sum_i z_i * Hessian of g_i``.
    start : (n,)
        Strictly feasible.
    upper : (n,)
        An upper bound of each variable that holds at the optimum; used by the certificate only.
    tolerance : float
        Stop when the certified gap is below ``tolerance`` times the start's value, or after ``max_steps``.
    """
    n = start.shape[0]

    class State(NamedTuple):
        x: Float[Array, " n"]
        z: Float[Array, " m"]
        s: Float[Array, " n"]  # multipliers of x >= 0
        lower: Float[Array, ""]
        step: Int[Array, ""]
        stride: Float[Array, ""]  # length of the last step, 1 at the start
        stuck: Bool[Array, ""]  # at the limit of the arithmetic: nothing finite lies ahead

    g0 = values(start)
    total = g0.shape[0] + n
    barrier0 = jnp.abs(cost @ start) / total
    first = State(
        start,
        barrier0 / g0,
        barrier0 / start,
        jnp.asarray(-jnp.inf),
        jnp.asarray(0),
        jnp.asarray(1.0),
        jnp.asarray(False),
    )

    def gap_closed(state: State) -> Bool[Array, ""]:
        return cost @ state.x - state.lower <= tolerance * jnp.abs(cost @ start)

    def going(state: State) -> Bool[Array, ""]:
        return (state.step < max_steps) & ~gap_closed(state) & ~state.stuck

    def step(state: State) -> State:
        x, z, s = state.x, state.z, state.s
        g, jacobian, curvature = derivatives(x, z)
        slope = cost - jacobian.T @ z  # of the Lagrangian without the sign constraints
        lower = cost @ x - z @ g + jnp.sum(jnp.where(slope > 0, -slope * x, slope * (upper - x)))
        # kept apart, or the product reads its left factor across
        across = lax.optimization_barrier(jacobian.T)
        system = curvature + across @ (jacobian * (z / g)[:, None]) + jnp.diag(s / x)
        scale = 1 / jnp.sqrt(jnp.diagonal(system))
        factor = jnp.linalg.cholesky(system * scale[:, None] * scale[None, :])

        def direction(target_g: Float[Array, " m"], target_x: Float[Array, " n"]):
            # target_*: what the products z*g and s*x should become, second-order terms taken off
            right = -cost + jacobian.T @ (target_g / g) + target_x / x
            dx = scale * cho_solve((factor, True), scale * right)
            dz = (target_g - z * g - z * (jacobian @ dx)) / g
            ds = (target_x - s * x - s * dx) / x
            return dx, dz, ds

        mean = (z @ g + s @ x) / total
        dx, dz, ds = direction(jnp.zeros_like(g), jnp.zeros_like(x))
        a = jnp.minimum(_reach(x, dx), _reach(g, jacobian @ dx))
        b = jnp.minimum(_reach(z, dz), _reach(s, ds))
        ahead = ((z + b * dz) @ jnp.maximum(g + a * (jacobian @ dx), 0) + (s + b * ds) @ (x + a * dx)) / total
        # after a short step the iterate hugs the boundary: go back towards the centre first
        centre = mean * jnp.clip(jnp.clip(ahead / mean, 0.0, 1.0) ** 3, jnp.minimum((1 - state.stride) ** 2, 0.9), 1.0)
        bend = values(x + a * dx) - g - a * (jacobian @ dx)  # what the linear prediction of g misses
        second = a * b * dz * (jacobian @ dx) + z * bend
        dx, dz, ds = direction(centre - second, centre - a * b * ds * dx)

        # one step length for both sides: curvature ties the dual residual to the primal step
        a = jnp.minimum(jnp.minimum(_reach(x, dx), _reach(g, jacobian @ dx)), jnp.minimum(_reach(z, dz), _reach(s, ds)))
        # in a batch a lane that is done goes through this as well, and must not hold up the others
        a = _backtrack(values, x, dx, g, jnp.where(going(state), 0.995 * a, 0.0))
        stuck = ~(jnp.all(jnp.isfinite(dx)) & jnp.all(jnp.isfinite(dz)) & (a > 1e-6))
        a = jnp.where(stuck, 0.0, a)
        dx, dz, ds = (jnp.where(stuck, 0.0, d) for d in (dx, dz, ds))
        lower = jnp.maximum(state.lower, jnp.where(jnp.isfinite(lower), lower, -jnp.inf))
        return State(x + a * dx, z + a * dz, s + a * ds, lower, state.step + 1, a, stuck)

    last = while_loop(going, step, first)
    return Optimum(last.x, last.z, last.lower, last.step, gap_closed(last))


def _reach(value: Float[Array, " n"], change: Float[Array, " n"]) -> Float[Array, ""]:
    """Largest step up to 1 that keeps ``value + step * change`` at least 0."""
    return jnp.min(jnp.where(change < 0, -value / jnp.where(change < 0, change, -1.0), 1.0), initial=1.0)


def _backtrack(
    values: Values, x: Float[Array, " n"], dx: Float[Array, " n"], g: Float[Array, " m"], a: Float[Array, ""]
) -> Float[Array, ""]:
    """Shorten a step until the curved constraints hold with a share of their slack left."""

    class Trial(NamedTuple):
        a: Float[Array, ""]
        shorter: Float[Array, ""]
        outside: Bool[Array, ""]

    def next_(s: Trial) -> Trial:
        a = s.shorter
        return Trial(a, 0.6 * a, jnp.any(values(x + a * dx) <= 1e-3 * g * (1 - a)) & (a > 1e-6))

    return while_loop(lambda s: s.outside, next_, Trial(a, a, jnp.asarray(True))).a
