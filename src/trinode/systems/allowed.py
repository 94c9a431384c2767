"""Which values the parameters of a system may take: one check for all of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np
from jax.core import Tracer

from trinode._words import one_of
from trinode.errors import InputError
from trinode.radio import propagation


def check(
    params: Any,
    *,
    positive: Sequence[str] = (),
    nonnegative: Sequence[str] = (),
    probabilities: Sequence[str] = (),
    nan: Sequence[str] = (),
    ranges: Mapping[str, tuple[float, float]] | None = None,
    least: Mapping[str, int] | None = None,
    choices: Mapping[str, Sequence[str]] | None = None,
) -> None:
    """Raise where a parameter has no value of its kind; the kind is that of its default.

    Parameters
    ----------
    params : dataclass
        Integers are counts of at least 1, or of ``least``; texts are among ``choices``; all else are finite numbers
        (arrays too). ``None`` is a value where it is the default. Inside a transformation numbers are not looked at.
    positive, nonnegative, probabilities : sequence of str
        Numbers above 0, of at least 0, and strictly between 0 and 1.
    nan : sequence of str
        Numbers that may be NaN.
    ranges : mapping
        Smallest and largest value of numbers that a formula holds for, both included.

    Raises
    ------
    InputError
        Names the parameter, its value and what is allowed.
    """
    for field in dataclasses.fields(params):
        name, value, default = field.name, getattr(params, field.name), field.default
        if isinstance(default, bool):
            if not isinstance(value, bool):
                raise InputError(name, value, "True or False")
        elif isinstance(default, int):
            lowest = (least or {}).get(name, 1)
            if not isinstance(value, int) or isinstance(value, bool) or value < lowest:
                raise InputError(name, value, f"an integer of at least {lowest}")
        elif isinstance(default, str):
            allowed = (choices or {})[name]
            if value not in allowed:
                raise InputError(name, value, one_of(value, allowed))
        elif not isinstance(value, Tracer) and not (value is None and default is None):
            _number(name, value, positive, nonnegative, probabilities, nan, (ranges or {}).get(name))
    _spans(params)


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


def _number(
    name: str,
    value: Any,
    positive: Sequence[str],
    nonnegative: Sequence[str],
    probabilities: Sequence[str],
    nan: Sequence[str],
    limits: tuple[float, float] | None,
) -> None:
    array = np.asarray(value) if isinstance(value, int | float | np.ndarray | np.generic | jax.Array) else None
    if array is None or array.dtype.kind not in "iuf":
        raise InputError(name, value, "a number")
    array = array[~np.isnan(array)] if name in nan else array
    if not np.all(np.isfinite(array)):
        raise InputError(name, value, "a finite number")
    low, high = limits or (-np.inf, np.inf)
    if np.any((array < low) | (array > high)):
        above, below = low == -np.inf, high == np.inf
        words = f"of at most {high:g}" if above else f"of at least {low:g}" if below else f"from {low:g} to {high:g}"
        raise InputError(name, value, f"a number {words}, the range of the path loss")
    if name in positive and np.any(array <= 0):
        raise InputError(name, value, "a number above 0")
    if name in nonnegative and np.any(array < 0):
        raise InputError(name, value, "a number of at least 0")
    if name in probabilities and np.any((array <= 0) | (array >= 1)):
        raise InputError(name, value, "a number above 0 and below 1")
