"""What the latency schemes promise beyond the contract."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
from trinode.systems.decision import Status
from trinode.systems.latency import system
from trinode.systems.latency.params import LatencyParams
from trinode.systems.reason import verdict

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

BOUNDS = tn.bound_batch


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


def test_joint_is_no_worse_than_local_where_they_are_close(few):
    """Between what is certified and what beams reach; the last terminal of each network is slower at home."""
    joint, _ = latencies(few, "joint")
    limit = np.asarray(BOUNDS(few))
    assert np.all(joint > limit * (1 + 1e-4))
    for own in (0.5 * (joint + limit), joint * (1 - 1e-5)):
        seconds = own[:, None] * np.array([1.0, 1.0, 1 - 1e-4])
        cycles = seconds * np.asarray(few.terminal_max_frequency_hz) / np.asarray(few.task_bits)
        quick = eqx.tree_at(lambda s: s.terminal_cycles_per_bit, few, jnp.asarray(cycles))
        best, _ = latencies(quick, "joint")
        assert np.all(best <= latencies(quick, "local")[0] * (1 + 1e-9))
        assert np.all(best >= np.asarray(BOUNDS(quick)) * (1 - 1e-7))


@pytest.mark.parametrize("weaker", [1e-5, 1e-7, 1e-10, 1e-200])
def test_a_terminal_with_weak_links_computes_itself(few, weaker):
    weak = eqx.tree_at(lambda s: s.uplink_channel, few, few.uplink_channel.at[:, 1].multiply(weaker))
    objective, solution = latencies(weak, "joint")
    own = np.asarray(few.terminal_cycles_per_bit * few.task_bits / few.terminal_max_frequency_hz)[:, 1]
    np.testing.assert_allclose(objective, own, rtol=1e-12)
    np.testing.assert_allclose(BOUNDS(weak), own, rtol=1e-12)
    away = np.asarray(solution.edge_share.sum(2) + solution.cloud_share.sum(2))
    np.testing.assert_allclose(away, np.array([[1.0, 0.0, 1.0]] * 3), atol=1e-9)


def test_who_cannot_be_at_home_for_the_echo_goes_elsewhere(few):
    """At home the processor would take half of the power, and each echo needs three quarters of it."""
    capacitance = few.terminal_max_power_w / (2 * 0.1e9**3)
    tight = eqx.tree_at(
        lambda s: (s.terminal_capacitance, s.terminal_channel, s.sensing_sinr_min, s.terminal_cycles_per_bit),
        few,
        (
            capacitance,
            0 * few.terminal_channel,
            0.75 * most_echo(few),
            1e-3 * few.terminal_cycles_per_bit,
        ),
    )
    assert np.all(np.isnan(latencies(tight, "local")[0]))
    objective, solution = latencies(tight, "joint")
    assert np.all(np.isfinite(objective))
    np.testing.assert_allclose(np.asarray(solution.edge_share.sum(2) + solution.cloud_share.sum(2)), 1, rtol=1e-9)
    assert np.all(objective >= np.asarray(BOUNDS(tight)) * (1 - 1e-7))


def most_echo(s):
    """Echo SINR of each terminal where it sends all of its power towards its target and nobody disturbs it."""
    noise = s.radar_noise_w * s.terminal_channel.shape[3]
    across = jnp.sum(jnp.abs(s.receive_steering) ** 2, axis=2) * jnp.sum(jnp.abs(s.transmit_steering) ** 2, axis=2)
    return s.echo_gain**2 * across * s.terminal_max_power_w / noise


def test_joint_is_close_to_the_bound(few):
    joint, _ = latencies(few, "joint")
    limit = np.asarray(BOUNDS(few))
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


def test_what_cannot_be_served_has_an_infinite_bound_that_says_why(few):
    loud = eqx.tree_at(lambda s: s.sensing_sinr_min, few, few.sensing_sinr_min * 1e5)
    most = loud.sensing_sinr_min * latencies(loud, "joint")[1].sensing_margin_max[:, None]
    tight, above = (eqx.tree_at(lambda s: s.sensing_sinr_min, few, most * share) for share in (0.999, 1.001))
    assert np.all(np.isfinite(BOUNDS(tight)))
    together, louder, lost = tn.unstack(above)[0], *tn.unstack(few)[1:]
    louder = eqx.tree_at(lambda s: s.sensing_sinr_min, louder, louder.sensing_sinr_min.at[2].set(1e9))
    lost = eqx.tree_at(lambda s: s.uplink_channel, lost, lost.uplink_channel.at[1].set(0.0))
    lost = eqx.tree_at(lambda s: s.terminal_max_frequency_hz, lost, lost.terminal_max_frequency_hz.at[1].set(0.0))
    reasons = {
        "all echo requirements together are met at no more than 0.999": together,
        "terminal 2 cannot meet the echo requirement, whatever": louder,
        "terminal 1 can compute nowhere": lost,
    }
    networks = batch(*reasons.values())
    report = tn.evaluate_batch(networks, latencies(networks, "joint")[1])
    assert np.all(np.isposinf(report.bound))
    for words, one, found in zip(reasons, reasons.values(), tn.unstack(report), strict=True):
        assert verdict(system, one, found).startswith(f"proved: {words}")


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
    [{"terminals": 1, "access_points": 1, "serving": 1}, {"serving": 1}, {"terminal_antennas": 1}],
    ids=["K=M=1", "one serving", "T=1"],
)
def test_small_shapes(changes):
    scenario = drawn(2, **changes, sensing_sinr_min_db=-20.0)
    solution = tn.solve(scenario)
    report = tn.evaluate(scenario, solution)
    assert bool(report.feasible)
    assert float(report.objective) >= float(report.bound) * (1 - 1e-7)
