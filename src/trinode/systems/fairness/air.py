"""A network as its schemes see it: gains through combiners, and what any combiner sees at all."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float

from trinode.numerics.loops import in_turn
from trinode.radio.interference import Air, overlaps, relative
from trinode.systems.fairness.scenario import FairnessScenario

NEAR = 3200
"""Channel coefficients of a batch that are turned into gains at a time, 50 kB: what is near the processor."""


def fixed(scenario: FairnessScenario) -> Air:
    """Gains through the scenario's combiners, maximum ratio where it has none."""
    s = scenario
    h = s.uplink_channel.reshape(*s.uplink_channel.shape[:2], -1)
    antenna_noise = jnp.repeat(s.ap_noise_w, s.uplink_channel.shape[3])
    if s.combiner is None:
        gain, noise = in_turn(_matched, max(1, NEAR // h.size))(h, antenna_noise)
    else:
        a = s.combiner.reshape(h.shape)
        amplitude = jnp.einsum("ska,sja->skj", a.conj(), h)
        gain = amplitude.real**2 + amplitude.imag**2
        noise = (a.real**2 + a.imag**2) @ antenna_noise
    return relative(gain * s.terminal_max_power_w, noise)


def _matched(
    h: Complex[Array, "S K N"], antenna_noise: Float[Array, " N"]
) -> tuple[Float[Array, "S K K"], Float[Array, "S K"]]:
    """Gains and noise through maximum ratio combiners."""
    return overlaps(h), (h.real**2 + h.imag**2) @ antenna_noise


def whitened(scenario: FairnessScenario) -> Complex[Array, "S K K"]:
    """Gram matrices of the channels at full power behind noise-whitening receivers: all that any combiner sees."""
    s = scenario
    h = s.uplink_channel * jnp.sqrt(s.terminal_max_power_w[:, None] / s.ap_noise_w)[..., None]
    h = h.reshape(*h.shape[:2], -1)
    return _inner(h, h)


def _inner(one: Complex[Array, "S K N"], other: Complex[Array, "S K N"]) -> Complex[Array, "S K K"]:
    """[s, k, j] of ``conj(one_k) . other_j``; large ones by real products, which compile to a fast kernel."""
    if one.shape[1] * one.shape[2] < 20000:
        return jnp.einsum("ska,sja->skj", one.conj(), other)
    a, b, c, d = one.real, one.imag, other.real, other.imag

    def times(x: Float[Array, "S K N"], y: Float[Array, "S K N"]) -> Float[Array, "S K K"]:
        return jnp.stack([x[s] @ y[s].T for s in range(len(x))])

    return lax.complex(times(a, c) + times(b, d), times(a, d) - times(b, c))
