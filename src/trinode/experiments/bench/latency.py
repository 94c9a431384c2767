"""Benchmarks of the latency system: quality against bounds, speed, growth, exact steps, monotonicity."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trinode import api
from trinode._batch import map_parts
from trinode.computing import pool
from trinode.errors import MissingExtraError
from trinode.experiments.bench import Say, median_seconds, table
from trinode.experiments.bench.stated import compared
from trinode.sensing import echo
from trinode.systems.decision import Status
from trinode.systems.latency import model, stated
from trinode.systems.latency.tiers import CLOUD, EDGE, tiers
from trinode.systems.registry import system as find_system

SYSTEM = "latency"
TWIN_ON: tuple[dict[str, Any], str] = ({}, "alternating on CVXPY")


def quality(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Gap of every scheme to the bound of the scenario and to that of its family."""
    count = trials or 100
    scenarios = api.draw_batch(SYSTEM, trials=count)
    schemes = find_system(SYSTEM).schemes
    bounds = {}
    for family in ("", *(s.family for s in schemes.values() if s.family)):
        say(f"  bound {family or 'of the scenario'}")
        bounds[family] = np.asarray(api.bound_batch(scenarios, family))
    found = {}
    for name in schemes:
        say(f"  {name}")
        found[name] = _solved(scenarios, name)
    best = found["joint"]["objective"]
    rows = []
    for name, scheme in schemes.items():
        own = found[name]
        both = ~np.isnan(best) & ~np.isnan(own["objective"])
        wins = int(np.sum(best[both] <= own["objective"][both] * (1 + 1e-9)))
        for family in dict.fromkeys(("", scheme.family)):
            gap = 100 * (own["objective"] / bounds[family] - 1)
            gap = gap[~np.isnan(gap)]
            rows.append(
                [name, family or "any decision", len(gap), count - len(gap), _mean(own["objective"])]
                + [_quantile(gap, q) for q in (0, 0.5, 0.95, 1)]
                + [own["worst_residual"], "" if name == "joint" else f"{wins} of {int(both.sum())}"]
            )
    columns = ["scheme", "bound over", "feasible", "infeasible", "mean latency (s)"]
    columns += ["least gap (%)", "median gap (%)", "95th percentile (%)", "worst gap (%)"]
    columns += ["largest residual", "joint at least as good"]
    note = "A negative least gap would be a value below a bound. Residuals are relative; those of infeasible "
    note += "answers are left out."
    return [table(f"Quality on {count} default scenarios", columns, rows, note)]


