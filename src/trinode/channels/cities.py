"""Ray-traced layouts of cities in a folder: one file a layout, as ``examples/make_cities.py`` makes them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from trinode._words import one_of
from trinode.channels.files import Field, read_file, write_file
from trinode.channels.traced import SCHEMA, TracedChannels, check_diagonal
from trinode.errors import FileFormatError, InputError

__all__ = ["LAYOUTS", "SCENES", "SIZES", "city_path", "load_city", "made_layouts", "save_city", "sizes_of"]

SCENES = ("etoile", "florence", "munich", "san_francisco")
LAYOUTS = 12
"""Of each scene."""
SIZES = (
    {"K": 4, "M": 6, "A": 16, "T": 4, "R": 6},
    {"K": 5, "M": 8, "A": 6, "T": 8, "R": 4},
    {"K": 6, "M": 4, "A": 12, "T": 4, "R": 8},
    {"K": 8, "M": 5, "A": 8, "T": 6, "R": 4},
    {"K": 10, "M": 10, "A": 4, "T": 4, "R": 6},
    {"K": 12, "M": 7, "A": 8, "T": 4, "R": 8},
)
"""Terminals, access points, and antennas of an access point, a terminal and its radar, in turn by the layout's number:
few sizes, each of which is compiled once, for all scenes."""

_KIND = "channels"
_FIELDS = SCHEMA | {"building_lines": Field("float", ("*", "2", "2"), unit="m"), "metadata": Field("text", ())}


def sizes_of(layout: int) -> Mapping[str, int]:
    """Sizes of a layout, by the letters of the file format."""
    return SIZES[layout % len(SIZES)]


def city_path(folder: str | Path, scene: str, layout: int) -> Path:
    """File of a layout."""
    return Path(folder) / f"{scene}-{layout:02d}.npz"


def made_layouts(folder: str | Path) -> list[tuple[str, int]]:
    """Scenes and numbers of the layouts that a folder has, in order.

    Raises
    ------
    InputError
        There is none.
    """
    every = [(scene, layout) for scene in SCENES for layout in range(LAYOUTS)]
    found = [one for one in every if city_path(folder, *one).is_file()]
    if not found:
        raise InputError("folder", folder, "a folder with layouts that examples/make_cities.py has made")
    return found


def save_city(path: str | Path, channels: TracedChannels, about: Mapping[str, Any]) -> None:
    """Write a layout, with the hash of its arrays; nobody sees a part of it.

    Parameters
    ----------
    path : path
        See :func:`city_path`.
    channels : TracedChannels
        With a map.
    about : mapping
        How they were made.
    """
    arrays = {name: getattr(channels, name) for name in _FIELDS if name != "metadata"}
    metadata = json.dumps({**about, "sha256": _hash(arrays)})
    write_file(path, _KIND, _FIELDS, {**arrays, "metadata": metadata})


def load_city(folder: str | Path, scene: str, layout: int) -> TracedChannels:
    """Channels of a layout.

    Parameters
    ----------
    folder : path
        Where ``examples/make_cities.py`` has put them.
    scene : str
        One of :data:`SCENES`.
    layout : int
        From 0 to ``LAYOUTS - 1``.

    Raises
    ------
    InputError
        There is no such layout, or it is of other sizes.
    FileFormatError
        The file is damaged: its hash is another.
    """
    if scene not in SCENES:
        raise InputError("scene", scene, one_of(scene, SCENES))
    path = city_path(folder, scene, layout)
    arrays = read_file(path, _KIND, _FIELDS)
    about = json.loads(str(arrays.pop("metadata")))
    if about["sha256"] != _hash(arrays):
        raise FileFormatError("file", path, "a file whose arrays have the hash that it states")
    check_diagonal(arrays["terminal_channel"])
    found = {letter: size for name in SCHEMA for letter, size in zip(SCHEMA[name].dims, arrays[name].shape)}
    if any(found[letter] != size for letter, size in sizes_of(layout).items()):
        raise InputError("layout", f"{path} of sizes {found}", f"sizes {dict(sizes_of(layout))}")
    return TracedChannels(
        **{name: arrays[name] for name in SCHEMA if name != "carrier_hz"},
        carrier_hz=float(arrays["carrier_hz"]),
        building_lines=arrays["building_lines"].astype(np.float32),
    )


def _hash(arrays: Mapping[str, Any]) -> str:
    """Of the numbers in double precision, by the order of names."""
    found = hashlib.sha256()
    for name in sorted(arrays):
        array = np.asarray(arrays[name])
        wide = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
        found.update(name.encode() + np.ascontiguousarray(wide).tobytes())
    return found.hexdigest()
