"""A decision of the region system."""

from __future__ import annotations

from jaxtyping import Array, Complex, Float

from trinode.channels.files import Field
from trinode.systems.contract import SOLUTION_FIELDS, Solution

SOLUTION_SCHEMA: dict[str, Field] = SOLUTION_FIELDS | {
    "precoder": Field("complex", ("M", "K", "A")),
    "sensing_covariance": Field("complex", ("M", "A", "A"), hermitian=(0, 2, 1)),
    "pattern_scale": Field("float", ("M",)),
    "pattern_mse": Field("float", nan=True),
    "pattern_mse_min": Field("float", optional=True, nan=True),
    "detection_probability_max": Field("float", ("Q",), optional=True),
}


class RegionSolution(Solution):
    """A decision of the region system; names, shapes and units are those of :data:`SOLUTION_SCHEMA`.

    ``pattern_scale`` is eta of (20); a decision in which it is zero everywhere does not sense, and is held to
    ``power at most 1`` alone. ``pattern_mse`` is the pattern error at these scales, averaged over the access points
    that sense; ``pattern_mse_min`` the smallest that any covariances of power 1 reach (S_min, NaN where not computed).
    ``detection_probability_max``, where a probability is asked for, is the one of each target when its
    access point serves the worst of its targets best.
    """

    precoder: Complex[Array, "M K A"]
    sensing_covariance: Complex[Array, "M A A"]
    pattern_scale: Float[Array, " M"]
    pattern_mse: Float[Array, ""]
    pattern_mse_min: Float[Array, ""]
    detection_probability_max: Float[Array, " T"] | None = None
