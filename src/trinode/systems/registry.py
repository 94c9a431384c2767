"""The systems and schemes that are there: trinode's own, and those that other packages bring.

A package registers a system through the entry point group ``trinode.systems`` (name of the system, loading to
a :class:`~trinode.systems.contract.System`) and a scheme through ``trinode.schemes`` (``<system>.<scheme>``,
loading to a :class:`~trinode.systems.contract.Scheme` object).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

from trinode._words import nearest, one_of
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.systems.contract import System

_loaded: dict[str, System] = {}


def system_names() -> list[str]:
    """Names of all systems, sorted; none of them is loaded."""
    return sorted({*_entries("trinode.systems"), *_loaded})


def system(name: str) -> System:
    """Load a system, with the schemes that other packages add to it.

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
    """Make a system known to this process, by its name; a later one of the same name replaces it."""
    prefix = f"{system.name}."
    more = {
        entry.name.removeprefix(prefix): entry.load()
        for entry in _entries("trinode.schemes").values()
        if entry.name.startswith(prefix)
    }
    _loaded[system.name] = replace(system, schemes={**system.schemes, **more}) if more else system


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
