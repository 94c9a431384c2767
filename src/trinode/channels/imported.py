"""Channels from outside, once they are read: one order of axes, one direction, and what there is to say of them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from math import sqrt
from typing import Any

import numpy as np
import numpy.typing as npt

from trinode._words import one_of
from trinode.channels.traced import TracedChannels
from trinode.errors import InputError

__all__ = ["AXES", "ChannelWarning", "Channels", "named_axes"]

AXES = ("subcarrier", "terminal", "ap", "ap_antenna", "terminal_antenna")
"""Every axis that channels may have, in trinode's order."""

LETTERS = dict(zip("SKMAT", AXES))
"""What the formats call them."""

SYSTEMS = {
    "latency": "terminal ap ap_antenna terminal_antenna",
    "threetier": "terminal ap ap_antenna terminal_antenna",
    "fairness": "subcarrier terminal ap ap_antenna",
    "energy": "terminal ap_antenna terminal_antenna",
    "region": "ap terminal ap_antenna",
}
"""The axes of each system's channel."""


class ChannelWarning(UserWarning):
    """Something about channels from outside that is probably not meant; its text begins with its name."""


@dataclass(frozen=True, eq=False)
class Channels:
    """Channels between terminals and access points, as :func:`trinode.channels.read` hands them out.

    Attributes
    ----------
    array : numpy.ndarray
        Uplink amplitudes, ``received = array @ transmitted``, shape (S, K, M, A, T), complex128, whatever order and
        direction they came in; the physical downlink is the transpose, not conjugated. S is 1 for one carrier. An
        antenna that an access point has less than others is a row of zeros at the end, and a blocked link is zero.
    carrier_hz, bandwidth_hz : float or None
        Where known.
    subcarrier_hz : numpy.ndarray or None
        Each subcarrier's distance from the carrier, shape (S,); None where only one carrier is known.
    terminal_position_m, ap_position_m : numpy.ndarray or None
        Shapes (K, 2 or 3) and (M, 2 or 3), where known.
    relative_to_noise : bool
        Whether amplitudes are over the square root of the noise of an antenna (so that the noise is 1), not bare gains.
    terminal_channel : numpy.ndarray or None
        From terminals to radar arrays of terminals, shape (K, K, R, T), indexed [hears, transmits], where known.
    source : str
        Where they came from, for people.
    warnings : tuple of (str, str)
        Name and text of everything that looks wrong; each was warned of as a :class:`ChannelWarning`, unless silenced.
    notes : tuple of str
        What was done on the way in that one may want to know: widened, padded, averaged.
    """

    array: npt.NDArray[np.complex128]
    carrier_hz: float | None = None
    bandwidth_hz: float | None = None
    subcarrier_hz: npt.NDArray[np.float64] | None = None
    terminal_position_m: npt.NDArray[np.float64] | None = None
    ap_position_m: npt.NDArray[np.float64] | None = None
    relative_to_noise: bool = False
    terminal_channel: npt.NDArray[np.complex128] | None = None
    source: str = ""
    warnings: tuple[tuple[str, str], ...] = field(default=())
    notes: tuple[str, ...] = field(default=())

    @property
    def axes(self) -> tuple[str, ...]:
        """Names of the axes of the array."""
        return AXES

    @property
    def sizes(self) -> dict[str, int]:
        """Length of each axis by its name."""
        return dict(zip(AXES, self.array.shape))

    def ordered(self, axes: str, **chosen: int) -> npt.NDArray[np.complex128]:
        """The array with its axes in another order.

        Parameters
        ----------
        axes : str
            Names of axes or, as in the formats, letters (S, K, M, A, T), apart by spaces.
        **chosen : int
            Which entry of an axis that is left out: ``terminal_antenna=0``. Not needed where there is one only.

        Raises
        ------
        InputError
            An axis is unknown, or left out with several entries and none chosen.
        """
        wanted = named_axes("axes", axes)
        index: list[int | slice] = [slice(None)] * len(AXES)
        for at, (name, size) in enumerate(self.sizes.items()):
            if name in wanted:
                continue
            entry = chosen.get(name, 0 if size == 1 else None)
            if entry is None or not 0 <= entry < size:
                raise InputError(name, f"{size} of them" if entry is None else entry, f"{name}=0 to {size - 1}")
            index[at] = entry
        left = [name for name in AXES if name in wanted]
        return self.array[tuple(index)].transpose([left.index(name) for name in wanted])

    def for_system(self, system: str, noise_w: float = 1.0, **chosen: int) -> npt.NDArray[np.complex128]:
        """The array as a system's file has it: ``uplink_channel``, or for region ``channel_estimate``.

        Parameters
        ----------
        noise_w : float
            Noise of an antenna in watt; only region's channels are over it, and only bare gains need it.
        **chosen : int
            As in :meth:`ordered`: ``ap=`` for energy, ``terminal_antenna=`` for fairness and region, ``subcarrier=``.
        """
        if system not in SYSTEMS:
            raise InputError("system", system, one_of(system, SYSTEMS))
        array = self.ordered(SYSTEMS[system], **chosen)
        if system != "region":
            return array
        # region hears conj(h) . x in the downlink, which is the transpose of the uplink
        return array.conj() / (1.0 if self.relative_to_noise else sqrt(noise_w))

    def traced(self, radar_antennas: int = 1) -> TracedChannels:
        """The same as :func:`trinode.from_channels` takes them; needs positions, a carrier, and one subcarrier.

        Parameters
        ----------
        radar_antennas : int
            R where no channels between terminals are known; those are then zero: no terminal disturbs another's echo.
        """
        missing = [
            name for name in ("carrier_hz", "terminal_position_m", "ap_position_m") if getattr(self, name) is None
        ]
        if missing:
            raise InputError(missing[0], "nothing (not known)", f"{missing[0]}= when the channels are read")
        if self.relative_to_noise:
            raise InputError("unit", "noise", "amplitudes that are not over the noise, whose power is drawn")
        uplink = self.ordered("terminal ap ap_antenna terminal_antenna")
        between = self.terminal_channel
        if between is None:
            between = np.zeros((len(uplink), len(uplink), radar_antennas, uplink.shape[-1]), dtype=complex)
        known: Any = (self.terminal_position_m, self.ap_position_m, self.carrier_hz)
        return TracedChannels(uplink.copy(), between, *known)

    def replace(self, **fields: Any) -> Channels:
        """The same with other fields.

        Parameters
        ----------
        **fields
            By their names.
        """
        return dataclasses.replace(self, **fields)


def named_axes(field: str, text: str) -> tuple[str, ...]:
    """Names of axes from a text of names or letters.

    Raises
    ------
    InputError
        A name is unknown or there twice.
    """
    allowed = f"some of {', '.join(AXES)}, or of {' '.join(LETTERS)}, apart by spaces"
    names = tuple(LETTERS.get(word, word) for word in str(text).replace(",", " ").split())
    if not names or len(set(names)) < len(names) or not set(names) <= set(AXES):
        raise InputError(field, text, allowed)
    return names
