"""Figures from datasets, and pictures of single decisions."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any


def pictures(
    system: str,
    scenario: Any,
    solution: Any,
    report: Any,
    folder: str | Path,
    title: str = "",
    building_lines: Any = None,
) -> list[Path]:
    """Draw a decision in the way of its system; returns the files, none where the system has no pictures.

    The pictures of a system are the functions of ``PICTURES`` in ``trinode.plots.<system>``: name to
    ``draw(scenario, solution, report, title, building_lines) -> Figure``, or None where there is nothing to
    draw.
    """
    if find_spec(f"{__name__}.{system}") is None:
        return []
    from trinode.plots._style import save_figure

    drawings = import_module(f"{__name__}.{system}").PICTURES
    files: list[Path] = []
    for name, draw in drawings.items():
        figure = draw(scenario, solution, report, title, building_lines)
        files += save_figure(figure, folder, f"{system}-{name}") if figure is not None else []
    return files
