"""Tracks through a scene: channels of a ray tracer along the way of the terminals, frame after frame, in a file."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from trinode import api
from trinode.channels.files import Field, read_file, write_file
from trinode.channels.traced import SCHEMA, TracedChannels, check_channels
from trinode.errors import InputError

FRAMES = ("uplink_channel", "terminal_channel", "terminal_position_m")
"""What changes from frame to frame."""
TRACK_SCHEMA: dict[str, Field] = {
    **{name: Field(one.kind, ("N", *one.dims), one.sign, one.unit) for name, one in SCHEMA.items() if name in FRAMES},
    **{name: one for name, one in SCHEMA.items() if name not in FRAMES},
    "time_s": Field("float", ("N",), unit="s"),
}
"""Arrays of a track file, ``trinode/track/1``: those of traced channels with an axis of frames, and their times."""


@dataclass(frozen=True, eq=False)
class Track:
    """Frames of one scene and when each begins, s, in order.

    Attributes
    ----------
    frames : tuple of TracedChannels
        Of the same access points and sizes.
    time_s : (N,)
        Rising.
    """

    frames: tuple[TracedChannels, ...]
    time_s: np.ndarray


def write_track(path: str | Path, frames: Sequence[TracedChannels], time_s: Any) -> None:
    """Write a track file.

    Parameters
    ----------
    frames : sequence of TracedChannels
        Of the same access points and sizes.
    time_s : (N,)
        When each begins, s, rising.
    """
    for one in frames:
        check_channels(one)
    times = _times(time_s, len(frames))
    arrays = {name: np.stack([getattr(one, name) for one in frames]) for name in FRAMES}
    arrays |= {name: np.asarray(getattr(frames[0], name)) for name in SCHEMA if name not in FRAMES}
    write_file(path, "track", TRACK_SCHEMA, arrays | {"time_s": times})


def read_track(path: str | Path) -> Track:
    """Read a track file.

    Parameters
    ----------
    path : str or Path
        An ``.npz`` file of :func:`write_track`.

    Returns
    -------
    Track

    Raises
    ------
    FileFormatError
        It is none.
    """
    arrays = read_file(path, "track", TRACK_SCHEMA)
    times = _times(arrays["time_s"], len(arrays["time_s"]))
    still: dict[str, Any] = {name: arrays[name] for name in SCHEMA if name not in FRAMES}
    still["carrier_hz"] = float(still["carrier_hz"])
    frames = [TracedChannels(**{name: arrays[name][n] for name in FRAMES}, **still) for n in range(len(times))]
    for one in frames:
        check_channels(one)
    return Track(tuple(frames), times)


def along(
    track: Track, slots: int, *, system: str = "latency", slot_s: float = 0.01, seed: int = 0, **params: Any
) -> Iterator[Any]:
    """Networks of so many slots along a track: each slot sees the last frame that has begun.

    What channels leave open, tasks and targets, is drawn from ``seed`` once and stays.

    Parameters
    ----------
    track : Track
        Of :func:`read_track`.
    slots : int
        How many.
    system : str
        Name of a system.
    slot_s : float
        Length of a slot, s.
    seed : int
        Of what channels leave open.
    **params
        As :func:`trinode.from_channels` takes them.

    Yields
    ------
    Scenario
    """
    held, made = -1, None
    for slot in range(slots):
        frame = max(int(np.searchsorted(track.time_s, track.time_s[0] + slot * slot_s + 1e-12, "right")) - 1, 0)
        if frame != held:
            held, made = frame, api.from_channels(track.frames[frame], system, seed, **params)
        yield made


def _times(time_s: Any, count: int) -> np.ndarray:
    times = np.asarray(time_s, float)
    if times.shape != (count,) or not count or not np.all(np.diff(times) > 0):
        raise InputError("time_s", time_s, f"{count} rising times, s, one for each frame")
    return times
