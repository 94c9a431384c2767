"""The judge on a network small enough for pencil and paper, in units of which none is 1."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.systems.decision import Status
from trinode.systems.fairness import model
from trinode.systems.fairness.scenario import FairnessScenario
from trinode.systems.fairness.solution import FairnessSolution

judge = jax.jit(model.evaluate)

H = np.array([[[[2.0 + 1j]], [[1.0j]]], [[[0.5 + 0j]], [[3.0 + 0j]]]])
"""Two subcarriers, two terminals, one access point, one antenna."""
SCENARIO = FairnessScenario.from_arrays(
    {
        "uplink_channel": H,
        "ap_noise_w": np.array([0.4]),
        "subcarrier_bandwidth_hz": np.asarray(10.0),
        "terminal_max_power_w": np.array([2.0, 0.5]),
        "task_bits": np.array([6.0, 9.0]),
        "cycles_per_bit": np.array([7.0, 3.0]),
        "terminal_frequency_hz": np.array([21.0, 5.0]),
        "server_frequency_hz": np.asarray(30.0),
    }
)
POWER = np.array([[0.3, 0.8], [0.6, 0.0]])
RATIO = np.array([0.25, 0.5])


def decision(**changes):
    own = {
        "status": jnp.asarray(int(Status.CONVERGED)),
        "terminal_feasible": jnp.ones(2, bool),
        "iterations": jnp.asarray(0),
        "history": jnp.zeros(0),
        "power_fraction": jnp.asarray(POWER),
        "subcarrier_use": jnp.asarray(POWER > 0),
        "offload_fraction": jnp.asarray(RATIO),
    }
    return FairnessSolution(**(own | changes))


def rates_by_hand():
    first = 10 * np.log2(1 + 0.6 * 5 / (0.4 * 1 + 0.4)) + 10 * np.log2(1 + 1.2 * 0.25 / 0.4)
    second = 10 * np.log2(1 + 0.4 * 1 / (0.6 * 5 + 0.4))
    return np.array([first, second])


def test_by_hand():
    report = judge(SCENARIO, decision())
    rate = rates_by_hand()
    local = (1 - RATIO) * [42 / 21, 27 / 5]
    away = RATIO * ([6, 9] / rate + np.array([42, 27]) / 30)
    latency = np.maximum(local, away)
    np.testing.assert_allclose(report.metrics["rate_bps"], rate, rtol=1e-12)
    np.testing.assert_allclose(report.metrics["local_s"], local, rtol=1e-12)
    np.testing.assert_allclose(report.metrics["upload_s"] + report.metrics["server_s"], away, rtol=1e-12)
    assert float(report.objective) == pytest.approx(latency.max(), rel=1e-12)
    assert float(report.metrics["gini"]) == pytest.approx(abs(latency[0] - latency[1]) / (2 * latency.sum()), rel=1e-12)
    np.testing.assert_allclose(report.metrics["power_w"], [1.8, 0.4], rtol=1e-12)
    assert bool(report.feasible)


def test_interference_passes_through_the_combiner_of_the_receiver_and_so_does_noise():
    """Terminal 0 listens where terminal 1 is not; terminal 1 listens with a combiner of norm 3."""
    channel = np.array([[[[2.0, 0.0]], [[1.0, 1.0]]]], complex)
    combiner = np.array([[[[1.0, 0.0]], [[0.0, 3.0]]]], complex)
    scenario = dataclasses.replace(
        SCENARIO, uplink_channel=jnp.asarray(channel), combiner=jnp.asarray(combiner), ap_noise_w=jnp.array([0.4])
    )
    power = jnp.array([[0.5, 0.25]])
    sinr = model.sinr(scenario, jnp.asarray(combiner), power)
    np.testing.assert_allclose(sinr, [[0.5 * 4 / (0.25 * 1 + 0.4), 0.25 * 9 / (9 * 0.4)]], rtol=1e-12)


def test_the_scheme_s_combiner_stands_in_for_the_scenario_s():
    sharp = decision(combiner=7j * model.receive_combiner(SCENARIO))
    np.testing.assert_allclose(judge(SCENARIO, sharp).metrics["sinr"], judge(SCENARIO, decision()).metrics["sinr"])


@pytest.mark.parametrize(
    ("changes", "broken", "residual"),
    [
        ({"power_fraction": [[0.3, 0.8], [0.9, 0.0]]}, "8d power of a terminal", 0.2),
        ({"power_fraction": [[-0.1, 0.8], [0.6, 0.0]]}, "8c powers", 0.1),
        ({"offload_fraction": [1.3, 0.5]}, "8e offloading ratio", 0.3),
        ({"offload_fraction": [0.3, -0.2]}, "8e offloading ratio", 0.2),
    ],
)
def test_each_residual_shows_its_violation(changes, broken, residual):
    report = judge(SCENARIO, decision(**{n: jnp.asarray(v) for n, v in changes.items()}))
    assert float(np.max(report.residuals[broken])) == pytest.approx(residual, rel=1e-9)
    assert not bool(report.feasible)


def test_a_subcarrier_that_is_not_used_carries_nothing():
    quiet = decision(subcarrier_use=jnp.array([[True, False], [False, False]]))
    rate = judge(SCENARIO, quiet).metrics["rate_bps"]
    np.testing.assert_allclose(rate, [10 * np.log2(1 + 0.6 * 5 / 0.4), 0], rtol=1e-12)


def test_no_rate_takes_forever_unless_nothing_is_sent():
    silent = decision(power_fraction=jnp.zeros((2, 2)))
    assert float(judge(SCENARIO, silent).objective) == np.inf
    alone = decision(power_fraction=jnp.zeros((2, 2)), offload_fraction=jnp.zeros(2))
    assert float(judge(SCENARIO, alone).objective) == pytest.approx(27 / 5)


def test_gini_counts_terminals_with_a_task():
    assert float(model.gini(jnp.array([3.0, 0.0, 1.0]), jnp.array([True, False, True]))) == pytest.approx(0.25)
    assert float(model.gini(jnp.zeros(3), jnp.zeros(3, bool))) == 0
