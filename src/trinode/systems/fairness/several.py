"""Several subcarriers: descents from many starts, then convex steps from the best, then the terminals behind it.

With more than one subcarrier the problem is not convex in any variables known to us, so the result is the best found;
how far it can be from the optimum is what :mod:`~.bound` says.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Float, Int

from trinode.numerics import curvature, descent
from trinode.systems.fairness import convex

HELD = 1e-7
"""Relative slack of the largest latency while the others are shortened."""


class Effort(NamedTuple):
    """How hard to search.

    Attributes
    ----------
    starts : int
        Descents from random starts, besides those from the given ones.
    sharpness : tuple of float
        Exponents of the power mean of the latencies, one descent after the other.
    evaluations : int
        Of each descent.
    refined : int
        Best descents that convex steps go on from; they also begin at the given starts.
    steps : int
        Convex steps from each at most.
    """

    starts: int = 4
    sharpness: tuple[float, ...] = (8.0, 60.0, 400.0)
    evaluations: int = 60
    refined: int = 3
    steps: int = 40


class Found(NamedTuple):
    """Powers, history of the largest latency, convex steps."""

    power: Float[Array, "S K"]
    history: Float[Array, " H"]
    steps: Int[Array, ""]


def search(problem: convex.Problem, starts: Float[Array, "n S K"], effort: Effort) -> Found:
    """Best of the descents and of the starts themselves, refined; never worse than any start."""
    count = starts.shape[1]
    carried = problem.air.usable & problem.on
    noise = jax.random.normal(jax.random.key(0), (effort.starts, count, 1))
    best_tone = jnp.where(carried, 1 / problem.air.noise, 0.0)
    rank = jnp.argsort(jnp.argsort(-best_tone, axis=0), axis=0)
    spread = jnp.exp(noise * rank[None] / max(count - 1, 1))
    spread = spread * carried / jnp.maximum((spread * carried).sum(axis=1, keepdims=True), 1e-300)
    tried = spread * starts[0].sum(axis=0)
    everything = jnp.concatenate([starts, tried])
    downhill = jax.vmap(lambda start: _smooth(problem, start, effort))(everything)
    value = jnp.nan_to_num(jax.vmap(lambda power: problem.latencies(power).max())(downhill), nan=jnp.inf)
    near = jnp.concatenate([starts[:1], starts, downhill[jnp.argsort(value)[: effort.refined]]])
    exact = jnp.arange(len(near)) > 0  # the first one goes the way of the paper's method, and on

    def refine(power: Float[Array, "S K"], exact: Array) -> convex.Descent:
        return convex.descend(problem._replace(ratio_exact=exact), power, tolerance=1e-6, max_steps=effort.steps)

    refined = jax.vmap(refine)(near, exact)
    winner = jnp.argmin(jnp.max(refined.latency, axis=1))
    first = jax.tree.map(lambda leaf: leaf[winner], refined)
    largest = first.latency.max()
    # those that hold the others up keep what they have; among the rest the largest latency is minimised next
    held = jnp.where(first.latency >= largest * (1 - 1e-4), largest * (1 + HELD), jnp.inf)
    second = convex.descend(problem, first.power, tolerance=1e-5, max_steps=4, held=held, margin=0.1 * HELD)
    return Found(second.power, first.history, first.steps + second.steps)


def _smooth(problem: convex.Problem, start: Float[Array, "S K"], effort: Effort) -> Float[Array, "S K"]:
    """Lower ever sharper power means of the latencies over all powers at once, in the log domain."""
    carried = problem.air.usable & problem.on
    spare = jnp.maximum(1 - start.sum(axis=0), 1e-3)
    x = jnp.concatenate([jnp.log(jnp.maximum(start, 1e-7)), jnp.log(spare)[None]])

    def powers(x: Float[Array, " n"]) -> Float[Array, "S K"]:
        logits = x.reshape(start.shape[0] + 1, -1)
        masked = logits.at[:-1].set(jnp.where(carried, logits[:-1], -jnp.inf))
        return jax.nn.softmax(masked, axis=0)[:-1]

    reference = jnp.where(problem.on, problem.latencies(start), 0.0).max()

    def mean(x: Float[Array, " n"], sharpness: Float[Array, ""]) -> Float[Array, ""]:
        speed = jnp.where(problem.on, problem.tasks.speed(problem.rates(powers(x))), jnp.inf)
        level = jnp.where(problem.on, jnp.log(jnp.where(problem.on, speed, 1.0) * reference), 0.0)
        return jax.nn.logsumexp(-sharpness * level, where=problem.on) / sharpness

    x = x.reshape(-1)

    def sharper(x: Float[Array, " n"], sharpness: Float[Array, ""]) -> tuple[Float[Array, " n"], None]:
        ended = descent.lbfgs(
            lambda x: mean(x, sharpness),
            x,
            max_evaluations=effort.evaluations,
            tolerance=1e-7,
            memory=curvature.nothing(x.size, 6),
        )
        return ended.point, None

    x, _ = lax.scan(sharper, x, jnp.asarray(effort.sharpness))
    return powers(x)
