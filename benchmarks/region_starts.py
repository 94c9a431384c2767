"""What the region's schemes lose to the best that is known, at every effort, on bundled and on drawn networks.

python benchmarks/region_starts.py [--layouts 32] [--draws 20] [--schemes isac,communication]

The networks are the layouts of Munich and drawn ones, at the default power and at 20 dB more. The best known of a
network is the best of all efforts of a scheme and of the others that decide the same. Times are those of the process,
per network, without compiling.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

import trinode as tn
from trinode.systems.contract import EFFORTS
from trinode.systems.registry import system

RIVALS = {"isac": ("bcd-sca", "zf", "mrt"), "communication": ("bcd",)}


def main() -> None:
    """Print a table, a row for each kind of networks and effort."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--layouts", type=int, default=32)
    parser.add_argument("--draws", type=int, default=20)
    parser.add_argument("--schemes", default="isac,communication")
    given = parser.parse_args()
    print("| networks | scheme | effort | mean (bit/s/Hz) | loss, median | worst | to the bound, median | worst | s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for decibel in (125.0, 145.0):
        power = f"{decibel:g} dB"
        layouts = [tn.bundled("munich", i, "region", ap_power_db=decibel) for i in range(given.layouts)]
        rows(f"Munich, {power}", tn.stack(layouts), given.schemes.split(","))
        drawn = tn.draw_batch("region", seed=7, trials=given.draws, ap_power_db=decibel)
        rows(f"drawn, {power}", drawn, given.schemes.split(","))


def rows(title: str, networks: object, schemes: list[str]) -> None:
    """The rows of some networks."""
    for scheme in schemes:
        limit = np.asarray(tn.bound_batch(networks, system("region").scheme(scheme).family))
        found = {effort: solved(networks, scheme, effort) for effort in EFFORTS}
        others = {name: solved(networks, name)[0] for name in RIVALS[scheme]}
        best = np.max([value for value, _ in found.values()] + list(others.values()), axis=0)
        for effort, (value, taken) in found.items():
            loss, gap = 100 * (1 - value / best), 100 * (1 - value / limit)
            numbers = f"{np.median(loss):.3f} % | {loss.max():.2f} % | {np.median(gap):.1f} % | {gap.max():.1f} %"
            print(f"| {title} | `{scheme}` | {effort} | {value.mean():.3f} | {numbers} | {taken:.2f} |", flush=True)
        for name, value in others.items():
            beaten = np.sum(value > found["default"][0] * (1 + 1e-6))
            print(f"| | `{name}` | | {value.mean():.3f} | better than the default on {beaten} | | | | |", flush=True)


def solved(networks: object, scheme: str, effort: str = "") -> tuple[np.ndarray, float]:
    """Values of a scheme, and seconds per network."""
    tn.solve(tn.unstack(networks)[0], scheme, effort=effort)  # compiles
    begun = time.process_time()
    solutions = tn.solve_batch(networks, scheme, effort=effort)
    taken = (time.process_time() - begun) / len(np.asarray(solutions.status))
    return np.asarray(tn.evaluate_batch(networks, solutions, bound=False).objective), taken


if __name__ == "__main__":
    main()
