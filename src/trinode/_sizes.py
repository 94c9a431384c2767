"""Sizes that schemes see: some of a network's are rounded up to multiples, so that fewer programs are compiled.

Which ones the system says (:attr:`trinode.systems.schedule.Schedule.multiples`); the places that are added hold zeros.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from jax.core import Tracer

from trinode.channels.files import Schema
from trinode.systems.contract import System


def rounded(system: System, whole: Any) -> Any:
    """A network or solution, or stacked ones, in the sizes that schemes see; None as it is."""
    if whole is None or not system.schedule.multiples:
        return whole
    schema = system.solution_schema if isinstance(whole, system.Solution) else system.scenario_schema
    return _resized(system, schema, whole, {})


def cropped(system: System, solution: Any, scenario: Any) -> Any:
    """A solution in the sizes of its network."""
    if not system.schedule.multiples:
        return solution
    return _resized(system, system.solution_schema, solution, _letters(system, scenario))


def _letters(system: System, scenario: Any) -> dict[str, int]:
    """Letters of the schema and their sizes; those of stacked networks are found from the end."""
    found: dict[str, int] = {}
    for name, field in system.scenario_schema.items():
        value = getattr(scenario, name, None)
        if value is not None:
            found.update(zip(reversed(field.dims), reversed(np.shape(value))))
    return found


def _resized(system: System, schema: Schema, whole: Any, wanted: Mapping[str, int]) -> Any:
    """Letters of the multiples brought to the wanted sizes, the others of them to the next multiples."""
    changed = {}
    for name, field in schema.items():
        value = getattr(whole, name, None)
        if value is None or not set(field.dims) & set(system.schedule.multiples):
            continue
        sizes = list(np.shape(value))
        for place, letter in zip(range(-len(field.dims), 0), field.dims):
            if letter in system.schedule.multiples:
                step = system.schedule.multiples[letter]
                sizes[place] = wanted.get(letter, -(-sizes[place] // step) * step)
        if tuple(sizes) != np.shape(value):
            kept = tuple(slice(0, min(old, new)) for old, new in zip(np.shape(value), sizes))
            more = [(0, max(new - old, 0)) for old, new in zip(np.shape(value), sizes)]
            xp = jnp if isinstance(value, Tracer) else np
            changed[name] = jnp.asarray(xp.pad(xp.asarray(value)[kept], more))
    return dataclasses.replace(whole, **changed) if changed else whole
