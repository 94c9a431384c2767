"""What a look at a network or at channels goes by: arrays in one order of axes, and what follows from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from trinode.channels.files import Field, Schema
from trinode.channels.traced import SCHEMA
from trinode.errors import InputError

ORDER = "SKMAT"
"""Axes of channels here: subcarriers, terminals, access points, their antennas, antennas of terminals."""
CHANNELS = ("uplink_channel", "channel_estimate")
"""Names of channels between terminals and access points; the second is of the downlink, ``conj(h) . x``."""


@dataclass(frozen=True, eq=False)
class Seen:
    """Arrays of a network or of channels.

    Attributes
    ----------
    channel : (S, K, M, A, T) complex
        Uplink amplitudes.
    arrays : mapping
        All arrays there are, by their names in files.
    over_noise : bool
        Whether amplitudes are over the root of the noise.
    filled : mapping
        Arrays that were left open, and where they came from.
    lines : bool
        Whether antennas of access points are stated to lie along y, the first at the smallest y.
    """

    channel: npt.NDArray[np.complex128]
    arrays: Mapping[str, np.ndarray]
    over_noise: bool = False
    filled: Mapping[str, str] = field(default_factory=dict)
    lines: bool = False

    @property
    def letters(self) -> dict[str, int]:
        """Sizes by letter."""
        return dict(zip(ORDER, self.channel.shape))

    def get(self, *names: str) -> npt.NDArray[np.float64] | None:
        """The first array that is there of these."""
        found = next((self.arrays[name] for name in names if name in self.arrays), None)
        return None if found is None else np.asarray(found, dtype=float)

    @cached_property
    def gain(self) -> npt.NDArray[np.float64]:
        """Power gain of each link between two antennas, their mean, (K, M)."""
        return np.mean(np.abs(self.channel) ** 2, axis=(0, 3, 4))

    @cached_property
    def linked(self) -> npt.NDArray[np.bool_]:
        """Links that are not blocked, (K, M)."""
        return self.gain > 0

    @cached_property
    def strongest(self) -> npt.NDArray[np.float64]:
        """Gain of the strongest link of each terminal that has one."""
        return self.gain.max(axis=1)[self.linked.any(axis=1)]

    @cached_property
    def carrier_hz(self) -> float | None:
        """Where known."""
        found = self.get("carrier_hz")
        return None if found is None else float(found)

    @cached_property
    def distance_m(self) -> npt.NDArray[np.float64] | None:
        """From terminals to access points, (K, M), where positions are known and of one kind."""
        terminal, ap = self.get("terminal_position_m"), self.get("ap_position_m")
        if terminal is None or ap is None or terminal.shape[1] != ap.shape[1] or len(ap) != self.channel.shape[2]:
            return None
        return np.linalg.norm(terminal[:, None] - ap[None], axis=-1)

    @cached_property
    def snr(self) -> npt.NDArray[np.float64] | None:
        """SNR of each link at full power, from one antenna to another, (K, M); None where power or noise is open."""
        if self.over_noise:
            return self.gain
        relative = self.get("ap_power")  # of the region system: over the noise
        if relative is not None:
            return relative[None] * self.gain
        power, noise = self.get("terminal_max_power_w"), self.get("ap_noise_w")
        if power is None or noise is None:
            return None
        return power.reshape(-1, 1) * self.gain / noise.reshape(1, -1)


def seen(thing: Any, schema: Schema | None = None) -> Seen:
    """Arrays of a network, whose schema is given, or of channels from outside.

    Raises
    ------
    InputError
        There is no channel in it, with an axis of terminals, and antennas on the others.
    """
    filled = getattr(thing, "filled", {})
    if schema is None and hasattr(thing, "relative_to_noise"):  # what trinode.channels.read hands out
        names = ("carrier_hz", "terminal_position_m", "ap_position_m", "terminal_channel")
        arrays = {name: getattr(thing, name) for name in names if getattr(thing, name) is not None}
        return Seen(np.asarray(thing.array), arrays, thing.relative_to_noise, lines=True)
    lines, schema = schema is None, SCHEMA if schema is None else schema
    there = {name: getattr(thing, name, None) for name in schema}
    arrays = {name: np.asarray(value) for name, value in there.items() if value is not None}
    name = _channel_of(schema, arrays)
    dims, channel = list(schema[name].dims), arrays[name]
    for letter in ORDER:
        if letter not in dims:
            channel, dims = channel[None], [letter, *dims]
    channel = channel.transpose([dims.index(letter) for letter in ORDER])
    return Seen(channel.conj() if name == "channel_estimate" else channel, arrays, filled=filled, lines=lines)


def _channel_of(schema: Schema, arrays: Mapping[str, np.ndarray]) -> str:
    """The array that holds the channels of terminals."""

    def fits(field: Field) -> bool:
        known = len(set(field.dims)) == len(field.dims) and set(field.dims) <= set(ORDER)
        return field.kind == "complex" and known and "K" in field.dims and "A" in field.dims

    names = [name for name in (*CHANNELS, *arrays) if name in arrays and fits(schema[name])]
    if not names:
        raise InputError("channel", "none", "a network or channels with an array of terminals and antennas (K, A)")
    return names[0]
