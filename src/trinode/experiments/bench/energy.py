"""Benchmarks of the energy system: quality against the bound, speed, growth, channel errors."""

from __future__ import annotations

import time
from typing import Any

import jax
import numpy as np

from trinode import api
from trinode.errors import MissingExtraError
from trinode.experiments.bench import Say, median_seconds, table
from trinode.experiments.bench.stated import compared
from trinode.radio import reduced
from trinode.systems.energy import optimise
from trinode.systems.energy import problem as problems
from trinode.systems.energy.stated import problem
from trinode.systems.registry import system as find_system

SYSTEM = "energy"
TWIN_ON: tuple[dict[str, Any], str] = ({}, "successive approximation on CVXPY")
TEN: dict[str, Any] = {"terminals": 10, "latency_max_s": 0.5, "ap_max_frequency_hz": 20e9}
BINDING: dict[str, Any] = {"terminals": 10, "latency_max_s": 0.4, "ap_max_frequency_hz": 15.7e9}
ALIGNED: dict[str, Any] = {"aligned_target": True, "latency_max_s": 0.2, "bandwidth_hz": 4e6}
SETS: dict[str, tuple[dict[str, Any], int]] = {
    "K = 2, 0.2 s": ({"latency_max_s": 0.2}, 100),
    "K = 2, 0.4 s": ({"latency_max_s": 0.4}, 100),
    "K = 2, 0.6 s": ({"latency_max_s": 0.6}, 100),
    "K = 2, 0.8 s": ({"latency_max_s": 0.8}, 100),
    "K = 2, 1 s": ({"latency_max_s": 1.0}, 100),
    "K = 2, weight 10, 5 and 50 GHz, 0.2 s": (
        {
            "ap_energy_weight": 10.0,
            "latency_max_s": 0.2,
            "terminal_max_frequency_hz": 5e9,
            "ap_max_frequency_hz": 50e9,
        },
        100,
    ),
    "K = 2, 1e5 bit": ({"task_bits": 1e5}, 100),
    "K = 2, 1e4 bit": ({"task_bits": 1e4}, 100),
    "K = 2, 1e3 bit": ({"task_bits": 1e3}, 100),
    "K = 2, target on the bearing": ({"aligned_target": True}, 100),
    "K = 2, on the bearing, 4 MHz, 0.2 s": (ALIGNED, 100),
    "K = 2, 0.01 beside it, 4 MHz, 0.2 s": (ALIGNED | {"bearing_offset": 0.01}, 100),
    "K = 10, 0.5 s, 20 GHz": (TEN, 60),
    "K = 10, 0.4 s, 15.7 GHz (capacity binds)": (BINDING, 60),
    "K = 8, 0.3 s, 40 GHz, 4 MHz": (
        {"terminals": 8, "latency_max_s": 0.3, "ap_max_frequency_hz": 40e9, "bandwidth_hz": 4e6},
        60,
    ),
}


