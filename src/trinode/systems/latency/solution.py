"""A decision of the latency system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from trinode.channels.files import Field
from trinode.systems.contract import SOLUTION_FIELDS, Solution, Status

SOLUTION_SCHEMA: dict[str, Field] = SOLUTION_FIELDS | {
    "edge_share": Field("float", ("K", "M")),
    "cloud_share": Field("float", ("K", "M")),
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

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> LatencySolution:
        """Build a solution from checked arrays."""
        own = {
            n: jnp.asarray(arrays[n])
            for n in SOLUTION_SCHEMA
            if n not in ("status", "objective", "bound") and n in arrays
        }
        for name in ("sensing_margin_max", "sensing_sinr_max"):
            own.setdefault(name, jnp.asarray(np.nan))
        status = jnp.asarray(int(Status[str(arrays["status"]).upper()]))
        return cls(status=status, **own)
