"""Probability of detecting an echo: Neyman and Pearson's test, and the likelihood ratio test with unknown amplitude.

Echoes of ``looks`` pulses are added coherently before one decision, so the signal-to-noise ratio of the decision is
``looks * sinr``. Source: Kay, Fundamentals of Statistical Signal Processing: Detection Theory, Sections 4.3 and 13.4.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.scipy.special import i0e, i1e, ndtr, ndtri
from jaxtyping import Array, Float

_LEGENDRE = np.polynomial.legendre.leggauss(96)

Real = Array | float


def known_amplitude(sinr: Real, looks: Real = 1.0, false_alarm: Real = 1e-3) -> Float[Array, "..."]:
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


def needed_sinr(probability: Real, looks: Real = 1.0, false_alarm: Real = 1e-3) -> Float[Array, "..."]:
    """Linear SINR of one look at which :func:`known_amplitude` reaches a probability; 0 where false alarms do."""
    root = ndtri(jnp.asarray(probability)) - ndtri(jnp.asarray(false_alarm))
    return jnp.maximum(root, 0.0) ** 2 / (2 * jnp.asarray(looks))


def unknown_amplitude(sinr: Real, looks: Real = 1.0, false_alarm: Real = 1e-3) -> Float[Array, "..."]:
    """Detection probability of the generalised likelihood ratio test, amplitude and phase unknown.

    ``Q_1(sqrt(2 n sinr), sqrt(-2 ln Pfa))`` with Marcum's Q function; see :func:`known_amplitude` for the arguments.
    """
    a = jnp.sqrt(2 * jnp.asarray(looks) * jnp.asarray(sinr))
    return marcum_q(a, jnp.sqrt(-2 * jnp.log(jnp.asarray(false_alarm))))


def miss_exponent(snr: Real, false_alarm: Real = 1e-6, model: str = "steady") -> Float[Array, "..."]:
    """``-ln(1 - Pd)`` of a decision at an SNR, exact where a detection is as good as certain and where it is rare.

    Parameters
    ----------
    snr : array
        Linear.
    false_alarm : array
        Probability of a false alarm.
    model : str
        ``steady``: the target does not fluctuate, ``Pd = Q_1(sqrt(2 snr), sqrt(-2 ln Pfa))``; ``swerling-1``: the
        amplitude of its echo is Rayleigh distributed, ``Pd = Pfa^(1 / (1 + snr))`` (Swerling 1960).
    """
    threshold = -jnp.log(jnp.asarray(false_alarm, dtype=float))
    if model == "steady":
        return _steady(jnp.asarray(snr, dtype=float), threshold)
    return -_log_1m_exp(threshold / (1 + jnp.asarray(snr)))


MODELS = ("steady", "swerling-1")
"""How the echo of a target varies from one decision to the next."""


def _log_1m_exp(x: Float[Array, "..."]) -> Float[Array, "..."]:
    """``ln(1 - exp(-x))`` for x above 0."""
    small = x < np.log(2)
    near = jnp.log(-jnp.expm1(-jnp.where(small, x, 1.0)))
    return jnp.where(small, near, jnp.log1p(-jnp.exp(-jnp.where(small, 1.0, x))))


@jax.custom_jvp
def _steady(snr: Float[Array, "..."], threshold: Float[Array, "..."]) -> Float[Array, "..."]:
    below, above = _log_tails(jnp.sqrt(2 * snr), jnp.sqrt(2 * threshold))
    return -jnp.where(above < -1, jnp.log1p(-jnp.exp(jnp.minimum(above, -1.0))), below)


@_steady.defjvp
def _(given: tuple[Any, Any], turns: tuple[Any, Any]) -> tuple[Any, Any]:
    """``dQ_1/da = b exp(-(a^2 + b^2) / 2) I_1(a b)``, ``dQ_1/db = -b exp(-(a^2 + b^2) / 2) I_0(a b)``."""
    snr, threshold = given
    a, b = jnp.sqrt(2 * snr), jnp.sqrt(2 * threshold)
    found = _steady(snr, threshold)
    weight = jnp.exp(found - 0.5 * (a - b) ** 2)
    z = a * b
    by_snr = weight * b**2 * jnp.where(z > 1e-4, i1e(z) / jnp.where(z > 1e-4, z, 1.0), 0.5 * jnp.exp(-z))
    return found, by_snr * turns[0] - weight * i0e(z) * turns[1]


def marcum_q(a: Float[Array, "..."], b: Float[Array, "..."]) -> Float[Array, "..."]:
    """Marcum's Q function of order 1, elementwise."""
    a, b = jnp.broadcast_arrays(jnp.asarray(a, dtype=float), jnp.asarray(b, dtype=float))
    below, above = _log_tails(a, b)
    return jnp.clip(jnp.where(b < a, -jnp.expm1(below), jnp.exp(above)), 0.0, 1.0)


def _log_tails(a: Float[Array, "..."], b: Float[Array, "..."]) -> tuple[Float[Array, "..."], Float[Array, "..."]]:
    """Logarithms of ``1 - Q_1(a, b)`` and ``Q_1(a, b)``.

    The integrals of ``x exp(-(x-a)^2/2) I0e(a x)`` up to b and from there on, by Gauss and Legendre's rule where the
    integrand is above ``exp(-40)`` of its largest value there, which is taken out.
    """
    a, b = jnp.broadcast_arrays(a, b)
    points, weights = jnp.asarray(_LEGENDRE[0]), jnp.asarray(_LEGENDRE[1])

    def integral(low: Float[Array, "..."], high: Float[Array, "..."], off: Float[Array, "..."]) -> Float[Array, "..."]:
        half = 0.5 * (high - low)[..., None]
        x = low[..., None] + half * (1 + points)
        value = x * jnp.exp(-0.5 * ((x - a[..., None]) ** 2 - off[..., None] ** 2)) * i0e(a[..., None] * x)
        return jnp.log(jnp.maximum(jnp.sum(half * weights * value, axis=-1), 1e-300)) - 0.5 * off**2

    def reach(off: Float[Array, "..."]) -> Float[Array, "..."]:
        return 80 / (jnp.sqrt(off**2 + 80) + off)  # where (off + reach)^2 - off^2 = 80

    short, beyond = jnp.maximum(a - b, 0.0), jnp.maximum(b - a, 0.0)
    below = integral(
        jnp.maximum(jnp.minimum(a, b) - reach(short), 0.0), jnp.minimum(b, a + reach(jnp.zeros_like(a))), short
    )
    start = jnp.maximum(b, a - reach(jnp.zeros_like(a)))
    return below, integral(start, jnp.maximum(a, b) + reach(beyond), beyond)
