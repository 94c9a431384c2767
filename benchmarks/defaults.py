"""Every system's default scheme against all its other schemes on wild networks: never worse, and nothing untrue.

python benchmarks/defaults.py SYSTEM [--draws 5000] [--seed 0] [--schemes NAME,NAME] [--only DRAW]

A draw is a network of the system at parameters far from their defaults, some of its terminals and access points unlike
the others. All schemes decide, the system's own model judges. A finding is a default that is infeasible where another
scheme is feasible, or worse than it by more than a millionth; a status that says other than the model; a decision that
beats its bound. ``--only`` does one draw again and shows its parameters.
"""

from __future__ import annotations

import argparse
import collections
import dataclasses
import sys
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from trinode import api
from trinode.errors import InputError
from trinode.sensing import beampattern
from trinode.systems.decision import Status
from trinode.systems.declared import to_arrays
from trinode.systems.region import model
from trinode.systems.registry import system as find_system
from trinode.systems.registry import system_names
from trinode.systems.report import FEASIBILITY_TOLERANCE

SIZES: dict[str, tuple[dict[str, Any], ...]] = {
    "latency": (
        {
            "terminals": 3,
            "access_points": 4,
            "ap_antennas": 5,
            "terminal_antennas": 6,
            "radar_antennas": 2,
            "serving": 2,
        },
        {
            "terminals": 5,
            "access_points": 3,
            "ap_antennas": 2,
            "terminal_antennas": 4,
            "radar_antennas": 6,
            "serving": 1,
        },
    ),
    "threetier": (
        {"terminals": 3, "access_points": 2, "ap_antennas": 5, "terminal_antennas": 4, "radar_antennas": 6},
        {"terminals": 5, "access_points": 3, "ap_antennas": 2, "terminal_antennas": 4, "radar_antennas": 6},
    ),
    "region": (
        {"terminals": 5, "access_points": 3, "ap_antennas": 6, "targets": 2, "pilots": 4, "directions": 61},
        {"terminals": 3, "access_points": 2, "ap_antennas": 4, "targets": 1, "pilots": 2, "directions": 91},
    ),
    "fairness": (
        {"terminals": 3, "access_points": 4, "ap_antennas": 5, "subcarriers": 2},
        {"terminals": 5, "access_points": 9, "ap_antennas": 2, "subcarriers": 1},
    ),
    "energy": (
        {"terminals": 3, "ap_antennas": 5, "terminal_antennas": 7, "radar_antennas": 4},
        {"terminals": 2, "ap_antennas": 6, "terminal_antennas": 4, "radar_antennas": 3},
    ),
}
"""Networks are small and of few shapes, so that few programs serve all draws; the first is that of the tests."""

APART = {
    ("energy", "ofdma"): "its sub-bands are no decision of the others' problem",
    ("fairness", "mmse"): "chooses the combiners too, which the default takes as they are given",
}
"""Schemes whose decisions the default could not take, and why: judged like all others, but no rivals."""

SILENT = {("region", "communication"), ("region", "bcd")}
"""Schemes that leave sensing aside: rivals where their decisions meet what the network asks of it all the same."""

RANGES: dict[str, tuple[float, float]] = {
    "task_spread": (0.0, 1.0),
    "bearing_offset": (-1.0, 1.0),
    "terminal_height_m": (1.0, 10.0),
    "ap_height_m": (4.0, 60.0),
    "element_spacing": (0.1, 1.0),
    "false_alarm": (1e-8, 0.1),
    "echo_path_exponent": (0.0, 4.0),
    "coherence_symbols": (10.0, 400.0),
}
"""Parameters that are drawn evenly from a range; all others by a factor, or a number of dB, around their default."""

UNEVEN: dict[str, tuple[str, ...]] = {
    "latency": (
        "uplink_channel",
        "task_bits",
        "terminal_cycles_per_bit",
        "edge_cycles_per_bit",
        "terminal_max_frequency_hz",
        "edge_max_frequency_hz",
        "fronthaul_max_bps",
        "terminal_max_power_w",
        "ap_max_power_w",
        "terminal_capacitance",
        "edge_capacitance",
    ),
    "threetier": ("uplink_channel", "task_bits", "cycles_per_bit", "terminal_frequency_hz"),
    "region": (),
    "fairness": ("task_bits", "cycles_per_bit", "terminal_frequency_hz"),
    "energy": ("uplink_channel", "task_bits", "cycles_per_bit", "terminal_max_frequency_hz", "terminal_max_power_w"),
}
"""Arrays whose first axis is made uneven, entry by entry."""

