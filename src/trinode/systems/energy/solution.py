"""A decision of the energy system."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array, Complex, Float

from trinode.systems.decision import Solution
from trinode.systems.declared import LEFT_OUT, NONNEGATIVE, shares


class EnergySolution(Solution):
    """A decision of the energy system; names, shapes and units are those of the file.

    ``subband_hz`` is there only where terminals do not share the band; ``sensing_margin_max`` is the largest common
    factor on every echo requirement that any beams reach, ``sensing_sinr_max`` the largest common echo SINR.
    """

    offload_fraction: Float[Array, " K"] = eqx.field(metadata=shares())
    terminal_frequency_hz: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    ap_frequency_hz: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    precoder: Complex[Array, "K T"]
    sensing_precoder: Complex[Array, "K T"]
    combiner: Complex[Array, "K A"]
    radar_combiner: Complex[Array, "K R"]
    sensing_margin_max: Float[Array, ""] = eqx.field(metadata=LEFT_OUT)
    sensing_sinr_max: Float[Array, ""] = eqx.field(metadata=LEFT_OUT)
    subband_hz: Float[Array, " K"] | None = eqx.field(default=None, metadata=NONNEGATIVE)
