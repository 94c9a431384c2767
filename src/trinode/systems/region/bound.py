"""What no decision of a scenario can beat: dirty paper coding under one weighted power limit, error noise included.

For any weights of the access points' powers that sum to 1, a decision within all power limits is within the weighted
one, and linear precoding is no better than dirty paper coding. Its dual is the uplink with successive cancellation
and the same weighted power, where the noise at the antennas is the weights plus every terminal's power times its error
covariance. With ``T_k = Theta_k + weights`` the sum rate is at most

    max over q in the simplex of  log det(sum_k q_k (T_k + g_k g_k^H)) - log det(sum_k q_k T_k)

(the ratio does not change with the scale of q). The second term is convex in q and so at most its interpolation
between the corners, for whatever scaling ``a_k`` of the corners; what is left is concave, and any X > 0 bounds it:

    log det X + max_k [N log(tr(X^-1 (T_k + g_k g_k^H)) / N) - log det T_k]

with the best ``a_k`` inserted. Making any T_k smaller only raises the maximum. The weights, X and the T_k are chosen
by descent; whatever they are, the value holds. Sensing only takes power, so it holds with sensing as well.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from trinode.errors import InputError
from trinode.numerics import descent
from trinode.systems.region.scenario import RegionScenario

STAGES = ((0.5, 300), (0.05, 200), (0.01, 60))
"""Softness of the maximum over the terminals, in nat, and evaluations at it."""


class _Parts(NamedTuple):
    """Channels in the space that they span at each access point, and error noise there.

    ``live`` marks the directions that exist; ``error`` is the smallest noise that errors cause at an access point.
    """

    channel: Complex[Array, "M R K"]
    error: Float[Array, "M K"]
    live: Bool[Array, "M R"]


def bound(scenario: RegionScenario, family: str = "") -> Float[Array, ""]:
    """Upper bound of the sum rate, bit/s/Hz.

    Parameters
    ----------
    family : {""}
        There are no families.
    """
    if family:
        raise InputError("family", family, "nothing: this system has no families of schemes")
    p = _parts(scenario)
    m, r, k = p.channel.shape
    x = jnp.concatenate([jnp.zeros(m + k), jnp.full(m * r * k, -2.0)])
    best = _value(p, x, None)
    for softness, evaluations in STAGES:

        def objective(x: Float[Array, " n"], softness: float = softness) -> Float[Array, ""]:
            return _value(p, x, softness)

        x = descent.lbfgs(objective, x, max_evaluations=evaluations, tolerance=1e-6).point
        best = jnp.minimum(best, _value(p, x, None))
    return best / jnp.log(2.0) * (1 + 1e-9)


def _parts(s: RegionScenario) -> _Parts:
    power = s.ap_power[:, None]
    channel = (jnp.sqrt(power)[..., None] * s.channel_estimate).swapaxes(1, 2)  # (M, A, K)
    _, size, right = jnp.linalg.svd(channel, full_matrices=False)
    live = size > 1e-8 * jnp.max(size, axis=1, keepdims=True)
    spanned = jnp.where(live[..., None], size[..., None] * right, 0.0)
    # diagonal blocks less what the others can take away (Gershgorin, by blocks)
    norm = jnp.sqrt(power * s.ap_power)[..., None] * jnp.linalg.norm(s.error_covariance, axis=(3, 4))
    at = jnp.arange(s.access_points)
    others = jnp.sum(norm.at[at, at].set(0.0), axis=1)
    own = s.error_covariance[at, at]
    lowest = jnp.linalg.eigvalsh((own + own.conj().swapaxes(-1, -2)) / 2)[..., 0]
    return _Parts(spanned, jnp.maximum(power * lowest - others, 0.0) * (1 - 1e-12), live)


def _value(p: _Parts, x: Float[Array, " n"], softness: float | None) -> Float[Array, ""]:
    """The bound in nat; with a softened maximum, a little more."""
    m, r, k = p.channel.shape
    weights = jax.nn.softmax(x[:m])
    mix = jax.nn.softmax(x[m : m + k])
    less = jnp.exp(-jax.nn.softplus(x[m + k :])).reshape(m * r, k)
    live = p.live.reshape(-1)
    noise = jnp.repeat(p.error + weights[:, None], r, axis=0) * less  # T_k, diagonal
    noise = jnp.where(live[:, None], noise, 1.0)
    level = jnp.where(live, noise @ mix, 1.0)  # the diagonal of X without the channels
    g = p.channel.reshape(m * r, k)
    root = jnp.sqrt(mix)
    pull = root[:, None] * g.conj().T / level
    low = jnp.linalg.cholesky(jnp.eye(k) + pull @ (g * root))  # of the size of the terminals only
    back = jax.scipy.linalg.solve_triangular(low, pull, lower=True)
    diagonal = jnp.where(live, 1 / level - jnp.sum(jnp.abs(back) ** 2, axis=0), 0.0)  # of X^-1
    through = jnp.sum(jnp.abs(g) ** 2 / level[:, None], axis=0) - jnp.sum(jnp.abs(back @ g) ** 2, axis=0)
    count = jnp.maximum(jnp.sum(live), 1)
    trace = diagonal @ noise + through
    each = count * jnp.log(trace / count) - jnp.sum(jnp.where(live[:, None], jnp.log(noise), 0.0), axis=0)
    top = jnp.max(each) if softness is None else softness * jax.scipy.special.logsumexp(each / softness)
    return jnp.sum(jnp.log(level)) + 2 * jnp.sum(jnp.log(jnp.diagonal(low).real)) + top
