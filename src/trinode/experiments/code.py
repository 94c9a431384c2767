"""The code that computes an item, in a word: results of other code are not taken for those of this one."""

from __future__ import annotations

import hashlib
import inspect
from functools import cache
from pathlib import Path
from typing import Any

import trinode
from trinode.errors import InputError
from trinode.systems.contract import System

_SHARED = ("numerics", "radio", "sensing", "computing", "experiments/execute.py")
_SYSTEMS = tuple(f"systems/{name}.py" for name in ("contract", "network", "decision", "report", "params", "declared"))
_OWN = ("_batch.py", "systems/doors.py", "_sizes.py", "_calls.py", "networks.py", "api.py")
_NOT = ("figures.py",)
"""What a system's folder holds that computes nothing: figures are sweeps, whose contents an item names."""


def code_of(system: System) -> str:
    """Changes with every line of what draws, solves, bounds and judges networks of a system, and with its data.

    Documentation, pictures, commands and other systems are no part of it.
    """
    kinds = (system.Params, system.draw, system.evaluate, system.bound, *map(type, system.schemes.values()))
    return _code_in(frozenset(_source(one) for one in (*kinds, *system.sources)))


@cache
def _code_in(homes: frozenset[Path]) -> str:
    """A system may get schemes later, and lose them; files stay as they are."""
    root = Path(trinode.__file__).parent
    parts = [root / name for name in (*_SHARED, *_SYSTEMS, *_OWN)]
    for home in homes:
        inside = root / "systems" in home.parents
        parts.append(root / "systems" / home.relative_to(root / "systems").parts[0] if inside else home)
    files = {file for part in parts for file in (part.rglob("*") if part.is_dir() else [part]) if file.is_file()}
    found = hashlib.sha256()
    for file in sorted(files):
        # what Python keeps beside the source comes and goes, under passing names too
        if file.parent.name != "__pycache__" and file.name not in _NOT:
            name = file.relative_to(root).as_posix() if root in file.parents else file.name
            found.update(f"{name}\n".encode() + hashlib.sha256(file.read_bytes()).digest())
    return found.hexdigest()[:16]


def _source(thing: Any) -> Path:
    """The file of a function or class, the folder of a package."""
    try:
        home = Path(inspect.getfile(thing)).resolve()
    except TypeError:
        home = Path()
    if not home.is_file():
        name = getattr(thing, "__name__", thing)
        raise InputError("system", f"{name} of no file", "one that is in files, so that results know their code")
    return home.parent if home.name == "__init__.py" else home
