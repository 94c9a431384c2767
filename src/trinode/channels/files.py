"""Scenario and solution files: one ``.npz`` a network or a decision, every array by name, shape and unit."""

from __future__ import annotations

import os
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zipfile import is_zipfile

import numpy as np

from trinode import _memory
from trinode._words import one_of
from trinode.channels import archive
from trinode.channels.archive import Header
from trinode.channels.rounding import Repair, repaired
from trinode.errors import FileFormatError, InputError

Kind = Literal["complex", "float", "bool", "int", "text"]
Sign = Literal["any", "nonnegative", "positive"]

LARGEST = 1e60
"""Numbers beyond it are no quantity of a network, and their products would not be finite."""

LONGEST_TEXT = 4000
"""Bytes of a text."""

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
    share : tuple of str, optional
        Of shares, the letters of the axes over which they add up to at most 1; empty where each stands alone.
    hermitian : tuple of int
        Order of the axes in which the conjugate array is the array itself.
    """

    kind: Kind
    dims: tuple[str, ...] = ()
    sign: Sign = "any"
    unit: str = ""
    optional: bool = False
    nan: bool = False
    choices: tuple[str, ...] = ()
    share: tuple[str, ...] | None = None
    hermitian: tuple[int, ...] = ()


Schema = Mapping[str, Field]


def check_arrays(
    schema: Schema, arrays: Mapping[str, object], where: str = "", repairs: list[Repair] | None = None
) -> dict[str, np.ndarray]:
    """Check names, kinds, shapes and values of arrays against a schema.

    Parameters
    ----------
    repairs : list of Repair, optional
        Where given, what :mod:`trinode.channels.rounding` forgives is repaired, and told here.

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
    found = {name: np.asarray(value) for name, value in arrays.items()}
    names = _check_forms(schema, found, prefix)
    checked = {}
    for name in names:
        array = found[name] if schema[name].kind == "text" else found[name].astype(_DTYPES[schema[name].kind])
        if repairs is not None and schema[name].kind in ("float", "complex"):
            array, made = repaired(name, schema[name], array)
            repairs += made
        checked[name] = _check_values(prefix + name, schema[name], array)
    return checked


def check_headers(schema: Schema, headers: Mapping[str, Header], where: str = "") -> None:
    """Check names, kinds, shapes and size of arrays that are not unpacked yet.

    Raises
    ------
    InputError
        Names the array, what it holds and what is allowed.
    """
    prefix = f"{where}: " if where else ""
    names = _check_forms(schema, headers, prefix)
    taken = {name: headers[name].count * max(headers[name].dtype.itemsize, _bytes(schema[name])) for name in names}
    if sum(taken.values()) > _memory.room():
        largest = max(taken, key=lambda name: taken[name])
        asked = f"shape {headers[largest].shape}, {_memory.words(sum(taken.values()))} with the others"
        raise InputError(f"{prefix}{largest}", asked, _memory.allowed())


def _bytes(field: Field) -> int:
    """Of an entry, once it is read."""
    return 0 if field.kind == "text" else np.dtype(_DTYPES[field.kind]).itemsize


def _check_forms(schema: Schema, arrays: Mapping[str, Any], prefix: str) -> list[str]:
    """Check names, kinds and shapes; the names of what is there, in the order of the schema."""
    unknown = sorted(set(arrays) - set(schema))
    if unknown:
        raise InputError(f"{prefix}{unknown[0]}", "an unknown name", one_of(unknown[0], sorted(schema)))
    sizes: dict[str, int] = {}
    for name, field in schema.items():
        if name in arrays:
            _check_form(prefix + name, field, arrays[name].dtype, arrays[name].shape, sizes)
        elif not field.optional:
            raise InputError(f"{prefix}{name}", "nothing (missing)", _describe(field))
    return [name for name in schema if name in arrays]


def _describe(field: Field) -> str:
    shape = "(" + ", ".join(field.dims) + ("," if len(field.dims) == 1 else "") + ")" if field.dims else "a scalar"
    unit = f" in {field.unit}" if field.unit else ""
    return f"a {field.kind} array of shape {shape}{unit}" if field.dims else f"a {field.kind} scalar{unit}"


def _check_form(name: str, field: Field, dtype: np.dtype[Any], shape: tuple[int, ...], sizes: dict[str, int]) -> None:
    """Check the kind and shape of an array; lengths by letter are kept in ``sizes``."""
    if field.kind == "text":
        if shape != () or dtype.kind not in "US" or dtype.itemsize > LONGEST_TEXT:
            raise InputError(name, f"a {dtype} array of shape {shape}", ", ".join(field.choices) or "a short text")
        return
    if not _castable(dtype, field.kind):
        raise InputError(name, f"dtype {dtype}", _describe(field))
    if len(shape) != len(field.dims):
        raise InputError(name, f"shape {shape}", _describe(field))
    for axis, letter in enumerate(field.dims):
        length = shape[axis]
        if letter == "*":
            continue
        if length == 0:
            raise InputError(name, f"shape {shape}", f"{_describe(field)}, at least 1 of each")
        if letter[0].isdigit():
            if str(length) not in letter.split("|"):
                raise InputError(name, f"shape {shape}", _describe(field))
        elif sizes.setdefault(letter, length) != length:
            raise InputError(name, f"shape {shape}", f"{letter} = {sizes[letter]} on axis {axis}, as before")


def _check_values(name: str, field: Field, array: np.ndarray) -> np.ndarray:
    """Check the entries of an array of the right form and type."""
    if field.kind == "text":
        if field.choices and str(array) not in field.choices:
            raise InputError(name, array, one_of(array, field.choices))
        return array
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


def _castable(dtype: np.dtype[Any], kind: Kind) -> bool:
    have = dtype.kind
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


def read_file(
    path: str | Path, kind: str, schema: Schema, repairs: list[Repair] | None = None
) -> dict[str, np.ndarray]:
    """Read a file of the given kind and check it against a schema (``repairs``: see :func:`check_arrays`).

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
        headers = archive.headers(path)
        found = archive.text(path, "format", headers.get("format"))
    except Exception as fault:  # a damaged archive fails in many ways that share no base class
        allowed = f"a readable .npz file of format {wanted}"
        raise FileFormatError("file", f"{path} ({why(path, fault)})", allowed) from fault
    if found != wanted:
        raise FileFormatError("format", found or "nothing (missing)", wanted)
    del headers["format"]
    check_headers(schema, headers, where=path.name)
    try:
        arrays = archive.arrays(path, headers)
    except Exception as fault:
        allowed = f"a readable .npz file of format {wanted}"
        raise FileFormatError("file", f"{path} ({why(path, fault)})", allowed) from fault
    return check_arrays(schema, arrays, where=path.name, repairs=repairs)
