"""The cache on disk: what only its owner can have written, whole and under the name it was written for, or nothing.

Programs in it run as code, so that nothing is believed which somebody else may have put there. A cache is optional:
where it cannot be used, that is said once and work goes on without it.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
import sys
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

PARTS = ("programs", "compiled")
_OTHERS = stat.S_IWGRP | stat.S_IWOTH
_DIGEST = 32
LIMIT = 512 << 20
"""Bytes kept in each part; beyond it a quarter goes, what was used longest ago first."""
_usable: set[Path] = set()
_given_up: dict[Path, str] = {}
_full: dict[Path, str] = {}
_looked_at: set[Path] = set()


def cache_folder() -> Path:
    """Folder of compiled programs: ``TRINODE_CACHE_DIR``, else the user's cache folder.

    Raises
    ------
    RuntimeError
        The user has no home.
    """
    named = os.environ.get("TRINODE_CACHE_DIR")
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "trinode"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home()) / "trinode" / "cache"
    named = os.environ.get("XDG_CACHE_HOME", "")
    return (Path(named) if os.path.isabs(named) else Path.home() / ".cache") / "trinode"


def part(name: str) -> Path | None:
    """A folder in the cache, there and safe to use; None where nothing is kept."""
    if os.environ.get("TRINODE_CACHE_DIR") == "":
        return None
    try:
        top = cache_folder()
    except RuntimeError as fault:
        _say_once(_given_up, Path(), f"goes on without a cache: {fault}")
        return None
    folder = top / name
    if top in _given_up:
        return None
    if folder not in _usable:
        try:
            top.mkdir(mode=0o700, parents=True, exist_ok=True)
            folder.mkdir(mode=0o700, exist_ok=True)
            for one in (top, folder):
                _refuse_strangers(one, one.stat())
        except OSError as fault:
            _say_once(_given_up, top, f"goes on without a cache: {fault}")
            return None
        _usable.add(folder)
    return folder


def reason() -> str:
    """Why not everything is kept; empty where it is."""
    return next(iter([*_given_up.values(), *_full.values()]), "")


def read(path: Path) -> bytes | None:
    """What was written to a file of the cache; None where it is missing, damaged, renamed, or not ours alone."""
    try:
        with open(path, "rb") as file:
            _refuse_strangers(path, os.fstat(file.fileno()))
            whole = file.read()
    except OSError:
        return None
    content = whole[_DIGEST:]
    if whole[:_DIGEST] != _digest(path, content):
        return None
    with suppress(OSError):  # a folder that may only be read
        os.utime(path)  # used now
    return content


def write(path: Path, content: bytes) -> None:
    """Write a file of which nobody ever sees a part, over whatever is there."""
    top = path.parent.parent
    if top in _full:
        return
    _make_room(path.parent)
    partial = path.with_name(f".{uuid.uuid4().hex}")
    try:
        try:
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(_digest(path, content) + content)
            os.replace(partial, path)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as fault:
        _say_once(_full, top, f"goes on, but keeps no more programs: {fault}")


def _make_room(folder: Path) -> None:
    """Remove what was used longest ago where too much is kept; once in a process, which adds little."""
    if folder in _looked_at:
        return
    _looked_at.add(folder)
    found = []
    for path in folder.iterdir() if folder.is_dir() else ():
        with suppress(OSError):  # another process has removed it
            about = path.stat()
            found.append((about.st_mtime, about.st_size, path))
    kept = sum(size for _, size, _ in found)
    wanted = LIMIT if kept <= LIMIT else LIMIT * 3 // 4
    for _, size, path in sorted(found):
        if kept <= wanted:
            return
        with suppress(OSError):
            path.unlink()
            kept -= size


def keep_compiled() -> None:
    """Let JAX keep what it compiles in the cache, unless it is told already where."""
    import jax

    folder = part("compiled") if jax.config.jax_compilation_cache_dir is None else None  # type: ignore[attr-defined]
    if folder is None:
        return
    jax.config.update("jax_compilation_cache_dir", str(folder))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)
    from jax._src import compilation_cache

    own: Any = Compiled(folder)
    compilation_cache._cache, compilation_cache._cache_initialized = own, True


class Compiled:
    """What JAX asks for the programs that it keeps; its own believes all it reads and writes over nothing damaged."""

    def __init__(self, folder: Path) -> None:
        self._path = folder

    def get(self, key: str) -> bytes | None:
        return read(self._path / f"{key}-cache")

    def put(self, key: str, value: bytes) -> None:
        write(self._path / f"{key}-cache", value)


def _digest(path: Path, content: bytes) -> bytes:
    return hashlib.sha256(path.name.encode() + b"\n" + content).digest()


def _refuse_strangers(path: Path, found: os.stat_result) -> None:
    """Raise where somebody else may have written it."""
    if not hasattr(os, "geteuid"):  # Windows: a user's folders are closed to others
        return
    if found.st_uid != os.geteuid():
        raise PermissionError(f"{path} belongs to somebody else; remove it, or let TRINODE_CACHE_DIR name another")
    if found.st_mode & _OTHERS:
        raise PermissionError(f"{path} can be written by others; remove it, or let TRINODE_CACHE_DIR name another")


def _say_once(where: dict[Path, str], top: Path, what: str) -> None:
    if top not in where:
        where[top] = what
        logging.getLogger("trinode").warning("trinode: %s", what)
