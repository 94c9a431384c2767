"""A decision of the latency system."""

from __future__ import annotations

from jaxtyping import Array, Complex, Float

from trinode.channels.files import Field
from trinode.systems.contract import SOLUTION_FIELDS, Solution

SOLUTION_SCHEMA: dict[str, Field] = SOLUTION_FIELDS | {
    "edge_share": Field("float", ("K", "M"), share=("M",)),
    "cloud_share": Field("float", ("K", "M"), share=("M",)),
    "precoder": Field("complex", ("K", "M", "T")),
    "sensing_precoder": Field("complex", ("K", "T")),
    "terminal_frequency_hz": Field("float", ("K",), "nonnegative", "Hz"),
    "edge_frequency_hz": Field("float", ("K", "M"), "nonnegative", "Hz"),
    "cloud_frequency_hz": Field("float", ("K",), "nonnegative", "Hz"),
    "fronthaul_bps": Field("float", ("K", "M"), "nonnegative", "bit/s"),
    "sensing_margin_max": Field("float", optional=True, nan=True),
    "sensing_sinr_max": Field("float", optional=True, nan=True),
}


class LatencySolution(Solution):
    """A decision of the latency system; names, shapes and units are those of :data:`SOLUTION_SCHEMA`.

    ``edge_share`` and ``cloud_share`` are b and c of (8): a row of either sums to 1 when the terminal computes at the
    edge or in the cloud, and both are zero when it computes itself. ``sensing_margin_max`` is the largest common
    factor on every echo requirement that any beams reach, ``sensing_sinr_max`` the largest common echo SINR.
    """

    edge_share: Float[Array, "K M"]
    cloud_share: Float[Array, "K M"]
    precoder: Complex[Array, "K M T"]
    sensing_precoder: Complex[Array, "K T"]
    terminal_frequency_hz: Float[Array, " K"]
    edge_frequency_hz: Float[Array, "K M"]
    cloud_frequency_hz: Float[Array, " K"]
    fronthaul_bps: Float[Array, "K M"]
    sensing_margin_max: Float[Array, ""]
    sensing_sinr_max: Float[Array, ""]