def quality(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Gap of ``joint`` to the bound on easy and hard sets, and whether any other scheme serves what it does not."""
    rows = []
    for name, (given, own) in SETS.items():
        count = min(trials or own, own)
        scenarios = api.draw_batch(SYSTEM, trials=count, **given)
        solutions = api.solve_batch(scenarios, "joint")
        value, worst, served = _judged(scenarios, solutions)
        gap = 100 * (value / np.asarray(api.bound_batch(scenarios)) - 1)
        gap = gap[served]
        margin = np.asarray(solutions.sensing_margin_max)
        rows.append([name, count, int(served.sum()), int(np.sum(~served & (margin < 1)))])
        rows[-1] += [_quantile(gap, q) for q in (0, 0.5, 0.95, 1)] + [worst, float(np.mean(value[served]))]
        say(f"  {name}: median gap {_quantile(gap, 0.5):.4g} %, worst {_quantile(gap, 1):.4g} %")
    columns = ["set", "scenarios", "served", "echoes out of reach", "least gap (%)", "median gap (%)"]
    columns += ["95th percentile (%)", "worst gap (%)", "largest residual", "mean energy (J)"]
    note = "Echoes out of reach: the largest margin without any data is below 1, so nobody can serve these. A negative "
    note += "least gap would be a value below the bound."
    return [table("Gap of joint to the bound", columns, rows, note)]


def schemes(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Every scheme on the same networks."""
    tables = []
    sets: list[tuple[str, dict[str, Any], int]] = [
        ("K = 2, 0.4 s", {"latency_max_s": 0.4}, 100),
        ("K = 10, 0.5 s, 20 GHz", TEN, 24),
    ]
    for title, given, own in sets:
        count = min(trials or own, own)
        scenarios = api.draw_batch(SYSTEM, trials=count, **given)
        bound = np.asarray(api.bound_batch(scenarios))
        rows, found = [], {}
        for name in find_system(SYSTEM).schemes:
            say(f"  {title}: {name}")
            solutions = api.solve_batch(scenarios, name)
            value, worst, served = _judged(scenarios, solutions)
            found[name] = served
            gap = 100 * (value / bound - 1)[served]
            success = 100 * float(np.mean(np.asarray(solutions.terminal_feasible)))
            share = np.asarray(solutions.offload_fraction)[served]
            rows.append([name, int(served.sum()), int(np.sum(served & ~found["joint"])), success])
            rows[-1] += [float(np.mean(value[served])) if served.any() else float("nan")]
            rows[-1] += [
                _quantile(gap, 0.5),
                _quantile(gap, 1),
                float(share.mean()) if share.size else float("nan"),
                worst,
            ]
        columns = ["scheme", "served", "of these not by joint", "success rate (58) (%)", "mean energy (J)"]
        columns += ["median gap (%)", "worst gap (%)", "mean share", "largest residual"]
        note = "The gap is to the bound of (P1), which does not bound ofdma."
        tables.append(table(f"Schemes, {title}, {count} scenarios", columns, rows, note))
    return tables


def speed(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Time in batches and alone, beside successive convex approximation on CVXPY."""
    count = trials or 256
    rows: list[list[Any]] = []
    per_scenario = float("nan")
    sets: list[tuple[str, dict[str, Any]]] = [("K = 2, 0.2 s", {"latency_max_s": 0.2}), ("K = 10, 0.5 s, 20 GHz", TEN)]
    for title, given in sets:
        say(f"  batch of {count}, {title}")
        scenarios = api.draw_batch(SYSTEM, trials=count, **given)
        first, _ = median_seconds(lambda s=scenarios: api.solve_batch(s, "joint"), 1)
        began = time.process_time()
        spent, _ = median_seconds(lambda s=scenarios: api.solve_batch(s, "joint"), 3)
        processor = (time.process_time() - began) / 3
        rows.append([f"{title}: batch of {count}, per scenario (median of 3)", 1e3 * spent / count])
        rows.append([f"{title}: the same, processor time of all cores together", 1e3 * processor / count])
        rows.append([f"{title}: first batch, whole (compiled or read from the cache)", 1e3 * first])
        per_scenario = spent / count if "terminals" not in given else per_scenario
        single = [api.draw(SYSTEM, trial=trial, **given) for trial in range(10)]
        api.solve(single[0], "joint")
        alone = [median_seconds(lambda s=s: api.solve(s, "joint"), 3)[0] for s in single]
        rows.append([f"{title}: one alone, warm (median of 10 scenarios)", 1e3 * float(np.median(alone))])
        rows.append([f"{title}: one alone, warm (slowest of 10)", 1e3 * max(alone)])
    tables = [table("Speed of joint", ["what", "ms"], rows)]
    reference = _reference(say, "the comparison with CVXPY")
    if reference is None:
        return tables
    beside = []
    for trial in range(5):
        s = api.draw(SYSTEM, trial=trial, latency_max_s=0.2)
        began = time.perf_counter()
        slow = reference.sca(s, _start(s))
        spent = time.perf_counter() - began
        quick, fast = median_seconds(lambda s=s: api.solve(s, "joint"), 3)
        values = [float(api.evaluate(s, x, bound=False).objective) for x in (slow.solution, fast)]
        beside.append([trial, spent, slow.solver_s, 1e3 * quick, spent / quick, spent / per_scenario, *values])
        beside[-1] += [100 * (values[0] / values[1] - 1)]
        say(f"  scenario {trial}: CVXPY {spent:.2f} s")
    columns = ["scenario", "CVXPY (s)", "of it in Clarabel (s)", "joint alone (ms)", "times faster alone"]
    columns += ["times faster in a batch", "CVXPY (J)", "joint (J)", "CVXPY above joint (%)"]
    note = "CVXPY: successive convex approximation in the reduced space, from matched beams, to a change of 1e-5."
    return [*tables, table("Joint beside convex approximation on CVXPY, K = 2, 0.2 s", columns, beside, note)]


def twin(scenario: Any) -> float:
    """What successive convex approximation reaches on CVXPY, to a change of 1e-5."""
    from trinode.reference import energy as reference

    slow = reference.sca(scenario, _start(scenario)).solution
    return float(api.evaluate(scenario, slow, bound=False).objective)


def growth(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Time, memory and feasibility against the number of terminals, 64 antennas everywhere."""
    import resource

    count = trials or 8
    rows = []
    for k in (2, 4, 8, 16, 32, 64):
        given: dict[str, Any] = {
            "terminals": k,
            "latency_max_s": 0.5,
            "ap_max_frequency_hz": 2e9 * k,
            "sensing_sinr_min_db": -10.0,
        }
        scenarios = api.draw_batch(SYSTEM, trials=count, **given)
        first, _ = median_seconds(lambda s=scenarios: api.solve_batch(s, "joint"), 1)
        spent, solutions = median_seconds(lambda s=scenarios: api.solve_batch(s, "joint"), 1)
        value, _, served = _judged(scenarios, solutions)
        gap = 100 * (value / np.asarray(api.bound_batch(scenarios)) - 1)[served]
        margin = np.asarray(solutions.sensing_margin_max)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        rows.append([k, 1e3 * spent / count, int(served.sum()), int(np.sum(margin < 1)), _quantile(gap, 0.5)])
        rows[-1] += [first - spent, peak]
        say(f"  K = {k}: {1e3 * spent / count:.1f} ms, {int(served.sum())} of {count} served")
    columns = ["terminals", "ms per scenario", f"served of {count}", "echoes out of reach", "median gap (%)"]
    columns += ["first call, extra (s)", "peak memory so far (MB)"]
    note = (
        "Deadline 0.5 s, 2 GHz of the access point for each terminal, echoes of -10 dB: at 0 dB two of many terminals "
    )
    note += "almost always see the target under the same angle, and then no receiver separates their echoes."
    return [table(f"Growth with terminals (joint, batches of {count})", columns, rows, note)]


def errors(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Channel errors of Fig. 9: what they do to ``joint``, and what ``robust`` pays to stand all of them."""
    count = trials or 64
    rows = []
    for error in (0.05, 0.1, 0.2, 0.3):
        scenarios = api.draw_batch(SYSTEM, trials=count, channel_error=error)
        for scheme in ("joint", "robust"):
            solutions = api.solve_batch(scenarios, scheme)
            report = api.evaluate_batch(scenarios, solutions, bound=False)
            served = np.asarray(report.feasible)
            m = {name: np.asarray(value)[served] for name, value in report.metrics.items()}
            late = m["worst_lateness"].max(axis=1)
            times = [1e3 * float(m[name].mean()) for name in ("upload_s", "random_upload_s", "worst_upload_s")]
            rows.append([error, scheme, int(served.sum()), *times, 100 * float(late.max()), int(np.sum(late > 1e-9))])
            rows[-1] += [float(np.asarray(report.objective)[served].mean())]
        say(f"  error {error}")
    columns = ["error over channel", "scheme", "served", "on the air (ms)", "random error (ms)", "worst error (ms)"]
    columns += ["largest excess over the deadline (%)", "scenarios that may be late", "mean energy (J)"]
    note = "Spectral norms. Worst: a bound over all errors of the size. Echo SINRs do not change, since (8) holds no H."
    return [table(f"Channel errors, 0.4 s, {count} scenarios", columns, rows, note)]


SECTIONS = {
    "quality": quality,
    "schemes": schemes,
    "speed": speed,
    "growth": growth,
    "errors": errors,
    "stated": lambda trials, say: compared(SYSTEM, lambda network, _: problem(network), trials, say),
}
"""Sections of the benchmark by name."""


def _judged(scenarios: Any, solutions: Any) -> tuple[np.ndarray, float, np.ndarray]:
    """Objectives, the largest residual of what a scheme serves, and which networks it serves."""
    report = api.evaluate_batch(scenarios, solutions, bound=False)
    served, worst = np.asarray(report.feasible), np.asarray(report.worst_residual)
    return np.asarray(report.objective), float(worst[served].max(initial=-np.inf)), served


def _start(s: Any) -> np.ndarray:
    """Matched beams that meet every echo, a little more than exactly."""

    @jax.jit
    def start(s: Any) -> Any:
        air = problems.build(s).air
        return reduced.lift(air, optimise.meet_echoes(air, optimise.starting_beams(air, null=False))[0])

    beams = np.array(start(s))
    beams[:, 1] *= 1.0005
    return beams


def _reference(say: Say, what: str) -> Any:
    """The reference implementation, or None where its extra is missing."""
    try:
        from trinode.reference import energy as reference

        reference.load()
    except (ImportError, MissingExtraError):
        say(f"  {what} needs the extra `reference`: left out")
        return None
    return reference


def _quantile(values: np.ndarray, q: float) -> float:
    return float(np.quantile(values, q)) if values.size else float("nan")
