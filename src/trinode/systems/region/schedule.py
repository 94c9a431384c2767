"""How networks of this system go through compiled programs."""

from __future__ import annotations

from trinode.systems.schedule import Schedule

SCHEDULE = Schedule(judged=8, repaid={"isac": lambda params: 28})
