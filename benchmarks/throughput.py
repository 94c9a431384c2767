"""Scenarios per second of every system's default scheme, on the CPU and, where JAX sees one, on a GPU.

python benchmarks/throughput.py [--trials 256]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time


def measure(platform: str, trials: int) -> None:
    """One line per system on one kind of device; in a process of its own, since JAX chooses once."""
    os.environ["JAX_PLATFORMS"] = platform
    import jax
    import numpy as np

    import trinode as tn
    from trinode.systems.registry import system

    device = jax.devices()[0].device_kind
    for name in tn.system_names():
        scenarios = tn.draw_batch(name, trials=trials)
        tn.solve_batch(scenarios)  # compiles
        times = []
        for _ in range(3):
            began = time.perf_counter()
            solutions = tn.solve_batch(scenarios)
            times.append(time.perf_counter() - began)
        report = tn.evaluate_batch(scenarios, solutions, bound=False)
        mean = float(np.nanmean(np.asarray(report.objective)))
        scheme = next(iter(system(name).schemes))
        rate = trials / float(np.median(times))
        print(f"| {name} | {scheme} | {platform} ({device}) | {rate:.1f} | {mean:.8g} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=256)
    parser.add_argument("--platform", default="")
    given = parser.parse_args()
    if given.platform:
        measure(given.platform, given.trials)
        return
    print(f"| system | scheme | device | scenarios per second, batch of {given.trials} | mean objective |")
    print("| --- | --- | --- | --- | --- |", flush=True)
    for platform in ("cpu", "cuda"):
        words = [sys.executable, __file__, "--platform", platform, "--trials", str(given.trials)]
        ended = subprocess.run(words, check=False, stderr=subprocess.PIPE, text=True)
        if ended.returncode:
            print(f"\n{platform}: {ended.stderr.strip().splitlines()[-1]}")


if __name__ == "__main__":
    main()
