"""What comes in: every network is looked at before it is solved, bounded, judged or written.

Anybody can make a network of another one (``dataclasses.replace``, ``equinox.tree_at``), also one that no file could
hold, and also one whose static fields say what its arrays no longer bear out. So the doors check arrays like the file
reader does, bring them into their types, and have static fields derived anew. Arrays of JAX do not change: what was
looked at once is remembered.
"""

from __future__ import annotations

import dataclasses
import weakref
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from trinode._words import one_of
from trinode.channels.files import Field, check_arrays
from trinode.errors import InputError
from trinode.systems.contract import System
from trinode.systems.declared import schema_of
from trinode.systems.registry import system_of

_seen: dict[int, tuple[weakref.ref[Any], bool, Any]] = {}
"""By ``id``: what was looked at, whether it is stacked, and what became of it (None where it was fine as it is)."""

_filled: dict[int, tuple[weakref.ref[Any], dict[str, str]]] = {}
"""By ``id``: arrays of a network that were left open, and where they came from."""


def network(given: Any, many: bool = False, instead: str = "") -> tuple[System, Any]:
    """A network or, where ``many``, stacked ones, with its system: checked, in the right types, nothing stale.

    Parameters
    ----------
    instead : str
        What takes the other of the two.

    Raises
    ------
    InputError
        It is none, it is many instead of one, or an array of it is not what a file may hold.
    """
    if isinstance(given, list | tuple):
        raise InputError("scenario", f"a {type(given).__name__}", "a network, or the networks stacked by tn.stack")
    system = system_of(given)
    if not isinstance(given, system.Scenario):
        raise InputError("scenario", f"a solution of {system.name}", f"a network of {system.name}, as tn.draw makes it")
    seen = _seen.get(id(given))
    if seen is not None and seen[0]() is given and seen[1] is many:
        return system, given if seen[2] is None else seen[2]
    values = _values(system, given)
    depth = _depth(values)
    if many and depth == 0:
        raise InputError("scenarios", "one network", f"stacked networks with a leading axis (tn.stack){instead}")
    if not many and depth == 1:
        count = len(next(value for _, value in values.values()))
        raise InputError("scenario", f"a batch of {count} networks", f"one network{instead}")
    if any(isinstance(leaf, Tracer) for leaf in jax.tree.leaves(given)):
        return system, given.settled()  # numbers cannot be looked at inside a transformation
    made = _looked_at(values, given, many)
    _remember(given, made, many)
    return system, made


def trusted(made: Any, many: bool = False) -> Any:
    """A network, or stacked ones, checked where it was made."""
    _remember(made, made, many)
    return made


def solution(system: System, given: Any, many: bool = False, what: str = "solution") -> None:
    """Refuse what is no solution of a system, or many instead of one.

    Raises
    ------
    InputError
        Says what it is.
    """
    if not isinstance(given, system.Solution):
        raise InputError(what, f"an object of type {type(given).__name__}", f"a solution of {system.name}")
    depth = np.ndim(given.status)
    if many and depth == 0:
        raise InputError(what, "one solution", "stacked solutions with a leading axis (tn.stack), one per network")
    if not many and depth == 1:
        raise InputError(what, f"a batch of {len(given.status)} solutions", "the solution of one network")


def change(scenario: Any, given: Mapping[str, Any]) -> Any:
    """See :meth:`trinode.systems.network.Scenario.with_`."""
    system, scenario = network(scenario, instead="; change each, and tn.stack them")
    arrays: dict[str, Any] = {}
    for name, value in given.items():
        field = system.scenario_schema.get(name)
        if field is None:
            raise InputError(name, "an unknown name", one_of(name, system.scenario_schema))
        if value is None and field.optional:
            continue
        arrays[name] = _wide(name, value, field, getattr(scenario, name))
    # kept ones first: an array of another length is at odds with them, not they with it
    inner = schema_of(type(scenario), inner=True)
    pairs = {name: pair for name, pair in _values(system, scenario).items() if name not in {*given, *inner}}
    pairs |= {name: (system.scenario_schema[name], value) for name, value in arrays.items()}
    schema = {name: field for name, (field, _) in pairs.items()}
    checked = check_arrays(schema, {name: value for name, (_, value) in pairs.items()})
    left_out = {f.name: f.default for f in dataclasses.fields(scenario) if f.name in given and f.name not in arrays}
    made = network(scenario.changed(left_out | {name: jnp.asarray(checked[name]) for name in arrays}))[1]
    return fill(made, {name: how for name, how in filled(scenario).items() if name not in given})


def filled(scenario: Any) -> Mapping[str, str]:
    """See :attr:`trinode.systems.network.Scenario.filled`."""
    known = _filled.get(id(scenario))
    return known[1] if known is not None and known[0]() is scenario else {}


def fill(scenario: Any, how: Mapping[str, str]) -> Any:
    """Remember which arrays of a network were left open; beside it, as no program depends on that."""
    if how:
        key = id(scenario)
        _filled[key] = weakref.ref(scenario, lambda _: _filled.pop(key, None)), dict(how)
    return scenario


def _wide(name: str, value: Any, field: Field, now: Any) -> np.ndarray:
    """An array of what people write: lists, and a number where each entry is to have it."""
    try:
        array = np.asarray(value)
    except ValueError:
        raise InputError(name, value, f"an array of shape ({', '.join(field.dims)})") from None
    if array.ndim == 0 and field.kind != "complex" and now is not None:
        return np.broadcast_to(array, np.shape(now))
    return array


def _values(system: System, scenario: Any) -> dict[str, tuple[Field, Any]]:
    """Fields of a network that a schema knows, that of the file or the system's own, and what is in them."""
    own = {entry.name for entry in dataclasses.fields(scenario)}
    known = {**system.scenario_schema, **schema_of(type(scenario), inner=True)}
    values = {name: (field, getattr(scenario, name)) for name, field in known.items() if name in own}
    return {name: (field, value) for name, (field, value) in values.items() if value is not None or not field.optional}


def _depth(values: Mapping[str, tuple[Field, Any]]) -> int | None:
    """Leading axes that all arrays have; None where they do not agree."""
    depths = {np.ndim(value) - len(field.dims) for field, value in values.values()}
    return depths.pop() if len(depths) == 1 else None


def _looked_at(values: Mapping[str, tuple[Field, Any]], given: Any, many: bool) -> Any:
    lead = ("networks",) if many else ()
    schema = {name: dataclasses.replace(field, dims=lead + field.dims) for name, (field, _) in values.items()}
    arrays = check_arrays(schema, {name: value for name, (_, value) in values.items()})
    given.check_together(arrays)
    cast = {name: jnp.asarray(arrays[name]) for name, (_, value) in values.items() if not _as_is(value, arrays[name])}
    return (dataclasses.replace(given, **cast) if cast else given).settled()


def _as_is(value: Any, checked: np.ndarray) -> bool:
    """Whether it is an array of the very type; others would need programs of their own."""
    return isinstance(value, jax.Array | np.ndarray) and value.dtype == checked.dtype


def _remember(given: Any, made: Any, many: bool) -> None:
    if all(isinstance(leaf, jax.Array) for leaf in jax.tree.leaves(given)):
        key = id(given)
        _seen[key] = (weakref.ref(given, lambda _: _seen.pop(key, None)), many, None if made is given else made)
