"""Scenario and solution files: one ``.npz`` a network or a decision, every array by name, shape and unit."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from zipfile import is_zipfile

import numpy as np

from trinode._words import one_of
from trinode.errors import FileFormatError, InputError

Kind = Literal["complex", "float", "bool", "int", "text"]
Sign = Literal["any", "nonnegative", "positive"]

LARGEST = 1e60
"""Numbers beyond it are no quantity of a network, and their products would not be finite."""

_DTYPES = {"complex": np.complex128, "float": np.float64, "bool": np.bool_, "int": np.int64}


@dataclass(frozen=True)
class Field:
    """One named array of a file.

    Parameters
    ----------
    kind : {"complex", "float", "bool", "int", "text"}
        What the entries are.
    dims : tuple of str
        A letter per axis (``K``, ``M``, ...); equal letters must have equal lengths. A digit choice such as
        ``"2|3"`` fixes the length. ``"*"`` is free.
    sign : {"any", "nonnegative", "positive"}
        What a real entry may be.
    unit : str
        For people; empty where there is none.
    optional : bool
        May be absent.
    nan : bool
        NaN and infinity allowed.
    choices : tuple of str
        Allowed texts, for ``kind="text"``.
    """

    kind: Kind
    dims: tuple[str, ...] = ()
    sign: Sign = "any"
    unit: str = ""
    optional: bool = False
    nan: bool = False
    choices: tuple[str, ...] = ()


Schema = Mapping[str, Field]


def check_arrays(schema: Schema, arrays: Mapping[str, object], where: str = "") -> dict[str, np.ndarray]:
    """Check names, kinds, shapes and values of arrays against a schema.

    Returns
    -------
    dict of str to ndarray
        The arrays in the schema's types.

    Raises
    ------
    InputError
        Names the array, what it holds and what is allowed.
    """
    prefix = f"{where}: " if where else ""
    unknown = sorted(set(arrays) - set(schema))
    if unknown:
        raise InputError(f"{prefix}{unknown[0]}", "an unknown name", one_of(unknown[0], sorted(schema)))
    sizes: dict[str, int] = {}
    checked: dict[str, np.ndarray] = {}
    for name, field in schema.items():
        if name not in arrays:
            if field.optional:
                continue
            raise InputError(f"{prefix}{name}", "nothing (missing)", _describe(field))
        checked[name] = _check_one(prefix + name, field, arrays[name], sizes)
    return checked


def _describe(field: Field) -> str:
    shape = "(" + ", ".join(field.dims) + ("," if len(field.dims) == 1 else "") + ")" if field.dims else "a scalar"
    unit = f" in {field.unit}" if field.unit else ""
    return f"a {field.kind} array of shape {shape}{unit}" if field.dims else f"a {field.kind} scalar{unit}"


def _check_one(name: str, field: Field, value: object, sizes: dict[str, int]) -> np.ndarray:
    array = np.asarray(value)
    if field.kind == "text":
        if array.ndim != 0 or array.dtype.kind not in "US" or (field.choices and str(array) not in field.choices):
            raise InputError(name, array, one_of(array, field.choices) if field.choices else "a text")
        return array
    if not _castable(array, field.kind):
        raise InputError(name, f"dtype {array.dtype}", _describe(field))
    if array.ndim != len(field.dims):
        raise InputError(name, f"shape {array.shape}", _describe(field))
    for axis, letter in enumerate(field.dims):
        length = array.shape[axis]
        if letter == "*":
            continue
        if length == 0:
            raise InputError(name, f"shape {array.shape}", f"{_describe(field)}, at least 1 of each")
        if letter[0].isdigit():
            if str(length) not in letter.split("|"):
                raise InputError(name, f"shape {array.shape}", _describe(field))
        elif sizes.setdefault(letter, length) != length:
            raise InputError(name, f"shape {array.shape}", f"{letter} = {sizes[letter]} on axis {axis}, as before")
    array = array.astype(_DTYPES[field.kind])
    if field.kind in ("float", "complex"):
        if not field.nan and not np.all(np.isfinite(array)):
            raise InputError(name, "NaN or infinity", "finite numbers")
        if not field.nan and np.any(np.abs(array) > LARGEST):
            raise InputError(name, f"{np.abs(array).max():g}", f"numbers of at most {LARGEST:g} in magnitude")
        if field.sign == "nonnegative" and np.any(array < 0):
            raise InputError(name, f"a negative value ({np.nanmin(array):g})", "values of at least 0")
        if field.sign == "positive" and np.any(array <= 0):
            raise InputError(name, f"a value of {np.nanmin(array):g}", "values above 0")
    return array


def _castable(array: np.ndarray, kind: Kind) -> bool:
    have = array.dtype.kind
    if kind == "complex":
        return have in "cfiu"
    if kind == "float":
        return have in "fiu"
    if kind == "int":
        return have in "iu"
    return have == "b"


def write_file(path: str | Path, kind: str, schema: Schema, arrays: Mapping[str, object]) -> None:
    """Write arrays that follow a schema; ``kind`` is for instance ``latency-scenario``. Nobody sees a part of it."""
    checked = check_arrays(schema, {k: v for k, v in arrays.items() if v is not None})
    path = Path(path).resolve()
    whole = not path.exists() or path.is_file()  # a pipe or a device is written as it is
    partial = path.with_name(f".{path.name}.{uuid.uuid4().hex}") if whole else path
    try:
        with open(partial, "wb") as handle:
            np.savez_compressed(handle, allow_pickle=False, format=np.asarray(f"trinode/{kind}/1"), **checked)
        if whole:
            os.replace(partial, path)
    finally:
        if whole:
            partial.unlink(missing_ok=True)


def why(path: Path, fault: Exception) -> str:
    """What is wrong with a file that cannot be read; NumPy would advise to believe it."""
    if not is_zipfile(path):
        return "no archive of arrays, as numpy.savez writes it"
    return "an array of Python objects" if "pickle" in str(fault) else str(fault)


def read_file(path: str | Path, kind: str, schema: Schema) -> dict[str, np.ndarray]:
    """Read a file of the given kind and check it against a schema.

    Raises
    ------
    FileFormatError
        The file is not an ``.npz`` archive or of another format.
    InputError
        An array in it is not allowed.
    """
    path = Path(path)
    wanted = f"trinode/{kind}/1"
    if not path.is_file():
        raise FileFormatError("file", path, "an existing .npz file")
    try:
        with open(path, "rb") as handle, np.load(handle, allow_pickle=False) as archive:
            twice = sorted(name for name in set(archive.files) if archive.files.count(name) > 1)
            arrays = {name: archive[name] for name in archive.files}
    except Exception as fault:  # a damaged archive fails in many ways that share no base class
        allowed = f"a readable .npz file of format {wanted}"
        raise FileFormatError("file", f"{path} ({why(path, fault)})", allowed) from fault
    if twice:
        raise FileFormatError("file", f"{path}, with two arrays named {twice[0]}", "each name once")
    if "format" not in arrays or str(arrays["format"]) != wanted:
        raise FileFormatError("format", arrays.get("format", "nothing (missing)"), wanted)
    del arrays["format"]
    return check_arrays(schema, arrays, where=path.name)
