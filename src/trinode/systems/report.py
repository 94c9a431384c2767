"""The judge's word: every metric and constraint residual of a decision, recomputed from network and decision alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Bool, Float

from trinode._words import one_of
from trinode.errors import InputError, MissingExtraError
from trinode.systems.metric import LETTERS
from trinode.systems.show import Row, Shown, count_of, metric_rows, stacked, text_of

if TYPE_CHECKING:
    from trinode.systems.contract import System

FEASIBILITY_TOLERANCE = 1e-6
"""Largest relative residual that still counts as feasible."""


class Report(Shown):
    """Every metric and constraint residual of a decision, recomputed from scenario and solution alone.

    Reports of many networks are stacked along a leading axis; what is derived from them then has an entry for each.

    Attributes
    ----------
    objective : float
        Value of the decision; NaN where infeasible.
    metrics : dict
        Quantities by name, the unit in the name.
    residuals : dict
        Relative violation of each constraint, by the paper's equation; at most 0 when met.
    bound, scheme_bound : float
        Values that no solution of this scenario, or none of this scheme's kind, can beat; NaN where unknown.
    system, sense : str
        Name of the system, empty where it was not judged by :func:`trinode.evaluate`; ``"min"`` or ``"max"``.
    """

    objective: Float[Array, "*batch"]
    metrics: dict[str, Array]
    residuals: dict[str, Array]
    bound: Float[Array, "*batch"] = eqx.field(default_factory=lambda: jnp.asarray(jnp.nan))
    scheme_bound: Float[Array, "*batch"] = eqx.field(default_factory=lambda: jnp.asarray(jnp.nan))
    system: str = eqx.field(static=True, default="")
    sense: str = eqx.field(static=True, default="min")

    @property
    def worst_residual(self) -> Float[Array, "*batch"]:
        """Largest relative violation over all constraints; NaN where one of them is."""
        return self._worst().max(axis=0, initial=-np.inf)

    @property
    def worst_constraint(self) -> Any:
        """Name of the constraint with the largest relative violation; an array of names where reports are stacked."""
        return np.asarray(list(self.residuals))[np.argmax(self._worst(), axis=0)]

    @property
    def feasible(self) -> Bool[Array, "*batch"]:
        """Whether every residual is at most :data:`FEASIBILITY_TOLERANCE`, and the objective a finite number."""
        return (self.worst_residual <= FEASIBILITY_TOLERANCE) & array_module(self.objective).isfinite(self.objective)

    @property
    def gap(self) -> Float[Array, "*batch"]:
        """By how much the objective is worse than the bound, relatively; NaN where infeasible or without a bound."""
        return self._gap(self.bound)

    @property
    def scheme_gap(self) -> Float[Array, "*batch"]:
        """The same to the bound of the scheme's kind."""
        return self._gap(self.scheme_bound)

    def _worst(self) -> Float[Array, "..."]:
        """Largest entry of each constraint's residuals."""
        xp, axes = array_module(self.objective), np.ndim(self.objective)
        each = [xp.asarray(residual) for residual in self.residuals.values()]
        return xp.stack([one.max(axis=tuple(range(axes, one.ndim)), initial=-np.inf) for one in each])

    def _gap(self, bound: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
        xp = array_module(self.objective)
        value, limit = xp.where(self.feasible, self.objective, np.nan), xp.asarray(bound)
        worse = value - limit if self.sense == "min" else limit - value
        return worse / xp.where(xp.isfinite(limit) & (limit != 0), xp.abs(limit), np.nan)

    def table(self) -> tuple[str, list[Row]]:
        """Objective, bound, constraints and metrics, with units."""
        found, count = self._system, count_of(self.objective, 0)
        name, unit = (found.objective_name, found.objective_unit) if found else ("objective", "")
        rows = [(name, text_of("", self.objective, unit), "")]
        kinds = ("bound", self.bound, self.gap), ("bound of its kind", self.scheme_bound, self.scheme_gap)
        for what, bound, gap in kinds:
            if not np.all(np.isnan(bound)):
                beside = "" if np.all(np.isnan(gap)) else f"gap {text_of('', 100 * np.asarray(gap))} %"
                rows.append((what, text_of("", bound, unit), beside))
        where = "" if count is not None or self.feasible else f" ({self.worst_constraint})"
        worst = f"worst residual {text_of('', self.worst_residual)}{where}"
        rows += [("feasible", text_of("", self.feasible), worst)]
        rows += metric_rows(self.metrics, found.metrics if found else {}, count)
        return stacked(f"{self.system}: report".removeprefix(": "), count), rows

    def to_pandas(self, per: str = "terminal") -> Any:
        """A data frame of the metrics that have one value per terminal, access point, or network.

        Parameters
        ----------
        per : {"terminal", "access point", "subcarrier", "target", "network"}
            What a row is. Stacked reports have the network as another index. Rows of networks begin with objective,
            bounds, gap and feasibility.

        Raises
        ------
        MissingExtraError
            pandas is not installed (it comes with xarray).
        InputError
            No metric is per what was asked for.
        """
        return frame(self, per)

    @property
    def _system(self) -> System | None:
        from trinode.systems.registry import system

        return system(self.system) if self.system else None


def array_module(value: Any) -> Any:
    """JAX's NumPy within programs; else NumPy itself, since JAX would compile every step."""
    return jnp if isinstance(value, Tracer) else np


def frame(report: Report, per: str) -> Any:
    """See :meth:`Report.to_pandas`."""
    try:
        import pandas
    except ImportError as fault:
        raise MissingExtraError("pandas") from fault
    found = report._system
    if found is None or not found.metrics:
        raise InputError("report", "a report whose metrics are not described", "one of tn.evaluate")
    dims = {name: found.metrics[name].dims for name in report.metrics if name in found.metrics}
    axes = {letter: what for letter, what in LETTERS.items() if any(own == (letter,) for own in dims.values())}
    letter = next((letter for letter, what in axes.items() if what == per), "")
    if not letter and per != "network":
        raise InputError("per", per, one_of(per, [*axes.values(), "network"]))
    names = [name for name, own in dims.items() if own == ((letter,) if letter else ())]
    columns = {name: np.asarray(report.metrics[name]) for name in names}
    if not letter:
        own = ("objective", "bound", "scheme_bound", "gap", "feasible", "worst_residual")
        columns = {name: np.asarray(getattr(report, name)) for name in own} | columns
    over = (["network"] if np.ndim(report.objective) else []) + ([per] if letter else [])
    shape = next(iter(columns.values())).shape
    index = pandas.MultiIndex.from_product([range(n) for n in shape], names=over) if len(over) > 1 else None
    if index is None:
        index = pandas.RangeIndex(shape[0] if over else 1, name=over[0] if over else "network")
    return pandas.DataFrame({name: value.reshape(-1) for name, value in columns.items()}, index=index)
