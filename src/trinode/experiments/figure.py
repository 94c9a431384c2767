"""From a figure's name to its dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trinode._words import one_of
from trinode.errors import InputError
from trinode.experiments.dataset import gather
from trinode.experiments.runner import Summary, run_all
from trinode.systems.figure import FigureSpec, Panel, Sweep
from trinode.systems.registry import system as find_system
from trinode.systems.units import unit_of

if TYPE_CHECKING:
    import xarray

__all__ = ["FigureSpec", "Panel", "default_folder", "figure", "of_sweep", "reproduce", "reproduce_all"]


def figure(system: str, name: str) -> FigureSpec:
    """Specification of a system's figure.

    Raises
    ------
    InputError
        The system has no such figure.
    """
    figures = find_system(system).figures
    if name not in figures:
        raise InputError("figure", name, one_of(name, figures) if figures else f"none: {system} has no figures")
    return figures[name]


def of_sweep(sweep: Sweep) -> FigureSpec:
    """A figure of any sweep: the objective with its bound, and every measure, over the swept parameter."""
    system = find_system(sweep.system)
    unit = f" ({system.objective_unit})" if system.objective_unit else ""
    panels = [Panel("objective", f"Mean {system.objective_name}{unit}", bound=sweep.bound)]
    for one in sweep.measures:
        unit = f" ({unit_of(one.metric)})" if unit_of(one.metric) else ""
        panels.append(Panel(one.name, f"Mean {one.name}{unit}"))
    unit = f" ({unit_of(sweep.parameter)})" if unit_of(sweep.parameter) else ""
    label = sweep.parameter + unit
    return FigureSpec("sweep", f"{sweep.system}: {', '.join(sweep.schemes)}", sweep, label, tuple(panels))


def default_folder(system: str, name: str) -> Path:
    """Where a figure and its items are kept unless said otherwise."""
    return Path("out") / f"{system}-{name}"


def reproduce(
    system: str,
    name: str,
    folder: str | Path | None = None,
    *,
    trials: int | None = None,
    seed: int | None = None,
    **how: Any,
) -> tuple[FigureSpec, xarray.Dataset, Summary]:
    """Compute what is missing of a figure and gather it; ``how`` is passed to :func:`~.runner.run_all`.

    Returns
    -------
    FigureSpec
        With the trials and seed that were used.
    xarray.Dataset
        See :func:`trinode.experiments.dataset.gather`.
    Summary
        What was reused, computed, and what failed.
    """
    place = Path(folder) if folder is not None else default_folder(system, name)
    (result,) = reproduce_all([(system, name, place)], trials=trials, seed=seed, **how)
    return result


def reproduce_all(
    figures: Sequence[tuple[str, str, Path]],
    *,
    trials: int | None = None,
    seed: int | None = None,
    **how: Any,
) -> Iterator[tuple[FigureSpec, xarray.Dataset, Summary]]:
    """The same for several figures (system, name, folder), each given once it is over; work on others goes on."""
    asked = {key: value for key, value in (("trials", trials), ("seed", seed)) if value is not None}
    specs = []
    for system, name, _ in figures:
        spec = figure(system, name)
        drawn = spec.sweep.bound and any(panel.bound for panel in spec.panels)
        specs.append(replace(spec, sweep=replace(spec.sweep, bound=drawn, scheme_bound=False, **asked)))
    places = [place for _, _, place in figures]
    summaries = run_all([(spec.sweep, place) for spec, place in zip(specs, places)], **how)
    for spec, place, summary in zip(specs, places, summaries, strict=True):
        yield spec, gather(spec.sweep, place), summary
