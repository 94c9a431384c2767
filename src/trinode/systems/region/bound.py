"""What no decision of a scenario can beat: dirty paper coding in uplink form, error noise included.

Let P_m in [0, 1] be the power that access point m sends in all. Terminal k has a noise of at least
``n_k(P) = 1 + sum_m e_mk P_m``, e_mk the smallest eigenvalue of its error covariance there. Linear precoding is no
better than dirty paper coding, and within the powers P every decision is within one limit that weighs them by any
``y_m > 0``. The dual of that is the uplink with noise y_m at access point m, whose terminals share their powers:

    max over q of  log det(I + Y^-1 sum_k q_k g_k g_k^H)   where   sum_k q_k n_k(P) <= sum_m y_m P_m

The condition is linear in P, so some P of zeros and ones is as wide as any. The access points that gain most by
silence (:data:`CONTESTED`) take both values in turn, in pieces; P at the others may differ from terminal to terminal,
which only widens a piece, and then terminal k alone has at most the power ``r_k = max over P of sum_m y_m P_m /
n_k(P)``. What is maximised over a piece is concave, and any X > 0 bounds it:

    log det X + K log((tr(X^-1) + max_k r_k h_k^H X^-1 h_k) / K),   h_k = Y^-1/2 g_k

The largest piece is the bound. Its y and every piece's ``X = I + sum_k x_k h_k h_k^H`` are chosen by descent; whatever
they are, the value holds. Sensing only takes power, so it holds with sensing as well.
"""

from __future__ import annotations

from itertools import product

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Complex, Float

from trinode.errors import InputError
from trinode.numerics import descent
from trinode.systems.region.scenario import RegionScenario

CONTESTED = 3
"""Access points whose silence is looked at in pieces of its own; two to the power of it pieces."""
WHOLE = (0.1, 60)
PIECES = (0.03, 150)
"""Softness of the maxima, in nat, and evaluations: at full power alone, then over all pieces."""


def bound(scenario: RegionScenario, family: str = "") -> Float[Array, ""]:
    """Upper bound of the sum rate, bit/s/Hz.

    Parameters
    ----------
    family : {""}
        There are no families.
    """
    if family:
        raise InputError("family", family, "nothing: this system has no families of schemes")
    gram, error = _statistics(scenario)
    m, k = error.shape

    # weights and X at full power, where the best decisions are
    full = jnp.ones((1, m))
    start = jnp.concatenate([jnp.zeros(m), jnp.full(k, -jnp.log(k))])
    x, _ = _descend(gram, error, jnp.ones(m, bool), full, start, WHOLE)

    wish = jnp.max(error * _reach(jax.nn.softmax(x[:m]), error, jnp.zeros(m, bool), full[0]), axis=1)
    size = min(CONTESTED, m)
    contested = jnp.argsort(-wish / jax.nn.softmax(x[:m]))[:size]
    sides = np.array(list(product([1.0, 0.0], repeat=size)))
    power = jnp.ones((len(sides), m)).at[:, contested].set(sides)
    fixed = jnp.zeros(m, bool).at[contested].set(True)
    start = jnp.concatenate([x[:m], jnp.tile(x[m:], len(sides))])
    _, best = _descend(gram, error, fixed, power, start, PIECES)
    return best / jnp.log(2.0) * (1 + 1e-9)


def _statistics(s: RegionScenario) -> tuple[Complex[Array, "M K K"], Float[Array, "M K"]]:
    """Inner products of the channels at each access point, and the smallest error noise e_mk there."""
    power = s.ap_power[:, None]
    channel = jnp.sqrt(power)[..., None] * s.channel_estimate
    gram = jnp.einsum("mka,mja->mkj", channel.conj(), channel)
    # diagonal blocks less what the others can take away (Gershgorin, by blocks)
    norm = jnp.sqrt(power * s.ap_power)[..., None] * jnp.linalg.norm(s.error_covariance, axis=(3, 4))
    at = jnp.arange(s.access_points)
    others = jnp.sum(norm.at[at, at].set(0.0), axis=1)
    own = s.error_covariance[at, at]
    lowest = jnp.linalg.eigvalsh((own + own.conj().swapaxes(-1, -2)) / 2)[..., 0]
    return gram, jnp.maximum(power * lowest - others, 0.0) * (1 - 1e-12)


