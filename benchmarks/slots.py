"""Slots of a system at the paper's sizes: time of a step, violations, gaps to the bound and to deciding anew.

python benchmarks/slots.py threetier --slots 1000 --speed 3 30 [--budget 0.01] [--every 10] [--jumps 20]

Deciding anew and the bound take longer than a step, so they are computed in every so manieth slot only. Times are of
the wall and of the process: on a machine that others use the second one says what a step costs. Jumps: networks drawn
anew, three slots each; how far above deciding anew are the decisions of the first, second and third slot.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from pathlib import Path

import numpy as np


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system")
    parser.add_argument("--slots", type=int, default=1000)
    parser.add_argument("--speed", type=float, nargs="+", default=[3.0, 30.0], help="km/h")
    parser.add_argument("--slot", type=float, default=0.01, help="s")
    parser.add_argument("--budget", type=float, default=0.0, help="s; 25 ms for latency, 10 ms else")
    parser.add_argument("--clock", choices=("wall", "process"), default="wall", help="what the budget is measured by")
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--jumps", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    budget = given.budget or (0.025 if given.system == "latency" else 0.01)

    import jax

    import trinode as tn
    from trinode import _programs, online

    first = tn.draw(given.system, given.seed)
    clock = time.process_time if given.clock == "process" else time.perf_counter
    controller = online.Controller(given.system, budget_s=budget, clock=clock)
    controller.prepare(first)
    float(tn.bound(first))
    anew_of(tn, first)
    print(f"{machine()}; {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f} at the beginning; jax {jax.__version__}")
    print(f"{given.system}, budget {1e3 * budget:g} ms of the {given.clock}, slot {1e3 * given.slot:g} ms\n")
    print(
        "| km/h | slots | p50, p99, worst (ms) | the same of the process (ms) | violations | steps | programs |", end=""
    )
    print(" gap to the bound (%) | to deciding anew, mean and worst (%) | of the repaired carried one (%) |")
    print("| --- " * 10 + "|")
    for speed in given.speed:
        programs = len(_programs._ready)
        moves = {"speed_m_s": speed / 3.6, "slot_s": given.slot, "seed": given.seed}
        rows, gaps = [], []
        for slot in (controller.step(one) for one in online.ageing(first, given.slots + 1, **moves)):
            if slot.number and slot.carried == slot.carried:
                rows.append((slot.seconds, slot.cpu_seconds, slot.iterations, slot.feasible))
            if slot.number % given.every == 0 and slot.number:
                anew = anew_of(tn, slot.network)
                # what neither serves is no violation
                if np.isfinite(anew) or slot.feasible:
                    gaps.append((slot.gap, above(slot, slot.objective, anew), above(slot, slot.carried, anew)))
        rows, gaps = np.array(rows, float), np.array(gaps, float).reshape(-1, 3)
        wall, own = (" ".join(f"{x:.1f}" for x in quantiles(1e3 * rows[:, n])) for n in (0, 1))
        mean = 100 * np.nanmean(gaps, axis=0)
        print(
            f"| {speed:g} | {len(rows)} | {wall} | {own} | {int((rows[:, 3] == 0).sum())} | {rows[:, 2].mean():.2f} "
            f"| {len(_programs._ready) - programs} new | {mean[0]:.3g} ({len(gaps)} slots) "
            f"| {mean[1]:.3g}, {100 * np.nanmax(gaps[:, 1]):.3g} | {mean[2]:.3g} |",
            flush=True,
        )
    after = []
    for trial in range(1, given.jumps + 1):
        network = tn.draw(given.system, given.seed, trial)
        anew = anew_of(tn, network)
        if np.isfinite(anew):
            rng = online.ageing(network, 3, speed_m_s=0.3, slot_s=given.slot, seed=trial)
            slots = [controller.step(one) for one in rng]
            after.append([above(one, one.objective, anew_of(tn, one.network)) for one in slots])
    if after:
        mean, worst = 100 * np.nanmean(after, axis=0), 100 * np.nanmax(after, axis=0)
        print(f"\n{len(after)} jumps, above deciding anew in the first three slots, mean (worst), %: ", end="")
        print(", ".join(f"{a:.3g} ({b:.3g})" for a, b in zip(mean, worst)))


def anew_of(tn, network) -> float:
    """What deciding from nothing reaches; NaN where it finds nothing."""
    return float(tn.evaluate(network, tn.solve(network), bound=False).objective)


def above(slot, value: float, anew: float) -> float:
    """By how much a value is worse, relatively."""
    return (value - anew if slot.sense == "min" else anew - value) / abs(anew)


def quantiles(times: np.ndarray) -> tuple[float, float, float]:
    return float(np.percentile(times, 50)), float(np.percentile(times, 99)), float(times.max())


def machine() -> str:
    """What the processor calls itself."""
    info = Path("/proc/cpuinfo")
    names = [line.split(":")[1].strip() for line in info.read_text().splitlines() if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    main()
