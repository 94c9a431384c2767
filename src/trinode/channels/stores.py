"""Named arrays of any file or mapping, each looked at before it is unpacked. No Python object is ever unpacked."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import numpy as np

from trinode import _memory
from trinode._words import one_of
from trinode.channels import archive, matlab
from trinode.channels.archive import Header
from trinode.channels.files import LARGEST, why
from trinode.errors import FileFormatError, InputError, MissingExtraError

__all__ = ["Store", "amplitude", "as_array", "as_numbers", "as_path", "as_reals"]

_FORMATS = "an .npy, .npz or .mat file of numbers"


class Store:
    """Named arrays: of an ``.npz``, ``.npy``, ``.mat`` or HDF5 file, or of a mapping."""

    def __init__(self, source: Any):
        self.name = "the mapping" if isinstance(source, Mapping) else as_path(source).name
        self.is_matlab = False
        if isinstance(source, Mapping):
            given = {str(name): as_array(str(name), value) for name, value in source.items()}
            self._arrays = {key: (_header(array), lambda array=array: array) for key, array in given.items()}
            return
        path = as_path(source)
        if not path.is_file():
            raise FileFormatError("source", path, f"an existing file: {_FORMATS}")
        try:
            self._arrays = self._open(path)
        except MissingExtraError:
            raise
        except Exception as fault:  # a damaged file fails in many ways that share no base class
            text = why(path, fault) if is_zipfile(path) else str(fault)
            raise FileFormatError("source", f"{path} ({text})", f"{_FORMATS}, whole") from fault

    def _open(self, path: Path) -> dict[str, tuple[Header, Callable[[], np.ndarray]]]:
        with open(path, "rb") as file:
            begin = file.read(6)
        if begin == b"\x93NUMPY":
            return {"array": (_npy_header(path), lambda: np.load(path, allow_pickle=False))}
        if is_zipfile(path):
            headers = archive.headers(path)
            return {key: (headers[key], lambda key=key: archive.arrays(path, [key])[key]) for key in headers}
        if matlab.is_version_5(path):
            self.is_matlab = True
            return matlab.read_version_5(path)
        if matlab.is_hdf5(path):
            self.is_matlab = True
            return matlab.read_hdf5(path)
        raise ValueError("none of these")

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    @property
    def numeric(self) -> list[str]:
        """Names of what holds numbers."""
        return [name for name, (header, _) in self._arrays.items() if header.dtype.kind in "cfiu"]

    def only(self, field: str, name: str) -> str:
        """The name, or where none is given that of the only array, or of the only one with two axes or more.

        Raises
        ------
        InputError
            There is none, or there are several.
        """
        if name:
            return name
        large = [key for key in self.numeric if sum(size != 1 for size in self._arrays[key][0].shape) > 1]
        large = self.numeric if len(self.numeric) == 1 else large
        if len(large) != 1:
            raise InputError(field, f"nothing, and {self.name} holds several", one_of("", self.numeric or ["none"]))
        return large[0]

    def array(self, name: str, field: str = "") -> np.ndarray:
        """Numbers by their name.

        Raises
        ------
        InputError
            There are none of that name, they are no numbers, or more than there is memory for.
        """
        if name not in self._arrays:
            raise InputError(field or "name", name, one_of(name, self.numeric))
        header, load = self._arrays[name]
        if header.dtype.kind not in "cfiu":
            is_object = header.dtype.hasobject
            got = "objects, cells or structs, which are never unpacked" if is_object else f"dtype {header.dtype}"
            raise InputError(f"{self.name}: {name}", got, "an array of numbers")
        _memory.check(f"{self.name}: {name}", header.shape, header.count * max(16, header.dtype.itemsize))
        array = self._load(name, load)
        if array.dtype != header.dtype or array.shape != header.shape:
            raise FileFormatError(f"{self.name}: {name}", "another array than it says", f"{_FORMATS}, whole")
        return array

    def text(self, name: str) -> str:
        """A text by its name; empty where there is none."""
        header, load = self._arrays.get(name, (Header(np.dtype(float), ()), None))
        if load is None or header.dtype.kind not in "US" or header.dtype.itemsize > 4 * 4096:
            return ""
        return str(self._load(name, load).reshape(-1)[:1].tolist()[0] if header.count else "")

    def _load(self, name: str, load: Callable[[], np.ndarray]) -> np.ndarray:
        try:
            return load()
        except Exception as fault:
            raise FileFormatError(f"{self.name}: {name}", str(fault), f"{_FORMATS}, whole") from fault


def as_path(source: Any) -> Path:
    """A path.

    Raises
    ------
    InputError
        It is something else.
    """
    if not isinstance(source, str | Path):
        raise InputError("source", f"a {type(source).__name__}", "a path, or an object of this kind")
    return Path(source)


def as_array(field: str, value: Any) -> np.ndarray:
    """What NumPy makes an array of.

    Raises
    ------
    InputError
        Nothing, or something whose rows differ in length.
    """
    try:
        return np.asarray(value)
    except (TypeError, ValueError) as fault:
        raise InputError(field, f"a {type(value).__name__} ({fault})", "an array of numbers") from fault


def as_numbers(field: str, value: Any, nan: bool = False) -> np.ndarray:
    """Real or complex numbers in double precision.

    Raises
    ------
    InputError
        It holds something else, NaN or infinity, or what no quantity of a network is.
    """
    array = as_array(field, value)
    if array.dtype.kind not in "cfiu":
        raise InputError(field, f"dtype {array.dtype}", "numbers")
    array = array.astype(np.complex128 if array.dtype.kind == "c" else np.float64)
    if not nan and not np.all(np.isfinite(array)):
        raise InputError(field, "NaN or infinity", "finite numbers")
    if np.any(np.abs(array[np.isfinite(array)]) > LARGEST):
        raise InputError(field, "a number beyond it", f"numbers of at most {LARGEST:g} in magnitude")
    return array


def as_reals(field: str, value: Any, nan: bool = False) -> np.ndarray:
    """The same of real numbers alone."""
    if as_array(field, value).dtype.kind == "c":
        raise InputError(field, "complex numbers", "real numbers")
    return as_numbers(field, value, nan)


def amplitude(field: str, gain_db: np.ndarray) -> np.ndarray:
    """Amplitudes of power gains in dB.

    Raises
    ------
    InputError
        A gain is beyond all bounds.
    """
    if np.max(gain_db, initial=0.0) > 20 * np.log10(LARGEST):
        raise InputError(field, f"{np.max(gain_db):g} dB", "power gains in dB")
    return 10.0 ** (gain_db / 20)


def _header(array: np.ndarray) -> Header:
    return Header(array.dtype, array.shape)


def _npy_header(path: Path) -> Header:
    """What an ``.npy`` file says of its array, which is as long as it says."""
    with open(path, "rb") as file:
        header = archive.header(file, path.name)
        begins = file.tell()
    if path.stat().st_size != begins + header.count * header.dtype.itemsize:
        raise ValueError("it is not as long as it says")
    return header
