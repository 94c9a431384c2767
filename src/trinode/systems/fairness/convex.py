"""The paper's inner convex approximation (Section III-B), one convex program after the other.

At an iterate p_i with SINRs ``s`` and disturbances ``phi_i``, (18a)-(18b) put in place of each SINR the concave lower
bound ``s (2 sqrt(p / p_i) - phi(p) / phi_i)``. The auxiliary variables of (17)-(19) are all determined by the powers
and the common latency, so each program has only these S K + 1 variables, and an interior-point method with a small
dense system solves it. Every step's rates are at least what the step promised: latencies never rise.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from trinode.computing.split import SplitTasks
from trinode.numerics import interior
from trinode.numerics.loops import while_loop
from trinode.radio.interference import Air

FLOOR = 1e-9
"""Least power fraction of an iterate: zero is absorbing for (15)."""


class Problem(NamedTuple):
    """What does not change from step to step.

    Attributes
    ----------
    on : (K,)
        Terminals that take part.
    ratio_exact : bool
        Whether the offloading ratio is eliminated exactly, or approximated by (19b) as in the paper.
    """

    air: Air
    tasks: SplitTasks
    bandwidth_hz: Float[Array, ""]
    on: Bool[Array, " K"]
    ratio_exact: Bool[Array, ""] | bool

    def rates(self, power: Float[Array, "S K"]) -> Float[Array, " K"]:
        """Rates (4), bit/s."""
        return self.bandwidth_hz * jnp.sum(jnp.log2(1 + self.air.sinr(power)), axis=0)

    def latencies(self, power: Float[Array, "S K"]) -> Float[Array, " K"]:
        """Least latencies of those who take part, s; 0 for the others."""
        return jnp.where(self.on, 1 / self.tasks.speed(self.rates(power)), 0.0)


class Descent(NamedTuple):
    """Where the steps ended: powers, latencies, largest latency after each step, steps, whether it settled."""

    power: Float[Array, "S K"]
    latency: Float[Array, " K"]
    history: Float[Array, " H"]
    steps: Int[Array, ""]
    settled: Bool[Array, ""]


def descend(
    problem: Problem,
    start: Float[Array, "S K"],
    *,
    tolerance: float,
    max_steps: int,
    held: Float[Array, " K"] | None = None,
    margin: float = 1e-3,
) -> Descent:
    """Step until the largest latency falls by less than ``tolerance``, relatively.

    Parameters
    ----------
    start : (S, K)
        Power fractions, at most 1 together for each terminal.
    held : (K,)
        Latencies that may not be exceeded; the largest over the terminals where it is infinite is minimised.
    margin : float
        Share of the powers that every program gives up at its start, to begin inside its feasible set.
    """
    held = jnp.full(problem.on.shape, jnp.inf) if held is None else held
    free = problem.on & jnp.isinf(held)

    def value(power: Float[Array, "S K"]) -> Float[Array, ""]:
        return jnp.where(free, problem.latencies(power), 0.0).max()

    class State(NamedTuple):
        power: Float[Array, "S K"]
        value: Float[Array, ""]
        history: Float[Array, " H"]
        step: Int[Array, ""]
        settled: Bool[Array, ""]

    def step(s: State) -> State:
        power = _step(problem, s.power, held, free, margin)
        new = value(power)
        kept = jnp.all(problem.latencies(power) <= held * (1 + 1e-12))
        better = (new < s.value) & kept
        power = jnp.where(better, power, s.power)
        new = jnp.where(better, new, s.value)
        return State(power, new, s.history.at[s.step].set(new), s.step + 1, s.value - new <= tolerance * s.value)

    first = State(
        start, value(start), jnp.full(max_steps, jnp.nan), jnp.asarray(0), ~jnp.any(free) | (value(start) <= 0)
    )
    last = while_loop(lambda s: (s.step < max_steps) & ~s.settled, step, first)
    return Descent(last.power, problem.latencies(last.power), last.history, last.step, last.settled)


def _step(
    problem: Problem, power: Float[Array, "S K"], held: Float[Array, " K"], free: Bool[Array, " K"], margin: float
) -> Float[Array, "S K"]:
    """The convex program at an iterate."""
    air, on = problem.air, problem.on
    count, k = power.shape
    here = jnp.where(air.usable & on, jnp.maximum(power, FLOOR), FLOOR)
    here = here / jnp.maximum(here.sum(axis=0), 1.0)
    part = here * (air.usable & on)
    met = jnp.einsum("skj,sj->sk", air.cross, part) + air.noise
    sinr = part / met
    pull = air.cross * part[:, None, :] / met[..., None]  # of each power, in units of its iterate, on each disturbance
    nats = jnp.log(2.0) / problem.bandwidth_hz
    latency = problem.latencies(part)
    scale = jnp.where(free, latency, 0.0).max()
    need = _need(problem, part, latency, nats)
    fixed = jnp.where(on & ~free, need(held), 0.0)
    slope_of = jax.vmap(jax.grad(lambda t, i: need(jnp.full(k, t))[i]), in_axes=(None, 0))
    bend_of = jax.vmap(jax.grad(jax.grad(lambda t, i: need(jnp.full(k, t))[i])), in_axes=(None, 0))
    places = jnp.arange(k)

    def lower(q: Float[Array, "S K"]) -> Float[Array, "S K"]:
        return sinr * (2 * jnp.sqrt(q) - (jnp.einsum("skj,sj->sk", pull, q) + air.noise / met))

    def values(x: Float[Array, " n"]) -> Float[Array, " m"]:
        q, t = x[:-1].reshape(count, k), x[-1] * scale
        bounded = lower(q)
        rate = jnp.sum(jnp.log1p(jnp.where(bounded > -1, bounded, jnp.nan)), axis=0)
        slack = rate - jnp.where(free, need(jnp.full(k, t)), fixed)
        slack = jnp.where(on, jnp.where(jnp.isfinite(slack), slack, -1.0), 1.0)
        return jnp.concatenate([slack, 1 - jnp.sum(here * q, axis=0)])

    def derivatives(x: Float[Array, " n"], z: Float[Array, " m"]) -> tuple[Array, Array, Array]:
        q, t = x[:-1].reshape(count, k), x[-1] * scale
        own = jnp.eye(k) * (sinr / jnp.sqrt(q))[:, None, :]
        slope = own - sinr[..., None] * pull  # [s, k, j] of the bound of k by the power of j
        under = 1 / (1 + lower(q))
        rates = jnp.where(on[None, :, None], slope * under[..., None], 0.0)
        rise = jnp.where(free, slope_of(t, places) * scale, 0.0)
        bend = jnp.where(free, bend_of(t, places) * scale**2, 0.0)
        top = jnp.concatenate([jnp.moveaxis(rates, 0, 1).reshape(k, -1), -rise[:, None]], axis=1)
        sums = (-here[:, None, :] * jnp.eye(k)).transpose(1, 0, 2).reshape(k, -1)
        jacobian = jnp.concatenate([top, jnp.concatenate([sums, jnp.zeros((k, 1))], axis=1)])
        price = jnp.where(on, z[:k], 0.0)
        blocks = jnp.einsum("k,ski,skj->sij", price, rates, rates)
        blocks += jnp.eye(k) * (price * under * sinr / 2 * q**-1.5)[:, None, :]
        curvature = jnp.einsum("sij,st->sitj", blocks, jnp.eye(count)).reshape(count * k, count * k)
        curvature = jnp.pad(curvature, (0, 1)).at[-1, -1].set(price @ bend)
        return values(x), jacobian, curvature

    cost = jnp.zeros(count * k + 1).at[-1].set(1.0)
    start = jnp.full(count * k + 1, 1 - margin).at[-1].set(1.05)
    upper = jnp.concatenate([1 / here.reshape(-1), jnp.asarray([2.0])])
    found = interior.minimize_linear(cost, values, derivatives, start, upper, tolerance=1e-9, max_steps=40)
    moved = here * found.point[:-1].reshape(count, k)
    return jnp.where(air.usable & on, moved, 0.0) / jnp.maximum(moved.sum(axis=0), 1.0)


def _need(
    problem: Problem, power: Float[Array, "S K"], latency: Float[Array, " K"], nats: Float[Array, ""]
) -> Callable[[Float[Array, " K"]], Float[Array, " K"]]:
    """Rates (nats per subcarrier bandwidth) needed for latencies: by (19) around the iterate, or exactly."""
    tasks = problem.tasks
    whole = 1 / jnp.where(tasks.local_speed > 0, tasks.local_speed, 1.0)  # of the task at the terminal, s
    rate = problem.rates(power)
    route = tasks.bits / jnp.where(rate > 0, rate, 1.0) + tasks.server_s  # nu_i
    ratio = jnp.maximum(tasks.share(rate), 1e-6)  # rho_i

    def need(t: Float[Array, " K"]) -> Float[Array, " K"]:
        share = jnp.where(tasks.local_speed > 0, jnp.maximum(1 - t / whole, 0.0), 1.0)
        squared = 2 * route / ratio * (t - route / (2 * ratio) * share**2)  # (19b) solved for nu^2
        most = jnp.sqrt(jnp.maximum(squared, 1e-300))
        left = jnp.where(most > tasks.server_s, most - tasks.server_s, jnp.nan)
        bounded = tasks.bits * nats / left  # (19a)
        return jnp.where(problem.ratio_exact, tasks.rate(1 / t)[0] * nats, bounded)

    return need
