"""Solving and judging as commands do it: whatever has to be compiled is compiled side by side."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trinode.systems.contract import System
    from trinode.systems.report import Report

drawing = Lock()
"""To be held while a picture is made: matplotlib draws one at a time."""


def answers(
    system: System, scenario: Any, schemes: Sequence[str], start: Any = None, effort: str = ""
) -> dict[str, tuple[Any, Report]]:
    """Solution and report of each scheme; bounds are computed while schemes still work."""
    from trinode import _pool, _programs, api

    _programs.take_turns(_pool.programs())
    family = {name: system.scheme(name).family for name in schemes}
    kinds = dict.fromkeys(["", *family.values()])
    with ThreadPoolExecutor(len(schemes) + len(kinds)) as pool:
        solving = {name: pool.submit(api.solve, scenario, name, start, effort) for name in schemes}
        bounding = {kind: pool.submit(api.bound, scenario, kind) for kind in kinds}
        solutions = {name: task.result() for name, task in solving.items()}
        bounds = {kind: task.result() for kind, task in bounding.items()}
    found = {}
    for name, solution in solutions.items():
        report = api.evaluate(scenario, solution, bound=False)
        found[name] = solution, dataclasses.replace(report, bound=bounds[""], scheme_bound=bounds[family[name]])
    return found
