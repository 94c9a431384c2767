"""Figures of sweeps, drawn from a dataset and nothing else."""

from __future__ import annotations

import csv
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from trinode.plots._style import DASHES, INK, MARKERS, PALETTE, QUIET, new_figure, save_figure, style
from trinode.systems.figure import FigureSpec, Panel

if TYPE_CHECKING:
    import xarray
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BOUND = "bound"
LEVELS = np.linspace(0.0, 1.0, 101)
"""Shares at which the values of a panel of shares are read."""

COLUMNS: tuple[str, ...] = ("quantity", "series", "scheme", "x", "mean", "standard_error", "confidence_95", "count")


def lines(spec: FigureSpec, dataset: xarray.Dataset) -> list[dict[str, Any]]:
    """The numbers of a figure: the mean over the panel's trials at each place of each line.

    Keys are :data:`COLUMNS`; ``x`` is in the parameter's unit, or the step of a history, and the others are
    in the dataset's units. The scheme ``bound`` is the mean bound. In a panel of shares ``x`` is a value of the
    quantity and the mean is that of being at most as large. ``confidence_95`` is half the width of the interval around
    the mean that holds the true one with 95 %, by Student's t. A panel over trials of which there is none is over those
    that each scheme meets at the point, see :func:`trials_of`.
    """
    rows: list[dict[str, Any]] = []
    for panel in spec.panels:
        over = trials_of(panel, dataset.attrs)
        chosen = _trials(dataset, panel, over)
        for series in _labels(chosen, "series"):
            at = chosen.sel(series=series) if "series" in chosen.dims else chosen
            for scheme in _labels(at, "scheme"):
                values = at[panel.quantity].sel(scheme=scheme)
                if over == "own":
                    values = values.where(at["feasible"].sel(scheme=scheme))
                if panel.kind == "shares":
                    rows += _shares(panel.quantity, series, scheme, values)
                else:
                    rows += _rows(spec, panel.quantity, series, scheme, values)
            if panel.bound and "bound" in at:
                bound = at["bound"]
                rows += _rows(spec, panel.quantity, series, BOUND, bound.where(np.isfinite(bound)))
    return rows


def trials_of(panel: Panel, a: Mapping[str, Any]) -> str:
    """Which trials a panel is over, from the attributes of a dataset: its own where there is none of those it wants."""
    return "own" if panel.over in ("kept", "possible") and not a[f"trials_{panel.over}"] else panel.over


