"""Benchmarks of stated problems: against cones and bisection, semidefinite programs, WMMSE, gradients, minorants."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from trinode import api, problems
from trinode.compose.problem import Problem
from trinode.experiments.bench import Say, median_seconds, table
from trinode.experiments.bench.problem_twins import (
    MaxMin,
    brightest,
    eigen_zero_forcing,
    gaussian,
    joint_value,
    minorise_maximise,
    projected_gradient,
    wmmse,
)
from trinode.solving.answer import Answers
from trinode.solving.drive import solve, solve_batch

NOISE = 1e-13


def _timed(each: Sequence[Problem]) -> tuple[Answers, float, float]:
    """Answers, and seconds a problem in a batch and alone, once compiled."""
    whole = api.stack(each)
    solve_batch(whole)
    together, answers = median_seconds(lambda: solve_batch(whole), 3)
    solve(each[0])
    alone = np.median([median_seconds(lambda one=one: solve(one), 1)[0] for one in each[:20]])
    return answers, together / len(each), float(alone)


def _bounds(answers: Answers) -> tuple[np.ndarray, int, float]:
    """Gaps, how many values are beyond their bounds, and seconds a bound."""
    _ = answers[0].bound
    began = time.perf_counter()
    gaps = np.array([one.gap for one in answers])
    return gaps, int(np.sum(gaps < -1e-9)), (time.perf_counter() - began) / max(1, len(gaps) - 1)


def _network(seed: int, users: int, points: int, antennas: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 1e-6 * 10 ** rng.uniform(-0.5, 0.5, (users, points, 1)) * gaussian(rng, users, points, antennas)


def max_min(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """The worst user's SINR against second-order cones and bisection."""
    count, users, rows = trials or 100, 6, []
    for points, antennas, each in ((4, 4, True), (4, 4, False), (8, 1, True)):
        power: Any = np.full(points, 0.1) if each else 0.4
        channels = [_network(seed, users, points, antennas) for seed in range(count)]
        answers, together, alone = _timed([problems.max_min_sinr(h, NOISE, power) for h in channels])
        gaps, beyond, bound_s = _bounds(answers)
        twin = MaxMin(users, points, antennas, each)
        twin(channels[0], NOISE, power)
        began = time.perf_counter()
        best = np.array([twin(h, NOISE, power) for h in channels])
        cones_s = (time.perf_counter() - began) / count
        short = answers.value / best - 1
        batched = _batched(twin, channels, power, together)
        quality = [-short.min(), short.max(), gaps.max(), beyond]
        times = [1e3 * each for each in (together, alone, bound_s, cones_s)]
        kind = "each" if each else "sum"
        rows.append([f"{points} x {antennas}, {kind}", *quality, *times, cones_s / together, batched])
        say(f"  {points} access points of {antennas}")
    columns = ["access points, power", "furthest below bisection", "furthest above", "largest gap to the bound"]
    columns += ["beyond the bound", "ms each in a batch", "ms alone", "ms a bound", "ms bisection on CVXPY", "ratio"]
    note = "Bisection of 40 steps, its program compiled once, Clarabel with its own tolerances (1e-8)."
    note += " The last column is the same 40 steps by `moreau` for all networks at once, solver time alone,"
    note += " over the time in a batch, where it is installed."
    return [table(f"max_min_sinr, {count} networks each, {users} users", [*columns, "ratio to moreau"], rows, note)]


def _batched(twin: MaxMin, channels: Sequence[np.ndarray], power: Any, own: float) -> float | None:
    """How much longer a batched conic solver takes for the same steps, if it is installed."""
    try:
        import moreau  # type: ignore[import-not-found]
    except ImportError:
        return None
    low, high = np.zeros(len(channels)), np.array([twin.most(h, NOISE, power) for h in channels])
    spent, solver = 0.0, None
    for _ in range(40):
        level = (low + high) / 2
        each = [twin.cones(h, NOISE, power, one) for h, one in zip(channels, level)]
        rows = [one["A"].tocsr() for one in each]
        if solver is None:
            dims, shape = each[0]["dims"], rows[0].shape
            settings = moreau.Settings(device="cpu", batch_size=len(channels))
            cones = moreau.Cones(num_zero_cones=dims.zero, num_nonneg_cones=dims.nonneg, so_cone_dims=list(dims.soc))
            solver = moreau.CompiledSolver(
                n=shape[1], m=shape[0], P_row_offsets=np.zeros(shape[1] + 1, int), P_col_indices=[],
                A_row_offsets=rows[0].indptr, A_col_indices=rows[0].indices, cones=cones, settings=settings,
            )  # fmt: skip
        began = time.perf_counter()
        solver.setup(np.zeros((len(channels), 0)), np.array([one.data for one in rows]))
        found = solver.solve(np.array([one["c"] for one in each]), np.array([one["b"] for one in each]))
        spent += time.perf_counter() - began
        fits = np.array([one["c"] @ x for one, x in zip(each, found.x)]) <= 1
        low, high = np.where(fits, level, low), np.where(fits, high, level)
    return spent / len(channels) / own


