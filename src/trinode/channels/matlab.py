"""Arrays of ``.mat`` files, looked at before they are unpacked: version 5 (also 6 and 7) here, 7.3 through h5py.

Numbers and texts only. Cells, structs, sparse matrices and MATLAB's objects are no arrays. Written after "MAT-File
Format" (MathWorks); nothing that a file says of its size is believed before the bytes are there.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from math import prod
from pathlib import Path
from struct import Struct
from typing import Any

import numpy as np

from trinode import _memory
from trinode.channels.archive import Header
from trinode.errors import MissingExtraError

__all__ = ["is_hdf5", "is_version_5", "read_hdf5", "read_version_5"]

_COMPRESSED, _MATRIX = 15, 14
_STORED = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_TEXTS = {16: "u1", 17: "u2", 18: "u4"}
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8", 15: "u8"}
_CHAR = 4
_OTHERS = {1: "a cell", 2: "a struct", 3: "an object", 5: "a sparse matrix", 16: "a function", 17: "an object"}
_COMPLEX = 0x0800
_LONGEST_NAME, _MOST_AXES = 4096, 32
_HEAD = 2**16
"""Bytes of a variable that surely hold its head."""
_SIGNATURE = b"\x89HDF\r\n\x1a\n"

Loader = Callable[[], np.ndarray]


def is_version_5(path: Path) -> bool:
    """Whether a file begins like one of version 5."""
    with open(path, "rb") as file:
        return file.read(128)[124:] in (b"\x00\x01IM", b"\x01\x00MI")


def is_hdf5(path: Path) -> bool:
    """Whether a file is HDF5, also behind the 512 bytes that MATLAB puts before it."""
    with open(path, "rb") as file:
        begin = file.read(520)
    return begin[:8] == _SIGNATURE or begin[512:] == _SIGNATURE


def read_version_5(path: Path) -> dict[str, tuple[Header, Loader]]:
    """What each variable is, and how to get it.

    Raises
    ------
    ValueError
        The file is damaged.
    """
    found: dict[str, tuple[Header, Loader]] = {}
    size = path.stat().st_size
    with open(path, "rb") as file:
        order = "<" if file.read(128)[126:] == b"IM" else ">"
    at = 128
    while at < size:
        data, length = _variable(path, at, order, _HEAD)
        name, header, _ = _head(data, order)
        if name in found:
            raise ValueError(f"two variables are named {name}")
        found[name] = header, lambda at=at: _values(_variable(path, at, order)[0], order)
        at += length
    return found


def _variable(path: Path, at: int, order: str, most: int | None = None) -> tuple[_Bytes, int]:
    """The bytes of a variable from a place on, or as many of them, and how long it is in the file."""
    with open(path, "rb") as file:
        file.seek(at)
        kind, length = _unpack(Struct(order + "II"), begin := file.read(8))
        if kind not in (_COMPRESSED, _MATRIX) or at + 8 + length > path.stat().st_size:
            raise ValueError("a variable is damaged")
        data = file.read(length if most is None else min(length, most))
    return _Bytes(data if kind == _COMPRESSED else begin + data, kind == _COMPRESSED), 8 + length


class _Bytes:
    """Bytes one after the other, inflated only as far as they are asked for."""

    def __init__(self, data: bytes, compressed: bool):
        self._rest, self._inflate = data, zlib.decompressobj() if compressed else None

    def read(self, count: int) -> bytes:
        if self._inflate is None:
            part, self._rest = self._rest[:count], self._rest[count:]
        else:
            part = b""
            while len(part) < count and self._rest and not self._inflate.eof:
                part += self._inflate.decompress(self._rest, count - len(part))
                self._rest = self._inflate.unconsumed_tail
        if len(part) < count:
            raise ValueError("a variable is shorter than it says")
        return part

    def element(self, order: str, longest: int) -> tuple[int, bytes]:
        """Type and bytes of the next element, which is at most so long."""
        first, second = _unpack(Struct(order + "II"), begin := self.read(8))
        if first >> 16:  # a short one, in its own tag
            kind, length = first & 0xFFFF, first >> 16
            return kind, begin[4 : 4 + min(length, 4)]
        if second > longest:
            raise ValueError("a variable is longer than it says")
        data = self.read(second)
        self.read(-second % 8)
        return first, data


def _unpack(form: Struct, data: bytes) -> tuple[Any, ...]:
    if len(data) != form.size:
        raise ValueError("it ends too early")
    return form.unpack(data)


def _head(data: _Bytes, order: str) -> tuple[str, Header, bool]:
    """Name and form of a variable, and whether it is complex."""
    kind, _ = _unpack(Struct(order + "II"), data.read(8))
    if kind != _MATRIX:
        raise ValueError("a variable is damaged")
    flags, _ = _unpack(Struct(order + "II"), data.element(order, 8)[1])
    dims = data.element(order, 4 * _MOST_AXES)[1]
    shape = tuple(int(size) for size in np.frombuffer(dims, f"{order}i4"))
    name = data.element(order, _LONGEST_NAME)[1].decode("ascii")
    if len(shape) < 2 or min(shape) < 0:
        raise ValueError(f"{name} is of no shape")
    number = flags & 0xFF
    if number in _OTHERS:
        return name, Header(np.dtype(object), shape), False
    if number == _CHAR:
        return name, Header(np.dtype(f"U{min(prod(shape), _LONGEST_NAME)}"), ()), False
    if number not in _CLASSES:
        raise ValueError(f"{name} is of no known class")
    plain = np.dtype(_CLASSES[number])
    return (
        name,
        Header(np.result_type(plain, np.complex64) if flags & _COMPLEX else plain, shape),
        bool(flags & _COMPLEX),
    )


def _values(data: _Bytes, order: str) -> np.ndarray:
    name, header, is_complex = _head(data, order)
    if header.dtype.kind == "U":
        kind, text = data.element(order, 4 * _LONGEST_NAME)
        return np.asarray("".join(map(chr, np.frombuffer(text, order + (_STORED | _TEXTS)[kind]))))
    parts = [_part(data, order, name, header.count) for _ in range(1 + is_complex)]
    array = np.empty(header.count, header.dtype)
    if is_complex:
        array.real, array.imag = parts
    else:
        array[:] = parts[0]
    return array.reshape(header.shape, order="F")


def _part(data: _Bytes, order: str, name: str, count: int) -> np.ndarray:
    kind, stored = data.element(order, 8 * count)
    if kind not in _STORED:
        raise ValueError(f"{name} holds no numbers")
    array = np.frombuffer(stored, order + _STORED[kind])
    if len(array) != count:
        raise ValueError(f"{name} is not as long as it says")
    return array


def read_hdf5(path: Path) -> dict[str, tuple[Header, Loader]]:
    """The same of version 7.3: axes turned round as MATLAB counts them, where MATLAB wrote the file.

    Raises
    ------
    MissingExtraError
        h5py is not there.
    """
    try:
        import h5py  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        raise MissingExtraError("h5py", "mat") from error

    found: dict[str, tuple[Header, Loader]] = {}
    with h5py.File(path, "r") as file:
        for name in map(str, file):
            if name.startswith("#"):  # where MATLAB keeps the insides of cells
                continue
            link = file.get(name, getlink=True)
            thing = file[name] if isinstance(link, h5py.HardLink) else None
            whole = isinstance(thing, h5py.Dataset) and not thing.is_virtual and not thing.external
            header = _form(thing) if whole else Header(np.dtype(object), ())
            found[name] = header, lambda name=name: _stored(h5py, path, name)
    return found


def _form(dataset: Any) -> Header:
    kind = dataset.attrs.get("MATLAB_class", b"")
    if dataset.chunks:  # one of them is unpacked whole
        _memory.check(f"{dataset.name}: chunks", dataset.chunks, prod(dataset.chunks) * dataset.dtype.itemsize)
    if kind == b"char":
        return Header(np.dtype(f"U{min(dataset.size or 0, _LONGEST_NAME)}"), ())
    dtype = dataset.dtype
    if dtype.names == ("real", "imag"):
        dtype = np.result_type(dtype["real"], dtype["imag"], np.complex64)
    if dtype.names or dtype.kind not in "cfiubSU":
        return Header(np.dtype(object), ())
    return Header(dtype, tuple(dataset.shape or ())[:: -1 if kind else 1])


def _stored(h5py: Any, path: Path, name: str) -> np.ndarray:
    with h5py.File(path, "r") as file:
        dataset = file[name]
        kind = dataset.attrs.get("MATLAB_class", b"")
        array = dataset[()]
        if kind == b"char":
            return np.asarray("".join(map(chr, array.reshape(-1)[:_LONGEST_NAME])))
        if array.dtype.names:
            array = array["real"] + 1j * array["imag"]
        return np.asarray(array).T if kind else np.asarray(array)
