"""What the sweep engine itself costs: 10,000 work items that take no time, kept, found again and gathered.

python benchmarks/engine.py [--items 10000]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import contextmanager

import numpy as np

from trinode.experiments import Sweep, expand, gather, run


def nothing(item):
    """An item's arrays, made up."""
    count = len(item.trials)
    numbers = np.arange(count, dtype=float)
    kept = {"objective": numbers, "iterations": numbers, "worst_residual": -numbers, "status": np.zeros(count)}
    return kept | {"feasible": np.ones(count, dtype=bool)} if item.scheme else {"bound": numbers}


@contextmanager
def timed(what, items=0):
    wall, cpu = time.perf_counter(), time.process_time()
    yield
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    each = f", {1e3 * wall / items:.2f} ms an item ({1e3 * cpu / items:.2f} ms of CPU)" if items else ""
    print(f"{what}: {wall:.1f} s{each}")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    count = parser.parse_args().items
    powers = tuple(np.linspace(0.05, 0.4, 20).tolist())
    sweep = Sweep(
        system="latency",
        schemes=("joint",),
        parameter="terminal_max_power_w",
        values=powers,
        trials=count // (2 * len(powers)),
        block=1,
    )
    items = len(list(expand(sweep)))
    with tempfile.TemporaryDirectory() as folder:
        with timed(f"{items} items computed and kept", items):
            run(sweep, folder, execute=nothing)
        with timed("store opened, nothing left to do", items):
            assert run(sweep, folder, execute=nothing).computed == 0
        with timed("gathered"):
            gather(sweep, folder)


if __name__ == "__main__":
    main()
