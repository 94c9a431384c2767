"""One table per system: every scheme on the same networks, and the paper's method on CVXPY beside the default."""

from __future__ import annotations

import time
from importlib import import_module
from typing import Any

import numpy as np

from trinode import api
from trinode.errors import MissingExtraError
from trinode.experiments.bench import Say, median_seconds, table
from trinode.systems.registry import system as find_system

TIE = 1e-6
"""Relative difference of two objectives that still counts as none."""
BESIDE = 3
"""Networks on which CVXPY runs."""
COLUMNS = (
    "scheme",
    "networks",
    "served",
    "median gap (%)",
    "95th percentile (%)",
    "worst gap (%)",
    "median gap of its kind (%)",
    "default better",
    "alike",
    "worse",
    "ms per network",
    "times the default's",
    "first call, extra (s)",
)


def overview(system: str, trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Quality and speed of all schemes of a system; see :data:`COLUMNS`."""
    found = find_system(system)
    default = next(iter(found.schemes))
    count = trials or max(100, 2 * found.schemes[default].part)
    scenarios = api.draw_batch(system, trials=count)
    bounds = {}
    for family in dict.fromkeys(["", *(scheme.family for scheme in found.schemes.values())]):
        say(f"  {system}: bound {family}".rstrip())
        bounds[family] = np.asarray(api.bound_batch(scenarios, family))
    rows: list[list[Any]] = []
    best, pace = np.zeros(0), 0.0
    for name, scheme in found.schemes.items():
        say(f"  {system}: {name}")
        first, _ = median_seconds(lambda name=name: api.solve_batch(scenarios, name), 1)
        spent, solutions = median_seconds(lambda name=name: api.solve_batch(scenarios, name), 3 if first < 60 else 1)
        value = np.asarray(api.evaluate_batch(scenarios, solutions, bound=False).objective)
        if name == default:
            best, pace = value, spent
        kind = _quality(found.sense, value, bounds[scheme.family])[1] if scheme.family else np.nan
        rows.append([name, count, *_quality(found.sense, value, bounds[""]), kind])
        rows[-1] += [*_against(found.sense, best, value), 1e3 * spent / count, spent / pace, first - spent]
    rows += _beside(system, default, count, say)
    note = (
        "Gaps are to the bound of a network, over the networks that a scheme serves; a negative one is possible only "
        "for a scheme that leaves the model of the others (`ofdma`). Of its kind: to the bound on all decisions of a "
        "scheme's family, where it has one. The default is better also where only it serves, and alike within "
        f"{TIE:g} of the value. Times are wall times of a whole batch (median of three), compilation apart. CVXPY: the "
        "paper's method by its own stop, one network at a time, beside batches of the default on such networks."
    )
    return [table(f"{system}, default {default}: {count} networks", COLUMNS, rows, note)]


def _quality(sense: str, value: np.ndarray, bound: np.ndarray) -> list[Any]:
    """How many are served, and three quantiles of the gap in percent."""
    gap = 100 * (value / bound - 1) * (1 if sense == "min" else -1)
    gap = gap[~np.isnan(gap)]
    return [gap.size, *(np.quantile(gap, (0.5, 0.95, 1)).tolist() if gap.size else [np.nan] * 3)]


def _against(sense: str, best: np.ndarray, value: np.ndarray) -> list[int]:
    """Networks on which the default is better than another scheme, like it, or worse."""
    sign = 1 if sense == "min" else -1
    ahead = sign * (value - best) / np.abs(best)
    only, other = ~np.isnan(best) & np.isnan(value), np.isnan(best) & ~np.isnan(value)
    both = ~np.isnan(ahead)
    better, worse = only | (both & (ahead > TIE)), other | (both & (ahead < -TIE))
    return [int(better.sum()), int(np.sum(both & ~better & ~worse)), int(worse.sum())]


def _beside(system: str, default: str, count: int, say: Say) -> list[list[Any]]:
    """The paper's method on CVXPY: a row as the others have, on a few networks that the default serves."""
    module = import_module(f"trinode.experiments.bench.{system}")
    given, label = module.TWIN_ON
    scenarios = api.draw_batch(system, trials=count, **given)
    api.solve_batch(scenarios, default)
    pace, solutions = median_seconds(lambda: api.solve_batch(scenarios, default), 3)
    best = np.asarray(api.evaluate_batch(scenarios, solutions, bound=False).objective)
    chosen = np.flatnonzero(~np.isnan(best))[:BESIDE]
    times, values = [], []
    try:
        for turn, trial in enumerate([*chosen[:1], *chosen]):  # the first once more, since it builds programs
            scenario = api.draw(system, trial=int(trial), **given)
            began = time.perf_counter()
            value = module.twin(scenario)
            if turn > 0:
                times.append(time.perf_counter() - began)
                values.append(value)
                say(f"  {system}: CVXPY {times[-1]:.3g} s")
    except MissingExtraError as fault:
        say(f"  {system}: CVXPY left out: {fault}")
    if not times:
        return []
    bound = np.asarray(api.bound_batch(api.draw_batch(system, trials=[int(t) for t in chosen], **given)))
    spent, sense = float(np.median(times)), find_system(system).sense
    row = [label, len(chosen), *_quality(sense, np.asarray(values), bound), np.nan]
    row += _against(sense, best[chosen], np.asarray(values))
    return [[*row, 1e3 * spent, spent * count / pace, np.nan]]
