"""How far the region's defaults stay below the bound of their kind, in cities and on drawn networks.

python benchmarks/region_bound.py [--munich 32] [--florence 12] [--draws 20]

At the default power and at 20 dB more. Times are those of the process, per network, without compiling.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import trinode as tn
from trinode.systems.registry import system

SCHEMES = ("isac", "communication")


def main() -> None:
    """Print a table, a row for each kind of networks and scheme."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--munich", type=int, default=32)
    parser.add_argument("--florence", type=int, default=12)
    parser.add_argument("--draws", type=int, default=20)
    given = parser.parse_args()
    print("| networks | scheme | gap, median (%) | worst (%) | least (%) | bound (ms) |")
    print("| --- | --- | --- | --- | --- | --- |")
    for decibel in (125.0, 145.0):
        for city in ("munich", "florence"):
            layouts = [tn.bundled(city, i, "region", ap_power_db=decibel) for i in range(getattr(given, city))]
            rows(f"{city.capitalize()}, {decibel:g} dB", tn.stack(layouts))
        drawn = tn.draw_batch("region", seed=7, trials=given.draws, ap_power_db=decibel)
        rows(f"drawn, {decibel:g} dB", drawn)


def rows(title: str, networks: object) -> None:
    """The rows of some networks."""
    for name in SCHEMES:
        family = system("region").scheme(name).family
        solutions = tn.solve_batch(networks, name)
        value = np.asarray(tn.evaluate_batch(networks, solutions, bound=False).objective)
        tn.bound_batch(networks, family)  # compiles
        begun = time.process_time()
        limit = np.asarray(tn.bound_batch(networks, family))
        taken = 1e3 * (time.process_time() - begun) / len(limit)
        gap = 100 * (1 - value / limit)
        numbers = f"{np.median(gap):.1f} | {gap.max():.1f} | {gap.min():.2f} | {taken:.1f}"
        print(f"| {title} | `{name}` | {numbers} |", flush=True)


if __name__ == "__main__":
    main()
