"""A decision and how it came about; what a file holds of every one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, fields
from enum import IntEnum
from typing import Any, TypeVar

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from trinode.channels.files import Field
from trinode.systems.show import Row, Shown, array_rows, count_of, stacked


class Status(IntEnum):
    """How a solve ended."""

    CONVERGED = 0
    ITERATION_LIMIT = 1
    INFEASIBLE = 2

    @property
    def label(self) -> str:
        return self.name.lower()


One = TypeVar("One", bound="Solution")


class Solution(Shown):
    """A decision and how it came about; systems add their own arrays.

    Attributes
    ----------
    status : int
        A :class:`Status`.
    terminal_feasible : (K,) bool
        Which terminals can be served; at least one is False when infeasible.
    iterations : int
        Steps of the scheme's outer loop.
    history : (H,) float
        Objective after each step, NaN past the end.
    """

    status: Int[Array, ""]
    terminal_feasible: Bool[Array, " K"]
    iterations: Int[Array, ""]
    history: Float[Array, " H"]

    def table(self) -> tuple[str, list[Row]]:
        """How it ended, and its arrays with their units and sizes."""
        from trinode.systems.registry import system_of

        system, count = system_of(self), count_of(self.status, 0)
        statuses = np.asarray(self.status).reshape(-1)
        ended = ((one, int((statuses == one).sum())) for one in Status)
        how = ", ".join(one.label if count is None else f"{number} {one.label}" for one, number in ended if number)
        own = {name: entry for name, entry in system.solution_schema.items() if name not in ("status", "history")}
        rows = [("status", how, ""), *array_rows(self, own, count)]
        return stacked(f"{system.name}: decision", count), rows

    @classmethod
    def from_arrays(cls: type[One], arrays: Mapping[str, Any]) -> One:
        """Build a solution from checked arrays; numbers that a file may leave out are NaN.

        Parameters
        ----------
        arrays : mapping
            By the names of the file.

        Returns
        -------
        Solution
        """
        own = {"status": jnp.asarray(int(Status[str(arrays["status"]).upper()]))}
        for entry in fields(cls):
            if entry.name in arrays and entry.name not in own:
                own[entry.name] = jnp.asarray(arrays[entry.name])
            elif entry.default is MISSING:
                own.setdefault(entry.name, jnp.asarray(jnp.nan))  # see LEFT_OUT
        return cls(**own)


SOLUTION_FIELDS: dict[str, Field] = {
    "status": Field("text", choices=tuple(s.label for s in Status)),
    "objective": Field("float", nan=True),
    "bound": Field("float", nan=True),
    "terminal_feasible": Field("bool", ("K",)),
    "iterations": Field("int"),
    "history": Field("float", ("*",)),
}
"""Arrays that every solution file holds."""