def served(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether the rows hold a mean of some scheme."""
    return any(not np.isnan(row["mean"]) for row in rows if row["scheme"] != BOUND)


def draw(spec: FigureSpec, dataset: xarray.Dataset) -> Figure:
    """Draw a figure: lines with markers, one colour and marker per scheme, one dash per series.

    Where there is one scheme only, the colours tell the series apart.
    """
    rows = lines(spec, dataset)
    with style():
        count = len(spec.panels)
        figure = new_figure(1.9 + 3.7 * count, 3.6)
        axes = np.atleast_1d(figure.subplots(1, count))
        for ax, panel in zip(axes, spec.panels):
            _draw_panel(ax, spec, panel, [row for row in rows if row["quantity"] == panel.quantity])
        handles = {label: line for ax in axes for line, label in zip(*ax.get_legend_handles_labels())}
        if handles:
            figure.legend(list(handles.values()), list(handles), loc="outside right upper", handlelength=3.0)
        title = "\n".join(textwrap.wrap(spec.title, 42 * count))  # beside the legend
        figure.suptitle(title, x=0.01, ha="left", fontsize=10.5, fontweight="bold")
        caption = "\n".join(textwrap.wrap(counts(dataset.attrs, spec.spread, spec), int(34 + 52 * count)))
        figure.supxlabel(caption, x=0.01, ha="left", fontsize=7.5, color=QUIET)
    return figure


def counts(a: Mapping[str, Any], spread: bool = False, spec: FigureSpec | None = None) -> str:
    """One sentence on which trials the means are over; from the attributes of a dataset."""
    panels = () if spec is None else spec.panels
    ways = {trials_of(panel, a) for panel in panels} or {"kept"}
    wanted = {panel.over for panel in panels} or {"kept"}
    left_out = [f"{a['trials_missing']} not computed"] if a["trials_missing"] else []
    if ways == {"possible"}:
        text = f"Means over {a['trials_possible']} of {a['trials']} trials: those that some scheme meets at every point"
    elif "kept" not in ways:
        none = {"kept": "every scheme", "possible": "some scheme"}
        missed = [f"none that {who} meets at every point" for way, who in none.items() if way in wanted - ways]
        text = f"Means over {a['trials']} trials, of values over those that the scheme meets at the point"
        text += f", since there is {' and '.join(missed)}" if missed else ""
    else:
        shares = all(panel.kind == "shares" for panel in panels) and bool(panels)
        text = f"{'Shares of' if shares else 'Means over'} {a['trials_kept']} of {a['trials']} trials: those feasible"
        text += " at every point for every scheme"
        left_out = [
            *([f"{a['trials_infeasible']} not feasible somewhere"] if a["trials_infeasible"] else []),
            *left_out,
        ]
    text += f" ({', '.join(left_out)})" if left_out else ""
    return f"{text}; seed {a['seed']}." + (" Bands: one standard error." if spread else "")


def save(spec: FigureSpec, dataset: xarray.Dataset, folder: str | Path) -> list[Path]:
    """Write a figure as PDF and PNG, its numbers as CSV and the dataset as NetCDF; returns the files."""
    place = Path(folder)
    files = save_means(spec, dataset, place)
    whole = place / f"{spec.name}.nc"
    dataset.to_netcdf(whole, engine="scipy")
    return [*files, whole]


def save_means(spec: FigureSpec, dataset: xarray.Dataset, folder: str | Path) -> list[Path]:
    """Write a figure as PDF and PNG and its numbers as CSV; returns the files."""
    place = Path(folder)
    files = save_figure(draw(spec, dataset), place, spec.name)
    numbers = place / f"{spec.name}.csv"
    with open(numbers, "w", newline="", encoding="utf-8") as handle:
        writer = csv.DictWriter(handle, COLUMNS)
        writer.writeheader()
        writer.writerows(lines(spec, dataset))
    return [*files, numbers]


def _trials(dataset: xarray.Dataset, panel: Panel, over: str) -> xarray.Dataset:
    """The trials that a panel is over, with histories no longer than their longest one."""
    if over not in ("kept", "possible"):
        return dataset
    chosen = dataset.isel(trial=np.flatnonzero(dataset[panel.over].values))
    if "history" in chosen:
        known = chosen["history"].notnull().any([dim for dim in chosen["history"].dims if dim != "step"])
        chosen = chosen.isel(step=slice(0, int(known.sum())))
    return chosen


def _labels(dataset: xarray.Dataset, dim: str) -> list[str]:
    return [str(label) for label in dataset[dim].values] if dim in dataset.dims else [""]


def _rows(spec: FigureSpec, quantity: str, series: str, scheme: str, values: xarray.DataArray) -> list[dict[str, Any]]:
    along = "step" if "step" in values.dims else spec.sweep.parameter
    entry = f"{quantity}_entry"
    if along == "step":
        places = np.arange(1, values.sizes["step"] + 1)
    elif entry in values.dims:
        places, along = np.arange(1, values.sizes[entry] + 1), entry
    elif along in values.dims:
        places = values[along].values
    else:
        places, along = np.asarray([0]), ""
    grid = (values.transpose(along, "trial") if along else values.expand_dims("point")).values
    if along == "step":
        grid = _carry_on(grid)
    full = [row[~np.isnan(row)] for row in grid]
    return [
        {
            "quantity": quantity,
            "series": series,
            "scheme": scheme,
            "x": _place(x),
            "mean": float(row.mean()) if row.size else np.nan,
            "standard_error": _standard_error(row),
            "confidence_95": _half_width(_standard_error(row), row.size),
            "count": int(row.size),
        }
        for x, row in zip(places, full)
    ]


def _standard_error(values: np.ndarray) -> float:
    """Of a mean; NaN where it is unknown: for one value, or an infinite one."""
    known = values.size > 1 and np.isfinite(values).all()
    return float(values.std(ddof=1) / np.sqrt(values.size)) if known else np.nan


def _half_width(standard_error: float, count: int) -> float:
    """Of the 95 % confidence interval of a mean."""
    from scipy.special import stdtrit

    return float(stdtrit(count - 1, 0.975) * standard_error) if count > 1 else np.nan


def _place(x: Any) -> float | str:
    """A value of the swept parameter: a number, or the text of what is none."""
    return str(x).lower() if np.asarray(x).dtype.kind == "b" else str(x) if isinstance(x, str) else float(x)


def _shares(quantity: str, series: str, scheme: str, values: xarray.DataArray) -> list[dict[str, Any]]:
    """Values that given shares of the trials do not exceed."""
    own = values.values.reshape(-1)
    own = own[~np.isnan(own)]
    if not own.size:
        return []
    return [
        {
            "quantity": quantity,
            "series": series,
            "scheme": scheme,
            "x": float(x),
            "mean": float(share),
            "standard_error": float(np.sqrt(share * (1 - share) / own.size)),
            "confidence_95": _half_width(float(np.sqrt(share * (1 - share) / own.size)), own.size),
            "count": int(own.size),
        }
        for share, x in zip(LEVELS, np.quantile(own, LEVELS))
    ]


def _carry_on(history: np.ndarray) -> np.ndarray:
    """Histories (step, trial) in which one that has stopped stays where it is."""
    steps = np.arange(len(history))[:, None]
    last = np.maximum.accumulate(np.where(np.isnan(history), 0, steps), axis=0)
    return np.take_along_axis(history, last, axis=0)


def _draw_panel(ax: Axes, spec: FigureSpec, panel: Panel, rows: list[dict[str, Any]]) -> None:
    schemes = list(dict.fromkeys(row["scheme"] for row in rows))
    series = list(dict.fromkeys(row["series"] for row in rows))
    own = [scheme for scheme in schemes if scheme != BOUND]
    by_series = len(own) == 1 and len(series) > 1
    for scheme, label in dict.fromkeys((row["scheme"], row["series"]) for row in rows):
        line = [row for row in rows if (row["scheme"], row["series"]) == (scheme, label)]
        s = series.index(label)
        index = s if by_series else schemes.index(scheme)
        bound = scheme == BOUND
        colour = INK if bound and not by_series else PALETTE[index % len(PALETTE)]
        shares = panel.kind == "shares"
        across, up = (panel.factor, 1.0) if shares else (spec.x_factor, panel.factor)
        places = [row["x"] for row in line]
        named = [place for place in places if isinstance(place, str)]
        x = np.arange(len(places)) if named else np.asarray(places) * across
        y = np.asarray([row["mean"] for row in line]) * up
        error = np.asarray([row["standard_error"] for row in line]) * up
        ax.plot(
            x,
            y,
            color=colour,
            marker="" if bound or shares else MARKERS[index % len(MARKERS)],
            markevery=max(1, len(x) // 12),
            linestyle=(0, (1, 1.2)) if bound else DASHES[0 if by_series else s % len(DASHES)],
            linewidth=1.1 if bound else 1.4 + (0.6 if shares else 0.3) * index,  # curves on one another stay visible
            markeredgecolor="white",
            markeredgewidth=0.6,
            label=label if by_series and not bound else _legend(spec, scheme, label),
            zorder=4 if bound else 4 - 0.1 * index,
        )
        if spec.spread and not bound and np.isfinite(error).any():
            ax.fill_between(x, y - error, y + error, color=colour, alpha=0.14, linewidth=0)
    if panel.kind == "shares":
        ax.set(xlabel=panel.label, ylabel="Share of trials", xscale=panel.scale, ylim=(0, 1))
        # the last few trials may be far away
        ends = [row["x"] * panel.factor for row in rows if 0.01 <= row["mean"] <= 0.97]
        if ends and max(ends) > min(ends) > 0:
            ax.set_xlim(min(ends) * 0.9, max(ends) * 1.05)
        if panel.scale == "log":
            _plain_log(ax.xaxis)
    else:
        ax.set(xlabel=spec.x_label, ylabel=panel.label, xscale=spec.x_scale, yscale=panel.scale)
        if rows and isinstance(rows[0]["x"], str):
            ax.set_xticks(range(len(spec.sweep.values)), [str(value) for value in spec.sweep.values])
        else:
            _set_ticks(ax, spec, panel)
    ax.grid(True, axis="y")
    if not served(rows):
        ax.text(0.5, 0.5, "no network is served here", transform=ax.transAxes, ha="center", color=QUIET)


def _set_ticks(ax: Axes, spec: FigureSpec, panel: Panel) -> None:
    """Plain numbers on the axes, and ticks at the points of a logarithmic sweep."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

    plain = FuncFormatter(lambda value, _: f"{value:g}")
    values = spec.sweep.values
    if spec.x_scale == "log" and 2 <= len(values) <= 9:
        ax.xaxis.set_major_locator(FixedLocator([value * spec.x_factor for value in values]))
        ax.xaxis.set_major_formatter(plain)
        ax.xaxis.set_minor_locator(NullLocator())
    elif spec.x_factor == 1 and all(isinstance(value, int) for value in values):
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if panel.scale == "log":
        _plain_log(ax.yaxis)


def _plain_log(axis: Any) -> None:
    """Plain numbers on a logarithmic axis where they have room; between powers of ten only what does not crowd."""
    from matplotlib.ticker import FuncFormatter, LogFormatterSciNotation, NullFormatter

    low, high = axis.get_view_interval()
    if high > 1e4 * low:
        axis.set_major_formatter(LogFormatterSciNotation())
        axis.set_minor_formatter(NullFormatter())
        return
    between = "235" if high < 60 * low else "3" if high < 1e3 * low else ""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(FuncFormatter(lambda value, _: f"{value:g}" if f"{value:e}"[0] in between else ""))


def _legend(spec: FigureSpec, scheme: str, series: str) -> str:
    if scheme == BOUND:
        return "bound"
    name = spec.labels.get(scheme, scheme)
    return f"{name}, {series}" if series else name
