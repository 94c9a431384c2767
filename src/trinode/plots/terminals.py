"""A picture for systems that bring none: what the metrics are at each terminal."""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode.plots._style import PALETTE, new_figure, set_title, style
from trinode.systems.registry import system as find_system
from trinode.systems.units import unit_of

MOST = 6
"""Metrics that are drawn, the first ones."""


def draw(scenario: Any, solution: Any, report: Any, title: str = "", building_lines: Any = None) -> Any:
    """Bars over the terminals, a pair of axes for each metric; None where no metric is one of terminals."""
    words = find_system(report.system).metrics
    shown = [name for name in report.metrics if name in words and words[name].dims == ("K",)][:MOST]
    if not shown:
        return None
    with style():
        figure = new_figure(2.6 * len(shown), 2.6)
        for ax, name, colour in zip(np.atleast_1d(figure.subplots(1, len(shown))), shown, PALETTE):
            values = np.asarray(report.metrics[name], dtype=float)
            ax.bar(range(len(values)), values, color=colour)
            unit = f" ({unit_of(name)})" if unit_of(name) else ""
            ax.set(title=name.replace("_", " ") + unit, xlabel="terminal", xticks=range(len(values)))
        set_title(figure, title)
    return figure


PICTURES = {"terminals": draw}
"""By name."""
