"""A decision of the fairness system."""

from __future__ import annotations

from jaxtyping import Array, Bool, Complex, Float

from trinode.channels.files import Field
from trinode.systems.contract import SOLUTION_FIELDS, Solution

SOLUTION_SCHEMA: dict[str, Field] = SOLUTION_FIELDS | {
    "power_fraction": Field("float", ("S", "K"), share=("S",)),
    "subcarrier_use": Field("bool", ("S", "K")),
    "offload_fraction": Field("float", ("K",), share=()),
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
