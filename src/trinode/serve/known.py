"""Sizes of networks that a service decides for, their programs compiled before the first request comes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock
from typing import Any

import jax
import numpy as np

from trinode import _programs, api, networks
from trinode._words import number, one_of
from trinode.errors import InputError
from trinode.online import SYSTEMS, Controller
from trinode.systems.contract import System
from trinode.systems.registry import system as find_system


@dataclass(frozen=True)
class Size:
    """A size that is named: ``latency scheme=joint,mec terminals=4``.

    Attributes
    ----------
    system : str
        Name of a system.
    schemes : tuple of str
        Those that are compiled; the default where none is named.
    params : tuple of (str, value)
        What differs from the paper's sizes.
    """

    system: str
    schemes: tuple[str, ...]
    params: tuple[tuple[str, Any], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Size:
        """From words apart by spaces.

        Raises
        ------
        InputError
            A word of another form, or a name that is unknown.
        """
        name, *words = text.split() or [""]
        system = find_system(name)
        params: dict[str, Any] = {}
        schemes = [system.scheme().name]
        for word in words:
            key, equals, value = word.partition("=")
            if not equals or not key or not value or key in params:
                raise InputError("size", word, "NAME=VALUE, each name once")
            if key == "scheme":
                schemes = [system.scheme(one).name for one in value.split(",")]
            else:
                read = number(value)
                params[key] = {"true": True, "false": False}.get(value.lower(), value) if read is None else read
        api.parameters(system, params)
        return cls(system.name, tuple(schemes), tuple(params.items()))

    def __str__(self) -> str:
        words = [f"{name}={value}" for name, value in self.params]
        return " ".join([self.system, f"scheme={','.join(self.schemes)}", *words])


class Known:
    """Which sizes a service decides for.

    Parameters
    ----------
    sizes : iterable of Size
        Those that are named.
    closed : bool
        Whether others are refused; else the first request of another size waits for its compiler.
    most : int
        Sizes that programs are made for in all, named or not.
    """

    def __init__(self, sizes: Iterable[Size], closed: bool, most: int) -> None:
        self.sizes, self.closed, self.most = list(sizes), closed, most
        self.ready: set[Any] = set()
        self._lock = Lock()
        self._bytes: dict[Any, int] = {}

    @_programs.long_runs()
    def compile(self, size: Size, slots: bool = True) -> None:
        """Compile all that requests of a size run: draws, schemes, bounds, judge, and, where asked for, sessions."""
        system = find_system(size.system)
        scenario = api.draw(size.system, **dict(size.params))
        places: dict[str, Any] = {name: np.asarray(getattr(scenario, name)) for name in system.places}
        if places:
            api.draw(size.system, **dict(size.params), **places)
        scenario = bare(scenario)
        for scheme in size.schemes:
            solution = api.solve(scenario, scheme)
            jax.block_until_ready(api.evaluate(scenario, solution, scheme=scheme).objective)
            if slots and size.system in SYSTEMS:
                Controller(system, scheme=scheme).prepare(scenario)
            self.ready.add((kind_of(system, scenario), scheme))

    def admit(self, system: System, scenario: Any, scheme: str) -> None:
        """Refuse a network and scheme that no program is there for, where none may be made.

        Raises
        ------
        InputError
            Says which there are.
        """
        kind = kind_of(system, scenario)
        with self._lock:
            if (kind, scheme) in self.ready:
                return
            if self.closed:
                if any(kind == ready for ready, _ in self.ready):
                    there = sorted(name for ready, name in self.ready if ready == kind)
                    raise InputError("scheme", scheme, one_of(scheme, there))
                raise InputError("network", f"{system.name}, {_shapes(system, scenario)}", self.allowed())
            if len(self.ready) >= self.most:
                raise InputError("network", f"size {len(self.ready) + 1}", f"{self.most} sizes and schemes in all")
            self.ready.add((kind, scheme))

    def admit_kind(self, system: System, scenario: Any) -> None:
        """The same where the network alone matters: to be judged or bounded."""
        kind = kind_of(system, scenario)
        with self._lock:
            there = any(kind == ready for ready, _ in self.ready)
        if not there:
            self.admit(system, scenario, "")

    def admit_draw(self, system: System, params: dict[str, Any], most: int) -> None:
        """Refuse parameters of a network of another size, or of a larger one than is allowed."""
        values = api.parameters(system, params)
        static = {f.name: getattr(values, f.name) for f in dataclasses.fields(values) if f.metadata.get("static")}
        if self.closed and not any(self._like(system, static, size) for size in self.sizes):
            shown = ", ".join(f"{name} = {value}" for name, value in static.items())
            raise InputError("params", f"{system.name}, {shown}", self.allowed())
        key = (system.name, *static.values())
        if key not in self._bytes:
            if len(self._bytes) > 16 * self.most:
                self._bytes.clear()
            self._bytes[key] = networks.network_bytes(system, values)
        if self._bytes[key] > most:
            raise InputError("params", f"networks of {self._bytes[key]} bytes", f"at most {most} here")

    def allowed(self) -> str:
        """The sizes that are named, for people."""
        return "; ".join(map(str, self.sizes)) or "nothing"

    def _like(self, system: System, static: dict[str, Any], size: Size) -> bool:
        if size.system != system.name:
            return False
        named = api.parameters(system, dict(size.params))
        return all(getattr(named, name) == value for name, value in static.items())


def bare(scenario: Any) -> Any:
    """A network without positions, which decide nothing: those with and without them then share programs."""
    names = [name for name in ("terminal_position_m", "ap_position_m") if getattr(scenario, name, None) is not None]
    return dataclasses.replace(scenario, **dict.fromkeys(names)) if names else scenario


def kind_of(system: System, scenario: Any) -> Any:
    """Equal for networks of one program."""
    leaves, structure = jax.tree.flatten(bare(scenario))
    return system.name, structure, tuple((np.shape(leaf), str(leaf.dtype)) for leaf in leaves)


def _shapes(system: System, scenario: Any) -> str:
    sizes: dict[str, int] = {}
    for name, field in system.scenario_schema.items():
        value = getattr(scenario, name, None)
        if value is not None:
            sizes.update(zip(field.dims, np.shape(value)))
    return ", ".join(f"{letter} = {size}" for letter, size in sorted(sizes.items()) if letter.isalpha())
