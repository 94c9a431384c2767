"""Sensing asked for as a detection probability (beyond the paper, whose conclusion asks for it).

The echo of a target at its access point is that of the radar equation: the power radiated towards the target, times
the gain of the receiving array, times ``cross_section wavelength^2 / ((4 pi)^3 distance^4)``. The data symbols of a
coherence interval are known to who sent them and are added coherently, and Neyman and Pearson's test decides
(:func:`trinode.sensing.detection.known_amplitude`). A probability is so a power to be radiated towards each target,
which is linear in the covariance of what is sent.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from trinode.numerics.trigonometric import coordinates
from trinode.sensing import detection, illumination
from trinode.sensing.beampattern import steering

Scalar = float | Float[Array, ""]


class Targets(eqx.Module):
    """What detection probabilities depend on.

    Attributes
    ----------
    paired : (M, T) bool
        Which access point senses which target.
    direction_rad : (M, T)
        Where each access point sees each target.
    echo_snr : (M, T)
        Signal-to-noise ratio of a decision at a radiated power (19) of 1 towards the target.
    probability_min, false_alarm : float
        The requirement, and the probability of a false alarm at which it is meant.
    """

    paired: Bool[Array, "M T"]
    direction_rad: Float[Array, "M T"]
    echo_snr: Float[Array, "M T"]
    probability_min: Float[Array, ""]
    false_alarm: Float[Array, ""]

    def probability(self, power: Float[Array, "M T"]) -> Float[Array, " T"]:
        """Detection probability of each target, given the power (19) radiated towards it by each access point."""
        snr = jnp.sum(jnp.where(self.paired, self.echo_snr * power, 0.0), axis=0)
        return detection.known_amplitude(snr, false_alarm=self.false_alarm)


def echo_gain(
    distance_m: Float[Array, "M T"], *, cross_section_m2: Scalar, wavelength_m: Scalar, min_distance_m: Scalar
) -> Float[Array, "M T"]:
    """Power of an echo at an antenna over the power radiated towards the target (radar equation)."""
    spread = (4 * jnp.pi) ** 3 * jnp.maximum(distance_m, min_distance_m) ** 4
    return cross_section_m2 * wavelength_m**2 / spread


def echo_snr(
    gain: Float[Array, "M T"], ap_power: Float[Array, " M"], *, antennas: int, looks: Scalar
) -> Float[Array, "M T"]:
    """Signal-to-noise ratio of all looks together at a radiated power of 1."""
    return looks * antennas * ap_power[:, None] * gain


def radiated(a: Complex[Array, "M T A"], covariance: Complex[Array, "M A A"]) -> Float[Array, "M T"]:
    """Power (19) that each access point radiates towards each target, given its array's response to it."""
    return jnp.einsum("mta,mab,mtb->mt", a.conj(), covariance, a).real


class DetectionLimit(NamedTuple):
    """The requirement that every target is detected, as the descent and the fillers use it.

    Attributes
    ----------
    steering : (M, T, A)
    paired : (M, T) bool
    needed : (M, T)
        Power to be radiated towards each target.
    active : (M,) bool
        Who senses.
    covariance, point : (M, A, A), (M, n)
        What serves the worst target of each access point best, at a power of 1 (white, and as covariance zero, where
        it does not sense).
    met : () bool
        Whether that is enough (by the certified upper bound).
    largest : (T,)
        Detection probability there.
    """

    steering: Complex[Array, "M T A"]
    paired: Bool[Array, "M T"]
    needed: Float[Array, "M T"]
    active: Bool[Array, " M"]
    covariance: Complex[Array, "M A A"]
    point: Float[Array, "M n"]
    met: Bool[Array, ""]
    largest: Float[Array, " T"]

    @property
    def asked(self) -> Bool[Array, ""]:
        """Always: the requirement is there."""
        return jnp.asarray(True)

    @property
    def smallest(self) -> Float[Array, ""]:
        """S_min is not computed here."""
        return jnp.asarray(jnp.nan)

    @property
    def rows(self) -> int:
        """Length of :meth:`excess`."""
        return self.needed.shape[1]

    def excess(self, covariance: Complex[Array, "M A A"]) -> Float[Array, " T"]:
        """What is missing of each target's power, relatively; at most 0 where it is enough."""
        short = 1 - radiated(self.steering, covariance) / jnp.where(self.needed > 0, self.needed, 1.0)
        return jnp.sum(jnp.where(self.paired & (self.needed > 0), short, jnp.where(self.paired, -1.0, 0.0)), axis=0)

    def within(self, covariance: Complex[Array, "M A A"], tolerance: float = 0.0) -> Bool[Array, ""]:
        """Whether every target has its power."""
        return jnp.all(self.excess(covariance) <= tolerance)

    def share(self, covariance: Complex[Array, "M A A"]) -> Float[Array, " M"]:
        """Largest part at each access point that meets the requirement, the rest of the power on the best for it."""
        power = jnp.trace(covariance, axis1=1, axis2=2).real[:, None]
        best = radiated(self.steering, self.covariance)
        loss = power * best - radiated(self.steering, covariance)
        room = jnp.maximum(best - self.needed, 0.0)
        part = jnp.where(self.paired & (loss > room), room / jnp.where(loss > room, loss, 1.0), 1.0)
        return jnp.clip(jnp.min(part, axis=1, initial=1.0), 0.0, 1.0)


def limit(targets: Targets, active: Bool[Array, " M"], antennas: int, spacing: Float[Array, ""]) -> DetectionLimit:
    """The requirement, and how far it can be met by the access points that sense."""
    a = steering(targets.direction_rad, antennas, spacing)
    best = jax.vmap(illumination.even)(a, targets.echo_snr, targets.paired)
    snr = detection.needed_sinr(targets.probability_min, false_alarm=targets.false_alarm)
    covariance = jnp.where(active[:, None, None], best.covariance, 0.0)
    return DetectionLimit(
        steering=a,
        paired=targets.paired,
        needed=jnp.where(targets.paired, snr / targets.echo_snr, 0.0),
        active=active,
        covariance=covariance,
        point=coordinates(best.covariance),
        met=jnp.all(best.upper >= snr * (1 - 1e-9)),
        largest=targets.probability(radiated(a, covariance)),
    )
