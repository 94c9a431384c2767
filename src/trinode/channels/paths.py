"""Propagation paths summed to channels, arrays as positions of their elements, and a look at phases."""

from __future__ import annotations

from math import exp, gamma, prod, sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from trinode import _memory
from trinode.errors import InputError

__all__ = ["alignment", "directions", "elements_of", "panel", "phasors", "response"]

STRONG_DB = 30.0
"""Links this much below the strongest are not asked for their phase."""
UNLIKELY = 1e-4
"""Phases that lie together by chance less often than that are not spread."""


def panel(
    horizontal: int,
    vertical: int = 1,
    spacing: float = 0.5,
    azimuth_deg: float = 0.0,
    tilt_deg: float = 0.0,
    first: bool = False,
) -> npt.NDArray[np.float64]:
    """Elements of a flat array.

    Parameters
    ----------
    horizontal, vertical : int
        Elements along y and along z, before the array is turned; neighbours along y follow each other in the result.
    spacing : float
        Of neighbours, in wavelengths.
    azimuth_deg, tilt_deg : float
        The array looks along x; it is tilted down by so much, and then turned from x towards y.
    first : bool
        Whether the device stands at the first element, as DeepMIMO has it, not at the centre, as Sionna RT has it.

    Returns
    -------
    numpy.ndarray
        Positions from the device in wavelengths, shape (horizontal * vertical, 3).
    """
    for name, value in (("horizontal", horizontal), ("vertical", vertical)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 1 <= value <= 2**12:
            raise InputError(name, value, "an integer from 1 to 4096")
    if horizontal * vertical > 2**16:
        raise InputError("horizontal", f"{horizontal} by {vertical}", f"at most {2**16} elements in all")
    along_y, along_z = np.arange(horizontal) * spacing, np.arange(vertical) * spacing
    if not first:
        along_y, along_z = along_y - along_y.mean(), along_z - along_z.mean()
    flat = np.zeros((horizontal * vertical, 3))
    flat[:, 1], flat[:, 2] = np.tile(along_y, vertical), np.repeat(along_z, horizontal)
    turn, tilt = np.radians(azimuth_deg), np.radians(tilt_deg)
    about_y = np.array([[np.cos(tilt), 0, np.sin(tilt)], [0, 1, 0], [-np.sin(tilt), 0, np.cos(tilt)]])
    about_z = np.array([[np.cos(turn), -np.sin(turn), 0], [np.sin(turn), np.cos(turn), 0], [0, 0, 1]])
    return flat @ (about_z @ about_y).T


def elements_of(field: str, said: Any, count: int) -> list[npt.NDArray[np.float64]]:
    """Elements of each of so many devices.

    Parameters
    ----------
    said : int, str, array_like of shape (A, 3), list of these, or None
        So many in a line along y; "8x2" for :func:`panel` of 8 by 2; positions in wavelengths; one of these for each
        device; one antenna.
    """
    if isinstance(said, list | tuple) and all(isinstance(one, int | str) or np.ndim(one) == 2 for one in said):
        if len(said) != count:
            raise InputError(field, f"{len(said)} of them", f"one of all, or one of each of {count}")
        return [_elements(field, one) for one in said]
    return [_elements(field, 1 if said is None else said)] * count


def _elements(field: str, said: Any) -> npt.NDArray[np.float64]:
    allowed = (
        "a number of antennas, a text like 8x2, or positions in wavelengths (A, 3); or one of these for each device"
    )
    if isinstance(said, str):
        horizontal, _, vertical = said.lower().partition("x")
        if not (horizontal.isdecimal() and (vertical or "1").isdecimal()):
            raise InputError(field, said, allowed)
        return panel(int(horizontal), int(vertical or 1))
    if isinstance(said, int | np.integer) and not isinstance(said, bool):
        return panel(int(said))
    try:
        found = np.asarray(said, dtype=float)
    except (TypeError, ValueError) as fault:
        raise InputError(field, said, allowed) from fault
    if found.ndim != 2 or found.shape[1] != 3 or not len(found) or not np.all(np.isfinite(found)):
        raise InputError(field, f"shape {found.shape}", allowed)
    return found


def directions(azimuth_deg: npt.ArrayLike, zenith_deg: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Unit vectors (..., 3) from angles: azimuth from x towards y, the other from the zenith, so that 90 is level."""
    azimuth, zenith = np.radians(azimuth_deg), np.radians(zenith_deg)
    level = np.sin(zenith)
    return np.stack([level * np.cos(azimuth), level * np.sin(azimuth), np.cos(zenith)], axis=-1)


def phasors(direction: npt.NDArray[np.float64], elements: npt.NDArray[np.float64]) -> npt.NDArray[np.complex128]:
    """Phases (..., A) of elements (A, 3), in wavelengths, of a wave from or towards directions (..., 3)."""
    return np.exp(2j * np.pi * direction @ elements.T)


def response(
    coefficient: npt.NDArray[np.complex128],
    delay_s: npt.NDArray[np.float64],
    frequency_hz: npt.ArrayLike,
) -> npt.NDArray[np.complex128]:
    """Channels at frequencies: the sum over paths, on the last axis, of coefficients turned by their delays.

    Parameters
    ----------
    coefficient : array of shape (..., P)
        Zero where there is no path.
    delay_s : array that broadcasts against it
        Finite everywhere.
    frequency_hz : array of shape (S,)
        Absolute, or from the carrier where coefficients have the phase of the carrier. Double precision, since a phase
        here goes through thousands of turns.

    Returns
    -------
    array of shape (S, ...)
    """
    shape = (np.size(frequency_hz), *np.broadcast_shapes(coefficient.shape, delay_s.shape)[:-1])
    _memory.check("subcarrier_hz", shape, 16 * prod(shape))
    each = [np.sum(coefficient * np.exp(-2j * np.pi * f * delay_s), axis=-1) for f in np.atleast_1d(frequency_hz)]
    return np.stack(each)


def alignment(channels: npt.NDArray[np.complex128]) -> tuple[int, float]:
    """How many strong links channels (K, M, A, T) have, and how likely their phases lie so close together by chance.

    A link's phase is that at the centre of both arrays: of elements that lie opposite each other, the product has twice
    that phase, whatever the direction. The likelihood is that of the Rayleigh test (Zar, Biostatistical Analysis) or,
    for phases that all but coincide, the volume of such phases among all.
    """
    twice = np.sum(channels * channels[:, :, ::-1, ::-1], axis=(2, 3))
    power = np.sum(np.abs(channels) ** 2, axis=(2, 3))
    strong = (power > np.max(power, initial=0.0) * 10 ** (-STRONG_DB / 10)) & (np.abs(twice) > 0)
    n = int(np.sum(strong))
    if n < 2:
        return n, 1.0
    length = min(float(np.abs(np.sum(twice[strong] / np.abs(twice[strong])))), n)
    rayleigh = exp(sqrt(1 + 4 * n + 4 * (n**2 - length**2)) - (1 + 2 * n))
    if n - length > n / 10 or n > 100:
        return n, min(rayleigh, 1.0)
    half = (n - 1) / 2
    return n, min(rayleigh, sqrt(n) * ((n - length) / (2 * np.pi)) ** half / gamma(half + 1))
