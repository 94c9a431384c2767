"""A system stated in parts and decided by the general engine, next to its default scheme and its bound."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from trinode import _programs, api
from trinode.compose.problem import Problem
from trinode.experiments.bench import Say, table
from trinode.solving.drive import solve


@_programs.long_runs()
def compared(name: str, statement: Callable[[Any], Problem], trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Values, gaps and processor time of both on default networks.

    Parameters
    ----------
    name : str
        Of the system.
    statement : callable
        ``statement(scenario)``, its problem.
    trials : int or None
        Networks; 20 where None.
    say : callable
        Told of progress.
    """
    count = trials or 20
    networks = [api.draw(name, trial=trial) for trial in range(count)]
    sign = 1 if statement(networks[0]).program.minimise else -1

    def general(network: Any) -> float:
        return solve(statement(network)).value

    def default(network: Any) -> float:
        report = api.evaluate(network, api.solve(network), bound=False)
        return float(report.objective) if report.feasible else np.nan

    limit = np.array([float(api.bound(network)) for network in networks])
    known, rows = {}, []
    for who, decide in {"default": default, "general": general}.items():
        decide(networks[0])  # compiled
        began = time.process_time()
        value = known[who] = np.array([decide(network) for network in networks])
        seconds = (time.process_time() - began) / count
        say(f"  {who}")
        gap, worse = (100 * sign * (value / other - 1) for other in (limit, known["default"]))
        counts = [int(np.sum(np.isfinite(value))), np.nanmean(value)]
        spread = [[each(of) for each in (np.nanmin, np.nanmedian, np.nanmax)] for of in (gap, worse)]
        rows.append([who, *counts, *spread[0], *(spread[1] if who == "general" else [None] * 3), seconds])
    columns = ["engine", "feasible", "mean objective", "least gap to the bound (%)", "median (%)", "largest (%)"]
    columns += ["least worse than the default (%)", "median (%) ", "most (%)", "processor seconds each"]
    note = "Solved and judged, the programs compiled before. The bound is the system's own."
    return [table(f"the problem stated in parts, {count} default networks", columns, rows, note)]
