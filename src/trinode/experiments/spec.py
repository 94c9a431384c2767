"""Sweeps that people write: a YAML file, checked before anything runs, every complaint with its line and field."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from trinode.errors import FileFormatError, InputError
from trinode.experiments.sweep import check
from trinode.experiments.written import STRICT, Where, read
from trinode.systems.figure import Measure, Sweep
from trinode.systems.registry import system as find_system

LARGEST_TRIALS = 10**7

Number = bool | int | float | str
Name = Annotated[str, Field(min_length=1)]


class MeasureFile(BaseModel):
    """A metric to keep; see :class:`trinode.systems.figure.Measure`."""

    model_config = STRICT

    name: Name
    metric: Name
    reduce: Literal["sum", "mean", "max", "min"] = "sum"


class SweepFile(BaseModel):
    """A sweep as its file says it; see :class:`trinode.systems.figure.Sweep`."""

    model_config = STRICT

    system: Name
    schemes: list[Name] = Field(min_length=1)
    parameter: str = ""
    values: list[Number] = []
    fixed: dict[str, Number] = {}
    series: dict[str, dict[str, Number]] = {}
    trials: int = Field(100, ge=1, le=LARGEST_TRIALS)
    seed: int = Field(0, ge=0, lt=2**31)
    block: int = Field(0, ge=0, le=LARGEST_TRIALS)
    measures: list[MeasureFile] = []
    bound: bool = True
    scheme_bound: bool = True
    history: bool = False


def read_sweep(path: str | Path) -> Sweep:
    """Read a sweep from a YAML file.

    Raises
    ------
    FileFormatError
        Names the line, the field, what it holds and what is allowed.
    """
    found, where = read(path, SweepFile, "sweep", _names)
    return _checked(found, where)


def _checked(found: SweepFile, where: Where) -> Sweep:
    """The sweep, its names checked against the system."""
    try:
        system = find_system(found.system)
        for index, name in enumerate(found.schemes):
            _named(lambda name=name: system.scheme(name), where(["schemes", index]))
        sweep = Sweep(
            system=found.system,
            schemes=tuple(found.schemes),
            parameter=found.parameter,
            values=tuple(found.values),  # type: ignore[arg-type]
            fixed=found.fixed,  # type: ignore[arg-type]
            series=found.series,  # type: ignore[arg-type]
            measures=tuple(Measure(m.name, m.metric, m.reduce) for m in found.measures),
            **found.model_dump(include={"trials", "seed", "block", "bound", "scheme_bound", "history"}),
        )
        check(sweep)
    except FileFormatError:
        raise
    except InputError as fault:
        if fault.field == "metric":
            index = next(n for n, one in enumerate(found.measures) if str(fault.value).startswith(f"{one.metric}, "))
            raise FileFormatError(where(["measures", index, "metric"]), fault.value, fault.allowed) from fault
        if fault.field in SweepFile.model_fields:
            raise FileFormatError(where([fault.field]), fault.value, fault.allowed) from fault
        if fault.field == found.parameter and found.parameter not in _parameters(found.system):
            raise FileFormatError(where(["parameter"]), f"{fault.field}, {fault.value}", fault.allowed) from fault
        keys = _find(found, fault.field)
        place = where(keys) + (f" of {fault.field}" if keys == ["values"] else "")
        raise FileFormatError(place, fault.value, fault.allowed) from fault
    return sweep


def _parameters(system: str) -> list[str]:
    return [field.name for field in fields(find_system(system).Params)]


def _find(found: SweepFile, parameter: str) -> list[Any]:
    """Where a file sets a parameter of the system."""
    if parameter == found.parameter:
        return ["values"]
    for label, more in found.series.items():
        if parameter in more:
            return ["series", label, parameter]
    return ["fixed", parameter]


def _named(look: Any, field: str) -> None:
    try:
        look()
    except InputError as fault:
        raise FileFormatError(field, fault.value, fault.allowed) from fault


def _names(location: list[Any]) -> list[str]:
    return list((MeasureFile if "measures" in location else SweepFile).model_fields)
