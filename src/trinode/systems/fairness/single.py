"""One subcarrier: the global optimum of the min-max latency, with its certificate.

For a common speed y (tasks per second) terminal k needs the SINR ``target_k(y)``, and the least powers that give it
solve the linear system ``p = diag(target) (cross p + noise)``. The optimum is the largest y whose powers stay at 1.

A few sweeps of the interference function, ``p <- target(y) (cross p + noise)`` with y such that the largest power is
1, come near; Newton's method on the system then ends in two or three steps, where sweeps alone may need hundreds.
Whatever the iterate, a power vector with largest entry 1 certifies itself: the optimal speed lies between the
smallest and the largest speed of the terminals that send (for, with p* optimal and ``c = max p / p*`` taken at k,
``c >= 1`` and ``p <= c p*``, so that k meets at most c times its optimal interference and is at least as fast).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jax.scipy.linalg import lu_factor, lu_solve
from jaxtyping import Array, Bool, Float, Int

from trinode.computing.split import SplitTasks

SWEEPS = 8
TOLERANCE = 3e-10
MAX_STEPS = 40
ROUNDING = 1e-12
"""By how much a power may exceed 1 that a speed just reaches."""

Gains = Callable[[Float[Array, " K"]], tuple[Float[Array, "K K"], Float[Array, " K"]]]
"""``powers -> cross, noise``; the gains of combiners that suit the powers, or constant."""


class Fastest(NamedTuple):
    """Powers and the bracket of the optimal common speed.

    Attributes
    ----------
    power : (K,)
        Fractions of the maximum, the largest 1 (all 0 where 0.0 can send).
    speed, limit : float
        Smallest speed reached by an active terminal, and what none can beat, 1/s.
    steps : int
        Newton steps.
    """

    power: Float[Array, " K"]
    speed: Float[Array, ""]
    limit: Float[Array, ""]
    steps: Int[Array, ""]


def fastest(
    gains: Gains,
    tasks: SplitTasks,
    bandwidth_hz: Float[Array, ""],
    active: Bool[Array, " K"],
    start: Float[Array, " K"],
    constant: bool = True,
    sweeps: int = SWEEPS,
    max_steps: int = MAX_STEPS,
) -> Fastest:
    """Maximise the smallest speed of the active terminals; the others stay silent.

    Parameters
    ----------
    gains : callable
        Interference has to be a standard interference function with the returned gains as its slope.
    start : (K,)
        Powers to begin at, the largest 1.
    constant : bool
        Whether the gains are the same for all powers.
    sweeps : int
        Of the interference function before the first Newton step.
    """
    nats = jnp.log(2.0) / bandwidth_hz
    k = start.shape[0]

    def speeds(sinr: Float[Array, " K"]) -> Float[Array, " K"]:
        return jnp.where(active, tasks.speed(jnp.log1p(sinr) / nats), jnp.inf)

    def target(speed: Float[Array, ""]) -> tuple[Float[Array, " K"], Float[Array, " K"]]:
        rate, slope = tasks.rate(speed)
        need = jnp.where(active, rate * nats, 0.0)
        return jnp.expm1(need), jnp.where(active, jnp.exp(need) * slope * nats, 0.0)

    def swept(disturbed: Float[Array, " K"]) -> Float[Array, " K"]:
        return target(speeds(1 / disturbed).min())[0] * disturbed

    def bracket(p: Float[Array, " K"], disturbed: Float[Array, " K"]) -> tuple[Array, Array]:
        reached = speeds(p / disturbed)
        return reached.min(), jnp.where(p > 0, reached, -jnp.inf).max()

    def disturbance(p: Float[Array, " K"]) -> Float[Array, " K"]:
        cross, noise = gains(p)
        return cross @ p + noise

    p = jnp.where(active, start, 0.0)
    for _ in range(sweeps):
        p = swept(disturbance(p))
    disturbed = disturbance(p)
    low, high = bracket(p, disturbed)
    best, p = p, swept(disturbed)

    class State(NamedTuple):
        p: Float[Array, " K"]  # where interference is linearised
        y: Float[Array, ""]  # speed to try
        low: Float[Array, ""]
        high: Float[Array, ""]
        reached: Float[Array, ""]  # by the best powers so far
        best: Float[Array, " K"]
        step: Int[Array, ""]

    def step(s: State) -> State:
        cross, noise = gains(s.p)
        need, rise = target(s.y)
        factor = lu_factor(jnp.eye(k) - need[:, None] * cross)
        x = lu_solve(factor, need * noise)
        dx = lu_solve(factor, rise * (cross @ x + noise))
        # the first terminal at full power limits all; 1 / x_j is nearly linear in the speed, through the pole too,
        # beyond which entries are negative, but not for one that has just begun to send
        curved = jnp.where(x >= 0, jnp.maximum(x, 0.3), x)
        move = jnp.where(dx > 0, curved * (1 - x) / jnp.where(dx > 0, dx, 1.0), jnp.inf).min()
        within = jnp.all((x >= 0) & (x <= 1 + ROUNDING))
        q = jnp.maximum(x + dx * move, 0.0)
        fine = jnp.all(jnp.isfinite(q)) & (q.max() > 0)
        q = jnp.where(fine, q / q.max(), s.p)
        disturbed = disturbance(q)
        reached, high = bracket(q, disturbed)
        better = reached > s.reached
        low = jnp.maximum(reached, jnp.where(within, jnp.maximum(s.y, s.low), s.low))
        high = jnp.minimum(high, jnp.where(within | (not constant), s.high, jnp.minimum(s.y, s.high)))
        ahead = s.y + move
        inside = (ahead >= low) & (ahead <= high)
        return State(
            swept(disturbed),
            jnp.where(inside, ahead, (low + high) / 2),
            low,
            high,
            jnp.maximum(reached, s.reached),
            jnp.where(better, q, s.best),
            s.step + 1,
        )

    def going(s: State) -> Bool[Array, ""]:
        return (s.high - s.reached > TOLERANCE * s.high) & (s.step < max_steps)

    last = lax.while_loop(going, step, State(p, low, low, high, low, best, jnp.asarray(0)))
    some = jnp.any(active)
    limit = jnp.maximum(last.high, last.reached)
    return Fastest(
        jnp.where(some, last.best, 0.0),
        jnp.where(some, last.reached, 0.0),
        jnp.where(some, limit, 0.0),
        last.step,
    )
