"""What the schemes see of the air: gains of one subcarrier after the other, in units of the noise.

With p the power fractions of one subcarrier, terminal k meets interference plus noise ``(cross p + noise)_k`` in
units of what its own signal would be at full power, so its SINR is ``p_k / (cross p + noise)_k``.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float

from trinode.numerics.loops import in_turn
from trinode.systems.fairness.scenario import FairnessScenario

NEAR = 3200
"""Channel coefficients of a batch that are turned into gains at a time, 50 kB: what is near the processor."""


class Air(eqx.Module):
    """Fixed combiners.

    Attributes
    ----------
    cross : (S, K, K)
        [s, k, j] gain from terminal j into the combiner of k over that of k itself, both at full power.
    noise : (S, K)
        Noise over the signal at full power, 1 where there is no signal.
    usable : (S, K)
        Whether any signal arrives.
    """

    cross: Float[Array, "S K K"]
    noise: Float[Array, "S K"]
    usable: Bool[Array, "S K"]

    def sinr(self, power: Float[Array, "S K"]) -> Float[Array, "S K"]:
        """SINR (3) at power fractions."""
        disturbed = jnp.einsum("skj,sj->sk", self.cross, power) + self.noise
        return jnp.where(self.usable, power / disturbed, 0.0)


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


def overlaps(h: Complex[Array, "S K N"]) -> Float[Array, "S K K"]:
    """Squared magnitudes of ``conj(h_k) . h_j``, at half the work of the products themselves.

    The sum n of the real parts, which are symmetric in k and j, and the imaginary ones, which are antisymmetric, is one
    real product; ``(n^2 + n'^2) / 2`` is the sum of their squares.
    """
    a, b = h.real, h.imag
    n = jnp.einsum("skn,sjn->skj", a, a - b) + jnp.einsum("skn,sjn->skj", b, a + b)
    return (n**2 + n.swapaxes(1, 2) ** 2) / 2


def relative(gain: Float[Array, "S K K"], noise: Float[Array, "S K"]) -> Air:
    """From received powers at full transmit power, [s, k, j] of terminal j at the combiner of k, and noise, W."""
    own = jnp.diagonal(gain, axis1=-2, axis2=-1)
    usable = own > 0
    inverse = jnp.where(usable, 1 / jnp.where(usable, own, 1.0), 0.0)
    cross = jnp.where(jnp.eye(gain.shape[-1], dtype=bool), 0.0, gain * inverse[..., None])
    return Air(cross, jnp.where(usable, noise * inverse, 1.0), usable)


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


def best_linear(gram: Complex[Array, "K K"], power: Float[Array, " K"]) -> tuple[Air, Complex[Array, "K K"]]:
    """Gains on one subcarrier through the combiners of least mean square error for given powers.

    Returns
    -------
    Air
        Of one subcarrier (S = 1).
    weights : (K, K)
        Column k mixes the whitened channels into the combiner of k.
    """
    k = gram.shape[0]
    weights = jnp.linalg.solve(jnp.eye(k) + power[:, None] * gram, jnp.eye(k, dtype=gram.dtype))
    amplitude = (gram @ weights).conj().T  # [k, j]: combiner of k on the channel of j
    noise = jnp.einsum("jk,ji,ik->k", weights.conj(), gram, weights).real
    return relative((amplitude.real**2 + amplitude.imag**2)[None], noise[None]), weights
