"""What the latency schemes promise beyond the contract."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
from trinode.systems.contract import Status
from trinode.systems.latency import system
from trinode.systems.latency.params import LatencyParams

SHAPE = {
    "terminals": 3,
    "access_points": 4,
    "ap_antennas": 5,
    "terminal_antennas": 6,
    "radar_antennas": 2,
    "serving": 2,
    "task_bits": 7e5,
    "bandwidth_hz": 8e6,
}


def drawn(seed=0, **changes):
    return jax.jit(system.draw)(LatencyParams(**(SHAPE | changes)), jax.random.key(seed))


def batch(*scenarios):
    return jax.tree.map(lambda *leaves: jnp.stack(leaves), *scenarios)


def latencies(scenarios, scheme):
    solution = tn.solve_batch(scenarios, scheme)
    return np.asarray(tn.evaluate_batch(scenarios, solution, bound=False).objective), solution


@pytest.fixture(scope="module")
def few():
    return batch(*(drawn(seed) for seed in range(3)))


def test_joint_is_no_worse_than_any_benchmark(few):
    joint, _ = latencies(few, "joint")
    for scheme in ("mec", "cloud", "local"):
        other, _ = latencies(few, scheme)
        assert np.all(joint <= other * (1 + 1e-6))


def test_joint_is_close_to_the_bound(few):
    joint, _ = latencies(few, "joint")
    limit = np.asarray(jax.jit(jax.vmap(system.bound))(few))
    assert np.all(joint >= limit * (1 - 1e-7))
    assert np.median(joint / limit) < 1.03


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "trial"), [(3, 66), (2, 85)])
def test_echoes_that_are_hard_to_meet_leave_it_near_the_bound(seed, trial):
    scenario = tn.draw("latency", seed, trial)  # rounds that keep shares of their own end far above
    report = tn.evaluate(scenario, tn.solve(scenario))
    assert bool(report.feasible)
    assert float(report.bound) <= float(report.objective) <= 1.02 * float(report.bound)


def test_unreachable_echo_is_infeasible_and_says_what_could_be_met(few):
    loud = eqx.tree_at(lambda s: s.sensing_sinr_min, few, few.sensing_sinr_min * 1e5)
    objective, solution = latencies(loud, "joint")
    assert np.all(np.isnan(objective))
    assert np.all(np.asarray(solution.status) == Status.INFEASIBLE)
    margin = np.asarray(solution.sensing_margin_max)
    assert np.all((margin > 0) & (margin < 1))
    np.testing.assert_allclose(np.asarray(solution.sensing_sinr_max), margin * np.asarray(loud.sensing_sinr_min)[:, 0])


def test_a_terminal_without_a_link_computes_itself_or_is_named(few):
    blocked = eqx.tree_at(lambda s: s.uplink_channel, few, few.uplink_channel.at[:, 1].set(0))
    blocked = eqx.tree_at(lambda s: s.serving, blocked, few.serving.at[:, 1].set(False))
    objective, _ = latencies(blocked, "joint")
    local = np.asarray(blocked.terminal_cycles_per_bit * blocked.task_bits / blocked.terminal_max_frequency_hz)[:, 1]
    np.testing.assert_allclose(objective, local, rtol=1e-9)
    _, at_edge = latencies(blocked, "mec")
    assert np.all(np.asarray(at_edge.status) == Status.INFEASIBLE)
    np.testing.assert_array_equal(np.asarray(at_edge.terminal_feasible), [[True, False, True]] * 3)


def test_latency_scales_with_the_task(few):
    double = eqx.tree_at(lambda s: s.task_bits, few, 2 * few.task_bits)
    one, two = latencies(few, "mec")[0], latencies(double, "mec")[0]
    np.testing.assert_allclose(two, 2 * one, rtol=2e-3)


def test_a_faster_cloud_never_hurts(few):
    faster = eqx.tree_at(lambda s: s.cloud_max_frequency_hz, few, 3 * few.cloud_max_frequency_hz)
    assert np.all(latencies(faster, "joint")[0] <= latencies(few, "joint")[0] * 1.01)


@pytest.mark.slow
@pytest.mark.parametrize(
    "changes",
    [{"terminals": 1}, {"access_points": 1, "serving": 1}, {"serving": 1}, {"terminal_antennas": 1}],
    ids=["K=1", "M=1", "one serving", "T=1"],
)
def test_small_shapes(changes):
    scenario = drawn(2, **changes, sensing_sinr_min_db=-20.0)
    solution = tn.solve(scenario)
    report = tn.evaluate(scenario, solution)
    assert bool(report.feasible)
    assert float(report.objective) >= float(report.bound) * (1 - 1e-7)
