"""A decision of the three-tier system."""

from __future__ import annotations

from jaxtyping import Array, Bool, Complex, Float

from trinode.channels.files import Field
from trinode.systems.contract import SOLUTION_FIELDS, Solution

SOLUTION_SCHEMA: dict[str, Field] = SOLUTION_FIELDS | {
    "edge_choice": Field("bool", ("K", "M")),
    "cloud_choice": Field("bool", ("K", "M")),
    "precoder": Field("complex", ("K", "T")),
    "sensing_margin_max": Field("float", optional=True, nan=True),
    "sensing_sinr_max": Field("float", optional=True, nan=True),
}


class ThreetierSolution(Solution):
    """A decision of the three-tier system; names, shapes and units are those of :data:`SOLUTION_SCHEMA`.

    ``edge_choice`` and ``cloud_choice`` are a and b of (9): at most one of a terminal's entries is true, none where it
    computes itself. ``precoder`` is w. ``sensing_margin_max`` is the largest common factor on every echo requirement
    that any beams reach, ``sensing_sinr_max`` the largest common echo SINR; both are NaN unless infeasible.
    """

    edge_choice: Bool[Array, "K M"]
    cloud_choice: Bool[Array, "K M"]
    precoder: Complex[Array, "K T"]
    sensing_margin_max: Float[Array, ""]
    sensing_sinr_max: Float[Array, ""]
