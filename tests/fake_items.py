"""Work items whose results need no solver: arrays that follow from an item's key, and ways to be interrupted."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np


def execute(item):
    """What :func:`trinode.experiments.execute.execute` returns, made up."""
    count = len(item.trials)
    random = np.random.default_rng(int(item.key[:12], 16))
    if not item.scheme:
        return {"bound": random.random(count)}
    arrays = {
        "objective": 1 + random.random(count),
        "feasible": random.random(count) > 0.2,
        "status": np.zeros(count, dtype=int),
        "iterations": random.integers(9, size=count),
        "worst_residual": -random.random(count),
    }
    return arrays | {name: random.random(count) for name, *_ in item.record["measures"]}


def deadly(item, mark: str):
    """The same, but the first to come by dies on the spot."""
    try:
        Path(mark).touch(exist_ok=False)
    except FileExistsError:
        return execute(item)
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("still alive")


def solved(item):
    """The real thing, in a process that has not met the toy system yet and may grow."""
    from joblib.externals.loky import process_executor

    import toy
    import trinode
    from trinode.experiments.execute import execute as solve

    assert process_executor._MAX_MEMORY_LEAK_SIZE > 2**40
    trinode.register(toy.system)
    return solve(item)
