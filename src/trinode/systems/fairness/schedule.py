"""How networks of this system go through compiled programs."""

from __future__ import annotations

import math
from typing import Any

from trinode.systems.schedule import Schedule

CHANNELS_AT_ONCE = 640_000
"""Channel coefficients of a batch's part, 10 MB: what fits into a processor's memory."""


def _several(scenarios: Any) -> bool:
    """Whether there are several subcarriers, with which a network takes milliseconds."""
    return scenarios.uplink_channel.shape[-4] > 1


def _fitting(part: int, scenarios: Any) -> int:
    if _several(scenarios):
        return 4
    return max(8, min(part, CHANNELS_AT_ONCE // math.prod(scenarios.uplink_channel.shape[-3:])))


SCHEDULE = Schedule(
    judged=64,
    bounded=64,
    fewer={
        "exact": _fitting,
        "no-local": _fitting,
        "mmse": lambda part, scenarios: 4 if _several(scenarios) else part,
    },
)
