"""Arrays of networks and decisions, declared once: the annotation of a field says what its file holds.

``ap_noise_w: Float[Array, " M"] = field(metadata=POSITIVE)`` is an array of floats with an axis of access points, above
0, in the unit that its name ends in. What may be absent has a default.
"""

from __future__ import annotations

import re
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields
from functools import cache
from string import digits
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from trinode.channels.files import Field
from trinode.errors import InputError
from trinode.systems.units import unit_of

POSITIVE = {"sign": "positive"}
NONNEGATIVE = {"sign": "nonnegative"}
NAN = {"nan": True}
"""NaN and infinity allowed."""
LEFT_OUT = {"nan": True, "optional": True}
"""A number that a file may leave out, and then NaN."""
INNER = {"inner": True}
"""An array that files hold in another form."""

_KINDS = {"bool": "bool", "int": "int", "uint": "int", "float": "float", "bfloat": "float", "complex": "complex"}
_WORDS = {"dims": "2|3", "_": "*"}
"""Axes without a letter, by how they are annotated."""


def shares(*over: str) -> dict[str, Any]:
    """Of shares that add up to at most 1 over these axes."""
    return {"share": over}


def hermitian(*axes: int) -> dict[str, Any]:
    """Of an array that is its own conjugate with the axes in this order."""
    return {"hermitian": axes}


@cache
def schema_of(kind: type, inner: bool = False) -> Mapping[str, Field]:
    """Fields of the file of a class of networks or decisions; of those that only the class has where ``inner``.

    Raises
    ------
    InputError
        A field is no array with the letters of its axes.
    """
    hints, found = typing.get_type_hints(kind), {}
    for entry in fields(kind):
        more = dict(entry.metadata)
        if more.pop("static", False) or more.pop("inner", False) != inner:
            continue
        options = (hints[entry.name], *typing.get_args(hints[entry.name]))
        hint = next((one for one in options if hasattr(one, "dim_str")), None)
        kinds = {_KINDS[dtype.rstrip(digits).partition("_")[0].rstrip(digits)] for dtype in getattr(hint, "dtypes", ())}
        words = hint.dim_str.split() if hint is not None else []
        if len(kinds) != 1 or not all(re.fullmatch(r"[A-Za-z]\w*|\d+|_", word) for word in words):
            allowed = 'an array and its axes, for instance Complex[Array, "K M A"]'
            raise InputError(f"{kind.__name__}.{entry.name}", entry.type, allowed)
        dims = tuple(_WORDS.get(word, word) for word in words)
        more = {"optional": entry.default is not MISSING, "unit": unit_of(entry.name)} | more
        found[entry.name] = Field(kinds.pop(), dims, **more)  # type: ignore[arg-type]
    return found


def size_of(module: Any, letter: str) -> int:
    """How long the axes of a letter are.

    Raises
    ------
    AttributeError
        No array that is always there has such an axis.
    """
    for name, declared in schema_of(type(module)).items():
        if letter in declared.dims and not declared.optional:
            return getattr(module, name).shape[declared.dims.index(letter) - len(declared.dims)]
    raise AttributeError(f"{type(module).__name__} has no axis {letter}")


def same(params: Any, kind: type, **sizes: int) -> dict[str, Float[Array, "..."]]:
    """Numbers of a network that are, in every entry, the parameter of the same name; one that is None is left out."""
    given = {entry.name: getattr(params, entry.name) for entry in fields(params)}
    numbers = {name: f.dims for name, f in schema_of(kind).items() if f.kind == "float"}
    asked = {name: dims for name, dims in numbers.items() if given.get(name) is not None}
    return {name: jnp.full([sizes[one] for one in dims], given[name], dtype=float) for name, dims in asked.items()}


def to_arrays(module: Any, schema: Mapping[str, Field]) -> dict[str, Any]:
    """The attributes of a scenario or solution that a schema names, as NumPy arrays."""
    found = {name: getattr(module, name, None) for name in schema}
    return {name: np.asarray(value) for name, value in found.items() if value is not None}
