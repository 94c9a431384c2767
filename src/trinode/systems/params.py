"""Parameters of a system, each declared once: its default, and which values it may take."""

from __future__ import annotations

import dataclasses
from functools import partial
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.core import Tracer

from trinode._words import one_of
from trinode.errors import InputError
from trinode.radio import propagation
from trinode.systems.show import Shown

SIGNS = {
    "any": (lambda array: array == array, "a number"),
    "positive": (lambda array: array > 0, "a number above 0"),
    "nonnegative": (lambda array: array >= 0, "a number of at least 0"),
    "share": (lambda array: (array >= 0) & (array <= 1), "a number from 0 to 1"),
    "probability": (lambda array: (array > 0) & (array < 1), "a number above 0 and below 1"),
}


class Params(Shown):
    """Parameters of a system; a value that its field does not allow is refused by an ``InputError`` of its name.

    Integers, texts and truths are static, what is a number may be swept. ``None`` is a value where it is the default.
    Inside a transformation numbers are not looked at.
    """

    def __check_init__(self):
        for one in dataclasses.fields(self):
            _check(one, getattr(self, one.name))
        _spans(self)
        self.check_together()

    def check_together(self) -> None:
        """Raise where values, each of them allowed, do not go together; systems may have such cases."""


def count(default: int, least: int = 1, static: bool = True) -> Any:
    """A field of integers of at least ``least``; not static where no shape depends on it."""
    return eqx.field(static=static, default=default, metadata={"least": least})


def choice(default: str, *others: str) -> Any:
    """A field of texts, the default or one of the others."""
    return eqx.field(static=True, default=default, metadata={"choices": (default, *others)})


def flag(default: bool) -> Any:
    """A field of truths."""
    return eqx.field(static=True, default=default)


def number(
    default: float | None, sign: str = "any", *, within: tuple[float, float] = (-np.inf, np.inf), nan: bool = False
) -> Any:
    """A field of finite numbers, arrays too.

    Parameters
    ----------
    sign : {"any", "positive", "nonnegative", "share", "probability"}
        Above 0, at least 0, from 0 to 1, or strictly between.
    within : (float, float)
        Smallest and largest value for which a path loss holds, both included.
    nan : bool
        Whether NaN is allowed.
    """
    return eqx.field(default=default, metadata={"sign": sign, "within": within, "nan": nan})


positive = partial(number, sign="positive")
nonnegative = partial(number, sign="nonnegative")
share = partial(number, sign="share")
probability = partial(number, sign="probability")


def _check(entry: Any, value: Any) -> None:
    name, default, more = entry.name, entry.default, entry.metadata
    if isinstance(default, bool):
        if not isinstance(value, bool):
            raise InputError(name, value, "True or False")
    elif isinstance(default, int):
        least = more.get("least", 1)
        if not isinstance(value, int) or isinstance(value, bool) or value < least:
            raise InputError(name, value, f"an integer of at least {least}")
    elif isinstance(default, str):
        if value not in more["choices"]:
            raise InputError(name, value, one_of(value, more["choices"]))
    elif not isinstance(value, Tracer) and not (value is None and default is None):
        _number(name, value, more.get("sign", "any"), more.get("within", (-np.inf, np.inf)), more.get("nan", False))


def _spans(params: Any) -> None:
    """Whatever has a least and a largest value, by its names, has them in that order."""
    values = {field.name: getattr(params, field.name) for field in dataclasses.fields(params)}
    pairs = [(name, name.replace("_min", "_max")) for name in values if "_min" in name]
    for name, most in pairs:
        low, high = values[name], values.get(most)
        if high is not None and not isinstance(low, Tracer) and not isinstance(high, Tracer) and np.any(low > high):
            raise InputError(name, low, f"at most {most} = {high}")


def check_echo(name: str, cross_section_m2: Any, wavelength_m: Any, distance_m: Any) -> None:
    """Raise where a target would return more than it is sent; inside a transformation numbers are not looked at.

    Raises
    ------
    InputError
        ``name`` is the parameter that holds the cross-section.
    """
    if any(isinstance(value, Tracer) for value in (cross_section_m2, wavelength_m, distance_m)):
        return
    with np.errstate(all="ignore"):
        gain = propagation.echo_gain(*(np.asarray(v, float) for v in (distance_m, cross_section_m2, wavelength_m)))
    if not np.all(gain <= 1):
        words = f"a number at which a target {np.asarray(distance_m):g} m away returns less than it is sent"
        raise InputError(name, cross_section_m2, words)


def _number(name: str, value: Any, sign: str, within: tuple[float, float], nan: bool) -> None:
    array = np.asarray(value) if isinstance(value, int | float | np.ndarray | np.generic | jax.Array) else None
    if array is None or array.dtype.kind not in "iuf":
        raise InputError(name, value, "a number")
    array = array[~np.isnan(array)] if nan else array
    if not np.all(np.isfinite(array)):
        raise InputError(name, value, "a finite number")
    low, high = within
    if np.any((array < low) | (array > high)):
        above, below = low == -np.inf, high == np.inf
        words = f"of at most {high:g}" if above else f"of at least {low:g}" if below else f"from {low:g} to {high:g}"
        raise InputError(name, value, f"a number {words}, the range of the path loss")
    holds, words = SIGNS[sign]
    if not np.all(holds(array)):
        raise InputError(name, value, words)
