"""What a figure of a system is, as plain data: a sweep, what of it is drawn, what its source says of it.

The figures of a system are written with these words; carrying a sweep out and drawing it belong to higher
floors.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from trinode.errors import InputError

Number = int | float
Scale = Literal["linear", "log"]


@dataclass(frozen=True)
class Measure:
    """A metric of the report, reduced to one number per scenario or kept entry by entry.

    Attributes
    ----------
    name : str
        Name in the dataset.
    metric : str
        Key of ``Report.metrics``.
    reduce : {"sum", "mean", "max", "min", "each"}
        Over all entries of the metric; ``each`` keeps them, and a panel draws them over their index.
    """

    name: str
    metric: str
    reduce: Literal["sum", "mean", "max", "min", "each"] = "sum"


RESERVED = (
    *("objective", "feasible", "status", "iterations", "worst_residual", "history", "bound", "scheme_bound"),
    *("kept", "possible", "series", "point", "scheme", "trial", "step"),
)
"""What the dataset of any sweep may hold."""


@dataclass(frozen=True)
class Sweep:
    """Trials of some schemes at some values of one parameter.

    Every point sees the same random numbers: trial ``t`` of a seed is the same network wherever the
    parameters allow it.

    Attributes
    ----------
    system : str
        Name of the system.
    schemes : tuple of str
        Names of schemes.
    parameter : str
        Field of the system's parameters that is swept; empty for a single point.
    values : tuple
        Its values.
    fixed : mapping
        Parameters that differ from the defaults at every point.
    series : mapping
        Label to further parameters: one set of points each. Empty for one nameless series.
    trials, seed : int
        Scenarios per point, and where their random numbers start.
    block : int
        Trials of one work item; 0 for a number that suits the system's batches.
    measures : tuple of Measure
        Metrics to keep beside the objective.
    bound, scheme_bound : bool
        Whether to compute the bound of each network, and those of the schemes' families as well.
    history : bool
        Whether to keep the objective after each step of the schemes.
    """

    system: str
    schemes: tuple[str, ...]
    parameter: str = ""
    values: tuple[Number, ...] = ()
    fixed: Mapping[str, Number | str] = field(default_factory=dict)
    series: Mapping[str, Mapping[str, Number | str]] = field(default_factory=dict)
    trials: int = 100
    seed: int = 0
    block: int = 0
    measures: tuple[Measure, ...] = ()
    bound: bool = True
    scheme_bound: bool = True
    history: bool = False

    def __post_init__(self) -> None:
        if not self.schemes:
            raise InputError("schemes", "none", "at least one name")
        if bool(self.parameter) != bool(self.values):
            raise InputError("values", self.values, f"at least one value of {self.parameter or 'a named parameter'}")
        for place, more in (("fixed", self.fixed), *(("series", one) for one in self.series.values())):
            if self.parameter in more:
                given = f"{self.parameter} = {more[self.parameter]}"
                raise InputError(place, given, "parameters beside the one that is swept")
        if len(set(self.values)) < len(self.values):
            raise InputError("values", self.values, "values that all differ")
        names = [measure.name for measure in self.measures]
        for name in names:
            if name in (*RESERVED, self.parameter) or names.count(name) > 1:
                allowed = "names that all differ, not the swept parameter, and none of a dataset itself: " + ", ".join(
                    RESERVED
                )
                raise InputError("measures", name, allowed)
        for name, least in (("trials", 1), ("block", 0), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InputError(name, value, f"an integer of at least {least}")


@dataclass(frozen=True)
class Panel:
    """One pair of axes of a figure.

    Attributes
    ----------
    quantity : str
        Variable of the dataset: ``objective``, ``history`` or the name of a measure.
    label : str
        Of the vertical axis, with its unit.
    factor : float
        From the dataset's unit to the axis's.
    scale : {"linear", "log"}
        Of the vertical axis.
    bound : bool
        Whether to draw the mean bound, for the objective.
    over : {"kept", "possible", "own", "all"}
        Which trials means are over: those that every scheme meets at every point, those that some scheme does, those
        that the scheme meets at the point, or all.
    kind : {"means", "shares"}
        Means over the swept parameter, or, for a sweep of one point, the share of trials at most as large as a value;
        ``label``, ``factor`` and ``scale`` then belong to the horizontal axis.
    """

    quantity: str = "objective"
    label: str = ""
    factor: float = 1.0
    scale: Scale = "linear"
    bound: bool = False
    over: Literal["kept", "possible", "own", "all"] = "kept"
    kind: Literal["means", "shares"] = "means"


@dataclass(frozen=True)
class FigureSpec:
    """A figure that one command makes.

    Attributes
    ----------
    name, title : str
        For commands and files; one line for people.
    sweep : Sweep
        What is computed; its ``trials`` are the default.
    x_label, x_factor, x_scale
        The horizontal axis: label with unit, factor from the parameter's unit, scale.
    panels : tuple of Panel
        What is drawn, from left to right.
    claims : str
        What the source says the figure shows.
    labels : mapping
        Scheme to its name in the legend.
    spread : bool
        Whether to draw a band of one standard error around the means.
    """

    name: str
    title: str
    sweep: Sweep
    x_label: str
    panels: tuple[Panel, ...]
    x_factor: float = 1.0
    x_scale: Scale = "linear"
    claims: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    spread: bool = True
