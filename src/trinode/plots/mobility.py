"""Decisions from slot to slot: the objective over time beside deciding anew and the bound, and the time of a step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from trinode.plots._style import ALARM, DASHES, PALETTE, QUIET, new_figure, save_figure, set_title, style
from trinode.systems.registry import system as find_system

LINES = (
    ("carried", "carried decision, repaired", QUIET, "-", 0.9),
    ("objective", "decision of the slot", PALETTE[0], "-", 1.6),
    ("anew", "decided anew", PALETTE[1], DASHES[1], 1.3),
    ("bound", "bound", PALETTE[2], DASHES[2], 1.3),
)


def draw(dataset: Any, title: str = "") -> Any:
    """The figure of a dataset of :func:`trinode.experiments.mobility.run`."""
    found, time = find_system(dataset.attrs["system"]), dataset.time_s.values
    with style():
        figure = new_figure(7.2, 4.6)
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        for name, words, colour, dashes, width in LINES:
            if np.any(np.isfinite(dataset[name].values)):
                above.plot(time, dataset[name].values, color=colour, linestyle=dashes, linewidth=width, label=words)
        unit = f" ({found.objective_unit})" if found.objective_unit else ""
        above.set(ylabel=found.objective_name + unit)
        above.legend(ncols=2, loc="best")
        below.plot(time[1:], 1e3 * dataset.seconds.values[1:], color=PALETTE[0], linewidth=0.8)
        below.axhline(1e3 * dataset.attrs["budget_s"], color=ALARM, linewidth=0.9, linestyle=DASHES[1])
        below.set(xlabel="time (s)", ylabel="step (ms)", yscale="log")
        set_title(figure, title)
    return figure


def save(dataset: Any, folder: str | Path) -> list[Path]:
    """Write it as PDF and PNG; returns the files."""
    a = dataset.attrs
    way = f"track {a['track']}" if a["motion"] == "track" else f"{a['motion']} at {a['speed_kmh']:g} km/h"
    return save_figure(draw(dataset, f"{a['system']}: {way}"), folder, "mobility")
