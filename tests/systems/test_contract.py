"""Every registered system and scheme against the contract."""

import jax
import pytest

import trinode as tn
from trinode.systems import checks
from trinode.systems.registry import system as load
from trinode.systems.registry import system_names

SMALL = {
    "latency": {
        "terminals": 3,
        "access_points": 4,
        "ap_antennas": 5,
        "terminal_antennas": 6,
        "radar_antennas": 2,
        "serving": 2,
        "task_bits": 7e5,
        "bandwidth_hz": 8e6,
    }
}
"""Shapes that all differ; a system without an entry is tested at its defaults."""

CASES = [(name, scheme) for name in system_names() for scheme in load(name).schemes]


@pytest.mark.parametrize(("name", "scheme"), CASES)
def test_contract(name, scheme):
    system = load(name)
    params = system.Params(**SMALL.get(name, {}))
    draw = jax.jit(system.draw)
    scenarios = [draw(params, jax.random.key(seed)) for seed in range(3)]

    def solve(batch, start=None):
        return tn.solve_batch(batch, scheme, start=start)

    checks.check_scheme(system, system.schemes[scheme], scenarios, solve)
