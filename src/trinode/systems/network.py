"""One network: arrays whose names are those of its file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any, ClassVar, TypeVar

import jax.numpy as jnp
from jaxtyping import Array

from trinode import _runtime  # noqa: F401  (double precision before the first array)
from trinode.channels.files import Schema
from trinode.systems.declared import size_of
from trinode.systems.show import Row, Shown, array_rows, count_of, stacked

One = TypeVar("One", bound="Scenario")


class Scenario(Shown):
    """One network: a pytree of arrays whose names are those of the scenario file.

    Static fields say how large programs have to be. Nobody trusts them: :meth:`settled` derives them from the arrays
    whenever a network comes in to be solved, bounded or judged.

    What a file holds is declared by the fields (:mod:`trinode.systems.declared`).

    Attributes
    ----------
    outer : mapping
        Arrays of the file that are properties, of fields that it does not hold.
    """

    outer: ClassVar[Schema] = {}

    def table(self) -> tuple[str, list[Row]]:
        """Its arrays with their units and sizes."""
        from trinode.systems.registry import system_of

        system = system_of(self)
        schema = system.scenario_schema
        counts = (count_of(getattr(self, name, None), len(entry.dims)) for name, entry in schema.items())
        count = next((one for one in counts if one is not None), None)
        rows = list(array_rows(self, schema, count))
        if filled := self.filled:
            rows = [(name, text, "; ".join(filter(None, (over, filled.get(name))))) for name, text, over in rows]
        return stacked(f"{system.name}: network", count), rows

    @classmethod
    def from_arrays(cls: type[One], arrays: Mapping[str, Any]) -> One:
        """Build a scenario from checked arrays; raises as :meth:`check_together`.

        Parameters
        ----------
        arrays : mapping
            By the names of the file.

        Returns
        -------
        Scenario
        """
        cls.check_together(arrays)
        absent = {one.name: jnp.asarray(one.default) for one in fields(cls) if isinstance(one.default, float)}
        return cls(**absent | cls.inside(arrays)).settled()

    @classmethod
    def inside(cls, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """Fields of arrays that are named as in a file; None stays.

        Parameters
        ----------
        arrays : mapping
            By the names of the file.

        Returns
        -------
        dict
            By the names of the class.
        """
        return {name: None if value is None else jnp.asarray(value) for name, value in arrays.items()}

    @classmethod
    def check_together(cls, arrays: Mapping[str, Any]) -> None:
        """Raise where arrays, each of them as its field says, do not go together.

        Systems may have such cases. Arrays of stacked networks have a leading axis.

        Parameters
        ----------
        arrays : mapping
            By the names of the file.
        """

    def settled(self: One) -> One:
        """The same network, or stacked ones, with static fields that its arrays need; those that are enough stay.

        Inside a transformation, where numbers cannot be looked at, they are enough for any.
        """
        return self

    def changed(self: One, arrays: Mapping[str, Array | float]) -> One:
        """The same network with other arrays, by their names in files.

        Parameters
        ----------
        arrays : mapping
            Checked.
        """
        return replace(self, **self.inside(arrays))

    @property
    def terminals(self) -> int:
        """K."""
        return size_of(self, "K")

    @property
    def access_points(self) -> int:
        """M."""
        return size_of(self, "M")

    def with_(self: One, **arrays: Any) -> One:
        """The same network with other arrays, checked as a file is.

        Parameters
        ----------
        **arrays
            By their names in scenario files ([formats](formats.md)): arrays or lists of the same shape; a number where
            every entry is to have it; None takes an optional array away. Whatever depends on them follows.

        Raises
        ------
        InputError
            An unknown name, or what a scenario file may not hold.
        """
        from trinode.systems import doors  # it knows networks

        return doors.change(self, arrays)

    @property
    def filled(self) -> Mapping[str, str]:
        """Arrays that :func:`trinode.network` filled because they were left open, and from what."""
        from trinode.systems import doors

        return doors.filled(self)
