"""A decision of the region system."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array, Complex, Float

from trinode.systems.decision import Solution
from trinode.systems.declared import LEFT_OUT, NAN, hermitian


class RegionSolution(Solution):
    """A decision of the region system; names, shapes and units are those of the file.

    ``pattern_scale`` is eta of (20); a decision in which it is zero everywhere does not sense, and is held to
    ``power at most 1`` alone. ``pattern_mse`` is the pattern error at these scales, averaged over the access points
    that sense; ``pattern_mse_min`` the smallest that any covariances of power 1 reach (S_min, NaN where not computed).
    ``detection_probability_max``, where a probability is asked for, is the one of each target when its
    access point serves the worst of its targets best.
    """

    precoder: Complex[Array, "M K A"]
    sensing_covariance: Complex[Array, "M A A"] = eqx.field(metadata=hermitian(0, 2, 1))
    pattern_scale: Float[Array, " M"]
    pattern_mse: Float[Array, ""] = eqx.field(metadata=NAN)
    pattern_mse_min: Float[Array, ""] = eqx.field(metadata=LEFT_OUT)
    detection_probability_max: Float[Array, " Q"] | None = None
