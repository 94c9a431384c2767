"""How far two terminals can be loud at the access point at once: part of the bound.

Let h be what the access point hears of terminal j's data, at an SINR of at least g, so ``|h|^2 >= g``. Then the SINR
of terminal i is at most ``|w|^2 - c |u^H w|^2`` with ``u = h / |h|``, ``c = g / (1 + g)`` and w what is heard of i.
With the two largest singular values s1 > s2 of terminal j's channel and its power limit P, the share of u along the
main direction u1 is at least ``r = (1 - s2^2 P / g) / (1 - s2^2 / s1^2)``, so

    |u^H w|^2 >= (1 - d) r |u1^H w|^2 - (1 / d - 1) (1 - r) (|w|^2 - |u1^H w|^2)      for any d in (0, 1],

and the most that is left for terminal i is the largest eigenvalue of a matrix that differs from the Gram matrix of its
channel in one direction.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from trinode.radio.reduced import Air

MOST = 10
"""Up to so many terminals pairs are looked at."""
TRADES = np.geomspace(1e-2, 1.0, 8)
"""Values of d that are tried."""


def loudest_beside(air: Air, power: Float[Array, " K"], sinr: Float[Array, "S K"]) -> Float[Array, "K K S"]:
    """Upper bound ``[i, j, s]`` of terminal i's data SINR where that of terminal j is at least ``sinr[s, j]``.

    Parameters
    ----------
    power : (K,)
        Most that a terminal radiates for its data, W.
    """
    own = jnp.arange(len(power))
    value, vector = jnp.linalg.eigh(air.uplink[own, own])
    value = jnp.maximum(value, 0.0)
    first = value[:, -1]
    second = value[:, -2] if value.shape[1] > 1 else jnp.zeros_like(first)

    def pair(i: Array, j: Array) -> Float[Array, " S"]:
        g = sinr[:, j]
        c = g / (1 + g)
        apart = 1 - second[j] / jnp.maximum(first[j], 1e-300)
        r = 1 - second[j] * power[j] / jnp.maximum(g, 1e-300)
        r = jnp.where(apart > 1e-6, jnp.clip(r / jnp.maximum(apart, 1e-6), 0.0, 1.0), 0.0)
        main = air.uplink[i, j] @ vector[j, :, -1] / jnp.sqrt(jnp.maximum(first[j], 1e-300))
        along = jnp.abs(vector[i].conj().T @ main) ** 2
        d = TRADES[:, None]
        spread = c * (1 / d - 1) * (1 - r)
        return power[i] * jnp.min(_largest(value[i], along, 1 + spread, c * (1 - d) * r + spread), axis=0)

    most = jax.vmap(lambda i: jax.vmap(lambda j: pair(i, j))(own))(own)
    return most * (1 + 1e-9)


def _largest(
    value: Float[Array, " D"], along: Float[Array, " D"], scale: Float[Array, "..."], less: Float[Array, "..."]
) -> Float[Array, "..."]:
    """Upper bound of the largest eigenvalue of ``scale * diag(value) - less * a a^H`` with ``|a|^2 = along``."""

    def one(_: Int[Array, ""], ends: tuple[Array, Array]) -> tuple[Array, Array]:
        low, high = ends
        middle = (low + high) / 2
        gap = scale[..., None] * value - middle[..., None]
        below = 1 - less * jnp.sum(along / jnp.where(jnp.abs(gap) > 0, gap, 1e-300), axis=-1) > 0
        return jnp.where(below, middle, low), jnp.where(below, high, middle)

    high = scale * value[-1]
    low = high - less * jnp.sum(along)
    if value.shape[0] > 1:
        low = jnp.maximum(low, scale * value[-2])
    return lax.fori_loop(0, 24, one, (low, high))[1]


def together(air: Air, power: Float[Array, " K"], edges: Float[Array, "S K"], each: Float[Array, "S K"]) -> Array:
    """Least sum of ``each`` over all terminals, where pairs of them are heard together; infinite where one cannot be.

    Parameters
    ----------
    edges, each : (S, K)
        Lower ends of spans of each terminal's data SINR, and a lower bound of its part of the Lagrangian in them.
    """
    alone = jnp.min(each, axis=0)
    k = len(power)
    if not 2 <= k <= MOST:
        return jnp.sum(alone)
    most = loudest_beside(air, power, edges)

    def gain(i: Array, j: Array) -> Float[Array, ""]:
        fits = (edges[:, i][:, None] <= most[i, j][None]) & (edges[:, j][None] <= most[j, i][:, None])
        sums = jnp.where(fits, each[:, i][:, None] + each[:, j][None], jnp.inf)
        both = alone[i] + alone[j]
        return jnp.where(jnp.isfinite(both), jnp.maximum(jnp.min(sums) - both, 0.0), 0.0)

    own = jnp.arange(k)
    gains = lax.map(lambda i: jax.vmap(lambda j: gain(i, j))(own), own)
    gains = jnp.where(own[:, None] < own, gains, 0.0)
    exclude = jnp.any(jnp.isposinf(gains))
    gains = jnp.where(jnp.isfinite(gains), gains, 0.0)

    def match(_: Int[Array, ""], state: tuple[Array, Bool[Array, " K"]]) -> tuple[Array, Bool[Array, " K"]]:
        """The pair of the largest gain among those who are still without one."""
        total, free = state
        left = jnp.where(free[:, None] & free, gains, 0.0)
        i, j = jnp.unravel_index(jnp.argmax(left), left.shape)
        return total + left[i, j], free & (own != i) & (own != j)

    total, _ = lax.fori_loop(0, k // 2, match, (jnp.zeros(()), jnp.ones(k, bool)))
    return jnp.where(exclude, jnp.inf, jnp.sum(alone) + total)
