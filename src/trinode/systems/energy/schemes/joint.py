"""Everything at once: beams, powers, shares and frequencies."""

from __future__ import annotations

from typing import ClassVar, final

from trinode.systems.energy.schemes._shares import Numbers


@final
class Joint(Numbers):
    """The fixed point of all first-order conditions of (P1), from several starts, settled exactly."""

    name: ClassVar[str] = "joint"
    summary: ClassVar[str] = "beams, powers, shares and frequencies together, settled exactly"
