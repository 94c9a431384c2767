"""What the readers of formats are told and hand back, before :func:`trinode.channels.read` makes channels of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from trinode.channels.stores import Store, as_reals
from trinode.errors import InputError

__all__ = ["LINK", "Options", "Raw"]

LINK = ("rx", "rx_ant", "tx", "tx_ant")
"""Axes of a link in formats that know receivers and transmitters only."""

_IN_FILE = ("tau", "carrier_hz", "bandwidth_hz", "subcarrier_hz", "terminal_position_m", "ap_position_m", "noise_w")


@dataclass
class Options:
    """What a person said beside the source; texts are names of arrays in it, until :meth:`look_in`."""

    axes: str = ""
    name: str = ""
    tau: Any = None
    carrier_hz: Any = None
    bandwidth_hz: Any = None
    subcarrier_hz: Any = None
    snapshot: int | None = None
    terminal_position_m: Any = None
    ap_position_m: Any = None
    noise_w: Any = None
    uplink: bool = True
    more: Mapping[str, Any] = field(default_factory=dict)

    def look_in(self, store: Store | None) -> None:
        """Take the arrays that are named from the source."""
        for name in _IN_FILE:
            value = getattr(self, name)
            if isinstance(value, str):
                if store is None:
                    raise InputError(name, value, "a number or an array: the source has no names")
                setattr(self, name, store.array(value, name))

    def carrier(self, name: str) -> float:
        """One positive number that has to be known."""
        found = self.number(name)
        if found is None:
            raise InputError(name, "nothing", "the frequency in hertz that paths are turned by")
        return found

    def number(self, name: str) -> float | None:
        """One positive number."""
        value = getattr(self, name)
        if value is None:
            return None
        array = as_reals(name, value)
        if array.size != 1 or not array.reshape(())[()] > 0:
            raise InputError(name, value, "a number above 0")
        return float(array.reshape(()))

    def offsets(self) -> np.ndarray:
        """Distances of the subcarriers from the carrier; zero alone for one carrier."""
        if self.subcarrier_hz is None:
            return np.zeros(1)
        found = as_reals("subcarrier_hz", self.subcarrier_hz)
        if found.ndim != 1 or not len(found):
            raise InputError("subcarrier_hz", f"shape {found.shape}", "distances from the carrier in hertz, one axis")
        return found

    def snapshot_of(self, array: np.ndarray, axis: int) -> np.ndarray:
        """One point in time."""
        count = array.shape[axis]
        at = self.snapshot if self.snapshot is not None else (0 if count == 1 else None)
        if at is None or isinstance(at, bool) or not isinstance(at, int | np.integer) or not 0 <= at < count:
            raise InputError("snapshot", "nothing" if at is None else at, f"one of 0 to {count - 1}")
        return np.take(array, at, axis=axis)


@dataclass
class Raw:
    """An array with named axes, what came with it, and what there is to say."""

    array: np.ndarray = field(default_factory=lambda: np.zeros(0))
    axes: tuple[str, ...] = ()
    carrier_hz: float | None = None
    subcarrier_hz: Any = None
    rx_position_m: Any = None
    tx_position_m: Any = None
    notes: list[str] = field(default_factory=list)
    look_at: np.ndarray | None = None
    """What to look at for phases, with the axes of a link; the array itself where there is nothing better."""
    normalises: bool = False
    """Whether the source subtracts the first delay of every link unless told not to."""
    begins_at_zero: bool = False
    """Whether it did, as its delays say."""

    def precision(self, array: Any, what: str) -> None:
        """Say so where numbers are of single precision."""
        if np.asarray(array).dtype in (np.float32, np.complex64, np.float16):
            self.notes.append(f"{what} were in single precision and are widened")

    def delays(self, tau: np.ndarray, carrier_hz: float | None) -> None:
        """Say how exact phases are where delays are of single precision."""
        if tau.dtype == np.float32 and carrier_hz is not None and np.any(np.isfinite(tau)):
            turned = 2 * np.pi * carrier_hz * float(np.max(tau[np.isfinite(tau)])) * 2.0**-24
            self.notes.append(f"delays were in single precision: phases are good to {turned:.0e} rad")
