"""Transmit beampatterns of uniform linear arrays and how far they are from an ideal one.

Everything about the pattern of a covariance Q is in the 2A - 1 sums along its diagonals, so the pattern error, with
the best scale already in it, is a quadratic form of those. Source: region paper, (19)-(20) with a power of 1.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from trinode.numerics.trigonometric import coordinates

__all__ = ["best_scale", "coordinates", "error_factor", "ideal", "pattern", "sampled", "steering"]

Scalar = float | Float[Array, ""]


def steering(direction_rad: Float[Array, "..."], antennas: int, spacing: Scalar) -> Complex[Array, "... A"]:
    """Response ``exp(+2j pi spacing n sin(direction))``; the field radiated there is ``conj(a) . x``."""
    phase = spacing * jnp.sin(direction_rad)[..., None] * jnp.arange(antennas)
    return jnp.exp(2j * jnp.pi * phase)


def pattern(
    covariance: Complex[Array, "*b A A"], direction_rad: Float[Array, " D"], spacing: Scalar
) -> Float[Array, "*b D"]:
    """Power radiated towards each direction, ``conj(a) . Q . a``."""
    a = steering(direction_rad, covariance.shape[-1], spacing)
    return jnp.einsum("da,...ab,db->...d", a.conj(), covariance, a).real


def ideal(direction_rad: Float[Array, " D"], target_rad: Float[Array, " T"], width_rad: Scalar) -> Float[Array, " D"]:
    """1 within half the width of any target that is given (NaN: none), else 0."""
    near = jnp.abs(direction_rad[:, None] - target_rad) <= width_rad / 2 * (1 + 1e-9)
    return jnp.any(near, axis=1).astype(float)


def sampled(direction_rad: Float[Array, " D"], antennas: int, spacing: Scalar) -> Float[Array, "D n"]:
    """Matrix from the coordinates of a pattern to its values at directions."""
    phase = 2 * jnp.pi * spacing * jnp.sin(direction_rad)[:, None] * jnp.arange(1, antennas)
    return jnp.concatenate([jnp.ones((phase.shape[0], 1)), 2 * jnp.cos(phase), 2 * jnp.sin(phase)], axis=1)


def best_scale(ideal: Float[Array, "*b D"], pattern: Float[Array, "*b D"]) -> Float[Array, "*b"]:
    """Least-squares scale of the ideal pattern, eta of (20); 0 where the ideal pattern is."""
    weight = jnp.sum(ideal**2, axis=-1)
    return jnp.where(weight > 0, jnp.sum(ideal * pattern, axis=-1) / jnp.where(weight > 0, weight, 1.0), 0.0)


def error_factor(
    direction_rad: Float[Array, " D"], ideal: Float[Array, " D"], antennas: int, spacing: Scalar
) -> Float[Array, "r n"]:
    """F of ``error = |F x|^2``: the pattern error (20) at its best scale, of coordinates x; r = min(D, n).

    Below half a wavelength much of x is invisible and the error small beside it: squared, F would lose it.
    """
    c = sampled(direction_rad, antennas, spacing)
    weight = jnp.sum(ideal**2)
    c = c - jnp.outer(ideal, ideal @ c) / jnp.where(weight > 0, weight, 1.0)
    return jnp.linalg.qr(c / jnp.sqrt(direction_rad.shape[0]), mode="r")
