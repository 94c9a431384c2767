"""Every registered system and scheme against the contract, and defaults against the others on wild networks."""

import dataclasses
import importlib.util
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
import units
from networks import REGION
from trinode.experiments import execute, items
from trinode.experiments.store import Store
from trinode.systems import checks
from trinode.systems.decision import Status
from trinode.systems.figure import Sweep
from trinode.systems.registry import system as load
from trinode.systems.registry import system_names

PATH = Path(__file__).parents[2] / "benchmarks" / "defaults.py"
SPEC = importlib.util.spec_from_file_location("defaults", PATH)
defaults = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(defaults)

SMALL = {
    "threetier": {
        "terminals": 3,
        "access_points": 2,
        "ap_antennas": 5,
        "terminal_antennas": 4,
        "radar_antennas": 6,
        "bandwidth_hz": 8e6,
        "cycles_per_bit": 300.0,
        "edge_capacity_hz": 4e9,
        "sensing_sinr_min_db": -1.0,
    },
    "region": REGION,
    "fairness": {
        "terminals": 3,
        "access_points": 4,
        "ap_antennas": 5,
        "subcarriers": 2,
        "task_bits": 7e2,
        "bandwidth_hz": 8e6,
        "task_spread": 0.3,
    },
    "latency": {
        "terminals": 3,
        "access_points": 4,
        "ap_antennas": 5,
        "terminal_antennas": 6,
        "radar_antennas": 2,
        "serving": 2,
        "task_bits": 7e5,
        "bandwidth_hz": 8e6,
    },
    "energy": {
        "terminals": 3,
        "ap_antennas": 5,
        "terminal_antennas": 7,
        "radar_antennas": 4,
        "task_bits": 7e5,
        "bandwidth_hz": 8e6,
        "latency_max_s": 0.9,
        "sensing_sinr_min_db": -18.0,
        "terminal_distance_max_m": 15.0,
    },
}
"""Shapes that all differ, those of the tests of schemes where they can be; a system without an entry is tested at its
defaults."""

HOPELESS = {
    "threetier": {"sensing_sinr_min_db": 150.0},
    "region": {"pattern_mse_max": 1e-9},
    "fairness": {"terminal_frequency_hz": 0.0, "terminal_max_power_w": 0.0},
    "latency": {"sensing_sinr_min_db": 150.0},
    "energy": {"latency_max_s": 1e-7},
}
"""What nobody can meet, at the same shapes."""
UNASKED = {("region", "communication"), ("region", "bcd")}
"""Schemes of which it is not asked."""

AS_FEW = {"latency"}
"""Systems whose programs take long to compile: all units change at once, in a batch as large as that before."""

DEFAULTS = {}
"""By system: what the default reaches on the wild networks, infinity where it fails."""

CASES = [(name, scheme) for name in system_names() for scheme in load(name).schemes]


@pytest.mark.parametrize(("name", "scheme"), CASES)
def test_contract(name, scheme, tmp_path):
    system = load(name)
    params = system.Params(**SMALL.get(name, {}))
    draw = jax.jit(system.draw)
    scenarios = [draw(params, jax.random.key(seed)) for seed in range(3)]

    def solve(batch, start=None):
        return tn.solve_batch(batch, scheme, start=start)

    checks.check_scheme(system, system.schemes[scheme], scenarios, solve, tn.bound_batch)
    point = {**SMALL.get(name, {}), **HOPELESS[name]}
    hopeless = tn.draw(name, **point)
    solutions = solve(checks.stacked([hopeless]))
    checks.check_feasible(system, checks.stacked([hopeless]), solutions)
    answer = tn.unstack(solutions)[0]
    assert (int(answer.status) == Status.INFEASIBLE) == ((name, scheme) not in UNASKED)
    checks.check_file(system, hopeless, answer, tmp_path / "answer.npz")
    item = next(items.expand(Sweep(name, (scheme,), trials=1, fixed=point, bound=False)))
    store = Store(tmp_path)
    store.save(item, execute.execute(item))
    kept = store.load(item)
    assert kept["status"] == answer.status
    assert bool(kept["feasible"][0]) == (int(answer.status) != Status.INFEASIBLE) == np.isfinite(kept["objective"][0])
    if name in units.OBJECTIVES:
        check_units(system, scenarios[0], solve, system.schemes[scheme].host or name in AS_FEW)
    if name in units.OBJECTIVES and name not in AS_FEW and not system.schemes[scheme].host:
        check_wild(system, scheme, scenarios[0], solve)


def check_units(system, scenario, solve, together):
    """Verdict, value and bound do not depend on the units."""
    networks, grown = units.others(system, scenario, together)
    batch = checks.stacked([scenario, *networks])
    solutions = solve(batch)
    assert set(np.asarray(solutions.status)) == {int(solutions.status[0])}
    value = np.asarray(checks.reports(system, batch, solutions).objective)
    np.testing.assert_allclose(value[1:], value[0] * np.asarray(grown), rtol=1e-6)


def check_wild(system, scheme, like, solve):
    """On wild networks a status is what the judge says, and no scheme is better than the default."""
    draws = [defaults.draw(system.name, 0, index, defaults.SIZES[system.name][0]).scenario for index in range(16)]
    draws = [one for one in draws if jax.tree.structure(one) == jax.tree.structure(like)]
    batch = checks.stacked(draws)
    solutions = solve(batch)
    says = np.asarray(solutions.status) != Status.INFEASIBLE
    claimed = dataclasses.replace(solutions, status=jnp.full_like(solutions.status, Status.CONVERGED))
    report = checks.reports(system, batch, claimed)
    np.testing.assert_array_equal(says, report.feasible)
    value = np.where(says, report.objective, np.inf)
    if scheme == next(iter(system.schemes)):
        DEFAULTS[system.name] = value
    if system.name in DEFAULTS and (system.name, scheme) not in defaults.APART:
        assert np.all(DEFAULTS[system.name] <= value * (1 + defaults.WORSE))


@pytest.mark.parametrize("name", ["latency", "fairness", "region"])
def test_defaults_are_no_worse_than_the_others_on_wild_networks(name):
    """A share of ``benchmarks/defaults.py``, on shapes that are compiled already."""
    draws = [defaults.draw(name, 0, index, defaults.SIZES[name][0]) for index in range(30)]
    schemes = list(load(name).schemes)
    found = [words for group in defaults.alike(draws) for words in defaults.findings(name, group, schemes)]
    assert found == []
