"""``.npz`` archives whose arrays are looked at before they are unpacked: a short file may stand for gigabytes."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np

_LONGEST_TEXT = 4000
_LONGEST_HEADER = 16_000
"""Bytes of an entry that are unpacked for its header, which may say of itself that it is gigabytes long."""
_PACKED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How NumPy packs; other ways unpack gigabytes for a few bytes that are asked for."""
_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


@dataclass(frozen=True)
class Header:
    """What an archive says of one of its arrays: type and shape."""

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def count(self) -> int:
        """Entries."""
        return prod(self.shape)


def headers(path: Path) -> dict[str, Header]:
    """Type and shape of every array; nothing else is unpacked.

    Raises
    ------
    ValueError
        The archive holds something else, an array of Python objects, a name twice, or less or more than it says, or is
        packed in another way than NumPy's.
    """
    found: dict[str, Header] = {}
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            name = entry.filename.removesuffix(".npy")
            if name == entry.filename:
                raise ValueError(f"{name} in it is no array")
            if name in found:
                raise ValueError(f"two arrays in it are named {name}")
            if entry.compress_type not in _PACKED:
                raise ValueError(f"{name} in it is not packed as NumPy does it")
            with archive.open(entry) as packed:
                file = io.BytesIO(packed.read(_LONGEST_HEADER))
            found[name] = header(file, name)
            begins = file.tell()
            if entry.file_size != begins + found[name].count * found[name].dtype.itemsize:
                raise ValueError(f"{name} in it is not as long as it says")
    return found


def header(file: IO[bytes], name: str) -> Header:
    """What an ``.npy`` stream says of its array.

    Raises
    ------
    ValueError
        It is of another format, or holds Python objects.
    """
    version = np.lib.format.read_magic(file)
    if version not in _READERS:
        raise ValueError(f"{name} in it is of an unknown version")
    shape, _, dtype = _READERS[version](file)
    if dtype.hasobject:
        raise ValueError(f"{name} in it holds Python objects")
    return Header(dtype, shape)


def text(path: Path, name: str, header: Header | None) -> str:
    """A short text of an archive; empty where it is none."""
    if header is None or header.shape != () or header.dtype.kind not in "US" or header.dtype.itemsize > _LONGEST_TEXT:
        return ""
    return str(arrays(path, [name])[name])


def arrays(path: Path, names: Any) -> dict[str, np.ndarray]:
    """Arrays of an archive."""
    with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as archive:
        return {name: archive[name] for name in names}
