"""OFDMA: a sub-band for each terminal."""

from __future__ import annotations

from typing import ClassVar, final

from trinode.systems.energy.schemes._shares import Numbers


@final
class Ofdma(Numbers):
    """Sub-bands inversely proportional to the channels' gains; in them, the decision of ``joint``.

    Terminals do not meet, neither at the access point nor in their echoes, and the noise of both shrinks with the
    sub-band. That leaves the feasible set of (P1), so the bound of the scenario does not bound this scheme.
    """

    name: ClassVar[str] = "ofdma"
    summary: ClassVar[str] = "a sub-band for each terminal, more for weaker channels"
    family: ClassVar[str] = "ofdma"
    apart: ClassVar[bool] = True
