"""How networks of this system go through compiled programs."""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode.systems.schedule import Schedule


def _alone_if_large(part: int, scenarios: Any) -> int:
    """Larger ones alone, since some take several times as many rounds as others."""
    return part if np.shape(scenarios.task_bits)[-1] <= 3 else 1


DESCENDED = ("joint", "full-local", "full-offload", "half-offload", "ofdma", "unweighted", "robust")

SCHEDULE = Schedule(judged=32, fewer=dict.fromkeys(DESCENDED, _alone_if_large))
