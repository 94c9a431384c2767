"""Benchmarks of the three-tier system: quality against bounds and brute force, distribution, speed, scale."""

from __future__ import annotations

import itertools
import time
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trinode import api
from trinode.computing import assignment
from trinode.errors import MissingExtraError
from trinode.experiments.bench import Say, median_seconds, table
from trinode.experiments.bench.stated import compared
from trinode.systems.decision import Status
from trinode.systems.registry import system as find_system
from trinode.systems.threetier import host, optimise, search, stated
from trinode.systems.threetier.agents import Rules
from trinode.systems.threetier.schemes.centralised import Centralised
from trinode.systems.threetier.schemes.distributed import converse
from trinode.systems.threetier.tiers import CLOUD, EDGE, LOCAL, tiers

SYSTEM = "threetier"
TWIN_ON: tuple[dict[str, Any], str] = ({}, "distributed on CVXPY")
PLUS = Rules(exact_offloading=True, priced=True)


def quality(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Distance of the schemes on JAX to the bound, of the whole latency and of its upload."""
    count = trials or 100
    scenarios = api.draw_batch(SYSTEM, trials=count)
    bound = np.asarray(api.bound_batch(scenarios))
    rows = []
    for name in ("joint", "edge", "mrt", "mrs", "local"):
        say(f"  {name}")
        solutions = api.solve_batch(scenarios, name)
        report = api.evaluate_batch(scenarios, solutions, bound=False)
        value = np.asarray(report.objective)
        upload = np.asarray(report.metrics["upload_s"]).sum(axis=1)
        good = ~np.isnan(value)
        whole = 100 * (value / bound - 1)[good]
        # the bound's own upload where it takes the same places: all else is constant
        part = 100 * ((value - bound) / (upload - (value - bound)))[good]
        missed = int(np.asarray(report.metrics["echo_missed"]).sum())
        mean = 1e3 * np.asarray(report.metrics["latency_s"]).mean()
        numbers: list[Any] = []
        for gaps, wanted in ((whole, 0.2), (part if upload.any() else whole[:0], 3.0)):
            numbers += [f(gaps) if gaps.size else None for f in (np.median, np.mean, np.max)]
            numbers.append(int(np.sum(gaps <= wanted)) if gaps.size else None)
        rows.append([name, int(good.sum()), missed, mean, 1e3 * upload.mean() / scenarios.task_bits.shape[1], *numbers])
    columns = ["scheme", f"feasible of {count}", "echoes missed", "mean latency (ms)", "mean upload (ms)"]
    columns += [f"{what} (%)" for what in ("median gap", "mean gap", "worst gap")] + ["within 0.2 %"]
    columns += [f"{what} of the upload (%)" for what in ("median gap", "mean gap", "worst gap")]
    columns += ["within 3 % of the upload"]
    note = "Gaps to the bound, over feasible answers. Means of latency and upload are over all networks, missed echoes "
    note += "included. The gap of the upload is the same difference over the bound's upload."
    return [table(f"Quality on {count} default scenarios", columns, rows, note)]


def brute(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """The default against every decision of small networks, each descended from two starts."""
    count = trials or 50
    k, m = 3, 2
    stages = optimise.Stages(rounds=15, evaluations=60, tolerance=1e-6)

    @jax.jit
    @jax.vmap
    def views(s: Any) -> Any:
        return search.prepare(tiers(s), tiers(s).alone(), (LOCAL, EDGE, CLOUD))[2]

    @jax.jit
    def forced(scenarios: Any, view: Any, mode: Any, target: Any, senses: Any) -> Any:
        def one(s: Any, view: Any) -> Any:
            t = tiers(s)
            safe = search.safe_beams(t, mode, view)
            w = jnp.where(senses, safe, optimise.starting_beams(t, mode, target, safe))
            return optimise.decide(t, mode, target, w, safe, stages).latency

        return jax.vmap(one)(scenarios, view)

    rows = []
    for capacity in (9e9, 3e9):
        say(f"  capacity {capacity:g} Hz")
        scenarios = api.draw_batch(SYSTEM, trials=count, terminals=k, access_points=m, edge_capacity_hz=capacity)
        joint = np.asarray(api.evaluate_batch(scenarios, api.solve_batch(scenarios), bound=False).objective)
        view = views(scenarios)
        best = np.full(count, np.inf)
        places = [(LOCAL, 0), *itertools.product((EDGE, CLOUD), range(m))]
        tried = 0
        for way in itertools.product(places, repeat=k):
            if any(way.count((EDGE, at)) * 3e9 > capacity for at in range(m)):
                continue
            mode, target = (jnp.asarray(part) for part in zip(*way))
            tried += 1
            for senses in (False, True):
                best = np.minimum(best, np.asarray(forced(scenarios, view, mode, target, jnp.asarray(senses))))
        both = ~np.isnan(joint) & np.isfinite(best)
        off = joint[both] / best[both] - 1
        rows.append([capacity / 1e9, tried, int(both.sum()), *(int(np.sum(off <= x)) for x in (1e-5, 1e-4)), off.max()])
    columns = ["edge capacity (GHz)", "decisions", "scenarios", "within 1e-5", "within 1e-4", "largest excess"]
    return [table(f"Joint against every decision (K = {k}, L = {m})", columns, rows)]


def offloading(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Offloading for fixed rates against HiGHS."""
    count = trials or 100
    rows = []
    rng = np.random.default_rng(0)
    for k, m, even in ((9, 3, True), (40, 5, True), (9, 3, False), (20, 4, False)):
        say(f"  K = {k}, L = {m}")
        solve = jax.jit(lambda *a, even=even: assignment.assign(*a, even=even))
        exact = jax.jit(lambda *a: assignment.assign(*a, even=False))
        worst, ours, theirs = 0.0, 0.0, 0.0
        for turn in range(count):
            upload = rng.uniform(4e-3, 2e-2, (k, m))
            size = np.full(k, 3e9) if even else rng.uniform(1e9, 5e9, k)
            edge = upload + (3.2e8 / size)[:, None]
            outside = upload.min(axis=1) + 0.112
            capacity = rng.uniform(0.0, 1.2e10, m)
            case = (edge, outside, size, capacity)
            found, spent = _timed(solve, case)
            truth, needed = _timed(exact, case)
            worst = max(worst, abs(float(found.total) / float(truth.total) - 1))
            if turn:
                ours, theirs = ours + spent, theirs + needed
        share = 1e3 / max(count - 1, 1)
        rows.append([k, m, "equal" if even else "unequal", worst, ours * share, theirs * share])
    columns = ["terminals", "servers", "edge frequencies", "largest difference", "ours (ms)", "HiGHS (ms)"]
    note = (
        "Capacities drawn at random, so that they do not divide evenly. Unequal frequencies are solved by HiGHS itself."
    )
    return [table(f"Exact offloading, {count} cases each", columns, rows, note)]


def distributed(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """The distributed algorithms beside the centralised one: upload, steps, bytes, processor time."""
    count = trials or 4
    judge = jax.jit(find_system(SYSTEM).judge)
    rows = []
    for antennas, power in itertools.product((8, 16), (0.0, 10.0, 30.0)):
        say(f"  M = {antennas}, {power:g} dBm")
        given = {"ap_antennas": antennas, "terminal_max_power_dbm": power}
        rows += _beside(judge, count, given, "mrs", [antennas, power])
    columns = ["antennas", "power (dBm)", *_COLUMNS]
    note = "Begun at the beams towards the targets. A step is one of Algorithm 1 or 2."
    return [table(f"Distributed beside centralised, {count} networks each", columns, rows, note)]


def runtime(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Processor time and bytes of the distributed algorithms against the number of terminals (Fig. 3)."""
    judge = jax.jit(find_system(SYSTEM).judge)
    rows = []
    for k, m in ((9, 3), (15, 3), (30, 5)):
        say(f"  K = {k}, L = {m}")
        rows += _beside(judge, trials or 2, {"terminals": k, "access_points": m}, "mrt", [k, m])
    return [
        table("Processor time and bytes against the number of terminals", ["terminals", "stations", *_COLUMNS], rows)
    ]


_COLUMNS = ["scheme", "mean upload (ms)", "largest upload over centralised (%)", "steps", "messages", "kB"]
_COLUMNS += ["busiest station (s)", "all stations (s)", "one place (s)"]


def _beside(judge: Any, count: int, given: dict[str, Any], begin: str, head: list[Any]) -> list[list[Any]]:
    """Rows of the three algorithms on the same networks."""
    found: dict[str, list[list[float]]] = {"centralised": [], "distributed": [], "distributed-plus": []}
    central = Centralised(begin=begin)
    central.solve(api.draw(SYSTEM, **given))  # compiles what is on JAX
    for trial in range(count):
        scenario = api.draw(SYSTEM, trial=trial, **given)
        began = time.process_time()
        together = central.solve(scenario)
        spent = time.process_time() - began
        if int(together.status) == Status.INFEASIBLE:
            continue
        nan = float("nan")

        def upload(x: Any, scenario: Any = scenario) -> float:
            return 1e3 * float(judge(scenario, x).metrics["upload_s"].mean())

        base = upload(together)
        found["centralised"].append([base, 0.0, float(together.iterations), nan, nan, nan, nan, spent])
        for name, rules in (("distributed", Rules()), ("distributed-plus", PLUS)):
            answer, run = converse(scenario, rules, begin=begin)
            if run is None:
                continue
            mine, traffic = upload(answer), run.traffic
            seconds = traffic.station_seconds
            numbers = [len(run.steps), traffic.total_messages, traffic.total_bytes / 1e3, max(seconds), sum(seconds)]
            found[name].append([mine, 100 * (mine / base - 1), *map(float, numbers), nan])
    rows = []
    for name, values in found.items():
        if values:
            block = np.asarray(values)
            means = block.mean(axis=0)
            rows.append([*head, name, means[0], block[:, 1].max(), *means[2:]])
    return rows


def speed(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """The default in batches and alone, and beside the distributed algorithm on CVXPY."""
    count = trials or 100
    rows = []
    for k, m, size, repeats in ((9, 3, count, 3), (40, 5, min(count, 4), 1)):
        say(f"  K = {k}, L = {m}")
        scenarios = api.draw_batch(SYSTEM, trials=size, terminals=k, access_points=m)
        first, _ = median_seconds(lambda s=scenarios: api.solve_batch(s), 1)
        began = time.process_time()
        spent, solutions = median_seconds(lambda s=scenarios: api.solve_batch(s), repeats)
        cpu = (time.process_time() - began) / repeats
        feasible = int(np.sum(np.asarray(solutions.status) != Status.INFEASIBLE))
        single = api.unstack(scenarios)[int(np.argmax(np.asarray(solutions.status) != Status.INFEASIBLE))]
        api.solve(single)
        alone, _ = median_seconds(lambda s=single: api.solve(s), repeats)
        rows.append([k, m, size, feasible, 1e3 * spent / size, 1e3 * cpu / size, 1e3 * alone, first])
    columns = [
        "terminals",
        "stations",
        "batch",
        "of it feasible",
        "ms per scenario",
        "processor ms per scenario",
        "one alone (ms)",
    ]
    columns += ["first batch, whole (s)"]
    tables = [table("Speed of joint (warm)", columns, rows)]
    try:
        from trinode.reference import threetier as reference

        reference.load()
    except MissingExtraError:
        say("  the comparison with CVXPY needs the extra `reference`: left out")
        return tables
    judge = jax.jit(find_system(SYSTEM).judge)
    per = rows[0][4] / 1e3
    beside = []
    for trial in range(1):
        scenario = api.draw(SYSTEM, trial=trial)
        t, view = host.prepared(scenario)
        if not bool(view.met):
            continue
        w, _ = host.starting_point(t, view)
        if trial == 0:
            reference.distributed(scenario, np.asarray(w), turns=1, consensus_steps=2, beam_steps=2)  # builds problems
        say(f"  CVXPY, scenario {trial}")
        spent, slow = {}, scenario
        for rebuild in (False, True):
            began = time.perf_counter()
            slow = reference.distributed(scenario, np.asarray(w), rebuild=rebuild)
            spent[rebuild] = time.perf_counter() - began
        answer = api.solve(scenario)
        quick, _ = median_seconds(lambda s=scenario: api.solve(s), 3)
        values = [1e3 * float(judge(scenario, x).objective) / scenario.terminals for x in (slow, answer)]
        for rebuild, took in spent.items():
            how = "anew at every step" if rebuild else "once, with parameters"
            beside.append([trial, how, int(slow.iterations), took, 1e3 * quick, took / quick, took / per, *values])
    columns = ["scenario", "convex programs built", "steps", "CVXPY (s)", "joint alone (ms)", "times faster alone"]
    columns += ["times faster in a batch", "CVXPY mean latency (ms)", "joint mean latency (ms)"]
    note = (
        "CVXPY runs to its own stop, under the rules of `distributed`: Algorithms 1 (at most 500 steps) and 2 (at most "
    )
    note += "40) in turns until the places repeat."
    tables.append(table("Joint beside the distributed algorithm on CVXPY", columns, beside, note))
    return tables


def twin(scenario: Any) -> float:
    """What the distributed algorithm reaches on CVXPY, its programs built once, by its own stop."""
    from trinode.reference import threetier as reference

    w, _ = host.starting_point(*host.prepared(scenario))
    return float(api.evaluate(scenario, reference.distributed(scenario, np.asarray(w)), bound=False).objective)


def scale(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Assignment and beams of large networks."""
    rows = []
    for k, m in ((100, 12), (200, 25)):
        say(f"  K = {k}, L = {m}")
        given = {"terminals": k, "access_points": m, "area_m": 1000.0 * (k / 9) ** 0.5}
        given["ring_radius_m"] = 350.0 * (k / 9) ** 0.5
        scenario = api.draw(SYSTEM, **given)
        t = jax.jit(tiers)(scenario)
        place = jax.jit(lambda t: t.choose(t.alone()))
        place(t)
        assigned, decision = median_seconds(lambda t=t, place=place: place(t), 3)
        first, _ = median_seconds(lambda s=scenario: api.solve(s), 1)
        spent, answer = median_seconds(lambda s=scenario: api.solve(s), 1)
        report = api.evaluate(scenario, answer)
        gap = 100 * (float(report.objective) / float(decision.latency) - 1)
        mean = 1e3 * float(report.metrics["latency_s"].mean())
        rows.append([k, m, 1e3 * assigned, spent, first, mean, gap, Status(int(answer.status)).label])
    columns = ["terminals", "stations", "assignment alone (ms)", "joint, warm (s)", "first call (s)"]
    columns += ["mean latency (ms)", "gap to the bound (%)", "status"]
    note = "Area and ring grow with the terminals, so that their density is that of Table III."
    return [table("Large networks", columns, rows, note)]


SECTIONS = {
    "quality": quality,
    "brute": brute,
    "offloading": offloading,
    "distributed": distributed,
    "runtime": runtime,
    "speed": speed,
    "scale": scale,
    "stated": lambda trials, say: compared(SYSTEM, _placed, trials, say, "who computes where"),
}


def _placed(scenario: Any, solution: Any) -> Any:
    """The problem in parts, every task where a decision has it."""
    return stated.problem(scenario, *(np.asarray(choice) for choice in (solution.edge_choice, solution.cloud_choice)))


def _timed(program: Any, case: Any) -> tuple[Any, float]:
    began = time.perf_counter()
    found = jax.block_until_ready(program(*case))
    return found, time.perf_counter() - began
