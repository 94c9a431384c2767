"""Benchmarks of the region system: quality against the bound, speed, regions, growth, the sensing program."""

from __future__ import annotations

import resource
import sys
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trinode import api
from trinode.errors import MissingExtraError
from trinode.experiments.bench import Say, median_seconds, table
from trinode.experiments.bench.stated import compared
from trinode.numerics import trigonometric
from trinode.sensing import beampattern
from trinode.systems.region import front
from trinode.systems.region.bound import SENSING
from trinode.systems.region.stated import problem
from trinode.systems.registry import system as find_system
from trinode.systems.report import FEASIBILITY_TOLERANCE

SYSTEM = "region"
SMALL = {
    "terminals": 4,
    "access_points": 3,
    "ap_antennas": 6,
    "targets": 2,
    "pilots": 3,
    "directions": 61,
    "pattern_mse_max": 0.7,
}
"""A network on which CVXPY ends in reasonable time."""
TWIN_ON: tuple[dict[str, Any], str] = (SMALL, "bcd-sca on CVXPY, small networks")


def quality(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Gap of every scheme to the bound on default networks."""
    count = trials or 100
    scenarios = api.draw_batch(SYSTEM, trials=count)
    schemes = find_system(SYSTEM).schemes
    say("  bounds")
    limits = {family: np.asarray(api.bound_batch(scenarios, family)) for family in ("", SENSING)}
    rows = []
    for name, scheme in schemes.items():
        say(f"  {name}")
        solutions = api.solve_batch(scenarios, name)
        report = api.evaluate_batch(scenarios, solutions, bound=False)
        good = np.asarray(report.feasible)
        value = np.asarray(report.objective)[good]
        gap = 100 * (1 - value / limits[scheme.family][good])
        worst = float(np.asarray(report.worst_residual)[good].max(initial=-np.inf))
        history = np.asarray(solutions.history)
        falls = np.nansum(np.diff(history, axis=1) < -1e-9)
        error = np.asarray(report.metrics["pattern_mse_best_scale"])[good]
        row = [name, int(good.sum()), value.mean(), gap.min(), np.median(gap), np.quantile(gap, 0.95), gap.max()]
        rows.append([*row, float(error.mean()), worst, int(falls)])
    columns = ["scheme", "feasible", "mean sum rate", "least gap (%)", "median gap (%)", "95th percentile (%)"]
    columns += ["worst gap (%)", "mean pattern error", "largest residual", "falls of histories"]
    note = f"Feasible: all residuals at most {FEASIBILITY_TOLERANCE:g}. Gaps are to the bound of a scheme's kind. "
    note += "A negative one would be a value above the bound."
    return [table(f"Quality on {count} default networks", columns, rows, note)]


def speed(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Time of a single solve, warm, and beside the paper's algorithms on CVXPY."""
    count = trials or 20
    singles = [api.draw(SYSTEM, trial=trial) for trial in range(count)]
    rows = []
    for name in find_system(SYSTEM).schemes:
        say(f"  {name}")
        jax.block_until_ready(api.solve(singles[0], name))
        wall, cpu = zip(*(_timed(lambda s=s, n=name: api.solve(s, n)) for s in singles))
        rows.append([name, 1e3 * np.median(wall), 1e3 * max(wall), 1e3 * np.median(cpu)])
    for what, program in (
        ("bound", lambda s: api.bound(s)),
        ("bound of decisions that sense", lambda s: api.bound(s, SENSING)),
        ("region of 20 points by error", lambda s: front.region(s, 20)),
        ("region of 20 points by rate", lambda s: front.region(s, 20, "rate")),
    ):
        say(f"  {what}")
        program(singles[0])
        wall, cpu = zip(*(_timed(lambda s=s, p=program: p(s)) for s in singles[: max(3, count // 4)]))
        rows.append([what, 1e3 * np.median(wall), 1e3 * max(wall), 1e3 * np.median(cpu)])
    columns = ["what", "median (ms)", "slowest (ms)", "median processor time (ms)"]
    note = "One network at a time is decided by programs that are compiled quickly rather than well."
    return [table(f"Single solves of {count} default networks, warm", columns, rows, note)]


def cvxpy(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """The paper's algorithms on CVXPY beside the schemes, on small networks."""
    try:
        from trinode.reference import region as reference
    except MissingExtraError as fault:
        say(f"  left out: {fault}")
        return []
    rows = []
    for trial in range(trials or 2):
        s = api.draw(SYSTEM, trial=trial, **SMALL)
        for name, slow in (
            ("communication", lambda s=s: reference.algorithm_2(s, sweeps=100, tolerance=1e-4)[-1]),
            ("isac", lambda s=s: reference.algorithm_3(s, rounds=100, tolerance=1e-4)[-1]),
        ):
            say(f"  network {trial}, {name}")
            began = time.process_time()
            history = slow()
            spent = time.process_time() - began
            jax.block_until_ready(api.solve(s, name))
            runs = [_timed(lambda s=s, n=name: api.solve(s, n))[1] for _ in range(5)]
            value = float(api.evaluate(s, api.solve(s, name), bound=False).objective)
            quick = float(np.median(runs))
            rows.append([trial, name, len(history), spent, 1e3 * quick, spent / quick, history[-1], value])
    columns = ["network", "scheme", "steps", "CVXPY (s)", "scheme (ms)", "times faster", "CVXPY rate", "scheme rate"]
    note = "Processor time. CVXPY: Algorithm 2 in turn and Algorithm 3 with q = 10, until a sweep or a program changes "
    note += "the rate by less than 1e-4 of it, at most 100."
    return [table("Beside the paper's algorithms on CVXPY, small networks", columns, rows, note)]


def twin(scenario: Any) -> float:
    """What the paper's Algorithm 3 reaches on CVXPY, to a change of 1e-4."""
    from trinode.reference import region as reference

    return float(reference.algorithm_3(scenario, rounds=100, tolerance=1e-4)[-1][-1])


def sensing(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """The sensing-only program against the number of antennas: time, steps, certified gap."""
    rows = []
    direction = jnp.deg2rad(jnp.linspace(-90, 90, 181))
    solve = jax.jit(trigonometric.minimize)
    targets = np.random.default_rng(0).uniform(-1.2, 1.2, trials or 9)
    targets[0] = 0.0
    for antennas in (8, 12, 16, 24, 48):
        say(f"  {antennas} antennas")
        gaps, times, steps = [], [], []
        for target in targets:
            ideal = beampattern.ideal(direction, jnp.asarray([target]), jnp.deg2rad(10.0))
            factor = beampattern.error_factor(direction, ideal, antennas, 0.5)
            jax.block_until_ready(solve(factor))
            spent, best = median_seconds(lambda factor=factor: solve(factor), 5)
            gaps.append(float((best.value - best.lower) / best.value))
            times.append(1e3 * spent)
            steps.append(int(best.steps))
        rows.append([antennas, np.median(times), max(times), max(steps), max(gaps)])
    columns = ["antennas", "median (ms)", "slowest (ms)", "most steps", "largest certified gap"]
    return [table("P1 of one access point", columns, rows, "The gap is relative, between a value and a lower bound.")]


def regions(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Regions of 20 points: ends, monotone or not, and the two ways to walk beside each other."""
    rows = []
    for trial in range(trials or 10):
        say(f"  network {trial}")
        s = api.draw(SYSTEM, trial=trial)
        one, other = front.region(s, 20), front.region(s, 20, "rate")
        rising = bool(np.all(np.diff(one.sum_rate) >= 0) and np.all(np.diff(other.sum_rate) >= 0))
        inside = (other.pattern_mse >= one.pattern_mse[1]) & (other.pattern_mse <= one.pattern_mse[-1])
        at = np.interp(other.pattern_mse[inside], one.pattern_mse, one.sum_rate)
        apart = 100 * np.max(np.abs(at / other.sum_rate[inside] - 1), initial=0.0)
        ends = [one.s_min, one.rate_at_s_min, other.rate_at_s_min, one.s_at_r_max, one.r_max, one.bound]
        rows.append([trial, *ends, rising, apart])
    columns = ["network", "S_min", "R_T", "R_T by rate", "S_I", "R_max", "bound", "monotone", "largest distance (%)"]
    note = "Distance of the front by rate from the one by error, interpolated linearly from its second point on."
    return [table("Regions of 20 points", columns, rows, note)]


def scale(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """64 access points with 8 antennas, 40 terminals: time and memory."""
    big = {
        "access_points": 64,
        "ap_antennas": 8,
        "terminals": 40,
        "targets": 8,
        "pilots": 20,
        "directions": 91,
        "pattern_mse_max": 0.6,
    }
    rows = []
    s, spent = _once(lambda: api.draw(SYSTEM, **big))
    rows.append(["draw (compile included)", spent, np.nan, _memory_gib()])
    for name in ("communication", "isac"):
        say(f"  {name}")
        x, first = _once(lambda n=name: api.solve(s, n))
        _, again = _once(lambda n=name: api.solve(s, n))
        report = api.evaluate(s, x, bound=False)
        say(f"  {name}: residual {float(report.worst_residual):.1e}")
        rows.append([f"{name}, first {first:.0f} s with compiling", again, float(report.objective), _memory_gib()])
    say("  bound")
    limit, first = _once(lambda: api.bound(s))
    rows.append(["bound (compile included)", first, float(limit), _memory_gib()])
    columns = ["what", "seconds", "sum rate (bit/s/Hz)", "largest memory so far (GiB)"]
    return [table("64 access points, 40 terminals, 8 antennas each, 8 targets", columns, rows)]


def _timed(program: Any) -> tuple[float, float]:
    wall, cpu = time.perf_counter(), time.process_time()
    jax.block_until_ready(jax.tree.leaves(program()))
    return time.perf_counter() - wall, time.process_time() - cpu


def _once(program: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    result = jax.block_until_ready(program())
    return result, time.perf_counter() - began


def _memory_gib() -> float:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30


SECTIONS = {
    "quality": quality,
    "speed": speed,
    "sensing": sensing,
    "regions": regions,
    "cvxpy": cvxpy,
    "scale": scale,
    "stated": lambda trials, say: compared(SYSTEM, lambda network, _: problem(network), trials, say),
}
