"""The parameters of a system in words: what its docstring says of each, and what it takes."""

from __future__ import annotations

import dataclasses
import inspect
import re
from dataclasses import dataclass
from typing import Any

from trinode.errors import InputError
from trinode.systems.contract import System
from trinode.systems.units import unit_of


@dataclass(frozen=True)
class Parameter:
    """One parameter.

    Attributes
    ----------
    name, meaning, unit : str
        The unit is empty where there is none.
    default : object
        Its value unless said otherwise.
    allowed : str
        Which values it takes.
    """

    name: str
    meaning: str
    unit: str
    default: Any
    allowed: str


def parameters_of(system: System) -> list[Parameter]:
    """Every parameter of a system, in the order of its definition."""
    meanings = meanings_of(system.Params)
    return [
        Parameter(field.name, meanings.get(field.name, ""), unit_of(field.name), field.default, _allowed(system, field))
        for field in dataclasses.fields(system.Params)
    ]


def meanings_of(kind: type) -> dict[str, str]:
    """What the numpydoc section ``Attributes`` of a class says of each name; entries of several names say it of all."""
    _, _, section = inspect.cleandoc(kind.__doc__ or "").partition("Attributes\n----------\n")
    found: dict[str, str] = {}
    for names, text in re.findall(r"^(\S[^\n]*?) : [^\n]*\n((?:[ ]+[^\n]*\n?)+)", section, re.MULTILINE):
        found |= dict.fromkeys(names.split(", "), re.sub(r"``|:\w+:", "`", " ".join(text.split())).replace("``", "`"))
    return found


def _allowed(system: System, field: Any) -> str:
    """In the words with which a wrong value is refused."""
    try:
        system.Params(**{field.name: -1 if type(field.default) is int else "-" if _text(field) else -1.0})
    except InputError as fault:
        return fault.allowed.removeprefix("one of ") if _text(field) else fault.allowed
    return "a number"


def _text(field: Any) -> bool:
    return isinstance(field.default, str | bool)
