"""A system stated in parts and decided by the general engine, next to its default scheme and its bound."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from trinode import _programs, api
from trinode.compose.problem import Problem
from trinode.experiments.bench import Say, table
from trinode.solving.drive import solve_batch


@_programs.long_runs()
def compared(
    name: str, statement: Callable[[Any, Any], Problem], trials: int | None, say: Say, given: str = ""
) -> list[dict[str, Any]]:
    """Values, gaps and processor time of both on default networks, in batches.

    Parameters
    ----------
    name : str
        Of the system.
    statement : callable
        ``statement(scenario, solution)``, its problem; the default scheme's decision is for what the problem takes as
        given.
    trials : int or None
        Networks; 20 where None.
    say : callable
        Told of progress.
    given : str
        What that is.
    """
    count = trials or 20
    networks = api.draw_batch(name, trials=count)
    solutions, default = _timed(lambda: api.solve_batch(networks), lambda: api.solve_batch(networks), count)
    report = api.evaluate_batch(networks, solutions, bound=False)
    limit = np.asarray(api.bound_batch(networks))
    say("  default")
    served = np.flatnonzero(np.asarray(report.feasible))
    pairs = list(zip(api.unstack(networks), api.unstack(solutions), strict=True))
    each = [statement(*pairs[i]) for i in served]
    whole, first = api.stack(each), api.stack(each[:1])
    answers, general = _timed(lambda: solve_batch(whole), lambda: solve_batch(first), len(each))
    say("  general")
    sign = 1 if each[0].program.minimise else -1
    known = {"default": np.asarray(report.objective)[served], "general": answers.value}
    rows = []
    for who, seconds in {"default": default, "general": general}.items():
        value = known[who]
        gap, worse = (100 * sign * (value / other - 1) for other in (limit[served], known["default"]))
        counts = [int(np.sum(np.isfinite(value))), np.nanmean(value)]
        spread = [[each(of) for each in (np.nanmin, np.nanmedian, np.nanmax)] for of in (gap, worse)]
        rows.append([who, *counts, *spread[0], *(spread[1] if who == "general" else [None] * 3), 1e3 * seconds])
    columns = ["engine", "feasible", "mean objective", "least gap to the bound (%)", "median (%)", "largest (%)"]
    columns += ["least worse than the default (%)", "median (%) ", "most (%)", "processor ms each, in a batch"]
    note = "Decided in one batch by each, the programs compiled before; the general engine has the networks that the "
    note += f"default scheme serves{given and f', {given} as that scheme has it'}. The bound is the system's own."
    return [table(f"the problem stated in parts, {count} default networks", columns, rows, note)]


def _timed(work: Callable[[], Any], before: Callable[[], Any], count: int) -> tuple[Any, float]:
    """What is found, and processor seconds for each, once ``before`` has compiled the programs."""
    before()
    began = time.process_time()
    found = work()
    return found, (time.process_time() - began) / count