RARELY = 20
"""Schemes of the host, which take seconds per network, decide every so many draws only."""

WORSE = 1e-6
"""Relative difference from which on a default is worse."""


class Draw(NamedTuple):
    """A network, and how it came about."""

    number: int
    scenario: Any
    changes: dict[str, Any]


def parameters(name: str, dice: np.random.Generator) -> dict[str, Any]:
    """Wild values for some of a system's numbers; the sizes come from :data:`SIZES`."""
    width = dice.choice([0.3, 1.0, 2.0])
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(find_system(name).Params):
        default: Any = field.default
        if not isinstance(default, float) or dice.random() > 0.3:
            continue
        if field.name in RANGES:
            changes[field.name] = dice.uniform(*RANGES[field.name])
        elif field.name.endswith(("_db", "_dbm", "_dbm_hz")):
            changes[field.name] = default + 10 * width * dice.uniform(-1, 1)
        else:
            changes[field.name] = default * 10 ** (width * dice.uniform(-1, 1))
    return changes


def uneven(name: str, scenario: Any, dice: np.random.Generator) -> tuple[Any, dict[str, Any]]:
    """The network with some of its arrays multiplied entry by entry along the first axis, channels only downwards."""
    system, changes = find_system(name), {}
    arrays = to_arrays(scenario, system.scenario_schema)
    for field in UNEVEN[name]:
        if field in arrays and dice.random() < 0.2:
            size = arrays[field].shape[0]
            span = (-10.0, 0.0) if arrays[field].dtype.kind == "c" else (-2.0, 2.0)
            chosen = np.where(dice.random(size) < 0.5, 10 ** dice.uniform(*span, size), 1.0)
            changes[field] = chosen.tolist()
            arrays[field] = arrays[field] * chosen.reshape(-1, *[1] * (arrays[field].ndim - 1))
    return (system.scenario_from(arrays) if changes else scenario), changes


def draw(name: str, seed: int, index: int, sizes: dict[str, Any]) -> Draw:
    """One network, the same for the same numbers; parameters that the system refuses keep their defaults."""
    dice = np.random.default_rng([seed, index])
    changes = parameters(name, dice)
    while True:
        try:
            scenario = api.draw(name, seed, index, **sizes, **changes)
            break
        except InputError as fault:
            if fault.field not in changes:  # several together, or a network that they lead to
                changes.popitem()
            changes.pop(fault.field, None)
    scenario, more = uneven(name, scenario, dice)
    return Draw(index, scenario, {**sizes, **changes, **{f"{key} times": each for key, each in more.items()}})


def judged(scenarios: Any, solutions: Any) -> tuple[np.ndarray, np.ndarray]:
    """Value of each decision, whatever it says of itself, and its largest residual."""
    claimed = dataclasses.replace(solutions, status=np.full_like(np.asarray(solutions.status), Status.CONVERGED))
    report = api.evaluate_batch(scenarios, claimed, bound=False)
    count = len(np.asarray(claimed.status))
    residuals = [np.asarray(each).reshape(count, -1).max(axis=1) for each in report.residuals.values()]
    return np.asarray(report.objective), np.max(residuals, axis=0)


@jax.jit
@jax.vmap
def sensing(scenario: Any, solution: Any) -> Any:
    """A region decision that says by scales of zero that nobody senses, held to what the network asks of sensing."""
    pattern = model.radiated(scenario, solution.precoder, solution.sensing_covariance)
    scale = jnp.maximum(beampattern.best_scale(scenario.ideal_pattern, pattern), 1e-11)  # at less, nobody does
    asked = scenario.sensing_ap & ((scenario.targets is not None) | ~jnp.isnan(scenario.pattern_mse_max))
    return dataclasses.replace(solution, pattern_scale=jnp.where(asked, scale, 0.0))


