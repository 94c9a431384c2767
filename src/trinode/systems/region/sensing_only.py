"""The sensing-only case P1 for every access point, and what is mixed with it to meet a pattern error exactly."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float

from trinode.numerics import trigonometric
from trinode.numerics.trigonometric import Optimum
from trinode.sensing import beampattern
from trinode.systems.region import detection
from trinode.systems.region.detection import DetectionLimit
from trinode.systems.region.downlink import error_factors
from trinode.systems.region.scenario import RegionScenario

NOISE = 1e-14
"""Rounding of a pattern at a power of 1."""


class Sensing(NamedTuple):
    """P1, solved.

    Attributes
    ----------
    factors : (M, r, n)
        F of the pattern errors ``|F x|^2``.
    covariance : (M, A, A)
        Best Z_m of trace 1; zero where an access point does not sense.
    point : (M, n)
        Coordinates of the best patterns.
    smallest : ()
        S_min; NaN where nobody senses.
    lower : ()
        Certified lower bound of S_min.
    active : (M,) bool
        Who senses.
    """

    factors: Float[Array, "M r n"]
    covariance: Complex[Array, "M A A"]
    point: Float[Array, "M n"]
    smallest: Float[Array, ""]
    lower: Float[Array, ""]
    active: Bool[Array, " M"]

    def mean(self, each: Float[Array, " M"]) -> Float[Array, ""]:
        """Mean over the access points that sense."""
        return jnp.sum(jnp.where(self.active, each, 0.0)) / jnp.maximum(jnp.sum(self.active), 1)

    def error(self, covariance: Complex[Array, "M A A"]) -> Float[Array, ""]:
        """Mean pattern error of what is radiated, at the best scales."""
        return self.mean(jnp.sum(self.parts(beampattern.coordinates(covariance)) ** 2, axis=1))

    def parts(self, x: Float[Array, "M n"]) -> Float[Array, "M r"]:
        """F x."""
        return jnp.einsum("mri,mi->mr", self.factors, x)


class PatternLimit(NamedTuple):
    """The requirement (24b), as the descent and the fillers use it.

    Attributes
    ----------
    sensing : Sensing
    limit : float
        delta; NaN where none is asked for.
    """

    sensing: Sensing
    limit: Float[Array, ""]

    @property
    def active(self) -> Bool[Array, " M"]:
        """Who senses."""
        return self.sensing.active

    @property
    def covariance(self) -> Complex[Array, "M A A"]:
        """Best for sensing, at a power of 1."""
        return self.sensing.covariance

    @property
    def point(self) -> Float[Array, "M n"]:
        """Coordinates of the best patterns."""
        return self.sensing.point

    @property
    def asked(self) -> Bool[Array, ""]:
        """Whether there is a requirement."""
        return ~jnp.isnan(self.limit)

    @property
    def goal(self) -> Float[Array, ""]:
        """The limit, less what rounding makes of patterns (an array may hide its power from all directions)."""
        return jnp.maximum(jnp.sqrt(self.limit) - NOISE, 0.0) ** 2

    @property
    def met(self) -> Bool[Array, ""]:
        """Whether covariances meet it that are known, the best to 1e-10 of their error (S_min) or 1e-12."""
        return ~self.asked | (self.sensing.smallest < self.goal * (1 + 1e-9))

    @property
    def smallest(self) -> Float[Array, ""]:
        """S_min."""
        return self.sensing.smallest

    @property
    def largest(self) -> None:
        """Detection probabilities are not asked for."""
        return None

    @property
    def rows(self) -> int:
        """Length of :meth:`excess`."""
        return 1

    def scaled(self, error: Float[Array, ""]) -> Float[Array, " 1"]:
        """A pattern error as :meth:`excess` states it."""
        goal = jnp.where(self.asked, self.goal, 1.0)
        # where the limit is near the least possible error, what is between the two is what counts
        scale = jnp.maximum(goal - jnp.where(self.asked, self.sensing.smallest, 0.0), 1e-6 * goal + 1e-300)
        return ((error - goal) / scale)[None]

    def excess(self, covariance: Complex[Array, "M A A"]) -> Float[Array, " 1"]:
        """How far the pattern error is above the limit; at most 0 where it is within."""
        return self.scaled(self.sensing.error(covariance))

    def within(self, covariance: Complex[Array, "M A A"], tolerance: float = 0.0) -> Bool[Array, ""]:
        """Whether the pattern error is within the limit."""
        return self.sensing.error(covariance) <= self.goal * (1 + tolerance)

    def share(self, covariance: Complex[Array, "M A A"]) -> Float[Array, ""]:
        """Largest part of a covariance that meets the requirement; see :func:`largest_share`."""
        return largest_share(self.sensing, covariance, self.goal)


Need = PatternLimit | DetectionLimit


def requirement(s: RegionScenario) -> Need:
    """What a scenario asks of sensing."""
    if s.targets is None:
        return PatternLimit(solve(s), s.pattern_mse_max)
    return detection.limit(s.targets, s.sensing_ap, s.antennas, s.element_spacing)


def solve(s: RegionScenario) -> Sensing:
    """Solve P1: one exact program per access point that senses, or one for all in a row that are asked the same."""
    factors = error_factors(s)
    active = s.sensing_ap

    def one(last: tuple[Array, Optimum], given: tuple[Array, Array]) -> tuple[tuple[Array, Optimum], Optimum]:
        factor, senses = given
        again = jnp.all(factor == last[0])
        found = trigonometric.minimize(factor, needed=senses & ~again)
        found = jax.tree.map(lambda old, new: jnp.where(again, old, new), last[1], found)
        return jax.tree.map(lambda old, new: jnp.where(senses, new, old), last, (factor, found)), found

    a = s.antennas
    zero = jnp.asarray(0.0)
    nobody = Optimum(jnp.zeros((a, a), complex), jnp.zeros(2 * a - 1), zero, zero, jnp.asarray(0))
    _, best = lax.scan(one, (jnp.full(factors.shape[1:], jnp.nan), nobody), (factors, active))
    count = jnp.sum(active)

    def mean(each: Float[Array, " M"]) -> Float[Array, ""]:
        return jnp.where(count > 0, jnp.sum(jnp.where(active, each, 0.0)) / jnp.maximum(count, 1), jnp.nan)

    covariance = jnp.where(active[:, None, None], best.gram, 0.0)
    return Sensing(factors, covariance, best.point, mean(best.value), mean(best.lower), active)


def largest_share(sensing: Sensing, covariance: Complex[Array, "M A A"], limit: Float[Array, ""]) -> Float[Array, ""]:
    """Largest part of a covariance that keeps the pattern error within a limit, the rest of the power on P1's best.

    With the covariance scaled by t and its power filled up to 1, the error is a convex quadratic in t that is S_min at
    t = 0: the answer is its root, at most 1. It is 0 where the limit is below S_min.
    """
    x = beampattern.coordinates(covariance)
    d, best = sensing.parts(x - x[:, :1] * sensing.point), sensing.parts(sensing.point)
    curve = sensing.mean(jnp.sum(d**2, axis=1))
    slope = sensing.mean(jnp.sum(d * best, axis=1))
    room = jnp.maximum(limit - sensing.smallest, 0.0)
    root = jnp.sqrt(jnp.maximum(slope**2 + curve * room, 0.0))
    # of (-slope + root) / curve, without cancellation; slope is at least 0 up to rounding
    share = jnp.where(slope + root > 0, room / jnp.where(slope + root > 0, slope + root, 1.0), 1.0)
    return jnp.clip(share, 0.0, 1.0)
