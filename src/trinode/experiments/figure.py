"""From a figure's name to its dataset."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trinode.errors import InputError
from trinode.experiments.dataset import gather
from trinode.experiments.runner import Summary, run
from trinode.systems.figure import FigureSpec, Panel
from trinode.systems.registry import system as find_system

if TYPE_CHECKING:
    import xarray

__all__ = ["FigureSpec", "Panel", "default_folder", "figure", "reproduce"]


def figure(system: str, name: str) -> FigureSpec:
    """Specification of a system's figure.

    Raises
    ------
    InputError
        The system has no such figure.
    """
    figures = find_system(system).figures
    if name not in figures:
        raise InputError(
            "figure", name, "one of " + ", ".join(figures) if figures else f"none: {system} has no figures"
        )
    return figures[name]


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
    progress: bool = False,
    **where: Any,
) -> tuple[FigureSpec, xarray.Dataset, Summary]:
    """Compute what is missing of a figure and gather it; ``where`` is passed to :func:`~.runner.run`.

    Returns
    -------
    FigureSpec
        With the trials and seed that were used.
    xarray.Dataset
        See :func:`trinode.experiments.dataset.gather`.
    Summary
        What was reused, computed, and what failed.
    """
    spec = figure(system, name)
    asked = {key: value for key, value in (("trials", trials), ("seed", seed)) if value is not None}
    drawn = spec.sweep.bound and any(panel.bound for panel in spec.panels)
    spec = replace(spec, sweep=replace(spec.sweep, bound=drawn, scheme_bound=False, **asked))
    place = Path(folder) if folder is not None else default_folder(system, name)
    summary = run(spec.sweep, place, progress=progress, **where)
    return spec, gather(spec.sweep, place), summary
