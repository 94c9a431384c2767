"""Probability of detecting an echo: Neyman and Pearson's test, and the likelihood ratio test with unknown amplitude.

Echoes of ``looks`` pulses are added coherently before one decision, so the signal-to-noise ratio of the decision is
``looks * sinr``. Source: Kay, Fundamentals of Statistical Signal Processing: Detection Theory, Sections 4.3 and 13.4.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jax.scipy.special import i0e, ndtr, ndtri
from jaxtyping import Array, Float

_LEGENDRE = np.polynomial.legendre.leggauss(96)

Real = Array | float


def known_amplitude(sinr: Real, looks: Real = 1.0, false_alarm: Real = 1e-3) -> Float[Array, ...]:
    """Detection probability where the echo's complex amplitude is known: ``Q(Q^-1(Pfa) - sqrt(2 n sinr))``.

    Parameters
    ----------
    sinr : array
        Linear echo SINR of one look.
    looks : array
        Accumulated looks.
    false_alarm : array
        Probability of a false alarm.
    """
    return ndtr(jnp.sqrt(2 * jnp.asarray(looks) * sinr) + ndtri(jnp.asarray(false_alarm)))


def needed_sinr(probability: Real, looks: Real = 1.0, false_alarm: Real = 1e-3) -> Float[Array, ...]:
    """Linear SINR of one look at which :func:`known_amplitude` reaches a probability; 0 where false alarms do."""
    root = ndtri(jnp.asarray(probability)) - ndtri(jnp.asarray(false_alarm))
    return jnp.maximum(root, 0.0) ** 2 / (2 * jnp.asarray(looks))


def unknown_amplitude(sinr: Real, looks: Real = 1.0, false_alarm: Real = 1e-3) -> Float[Array, ...]:
    """Detection probability of the generalised likelihood ratio test, amplitude and phase unknown.

    ``Q_1(sqrt(2 n sinr), sqrt(-2 ln Pfa))`` with Marcum's Q function; see :func:`known_amplitude` for the arguments.
    """
    a = jnp.sqrt(2 * jnp.asarray(looks) * jnp.asarray(sinr))
    return marcum_q(a, jnp.sqrt(-2 * jnp.log(jnp.asarray(false_alarm))))


def marcum_q(a: Float[Array, ...], b: Float[Array, ...]) -> Float[Array, ...]:
    """Marcum's Q function of order 1, elementwise.

    The integral of ``x exp(-(x-a)^2/2) I0e(a x)`` from b on, or 1 less that up to b, by Gauss and Legendre's rule on
    the part within 9 of a, outside which the integrand is negligible.
    """
    a, b = jnp.broadcast_arrays(jnp.asarray(a, dtype=float), jnp.asarray(b, dtype=float))
    points, weights = jnp.asarray(_LEGENDRE[0]), jnp.asarray(_LEGENDRE[1])

    def integral(low: Float[Array, ...], high: Float[Array, ...]) -> Float[Array, ...]:
        half = 0.5 * jnp.maximum(high - low, 0.0)[..., None]
        x = low[..., None] + half * (1 + points)
        value = x * jnp.exp(-0.5 * (x - a[..., None]) ** 2) * i0e(a[..., None] * x)
        return jnp.sum(half * weights * value, axis=-1)

    reach = 9.0
    below = integral(jnp.maximum(a - reach, 0.0), jnp.minimum(b, a + reach))
    above = integral(jnp.maximum(b, jnp.maximum(a - reach, 0.0)), a + reach)
    return jnp.clip(jnp.where(b < a, 1 - below, above), 0.0, 1.0)