def findings(name: str, draws: list[Draw], schemes: list[str]) -> Iterator[tuple[int, str]]:
    """What is wrong with the decisions for networks of one shape: the draw, and what it is."""
    system = find_system(name)
    default = next(iter(system.schemes))
    scenarios = api.stack([one.scenario for one in draws])
    sign = 1.0 if system.sense == "min" else -1.0
    bounds: dict[str, np.ndarray] = {}
    best: Any = None
    for scheme in [default, *(other for other in schemes if other != default)]:
        host = system.schemes[scheme].host
        rows = np.array([i for i, one in enumerate(draws) if not host or one.number % RARELY == 0], dtype=int)
        if not len(rows):
            continue
        some = jax.tree.map(lambda leaf, rows=rows: leaf[rows], scenarios) if host else scenarios
        solutions = api.solve_batch(some, scheme)
        value, residual = judged(some, solutions)
        feasible = np.isfinite(value) & (residual <= FEASIBILITY_TOLERANCE)
        says = np.asarray(solutions.status) != Status.INFEASIBLE
        apart = (name, scheme) in APART
        kinds = sorted({system.schemes[scheme].family} | (set() if apart else {""}))
        for kind in kinds:
            if kind not in bounds:
                bounds[kind] = np.asarray(api.bound_batch(scenarios, kind))
        if best is None:
            best = value, feasible
        asked = feasible
        if (name, scheme) in SILENT:
            asked = judged(some, sensing(some, solutions))[1] <= FEASIBILITY_TOLERANCE
        for i, reached, met, told, worst, rival in zip(rows, value, feasible, says, residual, asked):
            number = draws[i].number
            if told != met:
                words = f"{'feasible' if told else 'infeasible'}, the model says {reached:.9g}"
                yield number, f"{scheme} says {words} at a residual of {worst:.2g}"
            if not met:
                continue
            for kind in kinds:
                limit = bounds[kind][i]
                if np.isnan(limit) or sign * (limit - reached) > 1e-7 * abs(limit):
                    yield number, f"{scheme} {reached:.9g} beats the {kind} bound {limit:.9g}"
            if apart or not rival:
                continue
            if not best[1][i]:
                yield number, f"{default} is infeasible, {scheme} has {reached:.9g}"
            elif sign * (best[0][i] - reached) > WORSE * abs(reached):
                share = abs(best[0][i] / reached - 1) if reached else np.inf
                yield number, f"{default} {best[0][i]:.9g} is worse than {scheme} {reached:.9g} by {share:.2g}"


def alike(draws: list[Draw]) -> list[list[Draw]]:
    """Draws whose networks can be solved together."""
    groups: dict[Any, list[Draw]] = collections.defaultdict(list)
    for one in draws:
        shapes = tuple(np.shape(leaf) for leaf in jax.tree.leaves(one.scenario))
        groups[jax.tree.structure(one.scenario), shapes].append(one)
    return list(groups.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("system", choices=system_names())
    parser.add_argument("--draws", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--schemes", default="", help="only these besides the default, by commas")
    parser.add_argument("--only", type=int, help="one draw alone")
    parser.add_argument("--block", type=int, default=250, help="draws that are solved together")
    given = parser.parse_args()
    name, sizes = given.system, SIZES[given.system]
    schemes = given.schemes.split(",") if given.schemes else list(find_system(name).schemes)
    chosen = range(given.draws) if given.only is None else [given.only]
    total, seen, begun = 0, collections.Counter[str](), time.monotonic()
    for first in range(0, len(chosen), given.block):
        # the shape changes from block to block of a fixed length, so that a draw is the same in any block
        block = [draw(name, given.seed, i, sizes[i // 250 % len(sizes)]) for i in chosen[first : first + given.block]]
        total += len(block)
        for group in alike(block):
            changes = {one.number: one.changes for one in group}
            for index, words in findings(name, group, schemes):
                seen[words.partition(" ")[0]] += 1
                print(f"draw {index}: {words}", flush=True)
                if given.only is not None:
                    print(changes[index])
        print(f"{total} draws, {sum(seen.values())} findings, {time.monotonic() - begun:.0f} s", flush=True)
    sys.exit(bool(seen))


if __name__ == "__main__":
    main()
