"""A decision of the latency system."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array, Complex, Float

from trinode.systems.decision import Solution
from trinode.systems.declared import LEFT_OUT, NONNEGATIVE, shares


class LatencySolution(Solution):
    """A decision of the latency system; names, shapes and units are those of the file.

    ``edge_share`` and ``cloud_share`` are b and c of (8): a row of either sums to 1 when the terminal computes at the
    edge or in the cloud, and both are zero when it computes itself. ``sensing_margin_max`` is the largest common
    factor on every echo requirement that any beams reach, ``sensing_sinr_max`` the largest common echo SINR.
    """

    edge_share: Float[Array, "K M"] = eqx.field(metadata=shares("M"))
    cloud_share: Float[Array, "K M"] = eqx.field(metadata=shares("M"))
    precoder: Complex[Array, "K M T"]
    sensing_precoder: Complex[Array, "K T"]
    terminal_frequency_hz: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    edge_frequency_hz: Float[Array, "K M"] = eqx.field(metadata=NONNEGATIVE)
    cloud_frequency_hz: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    fronthaul_bps: Float[Array, "K M"] = eqx.field(metadata=NONNEGATIVE)
    sensing_margin_max: Float[Array, ""] = eqx.field(metadata=LEFT_OUT)
    sensing_sinr_max: Float[Array, ""] = eqx.field(metadata=LEFT_OUT)
