"""The points of a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trinode.systems.figure import Measure, Sweep

__all__ = ["Measure", "Point", "Sweep", "points"]


@dataclass(frozen=True)
class Point:
    """One setting of a sweep: its places along the two axes, and what differs from the defaults."""

    series: int
    value: int
    given: dict[str, Any]


def points(sweep: Sweep) -> Iterator[Point]:
    """All points, the swept value fastest."""
    for s, more in enumerate(sweep.series.values() or [{}]):
        for v, value in enumerate(sweep.values or [None]):
            own = {} if value is None else {sweep.parameter: value}
            yield Point(s, v, {**sweep.fixed, **more, **own})
