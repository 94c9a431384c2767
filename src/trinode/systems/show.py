"""Parameters, networks, decisions and reports as people read them: a line each, names, numbers with their units."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer

from trinode.systems.metric import LETTERS, Metric
from trinode.systems.units import listed, unit_of

FEW = 6
"""Entries that are listed; of more the smallest and the largest are shown."""

Row = tuple[str, str, str]
"""Name, value, and what it is over or beside."""


class Shown(eqx.Module):
    """A module whose text is a table; inside a transformation, where there are no numbers yet, the plain one."""

    def table(self) -> tuple[str, list[Row]]:
        """Title and rows of its text; those of parameters say what differs from its default."""
        return type(self).__name__, list(_parameter_rows(self))

    def __repr__(self) -> str:
        leaves = jax.tree.leaves(self)
        if any(isinstance(leaf, Tracer) or not isinstance(leaf, _NUMBERS) for leaf in leaves):
            return eqx.tree_pformat(self)
        return aligned(*self.table())

    def __str__(self) -> str:
        return repr(self)


_NUMBERS = (jax.Array, np.ndarray, np.generic, bool, int, float, complex, str)


def aligned(title: str, rows: Sequence[Row]) -> str:
    """A title, and rows under it in columns."""
    widths = [max(map(len, column)) for column in zip(*rows)] if rows else []
    lines = ["  " + "  ".join(text.ljust(width) for text, width in zip(row, widths)).rstrip() for row in rows]
    return "\n".join([title, *lines])


def text_of(name: str, value: Any, unit: str = "") -> str:
    """Numbers of an array in words: all of few, else the least and the largest; SINRs in dB."""
    array = np.asarray(value)
    if array.dtype.kind in "OUS":
        return str(value)
    if array.dtype.kind == "b":
        return ("yes" if array else "no") if array.ndim == 0 else f"{array.sum()} of {array.size}"
    flat = (np.abs(array) if array.dtype.kind == "c" else array).reshape(-1).astype(float)
    unit = unit or unit_of(name)
    if "sinr" in name and unit != "dB":
        with np.errstate(divide="ignore", invalid="ignore"):
            flat, unit = 10 * np.log10(flat), "dB"
    if array.ndim == 0 or (array.ndim == 1 and array.size <= FEW):
        text = listed(flat.tolist(), unit)
    else:
        known = flat[~np.isnan(flat)]
        text = listed([known.min(), known.max()] if known.size else [np.nan], unit, " to ")
    return f"magnitude {text}" if array.dtype.kind == "c" else text


def array_rows(module: Any, schema: Mapping[str, Any], count: int | None) -> Iterator[Row]:
    """A row for each array that a file of this module would hold."""
    for name, field in schema.items():
        value = getattr(module, name, None)
        if value is not None:
            yield name, text_of(name, value, field.unit), _over(np.shape(value), field.dims, count, ("K", "M", "S"))


def metric_rows(metrics: Mapping[str, Any], words: Mapping[str, Metric], count: int | None) -> Iterator[Row]:
    """A row for each metric of a report."""
    for name, value in metrics.items():
        dims = words[name].dims if name in words else ()
        yield name, text_of(name, value), _over(np.shape(value), dims, count, tuple(LETTERS))


def stacked(title: str, count: int | None) -> str:
    """A title that says how many there are."""
    return title if count is None else f"{title}: {count} of them, from the least to the largest value"


def _over(shape: tuple[int, ...], dims: Sequence[str], count: int | None, named: Sequence[str]) -> str:
    """Sizes of the axes with what they go over, that of the stack left out."""
    own = shape if count is None else shape[1:]
    if len(dims) != len(own) or any(letter not in named for letter in dims):
        return " x ".join(map(str, own))
    return " x ".join(f"{n} {LETTERS[letter]}{'s' if n != 1 else ''}" for n, letter in zip(own, dims))


def _parameter_rows(params: Any) -> Iterator[Row]:
    for field in dataclasses.fields(params):
        value, default = getattr(params, field.name), field.default
        usual = value is default or np.array_equal(np.asarray(value), np.asarray(default))
        yield field.name, text_of(field.name, value), "" if usual else f"default {text_of(field.name, default)}"


def count_of(value: Any, axes: int) -> int | None:
    """How many are stacked, from an array that has so many axes of its own; None for one alone."""
    return np.shape(value)[0] if value is not None and np.ndim(value) > axes else None
