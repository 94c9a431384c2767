"""CTEM: the energy of the access point counted like that of the terminals."""

from __future__ import annotations

from typing import ClassVar, final

from trinode.systems.energy.schemes._shares import Numbers


@final
class Unweighted(Numbers):
    """The decision of ``joint`` for weights of 1; the judge prices it with the weights that it ignored.

    Its ``history`` is in the unweighted energy that it minimises.
    """

    name: ClassVar[str] = "unweighted"
    summary: ClassVar[str] = "joint for weights of 1 (CTEM), priced with the true ones"
    iterates: ClassVar[bool] = False
    weight: ClassVar[float] = 1.0
