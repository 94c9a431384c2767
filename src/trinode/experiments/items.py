"""Work items: a sweep cut into pieces that are computed, stored and resumed one by one."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import jax
import numpy as np

from trinode import api
from trinode.experiments.code import code_of
from trinode.experiments.sweep import Sweep, points
from trinode.systems.contract import Scheme, System
from trinode.systems.registry import system as find_system

SCHEMA = 2
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
    code : str
        What computes it, in a word.
    sizes, program : str
        Equal for items whose networks have equal sizes, and for those that go through the same compiled program.
    repaid : float
        From how many networks on the program is worth compiling well; a bound's as that of the default scheme.
    often : bool
        Whether its program solves so many networks that it is compiled well even where it is asked to compile quickly.
    """

    record: dict[str, Any]
    given: dict[str, Any]
    series: int
    value: int
    scheme: str = ""
    family: str = ""
    sizes: str = ""
    program: str = ""
    code: str = ""
    repaid: float = math.inf
    often: bool = False

    @cached_property
    def text(self) -> str:
        """The record in a canonical form, and the code that computes it."""
        return f"{self._record}\ncode {self.code}"

    @cached_property
    def key(self) -> str:
        """The item's name in a store: hash of the record; of other code it differs behind the dash."""
        return f"{self.asked}-{self.code[:8]}"

    @cached_property
    def asked(self) -> str:
        """Hash of what is asked for, whatever code computes it."""
        return _short(self._record)

    @cached_property
    def _record(self) -> str:
        return json.dumps(self.record, sort_keys=True, separators=(",", ":"))

    @property
    def compiled(self) -> frozenset[str]:
        """What may have to be compiled for it: its program, and what draws and judges networks of its sizes."""
        return frozenset((self.program, self.sizes))

    @property
    def host(self) -> bool:
        """Whether Python computes it rather than a compiled program."""
        return bool(self.scheme) and find_system(self.record["system"]).scheme(self.scheme).host

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
    block = sweep.block or max(LEAST_BLOCK, system.schedule.judged, *(scheme.part for scheme in schemes.values()))
    common = {
        "schema": SCHEMA,
        "system": system.name,
        "seed": sweep.seed,
    }
    works = {name: str(jax.tree.structure(scheme.worker())) for name, scheme in schemes.items()}
    code = code_of(system)
    for point in points(sweep):
        at = common | {"params": describe_parameters(system, point.given)}
        params = system.Params(**point.given)
        sizes = f"{system.name} {system.schedule.sizes(params)}"
        repaid = {name: system.schedule.repaid_at(system.scheme(name).name, params) for name in ("", *schemes)}
        places = {"given": point.given, "series": point.series, "value": point.value, "sizes": sizes, "code": code}
        for first in range(0, sweep.trials, block):
            trials = at | {"first": first, "count": min(block, sweep.trials - first)}
            for name, scheme in schemes.items():
                kept = {
                    "measures": [list(dataclasses.astuple(m)) for m in sweep.measures],
                    "history": sweep.history,
                }
                record = trials | kept | {"scheme": describe_scheme(scheme)}
                program = _short(f"{sizes}: {works[name]}")
                yield Item(record, **places, scheme=name, program=program, repaid=repaid[name])
            for family in families:
                program = _short(f"{sizes}: bound {family}")
                yield Item(trials | {"bound": family}, **places, family=family, program=program, repaid=repaid[""])


def _short(text: str) -> str:
    """A name of it."""
    return hashlib.sha256(text.encode()).hexdigest()[:20]


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
