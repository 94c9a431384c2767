"""The points of a sweep."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from trinode._words import one_of
from trinode.api import parameters
from trinode.errors import InputError
from trinode.systems.figure import Measure, Sweep
from trinode.systems.metric import there
from trinode.systems.registry import elsewhere
from trinode.systems.registry import system as find_system

__all__ = ["Measure", "Point", "Sweep", "check", "points"]


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


def check(sweep: Sweep) -> None:
    """Look at the names and values of a sweep before anything runs.

    Raises
    ------
    InputError
        A system, scheme, parameter or metric that there is not, or a value that is not allowed. Metrics are looked at
        where the system says which it has.
    """
    system = find_system(sweep.system)
    for name in sweep.schemes:
        system.scheme(name)
    for point in points(sweep):
        known = there(system.metrics, parameters(system, point.given))
        for measure in sweep.measures if known else ():
            if measure.metric not in known:
                needs = system.metrics[measure.metric].needs if measure.metric in system.metrics else ""
                other = elsewhere(measure.metric, lambda one: one.metrics, known)
                why = f"which needs {needs}" if needs else f"which {system.name} does not have{other}"
                raise InputError("metric", f"{measure.metric}, {why}", one_of(measure.metric, known))
