"""A decision of the three-tier system."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array, Bool, Complex, Float

from trinode.systems.decision import Solution
from trinode.systems.declared import LEFT_OUT


class ThreetierSolution(Solution):
    """A decision of the three-tier system; names, shapes and units are those of the file.

    ``edge_choice`` and ``cloud_choice`` are a and b of (9): at most one of a terminal's entries is true, none where it
    computes itself. ``precoder`` is w. ``sensing_margin_max`` is the largest common factor on every echo requirement
    that any beams reach, ``sensing_sinr_max`` the largest common echo SINR; both are NaN unless infeasible.
    """

    edge_choice: Bool[Array, "K M"]
    cloud_choice: Bool[Array, "K M"]
    precoder: Complex[Array, "K T"]
    sensing_margin_max: Float[Array, ""] = eqx.field(metadata=LEFT_OUT)
    sensing_sinr_max: Float[Array, ""] = eqx.field(metadata=LEFT_OUT)
