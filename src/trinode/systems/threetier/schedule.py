"""How networks of this system go through compiled programs."""

from __future__ import annotations

from trinode.systems.schedule import Schedule
from trinode.systems.threetier.params import ThreetierParams


def _descended(p: ThreetierParams) -> float:
    """Descents take longer with about the third power of the terminals, compiling as long whatever they are."""
    return 650 * (9 / p.terminals) ** 3


SCHEDULE = Schedule(repaid=dict.fromkeys(("joint", "edge"), _descended))
