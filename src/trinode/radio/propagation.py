"""Large-scale propagation, noise and array responses.

Conjugation, once for the whole package: a channel acts as ``received = H @ transmitted``; a combiner v acts as
``conj(v) . y``; a steering vector is ``a[n] = exp(-2j pi spacing n sin(angle))`` and the field that a transmitter
with signal x radiates towards that angle is ``conj(a) . x``.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

BOLTZMANN = 1.381e-23
"""Boltzmann's constant as the paper of the latency system prints it, in J/K."""

Scalar = float | Float[Array, ""]


def from_db(decibel: float | Float[Array, ...]) -> Float[Array, ...]:
    """Linear power ratio of a value in dB."""
    return 10.0 ** (jnp.asarray(decibel) / 10)


def to_db(ratio: Float[Array, ...]) -> Float[Array, ...]:
    """Decibels of a linear power ratio; -inf at 0."""
    return 10 * jnp.log10(ratio)


def thermal_noise_w(bandwidth_hz: Scalar, noise_figure_db: Scalar, temperature_k: Scalar) -> Float[Array, ""]:
    """Thermal noise power over a bandwidth, in W (latency paper, (56))."""
    return bandwidth_hz * BOLTZMANN * temperature_k * from_db(noise_figure_db)


def steering(angle_rad: Float[Array, ...], antennas: int, spacing: Scalar) -> Complex[Array, "... antennas"]:
    """Response of a uniform linear array, spacing in wavelengths."""
    phase = spacing * jnp.sin(angle_rad)[..., None] * jnp.arange(antennas)
    return jnp.exp(-2j * jnp.pi * phase)


def distance_m(one: Float[Array, "*#n dims"], other: Float[Array, "*#n dims"]) -> Float[Array, "*n"]:
    """Euclidean distance."""
    return jnp.sqrt(jnp.sum((one - other) ** 2, axis=-1))


def free_space_gain(distance: Float[Array, ...], carrier_hz: Scalar) -> Float[Array, ...]:
    """Power gain of a free path between isotropic antennas (Friis)."""
    return (299792458.0 / (4 * jnp.pi * carrier_hz * distance)) ** 2


def three_slope_gain(
    distance: Float[Array, ...], carrier_hz: Scalar, ap_height_m: Scalar, terminal_height_m: Scalar
) -> Float[Array, ...]:
    """Power gain of the COST-231 Hata model with three slopes, break points at 10 m and 50 m.

    Source: latency paper, (54)-(55), distances there in km. The printed (54) is used with its signs of a loss.
    """
    mhz = carrier_hz / 1e6
    loss = (
        46.3
        + 33.9 * jnp.log10(mhz)
        - 13.82 * jnp.log10(ap_height_m)
        - (1.1 * jnp.log10(mhz) - 0.7) * terminal_height_m
        + (1.56 * jnp.log10(mhz) - 0.8)
    )
    near, far = 0.01, 0.05  # km
    km = jnp.maximum(distance / 1e3, near)
    slope = jnp.where(km > far, 35 * jnp.log10(km), 15 * jnp.log10(far) + 20 * jnp.log10(km))
    return from_db(-(loss + slope))
