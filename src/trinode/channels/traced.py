"""Container for ray-traced channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from trinode.channels.files import Field, check_arrays
from trinode.errors import InputError

__all__ = ["SCHEMA", "TracedChannels", "check_channels", "check_diagonal"]

SCHEMA: dict[str, Field] = {
    "uplink_channel": Field("complex", ("K", "M", "A", "T")),
    "terminal_channel": Field("complex", ("K", "K", "R", "T")),
    "terminal_position_m": Field("float", ("K", "2|3"), unit="m"),
    "ap_position_m": Field("float", ("M", "2|3"), unit="m"),
    "carrier_hz": Field("float", (), "positive", "Hz"),
}
"""What channels from outside hold, beside walls for a map."""


@dataclass(frozen=True, eq=False)
class TracedChannels:
    """Narrowband channels of one layout, as a ray tracer found them.

    Every channel acts as ``received = channel @ transmitted`` and is a
    dimensionless amplitude gain, so that ``abs(channel) ** 2`` is a power
    gain. A link without any path is exactly zero. The time convention is
    ``exp(+2j pi f t)``, so a longer path has a more negative phase.

    Attributes
    ----------
    uplink_channel : numpy.ndarray
        Terminal k to access point m, shape (K, M, A, T), complex128.
    terminal_channel : numpy.ndarray
        Transmit array of terminal j to radar receive array of terminal k,
        shape (K, K, R, T), complex128, indexed [k, j]. The diagonal is zero:
        a terminal's coupling into itself is not a propagation path.
    terminal_position_m : numpy.ndarray
        Terminal positions in metres, shape (K, 3), float64.
    ap_position_m : numpy.ndarray
        Access point positions in metres, shape (M, 3), float64.
    carrier_hz : float
        Carrier frequency in hertz.
    building_lines : numpy.ndarray or None
        Wall segments for a map, shape (N, 2, 2), float32, in metres and
        indexed [segment, end, x or y]. None when there is no map.
    """

    uplink_channel: npt.NDArray[np.complex128]
    terminal_channel: npt.NDArray[np.complex128]
    terminal_position_m: npt.NDArray[np.float64]
    ap_position_m: npt.NDArray[np.float64]
    carrier_hz: float
    building_lines: npt.NDArray[np.float32] | None = None


def check_channels(channels: Any) -> tuple[dict[str, np.ndarray], dict[str, int]]:
    """Arrays of channels from outside and the sizes by their letters, checked like those of a file.

    Raises
    ------
    InputError
        Names the array, what it holds and what is allowed.
    """
    arrays = check_arrays(SCHEMA, {name: getattr(channels, name) for name in SCHEMA if hasattr(channels, name)})
    check_diagonal(arrays["terminal_channel"])
    return arrays, {letter: size for name in SCHEMA for letter, size in zip(SCHEMA[name].dims, arrays[name].shape)}


def check_diagonal(channel: Any) -> None:
    """Refuse channels (..., K, K, R, T) between terminals in which one hears itself.

    Raises
    ------
    InputError
        An entry at [k, k] is not zero.
    """
    if np.any(np.einsum("...kkrt->...krt", np.asarray(channel))):
        raise InputError("terminal_channel", "a diagonal that is not zero", "zeros at [k, k]")
