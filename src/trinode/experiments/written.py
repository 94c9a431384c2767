"""Files in YAML that people write: checked before anything runs, every complaint with its line and field."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from trinode._words import number, one_of
from trinode.errors import FileFormatError

LARGEST_FILE = 2**20

STRICT = ConfigDict(extra="forbid", strict=True, frozen=True)

File = TypeVar("File", bound=BaseModel)


def read(path: str | Path, kind: type[File], what: str, names: Callable[[list[Any]], list[str]]) -> tuple[File, Where]:
    """What a file holds, and how places of it are named.

    Parameters
    ----------
    kind : type
        What it has to hold.
    what : str
        What it is, in a word.
    names : callable
        ``names(location)``: what may stand there.

    Raises
    ------
    FileFormatError
        Names the line, the field, what it holds and what is allowed.
    """
    import yaml

    place, loader = Path(path), _loader()
    try:
        if place.stat().st_size > LARGEST_FILE:
            raise FileFormatError(what, f"{place} of {place.stat().st_size} bytes", f"at most {LARGEST_FILE} bytes")
        text = place.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as fault:
        raise FileFormatError(what, f"{place} ({fault})", "a YAML file that can be read") from fault
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
    where = Where(place, tree)
    try:
        found = kind.model_validate(content)
    except ValidationError as fault:
        # a misspelt name explains the missing one
        first = min(fault.errors(), key=lambda error: error["type"] == "missing")
        location = [part for part in first["loc"] if not _union_branch(part)]
        allowed = first["msg"]
        if first["type"] == "extra_forbidden":
            allowed = one_of(location[-1], names(location))
        elif len(location) < len(first["loc"]):
            allowed = "a number, a text, true or false"
        given = "nothing" if first["type"] == "missing" else first["input"]
        raise FileFormatError(where(location), given, allowed) from fault
    return found, where


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


def _union_branch(part: Any) -> bool:
    """Whether a part of pydantic's location is a type it tried and not a place of the file."""
    return part in ("bool", "int", "float", "str")


class Where:
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