def _descend(
    gram: Complex[Array, "M K K"],
    error: Float[Array, "M K"],
    fixed: Bool[Array, " M"],
    power: Float[Array, "V M"],
    x: Float[Array, " n"],
    effort: tuple[float, int],
) -> tuple[Float[Array, " n"], Float[Array, ""]]:
    """Variables (weights, then x of each piece), lowered, and the bound that they prove, nat."""
    softness, evaluations = effort
    m = error.shape[0]

    def value(x: Float[Array, " n"], softness: float) -> Float[Array, ""]:
        weights = jax.nn.softmax(x[:m])

        def piece(mix: Float[Array, " K"], power: Float[Array, " M"]) -> Float[Array, ""]:
            return _piece(gram, weights, jnp.exp(mix), _reach(weights, error, fixed, power), softness)

        return _largest(jax.vmap(piece)(x[m:].reshape(len(power), -1), power), softness)

    x = descent.lbfgs(lambda x: value(x, softness), x, max_evaluations=evaluations, tolerance=1e-6).point
    return x, value(x, 0.0)


def _piece(
    gram: Complex[Array, "M K K"],
    weights: Float[Array, " M"],
    mix: Float[Array, " K"],
    reach: Float[Array, " K"],
    softness: float,
) -> Float[Array, ""]:
    """Bound over one piece, nat; all that is needed of the h_k is their inner products."""
    k = len(mix)
    inner = jnp.einsum("m,mij->ij", 1 / weights, gram)
    root = jnp.sqrt(mix)
    low = jnp.linalg.cholesky(jnp.eye(k) + root[:, None] * inner * root)
    alone = jnp.diagonal(inner).real
    # h_k^H X^-1 h_k: what X takes from |h_k|^2 or, where that is nearly all of it, what X^-1 leaves of 1, over x_k
    both = jax.scipy.linalg.solve_triangular(low, jnp.concatenate([root[:, None] * inner, jnp.eye(k)], 1), lower=True)
    taken, left = jnp.split(jnp.sum(both.real**2 + both.imag**2, axis=0), 2)
    strong = mix * alone > 1e6
    through = jnp.where(strong, (1 - left) / jnp.where(strong, mix, 1.0), alone - taken)
    trace = k - jnp.sum(mix * through) + _largest(through * reach, softness)
    return 2 * jnp.sum(jnp.log(jnp.diagonal(low).real)) + k * jnp.log(trace / k)


def _reach(
    weights: Float[Array, " M"], error: Float[Array, "M K"], fixed: Bool[Array, " M"], power: Float[Array, " M"]
) -> Float[Array, " K"]:
    """Largest power r_k of each terminal alone, with the powers of some access points given.

    The others join in the order of falling ``y_m / e_mk``, as long as the ratio rises.
    """
    given = jnp.where(fixed, power, 0.0)
    free = jnp.where(fixed[:, None], 0.0, error)
    order = jnp.argsort(free / weights[:, None], axis=0)
    more = jnp.take_along_axis(jnp.broadcast_to(jnp.where(fixed, 0.0, weights)[:, None], order.shape), order, axis=0)
    noise = jnp.take_along_axis(free, order, axis=0)
    none = jnp.zeros((1, order.shape[1]))
    above = given @ weights + jnp.concatenate([none, jnp.cumsum(more, axis=0)])
    below = 1 + given @ error + jnp.concatenate([none, jnp.cumsum(noise, axis=0)])
    return jnp.max(above / below, axis=0)


def _largest(x: Float[Array, " n"], softness: float) -> Float[Array, ""]:
    return softness * jax.scipy.special.logsumexp(x / softness) if softness else jnp.max(x)
