"""Compute one work item."""

from __future__ import annotations

import gc
import math
from collections import OrderedDict
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from pathlib import Path
from threading import Condition
from typing import Any

import jax
import numpy as np

from trinode import _programs, api
from trinode._words import one_of
from trinode.errors import InputError
from trinode.experiments.items import Item
from trinode.systems.registry import system as find_system
from trinode.systems.report import Report

_REDUCE = {"sum": np.nansum, "mean": np.nanmean, "max": np.nanmax, "min": np.nanmin}

MEMORY = 2**30
"""Bytes that the scenarios of a batch take at most unless said otherwise."""
_COPIES = 8
"""How many times a scenario's size a solve holds at once, solution and report included; a generous guess."""

CROWDED = 0.5
"""Share of the pieces of memory that a process may hold beyond which compiled programs are let go."""
REMEMBERED = 8
"""Batches of scenarios that are kept for the next item; together they take a share of the memory at most."""
_drawn: OrderedDict[Any, Future[Any]] = OrderedDict()
_kept: set[Any] = set()
_free = Condition()
_busy = 0
_closed = False


def execute(item: Item, memory: int = MEMORY) -> dict[str, np.ndarray]:
    """Arrays of an item, one entry per trial of its block.

    ``bound`` for a bound; ``objective``, ``feasible``, ``status``, ``iterations``, ``worst_residual``, the
    measures and, where asked for, ``history`` for a scheme. As many trials at once as ``memory`` bytes hold.
    """
    with _room(item):
        step = _batch(item, memory)
        starts = range(item.trials.start, item.trials.stop, step)
        parts = [_trials(item, range(first, min(first + step, item.trials.stop)), memory) for first in starts]
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


@contextmanager
def _room(item: Item) -> Iterator[None]:
    """Let go of compiled programs before there are more than a process may hold, when none of them runs.

    Linux grants a process about 65,000 pieces of memory, of which a large program takes hundreds to thousands; beyond
    them the compiler crashes. What is let go is found in the cache on disk when it is needed again.
    """
    global _busy, _closed
    program = item.program
    with _free:
        _free.wait_for(lambda: not _closed)
        if program not in _kept and _crowded():
            _closed = True  # nobody else begins, or this would wait for ever
            try:
                _free.wait_for(lambda: _busy == 0)
                _programs.forget()
                jax.clear_caches()
                gc.collect()
                _kept.clear()
            finally:
                _closed = False
                _free.notify_all()
        _kept.add(program)
        _busy += 1
    try:
        yield
    finally:
        with _free:
            _busy -= 1
            _free.notify_all()


def _crowded() -> bool:
    try:
        held = Path("/proc/self/maps").read_bytes().count(b"\n")
        granted = int(Path("/proc/sys/vm/max_map_count").read_text())
    except OSError:  # not Linux
        return False
    return held > CROWDED * granted


def _batch(item: Item, memory: int) -> int:
    """Trials at once: whole parts of the compiled programs where the memory allows."""
    if memory < 1:
        raise InputError("memory", memory, "at least 1 byte")
    system = find_system(item.record["system"])
    part = max(system.schedule.judged, system.scheme(item.scheme).part if item.scheme else 1)
    if len(item.trials) <= part:
        return part
    params = api.parameters(system, item.given)
    shapes = jax.eval_shape(system.draw, params, jax.random.key(0))
    size = sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))
    fits = max(1, memory // (_COPIES * max(size, 1)))
    return fits // part * part or fits


def _trials(item: Item, trials: range, memory: int) -> dict[str, np.ndarray]:
    scenarios = _scenarios(item, trials, memory)
    with _programs.long_runs(item.often):
        if not item.scheme:
            return {"bound": np.asarray(api.bound_batch(scenarios, item.family))}
        solutions = api.solve_batch(scenarios, item.scheme)
    report = api.evaluate_batch(scenarios, solutions, bound=False)
    arrays = {
        "objective": np.asarray(report.objective),
        "feasible": np.asarray(report.feasible),
        "status": np.asarray(solutions.status),
        "iterations": np.asarray(solutions.iterations),
        "worst_residual": np.asarray(report.worst_residual),
    }
    for name, metric, reduce in item.record["measures"]:
        arrays[name] = _measure(report, metric, reduce)
    if item.record["history"]:
        arrays["history"] = np.asarray(solutions.history)
    return arrays


def _scenarios(item: Item, trials: range, memory: int) -> Any:
    """The networks of an item, drawn once for all who ask meanwhile; small batches are remembered a while longer."""
    system = find_system(item.record["system"])
    wanted = (system, item.record["seed"], trials, tuple(sorted(item.given.items())))
    mine: Future[Any] = Future()
    with _free:
        first = _drawn.setdefault(wanted, mine)
    if first is not mine:
        return first.result()
    try:
        mine.set_result(api.draw_batch(system.name, item.record["seed"], trials, **item.given))
    except BaseException as fault:
        mine.set_exception(fault)
    with _free:
        if mine.exception() is not None or _bytes(mine.result()) > memory // (REMEMBERED * _COPIES):
            _drawn.pop(wanted, None)
        while len(_drawn) > REMEMBERED:
            _drawn.popitem(last=False)
    return mine.result()


def _bytes(scenarios: Any) -> int:
    return sum(leaf.nbytes for leaf in jax.tree.leaves(scenarios))


def _measure(report: Report, metric: str, reduce: str) -> np.ndarray:
    if metric not in report.metrics:
        raise InputError("metric", metric, one_of(metric, report.metrics))
    values: Any = np.asarray(report.metrics[metric])
    if reduce == "each":
        return values.reshape(values.shape[0], -1)
    flat = values.reshape(values.shape[0], -1)
    known = ~np.isnan(flat).all(axis=1)
    reduced = np.full(len(flat), np.nan)
    reduced[known] = _REDUCE[reduce](flat[known], axis=1)
    return reduced
