"""One subcarrier: the global optimum of the min-max latency, with its certificate.

For a common speed y (tasks per second) terminal k needs the SINR ``target_k(y)``, and the least powers that give it
solve the linear system ``p = diag(target) (cross p + noise)``. The optimum is the largest y whose powers stay at 1.

With fixed gains, rounds of sweeps ``p <- weight (cross p + noise) / max`` go to the powers whose SINRs stand to each
other as ``weight = target(y)``, for equal tasks whatever y is. What a round leaves lies along a few slow modes, which
the last sweeps show: their combination of least residual (reduced rank extrapolation) takes them out. Where rounds do
not end, or gains follow the powers, Newton's method on the system takes over; it ends in a few steps.

Whatever the iterate, a power vector with largest entry 1 certifies itself: the optimal speed lies between the
smallest and the largest speed of the terminals that send (for, with p* optimal and ``c = max p / p*`` taken at k,
``c >= 1`` and ``p <= c p*``, so that k meets at most c times its optimal interference and is at least as fast).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax.numpy as jnp
from jax import lax
from jax.scipy.linalg import lu_factor, lu_solve
from jaxtyping import Array, Bool, Float, Int

from trinode.computing.split import SplitTasks
from trinode.numerics.loops import finish_open, while_loop

ROUNDS = 6
SWEEPS = 16
"""Of each round; so few that the matrix stays near the processor, enough to leave slow modes only."""
DEPTH = 3
"""Slow modes that a round takes out."""
TOLERANCE = 3e-10
MAX_STEPS = 60
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
        Rounds of sweeps and Newton steps.
    """

    power: Float[Array, " K"]
    speed: Float[Array, ""]
    limit: Float[Array, ""]
    steps: Int[Array, ""]


class _State(NamedTuple):
    p: Float[Array, " K"]
    disturbed: Float[Array, " K"]  # what these powers meet
    reached: Float[Array, ""]  # by the best powers so far
    high: Float[Array, ""]
    best: Float[Array, " K"]
    step: Int[Array, ""]

    @property
    def apart(self) -> Bool[Array, ""]:
        return self.high - self.reached > TOLERANCE * self.high


class _Race(NamedTuple):
    """Who takes part with which task, and what follows from it."""

    tasks: SplitTasks
    nats: Float[Array, ""]
    active: Bool[Array, " K"]

    def speeds(self, sinr: Float[Array, " K"]) -> Float[Array, " K"]:
        return jnp.where(self.active, self.tasks.speed(jnp.log1p(sinr) / self.nats), jnp.inf)

    def target(self, speed: Float[Array, ""]) -> tuple[Float[Array, " K"], Float[Array, " K"]]:
        """SINRs that a speed needs, and their derivatives by it."""
        rate, slope = self.tasks.rate(speed)
        need = jnp.where(self.active, rate * self.nats, 0.0)
        return jnp.expm1(need), jnp.where(self.active, jnp.exp(need) * slope * self.nats, 0.0)

    def within_reach(self, disturbed: Float[Array, " K"]) -> Float[Array, " K"]:
        """SINRs of the speed at which the first terminal comes to full power."""
        return self.target(self.speeds(1 / disturbed).min())[0]

    def bracket(self, p: Float[Array, " K"], disturbed: Float[Array, " K"]) -> tuple[Array, Array]:
        reached = self.speeds(p / disturbed)
        return reached.min(), jnp.where(p > 0, reached, -jnp.inf).max()


