"""A decision of the energy system."""

from __future__ import annotations

from jaxtyping import Array, Complex, Float

from trinode.channels.files import Field
from trinode.systems.contract import SOLUTION_FIELDS, Solution

SOLUTION_SCHEMA: dict[str, Field] = SOLUTION_FIELDS | {
    "offload_fraction": Field("float", ("K",), share=()),
    "terminal_frequency_hz": Field("float", ("K",), "nonnegative", "Hz"),
    "ap_frequency_hz": Field("float", ("K",), "nonnegative", "Hz"),
    "precoder": Field("complex", ("K", "T")),
    "sensing_precoder": Field("complex", ("K", "T")),
    "combiner": Field("complex", ("K", "A")),
    "radar_combiner": Field("complex", ("K", "R")),
    "subband_hz": Field("float", ("K",), "nonnegative", "Hz", optional=True),
    "sensing_margin_max": Field("float", optional=True, nan=True),
    "sensing_sinr_max": Field("float", optional=True, nan=True),
}


class EnergySolution(Solution):
    """A decision of the energy system; names, shapes and units are those of :data:`SOLUTION_SCHEMA`.

    ``subband_hz`` is there only where terminals do not share the band; ``sensing_margin_max`` is the largest common
    factor on every echo requirement that any beams reach, ``sensing_sinr_max`` the largest common echo SINR.
    """

    offload_fraction: Float[Array, " K"]
    terminal_frequency_hz: Float[Array, " K"]
    ap_frequency_hz: Float[Array, " K"]
    precoder: Complex[Array, "K T"]
    sensing_precoder: Complex[Array, "K T"]
    combiner: Complex[Array, "K A"]
    radar_combiner: Complex[Array, "K R"]
    sensing_margin_max: Float[Array, ""]
    sensing_sinr_max: Float[Array, ""]
    subband_hz: Float[Array, " K"] | None = None
