"""Figures from datasets, and pictures of single decisions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from trinode.systems.registry import system as find_system


def pictures(
    system: str,
    scenario: Any,
    solution: Any,
    report: Any,
    folder: str | Path,
    title: str = "",
    building_lines: Any = None,
) -> list[Path]:
    """Draw a decision in the way of its system; returns the files.

    Pictures are functions ``draw(scenario, solution, report, title, building_lines) -> Figure``, or None where there is
    nothing to draw, by name: those of the system, else bars over the terminals.
    """
    from trinode.plots import terminals
    from trinode.plots._style import save_figure

    found = find_system(system)
    module = found.beside("pictures") or terminals
    drawings = module.PICTURES if isinstance(found.pictures, str) else found.pictures
    files: list[Path] = []
    for name, draw in drawings.items():
        figure = draw(scenario, solution, report, title, building_lines)
        files += save_figure(figure, folder, f"{system}-{name}") if figure is not None else []
    return files