def fastest(
    gains: Gains,
    tasks: SplitTasks,
    bandwidth_hz: Float[Array, ""],
    active: Bool[Array, " K"],
    start: Float[Array, " K"],
    constant: bool = True,
    opening: int = 0,
    rounds: int = ROUNDS,
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
    opening : int
        Plain sweeps of the interference function before anything else.
    rounds, max_steps : int
        Rounds of sweeps (constant gains only) and Newton steps, at most.
    """
    race = _Race(tasks, jnp.log(2.0) / bandwidth_hz, active)

    def sweep(_: int, p: Float[Array, " K"]) -> Float[Array, " K"]:
        disturbed = _met(gains, p)
        return race.within_reach(disturbed) * disturbed

    p = lax.fori_loop(0, opening, sweep, jnp.where(active, start, 0.0))
    disturbed = _met(gains, p)
    state = _State(p, disturbed, *race.bracket(p, disturbed), p, jnp.asarray(0))
    if not constant:
        state = _newton(gains, race, state, False, max_steps)
    elif rounds:

        def onward(given: tuple[Any, _Race], state: _State) -> _State:
            (cross, noise), race = given
            state = while_loop(lambda s: s.apart & (s.step < rounds), lambda s: _round(cross, noise, race, s), state)
            return _newton(lambda _: (cross, noise), race, state, True, max_steps) if max_steps else state

        given = gains(p), race
        state = _round(*given[0], race, state)  # mostly enough
        state = finish_open(lambda s: s.apart, onward, given, state)
    some = jnp.any(active)
    return Fastest(
        jnp.where(some, state.best, 0.0),
        jnp.where(some, state.reached, 0.0),
        jnp.where(some, jnp.maximum(state.high, state.reached), 0.0),
        state.step,
    )


def _met(gains: Gains, p: Float[Array, " K"]) -> Float[Array, " K"]:
    cross, noise = gains(p)
    return cross @ p + noise


def _newton(gains: Gains, race: _Race, start: _State, constant: bool, max_steps: int) -> _State:
    """Newton's method on the linear system of a speed, with bisection where it does not get on."""
    k = start.p.shape[0]

    class State(NamedTuple):
        p: Float[Array, " K"]  # where interference is linearised
        y: Float[Array, ""]  # speed to try
        low: Float[Array, ""]
        known: _State

    def step(s: State) -> State:
        cross, noise = gains(s.p)
        need, rise = race.target(s.y)
        factor = lu_factor((jnp.eye(k) - need[:, None] * cross).T)  # in LAPACK's order the matrix as it lies
        x = lu_solve(factor, need * noise, trans=1)
        dx = lu_solve(factor, rise * (cross @ x + noise), trans=1)
        # the first terminal at full power limits all; 1 / x_j is nearly linear in the speed, through the pole too,
        # beyond which entries are negative, but not for one that has just begun to send
        curved = jnp.where(x >= 0, jnp.maximum(x, 0.3), x)
        move = jnp.where(dx > 0, curved * (1 - x) / jnp.where(dx > 0, dx, 1.0), jnp.inf).min()
        within = jnp.all((x >= 0) & (x <= 1 + ROUNDING))
        cautious = constant & (s.known.step % 3 == 2)
        q = jnp.where(cautious & within, x, jnp.maximum(x + dx * move, 0.0))
        fine = jnp.all(jnp.isfinite(q)) & (q.max() > 0)
        q = jnp.where(fine, q / q.max(), s.p)
        disturbed = _met(gains, q)
        reached, high = race.bracket(q, disturbed)
        old = s.known
        low = jnp.maximum(reached, jnp.where(within, jnp.maximum(s.y, s.low), s.low))
        high = jnp.minimum(high, jnp.where(within | (not constant), old.high, jnp.minimum(s.y, old.high)))
        best = jnp.where(reached > old.reached, q, old.best)
        ahead = s.y + move
        inside = (ahead >= low) & (ahead <= high) & ~(constant & (old.step % 3 == 1))
        known = _State(q, disturbed, jnp.maximum(reached, old.reached), high, best, old.step + 1)
        return State(race.within_reach(disturbed) * disturbed, jnp.where(inside, ahead, (low + high) / 2), low, known)

    first = State(race.within_reach(start.disturbed) * start.disturbed, start.reached, start.reached, start)
    last = start.step + max_steps
    return while_loop(lambda s: s.known.apart & (s.known.step < last), step, first).known


def _round(cross: Float[Array, "K K"], noise: Float[Array, " K"], race: _Race, s: _State) -> _State:
    """Sweeps, and what their last differences say of the end."""
    weight = race.within_reach(s.disturbed)

    def scaled(q: Float[Array, " K"]) -> Float[Array, " K"]:
        top = q.max()
        return q / jnp.where(top > 0, top, 1.0)

    def sweep(p: Float[Array, " K"]) -> Float[Array, " K"]:
        return scaled(weight * (cross @ p + noise))

    path = [lax.fori_loop(0, SWEEPS - DEPTH - 1, lambda _, p: sweep(p), scaled(weight * s.disturbed))]
    for _ in range(DEPTH + 1):
        path.append(sweep(path[-1]))
    end = path[-1]
    moves = [path[i] - path[i - 1] for i in range(DEPTH + 1, 0, -1)]  # the last one first
    unit = jnp.where(end > 0, 1 / jnp.where(end > 0, end, 1.0), 0.0)
    left, ahead = moves[0] * unit, end
    bends = [(moves[i] - moves[i - 1]) * unit for i in range(1, DEPTH + 1)]
    ways = [-moves[i] for i in range(DEPTH)]
    for i in range(DEPTH):  # least squares by Gram and Schmidt
        size = bends[i] @ bends[i]
        inverse = jnp.where(size > 0, 1 / jnp.where(size > 0, size, 1.0), 0.0)
        part = (left @ bends[i]) * inverse
        left, ahead = left - part * bends[i], ahead - part * ways[i]
        for j in range(i + 1, DEPTH):
            part = (bends[j] @ bends[i]) * inverse
            bends[j], ways[j] = bends[j] - part * bends[i], ways[j] - part * ways[i]
    p = scaled(jnp.where(jnp.all((ahead > 0) | (end <= 0)), ahead, end))
    disturbed = cross @ p + noise
    low, high = race.bracket(p, disturbed)
    best = jnp.where(low > s.reached, p, s.best)
    return _State(p, disturbed, jnp.maximum(low, s.reached), jnp.minimum(high, s.high), best, s.step + 1)
