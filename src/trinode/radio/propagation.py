"""Large-scale propagation, noise and array responses.

Conjugation, once for the whole package: a channel acts as ``received = H @ transmitted``; a combiner v acts as
``conj(v) . y``; a steering vector is ``a[n] = exp(-2j pi spacing n sin(angle))`` and the field that a transmitter
with signal x radiates towards that angle is ``conj(a) . x``.
"""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

BOLTZMANN = 1.381e-23
"""Boltzmann's constant as the paper of the latency system prints it, in J/K."""

LIGHT_M_S = 299792458.0
"""Speed of light."""

Scalar = float | Float[Array, ""]

COST_231 = {
    "carrier_hz": (1.5e9, 2e9),
    "ap_height_m": (4.0, 200.0),
    "terminal_height_m": (1.0, 10.0),
    "distance_m": (0.0, 20e3),
}
"""Where :func:`three_slope_gain` holds, smallest and largest value.

Carriers, terminals and the longest link are those of the COST 231 Hata model (final report of COST 231, 4.4.1). It asks
for base stations of 30 m at least; its three slopes are in use for access points of 15 m, and nothing of COST 231 for
any below 4 m, where its Walfisch-Ikegami model ends. Far above 10 m the correction for the terminal's height, linear in
it, would turn the loss into a gain.
"""

MICRO_CELL = {"carrier_hz": (0.5e9, 100e9), "distance_m": (10.0, 5e3)}
"""Where the line of sight of an urban micro cell holds (3GPP TR 38.901, table 7.4.1-1)."""


def from_db(decibel: float | Float[Array, "..."]) -> Float[Array, "..."]:
    """Linear power ratio of a value in dB."""
    return 10.0 ** (jnp.asarray(decibel) / 10)


def to_db(ratio: Float[Array, "..."]) -> Float[Array, "..."]:
    """Decibels of a linear power ratio; -inf at 0."""
    return 10 * jnp.log10(ratio)


def thermal_noise_w(bandwidth_hz: Scalar, noise_figure_db: Scalar, temperature_k: Scalar) -> Float[Array, ""]:
    """Thermal noise power over a bandwidth, in W (latency paper, (56))."""
    return bandwidth_hz * BOLTZMANN * temperature_k * from_db(noise_figure_db)


def steering(angle_rad: Float[Array, "..."], antennas: int, spacing: Scalar) -> Complex[Array, "... antennas"]:
    """Response of a uniform linear array, spacing in wavelengths."""
    phase = spacing * jnp.sin(angle_rad)[..., None] * jnp.arange(antennas)
    return jnp.exp(-2j * jnp.pi * phase)


def distance_m(one: Float[Array, "*#n dims"], other: Float[Array, "*#n dims"]) -> Float[Array, "*n"]:
    """Euclidean distance."""
    return jnp.sqrt(jnp.sum((one - other) ** 2, axis=-1))


def echo_gain(distance: Any, cross_section_m2: Any, wavelength_m: Any) -> Any:
    """Power gain there and back between isotropic antennas (radar equation)."""
    return cross_section_m2 * wavelength_m**2 / ((4 * math.pi) ** 3 * distance**4)


def free_space_gain(distance: Float[Array, "..."], carrier_hz: Scalar) -> Float[Array, "..."]:
    """Power gain of a free path between isotropic antennas (Friis)."""
    return (LIGHT_M_S / (4 * jnp.pi * carrier_hz * distance)) ** 2


def three_slope_gain(
    distance: Float[Array, "..."], carrier_hz: Scalar, ap_height_m: Scalar, terminal_height_m: Scalar
) -> Float[Array, "..."]:
    """Power gain of the COST-231 Hata model with three slopes, break points at 10 m and 50 m.

    Source: latency paper, (54)-(55), distances there in km. The printed (54) is used with its signs of a loss. It
    holds within :data:`COST_231`.
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


def micro_cell_gain(distance: Float[Array, "..."], carrier_hz: Scalar) -> Float[Array, "..."]:
    """Power gain of a line of sight in an urban micro cell (3GPP TR 38.901, table 7.4.1-1, before the break point).

    No link is counted shorter than the 10 m from which the formula holds, see :data:`MICRO_CELL`.
    """
    length = jnp.maximum(distance, MICRO_CELL["distance_m"][0])
    return from_db(-(32.4 + 21 * jnp.log10(length) + 20 * jnp.log10(carrier_hz / 1e9)))
