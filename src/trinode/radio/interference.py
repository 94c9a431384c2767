"""Powers on the air, one subcarrier after the other, in units of the noise: gains through given combiners.

With p the power fractions of one subcarrier, terminal k meets interference plus noise ``(cross p + noise)_k`` in
units of what its own signal would be at full power, so its SINR is ``p_k / (cross p + noise)_k``.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float


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
