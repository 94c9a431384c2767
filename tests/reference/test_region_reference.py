"""The slow twins of the region system, and the fast schemes against them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode import api
from trinode.reference.region import algorithm_2, algorithm_3, p1, p2_6
from trinode.reference.region import programs as convex
from trinode.systems.region import model, sensing_only
from trinode.systems.region.downlink import downlink
from trinode.systems.region.schemes.bcd import BlockDescent, quadratic, subproblem

SHAPE = {
    "terminals": 3,
    "access_points": 2,
    "ap_antennas": 5,
    "targets": 1,
    "pilots": 2,
    "directions": 31,
    "area_m": 700.0,
    "element_spacing": 0.45,
    "beam_width_deg": 20.0,
}


@pytest.fixture(scope="module")
def scenario():
    s = api.draw("region", reflection=3e5, pattern_mse_max=10.0, **SHAPE)
    least = float(sensing_only.solve(s).smallest)
    return dataclasses.replace(s, pattern_mse_max=jnp.asarray(1.15 * least))


def test_p1(scenario):
    net = convex.network(scenario)
    best = sensing_only.solve(scenario)
    values = [p1(net, m)[0] for m in np.flatnonzero(np.asarray(scenario.sensing_ap))]
    assert float(best.smallest) == pytest.approx(np.mean(values), rel=1e-6)


def test_a_program_that_clarabel_gives_up_is_solved_in_shorter_steps(scenario, monkeypatch):
    net = convex.network(scenario)
    at_once = p1(net, 0)[0]
    original = convex.cp.Problem.solve

    def gives_up(problem, **settings):
        if "max_step_fraction" not in settings:
            raise convex.SolverError("InsufficientProgress")
        return original(problem, **settings)

    monkeypatch.setattr(convex.cp.Problem, "solve", gives_up)
    assert p1(net, 0)[0] == pytest.approx(at_once, rel=1e-6)


def test_rates_agree_with_the_judge(scenario):
    net = convex.network(scenario)
    rng = np.random.default_rng(0)
    w = rng.normal(size=(10, 3)) + 1j * rng.normal(size=(10, 3))
    z = np.stack([np.zeros((5, 5)), np.eye(5) / 5]) + 0j
    by_judge = np.log2(1 + np.asarray(model.sinrs(scenario, w.reshape(2, 5, 3).swapaxes(1, 2), z)[0])).sum()
    assert convex.sum_rate(net, w, z) == pytest.approx(by_judge, rel=1e-10)


def test_p2_6_in_closed_form(scenario):
    net = convex.network(scenario)
    none = np.zeros((2, 5, 5), complex)
    w = np.asarray(api.solve(scenario, "zf").precoder).swapaxes(1, 2) * 0.7
    flat = w.reshape(10, 3)
    gamma, g = convex.transforms(net, flat, none)

    @jax.jit
    def fast(w, m):
        root = jnp.sqrt(scenario.ap_power)
        error = root[:, None, None, None, None] * root[:, None, None, None] * scenario.error_covariance
        channel = root[:, None, None] * scenario.channel_estimate
        return subproblem(channel, error, w, m, quadratic(downlink(scenario), w))

    for m in range(2):
        slow = p2_6(net, flat, m, gamma, g)
        np.testing.assert_allclose(np.asarray(fast(w, m)), slow, atol=2e-4 * np.abs(slow).max())


def test_algorithm_2_is_the_scheme(scenario):
    _, history = algorithm_2(scenario, sweeps=2)
    fast = api.solve(scenario, BlockDescent(sweeps=2, tolerance=0.0))
    np.testing.assert_allclose(history, np.asarray(fast.history), rtol=1e-3)


def test_algorithm_3_rises_towards_the_default_within_the_requirement(scenario):
    w, z, history = algorithm_3(scenario, rounds=4)
    best = api.evaluate(scenario, api.solve(scenario, "isac"), bound=False)
    assert history[-1] > history[0]
    assert history[-1] <= float(best.objective) * (1 + 1e-2)
    power = np.sum(np.abs(w) ** 2, axis=(1, 2)) + np.trace(z, axis1=1, axis2=2).real
    assert power.max() <= 1 + 1e-6
    pattern = np.asarray(model.radiated(scenario, jnp.asarray(w), jnp.asarray(z)))[np.asarray(scenario.sensing_ap)]
    ideal = np.asarray(scenario.ideal_pattern)[np.asarray(scenario.sensing_ap)]
    scale = (ideal * pattern).sum(1) / (ideal**2).sum(1)
    error = np.mean((scale[:, None] * ideal - pattern) ** 2)
    assert error <= float(scenario.pattern_mse_max) * (1 + 1e-4)


def test_the_difference_of_convex_functions_as_printed_pins_the_others(scenario):
    first = algorithm_3(scenario, rounds=0)[0]
    printed, sane = algorithm_3(scenario, rounds=1, literal=True)[0], algorithm_3(scenario, rounds=1)[0]
    moved, free = (np.linalg.norm(w - first, axis=(1, 2)) for w in (printed, sane))
    assert moved[1] < 1e-3 * free[1]
