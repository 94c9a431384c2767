"""Programs that outlive the process: traced once, kept as StableHLO, so that a later process need not trace again.

JAX's own cache keeps what was compiled, but finds it only after tracing, which takes longer than everything else in a
short command. A kept program is found by the functions' source (all of trinode), the versions, and the shapes.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import uuid
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import jax.core
import jax.export
import numpy as np

from trinode._runtime import cache_folder

_ready: dict[Any, Callable[..., Any]] = {}


def call(function: Callable[..., Any], *arguments: Any) -> Any:
    """``function(*arguments)`` as a compiled program, kept from an earlier process where there is one.

    Arrays of the arguments are passed to the program; everything else is part of it. The function is one of trinode's
    own, and its result holds arrays in dictionaries and dataclasses.
    """
    arrays, rest = eqx.partition(arguments, eqx.is_array_like)
    leaves, structure = jax.tree.flatten(arrays)
    if any(isinstance(leaf, jax.core.Tracer) for leaf in leaves):
        return function(*arguments)
    leaves = [jax.numpy.asarray(leaf) for leaf in leaves]
    shapes = tuple((str(leaf.dtype), leaf.shape, getattr(leaf, "weak_type", False)) for leaf in leaves)
    words, form = jax.tree.flatten(rest)
    here = (function, structure, form, tuple(words), shapes)
    if here not in _ready:
        said = [function.__module__, function.__qualname__, str(structure), str(form), repr(words), repr(shapes)]
        key = hashlib.sha256("\n".join([_fingerprint(), *said]).encode()).hexdigest()[:32]
        _ready[here] = _load(key) or _make(key, function, structure, rest, leaves)
    return _ready[here](leaves)


def forget() -> None:
    """Let go of the programs of this process; those kept on disk stay."""
    _ready.clear()


def _make(key: str, function: Callable[..., Any], structure: Any, rest: Any, leaves: list[Any]) -> Callable[..., Any]:
    """Trace, keep, and compile."""
    shape: list[Any] = []

    def flat(leaves: list[Any]) -> list[Any]:
        outcome: list[Any] = []
        shape[:] = [_pack(function(*eqx.combine(jax.tree.unflatten(structure, leaves), rest)), outcome)]
        return outcome

    program = jax.jit(flat)
    try:
        exported = jax.export.export(program)(leaves)
    except NotImplementedError:  # a program that calls the host (an integer program) cannot be kept
        return lambda leaves: _unpack(shape[0], iter(program(leaves)))
    folder = _folder()
    if folder is not None:
        _write(folder / f"{key}.hlo", bytes(exported.serialize()))
        _write(folder / f"{key}.json", json.dumps(shape[0]).encode())
    return _program(exported, shape[0])


def _load(key: str) -> Callable[..., Any] | None:
    folder = _folder()
    if folder is None:
        return None
    try:
        shape = json.loads((folder / f"{key}.json").read_bytes())
        exported = jax.export.deserialize(bytearray((folder / f"{key}.hlo").read_bytes()))
    except Exception:  # missing, or damaged in one of many ways: it is made anew
        return None
    return _program(exported, shape)


def _program(exported: Any, shape: Any) -> Callable[..., Any]:
    program = jax.jit(exported.call)
    return lambda leaves: _unpack(shape, iter(program(leaves)))


def _pack(value: Any, leaves: list[Any]) -> Any:
    """Structure of a result in words; its arrays are added to ``leaves``."""
    if eqx.is_array(value):
        leaves.append(value)
        return {"array": True}
    if isinstance(value, dict):
        return {"dict": {name: _pack(one, leaves) for name, one in value.items()}}
    if is_dataclass(value) and not isinstance(value, type):
        kind = f"{type(value).__module__}:{type(value).__qualname__}"
        return {"class": kind, "fields": {f.name: _pack(getattr(value, f.name), leaves) for f in fields(value)}}
    if value is None or isinstance(value, bool | int | float | str):
        return {"value": value}
    raise TypeError(f"a program's result holds a {type(value).__name__}")


def _unpack(shape: Any, leaves: Any) -> Any:
    if "array" in shape:
        return next(leaves)
    if "dict" in shape:
        return {name: _unpack(one, leaves) for name, one in shape["dict"].items()}
    if "class" in shape:
        module, _, name = shape["class"].partition(":")
        kind = getattr(importlib.import_module(module), name)
        return kind(**{name: _unpack(one, leaves) for name, one in shape["fields"].items()})
    return shape["value"]


def _folder() -> Path | None:
    return None if os.environ.get("TRINODE_CACHE_DIR") == "" else cache_folder() / "programs"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{uuid.uuid4().hex}")
    partial.write_bytes(content)
    os.replace(partial, path)


@cache
def _fingerprint() -> str:
    """Changes with every line of trinode, with JAX, and with the device."""
    found = hashlib.sha256()
    for path in sorted(Path(__file__).parent.rglob("*.py")):
        found.update(path.name.encode() + path.read_bytes())
    found.update(f"{jax.__version__} {np.__version__} {eqx.__version__} {jax.default_backend()}".encode())
    return found.hexdigest()
