"""Ray-traced channels that ship with trinode; needs no ray tracer."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from numbers import Integral
from typing import Any

import numpy as np
import numpy.typing as npt

from trinode._words import one_of
from trinode.channels.traced import TracedChannels
from trinode.errors import InputError

__all__ = ["bundled_metadata", "bundled_names", "layout_count", "load_bundled"]

_NAMES = ("munich", "florence")


def bundled_names() -> tuple[str, ...]:
    """Return the names of the data sets that ship with trinode.

    Returns
    -------
    tuple of str
        Names that `load_bundled` accepts.
    """
    return _NAMES


@lru_cache(maxsize=len(_NAMES))
def _arrays(name: str) -> dict[str, npt.NDArray[Any]]:
    """Read a data set once; the caller must not change its arrays."""
    if name not in _NAMES:
        raise InputError("name", name, one_of(name, _NAMES))
    source = files("trinode.channels") / "data" / f"{name}.npz"
    with source.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
        return {key: stored[key] for key in stored.files}


def bundled_metadata(name: str) -> dict[str, Any]:
    """Return how a data set was made.

    Parameters
    ----------
    name : str
        One of `bundled_names`.

    Returns
    -------
    dict
        Scene, source and licence of the buildings, versions, seed and settings
        of the ray tracer, and under ``"sha256"`` the hash of each array's bytes
        in C order.

    Raises
    ------
    InputError
        There is no such data set.
    """
    return json.loads(_arrays(name)["metadata"].item())


def layout_count(name: str) -> int:
    """Return the number of layouts in a data set.

    Parameters
    ----------
    name : str
        One of `bundled_names`.

    Returns
    -------
    int
        Number of layouts.

    Raises
    ------
    InputError
        There is no such data set.
    """
    return len(_arrays(name)["ap_position_m"])


def load_bundled(name: str, layout: int) -> TracedChannels:
    """Return one layout of a data set.

    In ``"munich"`` each layout has 6 access points at 25 m with 8 antennas and
    6 terminals at 1.5 m with 8 transmit and 8 radar antennas, in a square of
    200 m in the centre of Munich, at 3.5 GHz. All arrays lie along the y axis,
    half a wavelength apart. Layouts were redrawn until each terminal reached at
    least 3 access points, or at least 1 in the last two layouts.

    In ``"florence"`` each layout has 5 access points with 6 antennas, on lamp posts at 6 m and 5 m above the edges of
    roofs, and 7 terminals at 1.5 m with 4 transmit and 8 radar antennas, in squares of 150 to 400 m, at 3.5 GHz.
    Nothing was redrawn: many links are blocked or nearly so, and some terminals reach no access point at all.

    Parameters
    ----------
    name : str
        One of `bundled_names`.
    layout : int
        Which layout, from 0 to ``layout_count(name) - 1``.

    Returns
    -------
    TracedChannels
        The channels, in double precision but with the accuracy of the single
        precision they are stored in, and the walls of all layouts' area.

    Raises
    ------
    InputError
        There is no such data set or layout.
    """
    arrays = _arrays(name)
    count = layout_count(name)
    is_integer = isinstance(layout, Integral) and not isinstance(layout, bool)
    if not is_integer or not 0 <= layout < count:
        raise InputError("layout", layout, f"an integer from 0 to {count - 1}")
    return TracedChannels(
        uplink_channel=arrays["uplink_channel"][layout].astype(np.complex128),
        terminal_channel=arrays["terminal_channel"][layout].astype(np.complex128),
        terminal_position_m=arrays["terminal_position_m"][layout].copy(),
        ap_position_m=arrays["ap_position_m"][layout].copy(),
        carrier_hz=float(arrays["carrier_hz"]),
        building_lines=arrays["building_lines"].copy(),
    )