def speed(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Time of ``joint`` in a batch and alone, beside the paper's alternation on CVXPY."""
    count = trials or 100
    scenarios = api.draw_batch(SYSTEM, trials=count)
    say("  joint, batch")
    first_batch, _ = median_seconds(lambda: api.solve_batch(scenarios, "joint"), 1)
    batch, solutions = median_seconds(lambda: api.solve_batch(scenarios, "joint"), 3)
    say("  joint, one by one")
    singles = [api.draw(SYSTEM, trial=trial) for trial in range(10)]
    first_alone, _ = median_seconds(lambda: api.solve(singles[0], "joint"), 1)
    alone = [median_seconds(lambda s=s: api.solve(s, "joint"), 1)[0] for s in singles]
    rows: list[list[Any]] = [
        [f"in a batch of {count}, per scenario (median of 3)", 1e3 * batch / count],
        ["one alone, warm (median of 10 scenarios)", 1e3 * float(np.median(alone))],
        ["one alone, warm (slowest of 10)", 1e3 * max(alone)],
        ["first batch, whole (compiled or read from the cache)", 1e3 * first_batch],
        ["first one alone (compiled or read from the cache)", 1e3 * first_alone],
    ]
    timing = table("Speed of joint", ["what", "ms"], rows)

    feasible = np.flatnonzero(np.asarray(solutions.status) != Status.INFEASIBLE)
    chosen = [int(trial) for trial in feasible if trial < 10][: min(3, count)]
    reference = _reference(say, "the comparison with CVXPY")
    if reference is None or not chosen:
        return [timing]
    say("  CVXPY")
    reference.alternating(singles[chosen[0]], tolerance=1e-4, max_outer=1)  # builds the parametrised problems
    judge = find_system(SYSTEM).judge
    beside = []
    for trial in chosen:
        began = time.perf_counter()
        slow = reference.alternating(singles[trial], tolerance=1e-4)
        spent = time.perf_counter() - began
        quick, fast = median_seconds(lambda trial=trial: api.solve(singles[trial], "joint"), 3)
        values = [float(judge(singles[trial], x).objective) for x in (slow, fast)]
        beside.append([trial, spent, 1e3 * quick, spent / quick, spent * count / batch, *values, values[0] / values[1]])
        say(f"  scenario {trial}: {spent:.1f} s against {1e3 * quick:.0f} ms")
    columns = ["scenario", "CVXPY (s)", "joint alone (ms)", "times faster alone", "times faster in a batch"]
    columns += ["CVXPY latency (s)", "joint latency (s)", "latency ratio"]
    note = "CVXPY: the paper's method (sane start and rounding), until the latency changes by less than 1e-4, "
    note += "its problems built beforehand."
    return [timing, table("Joint beside the paper's alternation on CVXPY", columns, beside, note)]


def twin(scenario: Any) -> float:
    """What the paper's alternation reaches on CVXPY, to a change of 1e-4."""
    from trinode.reference import latency as reference

    slow = reference.alternating(scenario, tolerance=1e-4)
    return float(api.evaluate(scenario, slow, bound=False).objective)


def growth(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Time against the number of terminals and of access points."""
    count = trials or 8
    tables = []
    sweeps = {
        "terminals": [{"terminals": k, "area_m": 200 * (k / 6) ** 0.5} for k in (4, 8, 12, 16, 24)],
        "access_points": [{"access_points": m} for m in (6, 12, 25, 50, 100)],
    }
    for swept, settings in sweeps.items():
        rows = []
        for given in settings:
            scenarios = api.draw_batch(SYSTEM, trials=count, **given)
            first, _ = median_seconds(lambda s=scenarios: api.solve_batch(s, "joint"), 1)
            spent, solutions = median_seconds(lambda s=scenarios: api.solve_batch(s, "joint"), 3)
            feasible = int(np.sum(np.asarray(solutions.status) != Status.INFEASIBLE))
            rows.append([given[swept], 1e3 * spent / count, feasible, first - spent])
            say(f"  {swept} = {given[swept]}: {1e3 * spent / count:.0f} ms")
        x, y = np.log([row[0] for row in rows]), np.log([row[1] for row in rows])
        slope = float(np.polyfit(x, y, 1)[0])
        steps = np.diff(y) / np.diff(x)
        local = "; ".join(f"{step:.2f}" for step in steps)
        what = swept.replace("_", " ")
        note = f"Slope of log time over log {what}: {slope:.2f} (from point to point: {local})."
        if swept == "terminals":
            note += " 6 access points; the area grows with the terminals, so that echoes can still be met."
        else:
            note += " 6 terminals, 3 serving access points each."
        columns = [
            what,
            "ms per scenario",
            f"feasible of {count}",
            "first call, extra (s)",
        ]
        title = f"Growth with {what} (joint, batches of {count}, median of 3)"
        tables.append(table(title, columns, rows, note))
    return tables


def resource(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """The resource step at fixed rates against the same convex problem on CVXPY."""
    count = trials or 50
    reference = _reference(say, "the resource step")
    if reference is None:
        return []
    scenarios = api.draw_batch(SYSTEM, trials=count)
    modes = np.random.default_rng(0).integers(EDGE, CLOUD + 1, size=(count, scenarios.serving.shape[1]))

    @jax.jit
    @jax.vmap
    def ours(scenario: Any, modes: Any) -> Any:
        t = tiers(scenario)
        streams = jnp.where(t.linked, scenario.terminal_max_power_w[:, None] / t.linked.shape[1], 0.0)
        compact = jnp.sqrt(streams)[..., None] * t.direction
        rows = jnp.arange(scenario.terminals)[:, None]
        wide = jnp.zeros((*scenario.serving.shape, compact.shape[-1]), compact.dtype).at[rows, t.index].add(compact)
        rates = model.link_rates(scenario, wide, jnp.zeros_like(wide[:, 0]))
        own = jnp.take_along_axis(rates, t.index, axis=1) * jnp.log(2.0) / scenario.bandwidth_hz
        both = pool.solve(t.pool(modes, own))
        return rates, both.latency, both.lower

    rates, values, lower = (np.asarray(part) for part in ours(scenarios, jnp.asarray(modes)))
    worst, spent, certified = 0.0, 0.0, 0.0
    for i, scenario in enumerate(api.unstack(scenarios)):
        began = time.perf_counter()
        theirs = reference.resource_step(scenario, rates[i], modes[i])
        spent += time.perf_counter() - began
        worst = max(worst, abs(values[i] / theirs.latency_s - 1))
        certified = max(certified, 1 - lower[i] / values[i])
    warm, _ = median_seconds(lambda: ours(scenarios, jnp.asarray(modes)), 3)
    rows = [
        ["largest relative difference", worst],
        ["largest certified gap of ours", certified],
        ["ours, ms per scenario (rates included)", 1e3 * warm / count],
        ["CVXPY, ms per scenario", 1e3 * spent / count],
    ]
    note = "Random edge/cloud assignments, rates of equal power along the strongest directions."
    return [table(f"Resource step against CVXPY, {count} scenarios", ["what", "value"], rows, note)]


def sensing(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """The sensing screen against CVXPY: values and verdicts."""
    count = trials or 200
    reference = _reference(say, "the sensing screen")
    if reference is None:
        return []
    rows = []
    for decibel in (1.0, 4.0):
        scenarios = api.draw_batch(SYSTEM, trials=count, sensing_sinr_min_db=decibel)

        def screen(scenario: Any, verdict_only: bool) -> Any:
            limit = echo.largest_margin(tiers(scenario).echo, scenario.sensing_sinr_min, verdict_only=verdict_only)
            return limit.margin, limit.upper

        # one scenario at a time, as solving does: lanes of a batch would wait for the hardest of them
        exact, quick = (
            partial(map_parts, jax.jit(one), jax.jit(jax.vmap(one)), (scenarios,), 1)
            for one in (partial(screen, verdict_only=only) for only in (False, True))
        )
        margin, upper = (np.asarray(part) for part in exact())
        verdict = np.asarray(quick()[0]) >= 1
        seconds, _ = median_seconds(quick, 3)
        theirs, program = np.zeros(count), np.zeros(count, bool)
        began = time.perf_counter()
        for i, scenario in enumerate(api.unstack(scenarios)):
            theirs[i] = reference.sensing_margin(scenario).margin_max
            program[i] = reference.sensing_feasible(scenario)
            if (i + 1) % 50 == 0:
                say(f"  {decibel:g} dB: {i + 1} of {count}")
        spent = time.perf_counter() - began
        alike = [int(np.sum(verdict == (theirs >= 1))), int(np.sum(verdict == program))]
        differ = [float(np.max(np.abs(margin / theirs - 1))), float(np.max(upper / margin - 1))]
        times = [1e3 * seconds / count, 1e3 * spent / count]
        rows.append([decibel, int(np.sum(~(theirs >= 1))), *alike, *differ, *times])
    columns = ["requirement (dB)", "infeasible", "verdicts alike (cones)", "verdicts alike (SDP)"]
    columns += [
        "largest difference of margins",
        "largest certified gap of ours",
        "ours (ms)",
        "CVXPY, cones and SDP (ms)",
    ]
    return [table(f"Sensing screen against CVXPY, {count} scenarios each", columns, rows)]


FALLS = {
    "serving": (1, 2, 3, 4, 5, 6),
    "cloud_max_frequency_hz": (2.5e9, 5e9, 10e9, 15e9, 20e9, 30e9),
    "fronthaul_max_bps": (0.01e9, 0.05e9, 0.1e9, 0.5e9, 2e9),
    "ap_antennas": (4, 8, 12, 16),
    "terminal_antennas": (4, 6, 8, 12),
    "terminal_max_power_w": (0.05, 0.1, 0.2, 0.4),
    "ap_max_power_w": (0.25, 0.5, 1.0, 2.0),
}
"""Parameters along which the best latency cannot rise, since every decision stays possible."""
RISES = {"terminals": (2, 4, 6, 8), "sensing_sinr_min_db": (-5.0, -2.0, 1.0, 4.0, 7.0)}
"""Parameters along which the best latency cannot fall."""


def monotone(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Largest step in the wrong direction of ``joint`` along parameters that can only help, or only hurt."""
    count = trials or 20
    rows = []
    for name, values, sign in [(n, v, 1) for n, v in FALLS.items()] + [(n, v, -1) for n, v in RISES.items()]:
        path = []
        for value in values:
            scenarios = api.draw_batch(SYSTEM, trials=count, **{name: value})
            path.append(_solved(scenarios, "joint")["objective"])
        helped = np.stack(path[::sign])  # from the worst setting to the best
        worst, compared, lost = -np.inf, 0, 0
        for i in range(1, len(values)):
            before = np.fmin.reduce(helped[:i], axis=0)
            both = ~np.isnan(before) & ~np.isnan(helped[i])
            lost += int(np.sum(~np.isnan(before) & np.isnan(helped[i])))
            compared += int(both.sum())
            if both.any():
                worst = max(worst, float(np.max(100 * (helped[i][both] / before[both] - 1))))
        worst = worst if compared else float("nan")
        rows.append([name, "falls" if sign > 0 else "rises", *(f"{v:g}" for v in (values[0], values[-1]))])
        rows[-1] += [compared, max(worst, 0.0), lost]
        say(f"  {name}: {worst:.3g} %")
    columns = ["parameter", "latency", "from", "to", "pairs compared", "largest violation (%)"]
    columns += ["feasible, then not"]
    note = "Each value against the best one at any less favourable setting of the same network."
    return [table(f"Monotonicity of joint, {count} scenarios at each value", columns, rows, note)]


SECTIONS = {
    "quality": quality,
    "speed": speed,
    "growth": growth,
    "resource": resource,
    "sensing": sensing,
    "monotone": monotone,
    "stated": lambda trials, say: compared(SYSTEM, _placed, trials, say, "who computes where"),
}


def _placed(scenario: Any, solution: Any) -> Any:
    """The problem in parts, every task where a decision has it."""
    shares = [np.asarray(share).any(axis=1) for share in (solution.edge_share, solution.cloud_share)]
    return stated.problem(scenario, np.select(shares, [stated.EDGE, stated.CLOUD], stated.LOCAL))


def _solved(scenarios: Any, scheme: str) -> dict[str, Any]:
    """Objectives (NaN where infeasible) and the largest residual of feasible answers."""
    solutions = api.solve_batch(scenarios, scheme)
    report = api.evaluate_batch(scenarios, solutions, bound=False)
    worst = np.asarray(report.worst_residual)[np.asarray(report.feasible)]
    return {"objective": np.asarray(report.objective), "worst_residual": float(worst.max(initial=-np.inf))}


def _reference(say: Say, what: str) -> Any:
    """The reference implementations, or None where their extra is missing."""
    try:
        from trinode.reference import latency as reference
        from trinode.reference.latency import _conic

        _conic.load()
    except (ImportError, MissingExtraError):
        say(f"  {what} needs the extra `reference`: left out")
        return None
    return reference


def _quantile(values: np.ndarray, q: float) -> float:
    return float(np.quantile(values, q)) if values.size else float("nan")


def _mean(values: np.ndarray) -> float:
    return float(np.nanmean(values)) if np.any(~np.isnan(values)) else float("nan")
