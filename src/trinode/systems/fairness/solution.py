"""A decision of the fairness system."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from trinode.channels.files import Field
from trinode.systems.contract import SOLUTION_FIELDS, Solution, Status

SOLUTION_SCHEMA: dict[str, Field] = SOLUTION_FIELDS | {
    "power_fraction": Field("float", ("S", "K")),
    "subcarrier_use": Field("bool", ("S", "K")),
    "offload_fraction": Field("float", ("K",)),
    "combiner": Field("complex", ("S", "K", "M", "A"), optional=True),
}


class FairnessSolution(Solution):
    """A decision of the fairness system; names, shapes and units are those of :data:`SOLUTION_SCHEMA`.

    ``power_fraction`` is p of the paper, ``subcarrier_use`` alpha, ``offload_fraction`` rho. ``combiner`` is there
    where the scheme chose it, and stands in for the scenario's.
    """

    power_fraction: Float[Array, "S K"]
    subcarrier_use: Bool[Array, "S K"]
    offload_fraction: Float[Array, " K"]
    combiner: Complex[Array, "S K M A"] | None = None

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Any]) -> FairnessSolution:
        """Build a solution from checked arrays."""
        claims = ("status", "objective", "bound")
        own = {n: jnp.asarray(arrays[n]) for n in SOLUTION_SCHEMA if n not in claims and n in arrays}
        return cls(status=jnp.asarray(int(Status[str(arrays["status"]).upper()])), **own)