def lit(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Illumination under SINR requirements against the semidefinite relaxation."""
    count, rows = trials or 20, []
    for targets in (1, 3):
        users, points, antennas, asked, power = 4, 3, 5, 10**0.5, np.full(3, 0.1)
        given = []
        for seed in range(count):
            angle = np.random.default_rng(seed + 1000).uniform(-1.2, 1.2, (targets, points, 1))
            target = np.exp(1j * np.pi * np.arange(antennas) * np.sin(angle))
            given.append((_network(seed, users, points, antennas), target))
        answers, together, alone = _timed([problems.illumination(h, t, NOISE, power, asked) for h, t in given])
        began = time.perf_counter()
        best, ranks = zip(*(brightest(h, t, NOISE, power, asked) for h, t in given))
        cones_s = (time.perf_counter() - began) / count
        known = np.isfinite(answers.value)
        short = (answers.value / np.array(best) - 1)[known]
        one = np.array(ranks)[known] == 1
        gaps, _, bound_s = _bounds(Answers([each for each, good in zip(answers, known) if good]))
        counts = [int(np.sum(each)) for each in (known, np.isfinite(best), one)]
        quality = [-short[one].min(), -short.min(), short.max(), gaps.max()]
        rows.append([targets, *counts, *quality, *(1e3 * each for each in (together, alone, bound_s, cones_s))])
        say(f"  {targets} targets")
    columns = ["targets", "feasible", "feasible in the relaxation", "of rank one there", "furthest below at rank one"]
    columns += ["furthest below", "furthest above", "largest gap to the bound", "ms each in a batch", "ms alone"]
    columns += ["ms a bound", "ms CVXPY"]
    return [table(f"illumination, {count} networks each", columns, rows)]


def rates(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Sum rates against the weighted mean square error method and eigen-zero-forcing."""
    count = trials or 40
    channels = [gaussian(np.random.default_rng(seed), 4, 2, 8) for seed in range(count)]
    answers, together, alone = _timed([problems.sum_rate(h, 1.0, 10.0, 2) for h in channels])
    began = time.perf_counter()
    matched = np.array([wmmse(h, 1.0, 10.0, 2) for h in channels])
    other_s = (time.perf_counter() - began) / count
    best = matched.copy()
    for index, h in enumerate(channels):
        rng = np.random.default_rng(index)
        best[index] = max([best[index], *(wmmse(h, 1.0, 10.0, 2, gaussian(rng, 4, 2, 8)) for _ in range(9))])
    short = answers.value / best - 1
    say("  WMMSE")
    row = [np.mean(answers.value), np.mean(matched), np.mean(best), -short.min(), int(np.sum(short < -0.005)),
           1e3 * together, 1e3 * alone, 1e3 * other_s, other_s / together]  # fmt: skip
    columns = ["mean, bit/s/Hz", "WMMSE from matched filters", "best of ten WMMSE", "furthest below the best of ten"]
    columns += ["more than 0.5 % below", "ms each in a batch", "ms alone", "ms one WMMSE in NumPy", "ratio"]
    first = table(f"sum_rate, {count} channels, 4 users of 2 antennas, 2 streams, 8 antennas, 10 dB", columns, [row])
    few = min(count, 10)
    wide = [gaussian(np.random.default_rng(seed), 4, 4, 128) for seed in range(few)]
    answers, together, alone = _timed([problems.sum_rate(h, 1.0, 1000.0, 1) for h in wide])
    closed = np.array([eigen_zero_forcing(h, 1.0, 1000.0) for h in wide])
    ratio = answers.value / closed
    row = [np.mean(answers.value), closed.mean(), ratio.min(), 1e3 * together, 1e3 * alone]
    columns = ["mean, bit/s/Hz", "eigen-zero-forcing", "least ratio", "ms each in a batch", "ms alone"]
    return [
        first,
        table(f"sum_rate, {few} channels, 4 users of 4 antennas, 1 stream, 128 antennas, 30 dB", columns, [row]),
    ]


def joint(trials: int | None, say: Say) -> list[dict[str, Any]]:
    """Users and targets of one transmitter against projected gradients and minorants on CVXPY."""
    count, antennas, rows = trials or 4, 16, []
    power = np.full(antennas, 100 / antennas)
    for users in range(2, 13, 2):
        given = []
        for seed in range(count):
            rng = np.random.default_rng(seed)

            def points(number: int, rng: np.random.Generator = rng) -> np.ndarray:
                line = np.exp(1j * np.pi * np.arange(antennas) * np.sin(rng.uniform(-1.2, 1.2, (number, 1))))
                return 0.1 * gaussian(rng, number, 1, 1) * line[:, :, None] * line[:, None]

            given.append((gaussian(rng, users, antennas), points(2), points(2)))
        answers, together, alone = _timed(
            [problems.fair_joint(one[0], one[1], one[2], 1.0, 1.0, power, 1.0) for one in given]
        )
        own = np.array([joint_value(one, each["precoder"], 1.0) for one, each in zip(given, answers)])
        others = [_against(method, given, power, own) for method in (projected_gradient, minorise_maximise)]
        rows.append([users, own.mean(), *others[0], *others[1], 1e3 * together, 1e3 * alone])
        say(f"  {users} users")
    columns = ["users", "mean value"]
    for name in ("gradient", "minorants"):
        columns += [f"{name}: mean", f"{name}: most above ours", f"{name}: ms"]
    title = f"fair_joint, {count} channels each, 16 x 16 antennas, 2 targets, 2 points of clutter, 20 dB"
    return [table(title, [*columns, "ms each in a batch", "ms alone"], rows)]


def _against(method: Callable[..., float], given: Sequence[Any], power: np.ndarray, own: np.ndarray) -> list[float]:
    began = time.perf_counter()
    found = np.array([method(one, power, 1.0) for one in given])
    seconds = (time.perf_counter() - began) / len(given)
    return [float(found.mean()), float(np.max(found / own - 1)), 1e3 * seconds]


SECTIONS = {"max-min": max_min, "illumination": lit, "sum-rate": rates, "joint": joint}
