"""Work items: a sweep cut into pieces that are computed, stored and resumed one by one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np

import trinode
from trinode import api
from trinode.experiments.sweep import Sweep, points
from trinode.systems.contract import Scheme, System
from trinode.systems.registry import system as find_system

SCHEMA = 1
"""Version of what an item holds; a change makes all stored items worthless."""
LEAST_BLOCK = 25
"""Trials of a work item, unless a system's batches want more or the sweep says otherwise."""


@dataclass(frozen=True)
class Item:
    """A block of trials at one point, solved by one scheme or bounded for one family of schemes.

    Attributes
    ----------
    record : dict
        Everything that determines the result, in plain numbers and texts.
    given : dict
        Parameters that differ from the defaults.
    series, value : int
        Place along the axes of the sweep.
    scheme : str
        Name of the scheme; empty for a bound.
    family : str
        Of a bound.
    often : bool
        Whether its program solves so many networks that it is compiled well even where it is asked to compile quickly.
    """

    record: dict[str, Any]
    given: dict[str, Any]
    series: int
    value: int
    scheme: str = ""
    family: str = ""
    often: bool = False

    @property
    def text(self) -> str:
        """The record in a canonical form."""
        return json.dumps(self.record, sort_keys=True, separators=(",", ":"))

    @property
    def key(self) -> str:
        """Hash of the record: the item's name in a store."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:20]

    @property
    def program(self) -> Hashable:
        """Equal for items that go through the same compiled program."""
        system = find_system(self.record["system"])
        work = jax.tree.structure(system.scheme(self.scheme).worker()) if self.scheme else self.family
        return system, work, system.program_sizes(system.Params(**self.given))

    @property
    def heavy(self) -> bool:
        """Whether each network takes long; a bound does where the default scheme does."""
        return find_system(self.record["system"]).scheme(self.scheme).heavy

    @property
    def trials(self) -> range:
        return range(self.record["first"], self.record["first"] + self.record["count"])

    @property
    def label(self) -> str:
        """For people: what is done where."""
        what = self.scheme or "bound" + (f" of {self.family}" if self.family else "")
        where = ", ".join(
            f"{name}={value if isinstance(value, str) else format(value, 'g')}" for name, value in self.given.items()
        )
        return f"{what} at {where or 'the defaults'}, trials {self.trials.start} to {self.trials.stop - 1}"


def expand(sweep: Sweep) -> Iterator[Item]:
    """All items of a sweep; those that share a compiled program are neighbours."""
    system = find_system(sweep.system)
    schemes = {name: system.scheme(name) for name in sweep.schemes}
    families = dict.fromkeys(scheme.family for scheme in schemes.values()) if sweep.scheme_bound else {}
    families = {"": None, **families} if sweep.bound else {}
    block = sweep.block or max(LEAST_BLOCK, system.part, *(scheme.part for scheme in schemes.values()))
    common = {
        "schema": SCHEMA,
        "version": trinode.__version__,
        "system": system.name,
        "seed": sweep.seed,
    }
    for point in points(sweep):
        at = common | {"params": describe_parameters(system, point.given)}
        places = {"given": point.given, "series": point.series, "value": point.value}
        for first in range(0, sweep.trials, block):
            trials = at | {"first": first, "count": min(block, sweep.trials - first)}
            for name, scheme in schemes.items():
                kept = {
                    "measures": [list(dataclasses.astuple(m)) for m in sweep.measures],
                    "history": sweep.history,
                }
                yield Item(trials | kept | {"scheme": describe_scheme(scheme)}, **places, scheme=name)
            for family in families:
                yield Item(trials | {"bound": family}, **places, family=family)


def describe_parameters(system: System, given: dict[str, Any]) -> dict[str, Any]:
    """All parameters of a system, defaults included, in plain numbers and texts."""
    params = api.parameters(system, given)
    return {field.name: _plain(getattr(params, field.name)) for field in dataclasses.fields(params)}


def describe_scheme(scheme: Scheme) -> dict[str, Any]:
    """Which scheme this is, with its settings."""
    kind = type(scheme)
    settings = {field.name: _plain(getattr(scheme, field.name)) for field in dataclasses.fields(scheme)}
    return {"name": scheme.name, "class": f"{kind.__module__}.{kind.__qualname__}", "settings": settings}


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, bool | str | int | float):
        return value
    if isinstance(value, np.ndarray | np.generic | jax.Array):
        return np.asarray(value).tolist()
    if isinstance(value, list | tuple):
        return [_plain(entry) for entry in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        own = {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
        return {"class": type(value).__qualname__, **own}
    return repr(value)
