"""Illuminating several targets at once: the transmit covariance under which the worst of them fares best.

    largest t:  c_i conj(a_i) . Q . a_i >= t for all i,  Q >= 0,  tr Q <= 1

Scaled so that t is 1 and the power is least, its dual is ``max sum_i mu_i / c_i`` over ``mu >= 0`` with
``sum_i mu_i a_i a_i^H <= I``, which has as many variables as there are targets. Newton steps along the path of its
logarithmic barrier are damped as for self-concordant functions (Boyd and Vandenberghe, Convex Optimization, Section
9.6), and each point of the path has a primal one beside it, ``Q = (I - sum_i mu_i a_i a_i^H)^-1``, scaled.
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float

STEPS, EACH, SHRINK = 128, 4, 0.5
"""Newton steps in all and at each level of the barrier, and how much a level is below the one before."""
INSIDE = 1 - 1e-14


class Illumination(NamedTuple):
    """Covariance of trace 1, the least ``c_i conj(a_i) . Q . a_i`` under it, and what no covariance exceeds."""

    covariance: Complex[Array, "A A"]
    value: Float[Array, ""]
    upper: Float[Array, ""]


def even(
    steering: Complex[Array, "T A"], worth: Float[Array, " T"], wanted: Bool[Array, " T"] | None = None
) -> Illumination:
    """Serve the worst target best.

    Parameters
    ----------
    steering : (T, A)
        a_i.
    worth : (T,)
        c_i, positive.
    wanted : (T,) bool, optional
        Which targets count; all where absent. With none, the covariance is white and the values are infinite.
    """
    count = steering.shape[0]
    wanted = jnp.ones(count, bool) if wanted is None else wanted
    cost = jnp.where(wanted, 1 / jnp.where(wanted, worth, 1.0), 0.0)
    largest = jnp.max(cost)
    cost = cost / jnp.where(largest > 0, largest, 1.0)
    rows = jnp.where(wanted[:, None], steering, 0.0)
    gram = rows.conj() @ rows.T  # conj(a_i) . a_j

    def step(index: Array, mu: Float[Array, " T"]) -> Float[Array, " T"]:
        level = SHRINK ** (index // EACH)
        root = jnp.sqrt(mu)
        value, vector = jnp.linalg.eigh(root[:, None] * gram * root)
        value = jnp.minimum(value, INSIDE)
        back = vector / root[:, None]
        inside = (back * (value / (1 - value))) @ back.conj().T  # conj(a_i) . Q . a_j
        slope = jnp.where(wanted, cost / level - jnp.diagonal(inside).real + 1 / mu, 0.0)
        bend = jnp.abs(inside) ** 2 + jnp.diag(1 / mu**2)
        move = mu * jnp.linalg.solve(bend * mu * mu[:, None], mu * slope)
        ahead = mu + move / (1 + jnp.sqrt(jnp.maximum(move @ slope, 0.0)))
        root = jnp.sqrt(jnp.maximum(ahead, 0.0))
        good = jnp.all(ahead > 0) & (jnp.linalg.eigvalsh(root[:, None] * gram * root)[-1] < INSIDE)
        return jnp.where(good, ahead, mu)

    size = jnp.maximum(jnp.diagonal(gram).real, jnp.where(wanted, 0.0, 1.0))
    mu = 1 / (2 * count * size)
    mu = jnp.where(wanted, lax.fori_loop(0, STEPS, step, mu), 0.0)

    value, vector = jnp.linalg.eigh((rows.T * mu) @ rows.conj())
    covariance = (vector / (1 - jnp.minimum(value, INSIDE))) @ vector.conj().T
    covariance = covariance / jnp.trace(covariance).real
    reached = jnp.einsum("ta,ab,tb->t", rows.conj(), covariance, rows).real
    value = jnp.min(jnp.where(wanted, worth * reached, jnp.inf))
    # mu is feasible up to what it is scaled by here
    most = jnp.linalg.eigvalsh(jnp.sqrt(mu)[:, None] * gram * jnp.sqrt(mu))[-1]
    total = largest * jnp.sum(mu * cost)
    upper = jnp.where(total > 0, most / jnp.where(total > 0, total, 1.0), jnp.inf)
    return Illumination(covariance, value, upper)
