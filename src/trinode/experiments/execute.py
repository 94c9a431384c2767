"""Compute one work item."""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode import api
from trinode.errors import InputError
from trinode.experiments.items import Item
from trinode.systems.contract import FEASIBILITY_TOLERANCE, Report, Status

_REDUCE = {"sum": np.nansum, "mean": np.nanmean, "max": np.nanmax, "min": np.nanmin}


def execute(item: Item) -> dict[str, np.ndarray]:
    """Arrays of an item, one entry per trial of its block.

    ``bound`` for a bound; ``objective``, ``feasible``, ``status``, ``iterations``, ``worst_residual``, the
    measures and, where asked for, ``history`` for a scheme.
    """
    scenarios = api.draw_batch(item.record["system"], item.record["seed"], item.trials, **item.given)
    if not item.scheme:
        return {"bound": np.asarray(api.bound_batch(scenarios, item.family))}
    solutions = api.solve_batch(scenarios, item.scheme)
    report = api.evaluate_batch(scenarios, solutions, bound=False)
    worst = _worst_residual(report)
    met = (np.asarray(solutions.status) != Status.INFEASIBLE) & (worst <= FEASIBILITY_TOLERANCE)
    arrays = {
        "objective": np.where(met, np.asarray(report.objective), np.nan),
        "feasible": met,
        "status": np.asarray(solutions.status),
        "iterations": np.asarray(solutions.iterations),
        "worst_residual": worst,
    }
    for name, metric, reduce in item.record["measures"]:
        arrays[name] = _measure(report, metric, reduce)
    if item.record["history"]:
        arrays["history"] = np.asarray(solutions.history)
    return arrays


def _worst_residual(report: Report) -> np.ndarray:
    """Largest residual of each trial; the report's own property knows no batches."""
    parts = [np.asarray(residual) for residual in report.residuals.values()]
    return np.max([part.reshape(part.shape[0], -1).max(axis=1) for part in parts if part.size], axis=0)


def _measure(report: Report, metric: str, reduce: str) -> np.ndarray:
    if metric not in report.metrics:
        raise InputError("metric", metric, "one of " + ", ".join(report.metrics))
    values: Any = np.asarray(report.metrics[metric])
    return _REDUCE[reduce](values.reshape(values.shape[0], -1), axis=1)
