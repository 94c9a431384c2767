"""A decision of the fairness system."""

from __future__ import annotations

import equinox as eqx
from jaxtyping import Array, Bool, Complex, Float

from trinode.systems.decision import Solution
from trinode.systems.declared import shares


class FairnessSolution(Solution):
    """A decision of the fairness system; names, shapes and units are those of the file.

    ``power_fraction`` is p of the paper, ``subcarrier_use`` alpha, ``offload_fraction`` rho. ``combiner`` is there
    where the scheme chose it, and stands in for the scenario's.
    """

    power_fraction: Float[Array, "S K"] = eqx.field(metadata=shares("S"))
    subcarrier_use: Bool[Array, "S K"]
    offload_fraction: Float[Array, " K"] = eqx.field(metadata=shares())
    combiner: Complex[Array, "S K M A"] | None = None
