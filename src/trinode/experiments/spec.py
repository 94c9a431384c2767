"""Sweeps that people write: a YAML file, checked before anything runs, every complaint with its line and field."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trinode._words import number, one_of
from trinode.errors import FileFormatError, InputError
from trinode.experiments.sweep import check
from trinode.systems.figure import Measure, Sweep
from trinode.systems.registry import system as find_system

LARGEST_FILE = 2**20
LARGEST_TRIALS = 10**7

Number = bool | int | float | str
Name = Annotated[str, Field(min_length=1)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class MeasureFile(_Strict):
    """A metric to keep; see :class:`trinode.systems.figure.Measure`."""

    name: Name
    metric: Name
    reduce: Literal["sum", "mean", "max", "min"] = "sum"


class SweepFile(_Strict):
    """A sweep as its file says it; see :class:`trinode.systems.figure.Sweep`."""

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
    import yaml

    place, loader = Path(path), _loader()
    try:
        if place.stat().st_size > LARGEST_FILE:
            raise FileFormatError("sweep", f"{place} of {place.stat().st_size} bytes", f"at most {LARGEST_FILE} bytes")
        text = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise FileFormatError("sweep", f"{place} ({fault})", "a YAML file that can be read") from fault
    try:
        # a few aliases of aliases make a short file endless
        for event in yaml.parse(text, Loader=loader):
            if isinstance(event, yaml.AliasEvent):
                line = event.start_mark.line + 1
                raise FileFormatError(f"{place} line {line}", f"an alias, *{event.anchor}", "YAML without aliases")
        tree = yaml.compose(text, Loader=loader)
        content = yaml.load(text, Loader=loader)
    except FileFormatError:
        raise
    except Exception as fault:  # a value that is not of its tag fails in many ways that share no base class
        raise FileFormatError(str(place), " ".join(str(fault).split()), "YAML") from fault
    if not isinstance(content, dict):
        raise FileFormatError(str(place), type(content).__name__, "names and values, beginning with system:")
    where = _Where(place, tree)
    try:
        found = SweepFile.model_validate(content)
    except ValidationError as fault:
        # a misspelt name explains the missing one
        first = min(fault.errors(), key=lambda error: error["type"] == "missing")
        location = [part for part in first["loc"] if not _union_branch(part)]
        allowed = first["msg"]
        if first["type"] == "extra_forbidden":
            allowed = one_of(location[-1], _names(location))
        elif len(location) < len(first["loc"]):
            allowed = "a number, a text, true or false"
        given = "nothing" if first["type"] == "missing" else first["input"]
        raise FileFormatError(where(location), given, allowed) from fault
    return _checked(found, where)


def _checked(found: SweepFile, where: _Where) -> Sweep:
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


@cache
def _loader() -> type:
    """YAML in which a number is what people write: ``20e6`` is one, ``010`` is ten, ``1:30`` is none."""
    import yaml

    class Loader(yaml.SafeLoader):
        pass

    class Written:
        @staticmethod
        def match(text: str) -> bool:
            return number(text) is not None

    def construct(_loader: Any, node: Any) -> int | float:
        value = number(str(node.value))
        if value is None:  # where the file calls it one
            raise ValueError(f"{node.value} is no number")
        return value

    kinds = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
    Loader.yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] not in kinds]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Loader.add_implicit_resolver(kinds[1], Written, None)  # type: ignore
    Loader.add_constructor(kinds[1], construct)
    return Loader


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


def _union_branch(part: Any) -> bool:
    """Whether a part of pydantic's location is a type it tried and not a place of the file."""
    return part in ("bool", "int", "float", "str")


def _names(location: list[Any]) -> list[str]:
    return list((MeasureFile if "measures" in location else SweepFile).model_fields)


class _Where:
    """Names a place of a file: line and field."""

    def __init__(self, path: Path, tree: Any):
        self.path, self.tree = path, tree

    def __call__(self, location: list[Any]) -> str:
        import yaml

        node, line = self.tree, self.tree.start_mark.line
        for part in location:
            if isinstance(node, yaml.MappingNode):
                pairs = {key.value: (key, value) for key, value in node.value}
                if str(part) not in pairs:
                    break
                key, node = pairs[str(part)]
                line = key.start_mark.line
            elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
                node = node.value[part]
                line = node.start_mark.line
        return f"{self.path} line {line + 1}, {'.'.join(map(str, location)) or 'file'}"
