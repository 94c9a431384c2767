"""The systems and schemes that are there: trinode's own, and those that other packages and files bring.

A package registers a system through the entry point group ``trinode.systems`` (name of the system, loading to
a :class:`~trinode.systems.contract.System`) and a scheme through ``trinode.schemes`` (``<system>.<scheme>``,
loading to a :class:`~trinode.systems.contract.Scheme` object). A file that defines systems is run by name
(:func:`run_file`, ``trinode --load FILE``).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from contextvars import ContextVar
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from threading import RLock
from types import ModuleType
from typing import TYPE_CHECKING, Any

from trinode._words import nearest, one_of
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.systems.contract import System

_loaded: dict[str, System] = {}
_running = RLock()
_run: ContextVar[str] = ContextVar("_run", default="")
"""The file that is being run for the systems that it defines."""


def system_names() -> list[str]:
    """Names of all systems, sorted; none of them is loaded."""
    return sorted({*_entries("trinode.systems"), *_loaded})


def system(name: str) -> System:
    """Load a system, with the schemes that other packages add to it.

    Parameters
    ----------
    name : str
        One of :func:`system_names`.

    Returns
    -------
    System

    Raises
    ------
    InputError
        There is no such system.
    """
    if name not in _loaded:
        entry = _entries("trinode.systems").get(name)
        if entry is None:
            raise InputError("system", name, one_of(name, system_names()))
        register(entry.load())
    return _loaded[name]


def register(system: System) -> None:
    """Make a system known to this process, by its name; a later one of the same name replaces it.

    Parameters
    ----------
    system : System
        It gets the schemes that other packages add to it.
    """
    prefix = f"{system.name}."
    more = {
        entry.name.removeprefix(prefix): entry.load()
        for entry in _entries("trinode.schemes").values()
        if entry.name.startswith(prefix)
    }
    _loaded[system.name] = replace(system, schemes={**system.schemes, **more}) if more else system


def ours(name: str) -> bool:
    """Whether trinode itself brings a system of that name."""
    entry = _entries("trinode.systems").get(name)
    return entry is not None and entry.value.startswith("trinode.")


def loaded() -> list[System]:
    """Systems that this process knows by now."""
    return list(_loaded.values())


def run_file(path: str | Path, text: str | None = None) -> None:
    """Run a Python file for the systems that it defines, once; it finds what lies beside it, as a script does.

    Parameters
    ----------
    path : path
        The file.
    text : str, optional
        What is in it, where it may not be there.

    Raises
    ------
    InputError
        There is no such file, or no system in it.
    """
    file = Path(path).resolve()
    with _running:
        if any(one.file == str(file) for one in loaded()):
            return
        if text is None:
            if not file.is_file():
                raise InputError("file", path, "a Python file that defines a system")
            text = file.read_text(encoding="utf-8")
        module = ModuleType(f"_{file.stem}")
        module.__file__ = str(file)
        sys.modules[module.__name__] = module  # classes are looked up there
        if str(file.parent) not in sys.path:
            sys.path.append(str(file.parent))
        before, token = set(_loaded), _run.set(str(file))
        try:
            exec(compile(text, str(file), "exec"), module.__dict__)
        finally:
            _run.reset(token)
        if set(_loaded) == before:
            raise InputError("file", path, "a Python file that defines a system: tn.define_system(...)")


def running() -> str:
    """The file that is being run for its systems; empty where none is."""
    return _run.get()


def carried(name: str) -> tuple[str, str] | None:
    """File and text that define a system, for who computes elsewhere; None where installed packages bring it."""
    file = system(name).file
    if name in _entries("trinode.systems") or not file:
        return None
    return file, Path(file).read_text(encoding="utf-8")


def system_of(thing: Any) -> System:
    """The system whose scenario or solution this is.

    Raises
    ------
    InputError
        It belongs to no known system.
    """
    kind = type(thing)
    home = kind.__module__
    entries = _entries("trinode.systems")
    # the entry whose package the class lives in comes first, so that no other system is loaded in vain
    by_nearness = sorted(entries, key=lambda name: not home.startswith(entries[name].module.rpartition(".")[0] or "?"))
    for name in [*_loaded, *(n for n in by_nearness if n not in _loaded)]:
        found = system(name)
        if kind in (found.Scenario, found.Solution):
            return found
    raise InputError(
        "scenario", f"an object of type {kind.__name__}", "a scenario of one of " + ", ".join(system_names())
    )


def elsewhere(name: str, names_of: Callable[[System], Collection[str]], here: Collection[str]) -> str:
    """Which systems have what this one lacks, in words for an error: the name itself, or the nearest to it.

    Parameters
    ----------
    name : str
        What was asked for.
    names_of : callable
        Names of that kind (parameters, schemes, ...) of a system.
    here : collection of str
        Those of the system that lacks it.
    """
    names: dict[str, Collection[str]] = {}
    for other in system_names():
        try:
            names[other] = names_of(system(other))
        except Exception:  # another package that cannot be loaded is not what went wrong here
            continue
    if same := [other for other in names if name in names[other]]:
        return " but " + " and ".join(same) + (" has" if len(same) == 1 else " have")
    if nearest(name, here):
        return ""
    near = [f"{one} of {other}" for other in names for one in nearest(name, names[other], 1)]
    if not near:
        return ""
    return f"; nearest {'is' if len(near) == 1 else 'are'} {', '.join(near)}"


@cache
def _entries(group: str) -> dict[str, EntryPoint]:
    return {entry.name: entry for entry in entry_points(group=group)}
