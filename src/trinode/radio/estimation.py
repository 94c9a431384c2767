"""Aggregated channels with reflecting, uncertain targets, and what access points learn of them from pilots.

Source: Mao, Lu, Chi, Ai, Zhong and Ding, "Communication-Sensing Region for Cell-Free Massive MIMO ISAC Systems",
Section II and Propositions 1 to 3. Everything is normalised by the noise: powers are signal-to-noise ratios at unit
gain. Amplitudes of the paths are real, as in (1).
"""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Int


class Statistics(NamedTuple):
    """What is known of all links before any pilot is sent.

    Attributes
    ----------
    direct : (M, K)
        Variance of the direct link, beta^2 of (2).
    terminal_target : (K, T)
        Second moment of the link to a target, beta^2 + sigma^2 of (5).
    target_mean : (M, T)
        Mean amplitude between target and access point, beta of (3).
    target_variance : (M, T)
        Variance of that amplitude.
    steering : (M, T, A)
        Mean array response towards a target, q-bar of (3).
    steering_variance : (M, T)
        Variance of each entry of the array response, chi^2.
    reflection : (T,)
        alpha of (6).
    """

    direct: Float[Array, "M K"]
    terminal_target: Float[Array, "K T"]
    target_mean: Float[Array, "M T"]
    target_variance: Float[Array, "M T"]
    steering: Complex[Array, "M T A"]
    steering_variance: Float[Array, "M T"]
    reflection: Float[Array, " T"]


class Estimator(NamedTuple):
    """Linear minimum mean square error estimators and their second moments.

    Attributes
    ----------
    filter : (M, K, A, A)
        C_mk of Proposition 2: the estimate is ``filter @ received``.
    estimate_covariance : (M, K, A, A)
        Covariance of the estimates, Proposition 2.
    error_covariance : (M, M, K, A, A)
        Theta of Proposition 3, blocks [m, m', k].
    """

    filter: Complex[Array, "M K A A"]
    estimate_covariance: Complex[Array, "M K A A"]
    error_covariance: Complex[Array, "M M K A A"]


def channel_covariance(s: Statistics) -> Complex[Array, "M M K A A"]:
    """Proposition 1: blocks (8) for m = m' and (9) otherwise; different terminals are uncorrelated."""
    m, _ = s.direct.shape
    a = s.steering.shape[-1]
    weight = s.reflection**2 * s.terminal_target  # (K, T)
    ray = s.target_mean[..., None] * s.steering  # (M, T, A)
    weighed = weight[:, None, :, None] * ray  # (K, M, T, A)
    blocks = jnp.einsum("kmta,ntb->mnkab", weighed, ray.conj())  # (9)
    eye = jnp.eye(a)
    second = s.target_mean**2 + s.target_variance
    unsure = (weight[:, None] * s.target_variance)[..., None] * s.steering  # (K, M, T, A)
    uncertain = jnp.einsum("kmta,mtb->mkab", unsure, s.steering.conj())
    spread = jnp.einsum("kt,mt,mt->mk", weight, second, s.steering_variance)
    own = uncertain + (s.direct + spread)[..., None, None] * eye
    at = jnp.arange(m)
    return blocks.at[at, at].add(own)  # (8)


def sharing(label: Int[Array, " K"]) -> Float[Array, "K K"]:
    """1 where two terminals have the same pilot, themselves included."""
    return (label[:, None] == label[None]).astype(float)


def estimator(
    covariance: Complex[Array, "M M K A A"], label: Int[Array, " K"], pilot_energy: Float[Array, ""]
) -> Estimator:
    """Propositions 2 and 3 for given channel covariances and pilots.

    Parameters
    ----------
    pilot_energy : float
        ``p_p tau_p``: normalised power of a pilot symbol times their number.
    """
    m = covariance.shape[0]
    a = covariance.shape[-1]
    at = jnp.arange(m)
    own = covariance[at, at]  # (M, K, A, A)
    share = sharing(label)
    root = jnp.sqrt(pilot_energy)
    others = share - jnp.eye(share.shape[0])  # who else has the pilot
    louder = pilot_energy * jnp.einsum("kj,mjab->mkab", others, own) + jnp.eye(a)  # what disturbs, noise included
    received = pilot_energy * own + louder
    # C = root Phi R^-1; both are Hermitian
    gain = root * jnp.linalg.solve(received, own).conj().swapaxes(-1, -2)
    estimate = root * gain @ own
    # (12) as a sum of covariances, so that nothing cancels: (1 - root C) h of the own channel, C of all that disturbs
    left = jnp.linalg.solve(received, louder).conj().swapaxes(-1, -2)  # 1 - root C
    mixed = pilot_energy * jnp.einsum("kj,mnjab->mnkab", others, covariance)
    mixed = mixed.at[at, at].add(jnp.eye(a))

    def through(matrix: Complex[Array, "M K A A"], inner: Complex[Array, "M M K A A"]) -> Complex[Array, "M M K A A"]:
        return jnp.einsum("mkab,mnkbd->mnkad", matrix, jnp.einsum("mnkbc,nkdc->mnkbd", inner, matrix.conj()))

    error = through(left, covariance) + through(gain, mixed)
    error = (error + error.conj().transpose(1, 0, 2, 4, 3)) / 2
    return Estimator(gain, estimate, error)


class Fading(NamedTuple):
    """One draw of everything random in (2), (3), (5) and (6), in units of its standard deviation.

    Attributes
    ----------
    direct : (M, K, A)
    terminal_target : (K, T)
    target_amplitude : (M, T)
        Real, of the amplitude's deviation from its mean.
    terminal_target_amplitude : (K, T)
        The same for the links to terminals.
    array : (M, T, A)
        Deviation of the array response.
    """

    direct: Complex[Array, "M K A"]
    terminal_target: Complex[Array, "K T"]
    target_amplitude: Float[Array, "M T"]
    terminal_target_amplitude: Float[Array, "K T"]
    array: Complex[Array, "M T A"]


def channel(
    s: Statistics, f: Fading, terminal_target_mean: Float[Array, "K T"], terminal_target_deviation: Float[Array, "K T"]
) -> Complex[Array, "M K A"]:
    """Aggregated channels of (7): the direct link and one reflection over each target."""
    direct = jnp.sqrt(s.direct)[..., None] * f.direct
    to_target = (terminal_target_mean + terminal_target_deviation * f.terminal_target_amplitude) * f.terminal_target
    array = s.steering + jnp.sqrt(s.steering_variance)[..., None] * f.array
    from_target = (s.target_mean + jnp.sqrt(s.target_variance) * f.target_amplitude)[..., None] * array
    return direct + jnp.einsum("t,kt,mta->mka", s.reflection, to_target, from_target)


def estimate(
    e: Estimator,
    channel: Complex[Array, "M K A"],
    label: Int[Array, " K"],
    pilot_energy: Float[Array, ""],
    noise: Complex[Array, "M P A"],
) -> Complex[Array, "M K A"]:
    """Estimates (10) from the projected pilots (7); ``noise`` is one vector per access point and pilot."""
    received = jnp.sqrt(pilot_energy) * jnp.einsum("kj,mja->mka", sharing(label), channel) + noise[:, label]
    return jnp.einsum("mkab,mkb->mka", e.filter, received)
