"""The judge on a network small enough for pencil and paper, in units of which none is 1."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.systems.decision import Status
from trinode.systems.energy import model
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.energy.solution import EnergySolution

judge = jax.jit(model.evaluate)

ECHO = np.zeros((2, 2, 1, 1), complex)
ECHO[0, 0], ECHO[0, 1], ECHO[1, 0], ECHO[1, 1] = 5.0, 0.25j, 0.5, 4j
SCENARIO = EnergyScenario.from_arrays(
    {
        "uplink_channel": np.array([[[2.0]], [[3j]]]),
        "ap_noise_w": np.asarray(0.5),
        "bandwidth_hz": np.asarray(80.0),
        "echo_channel": ECHO,
        "radar_noise_w": np.array([0.7, 0.3]),
        "terminal_max_power_w": np.array([3.0, 2.0]),
        "task_bits": np.array([6.0, 5.0]),
        "cycles_per_bit": np.array([7.0, 4.0]),
        "terminal_max_frequency_hz": np.array([30.0, 20.0]),
        "ap_max_frequency_hz": np.asarray(50.0),
        "terminal_capacitance": np.array([0.01, 0.02]),
        "ap_capacitance": np.array([0.003, 0.004]),
        "ap_energy_weight": np.array([0.3, 0.6]),
        "sensing_sinr_min": np.array([1.2, 0.4]),
        "latency_max_s": np.array([4.0, 3.0]),
    }
)
SHARE = np.array([1 / 3, 0.6])
LOCAL, REMOTE = np.array([14.0, 16.0]), np.array([28.0, 20.0])
# powers: data 0.25 and 0.16, sensing 2.25 and 1.44
DATA_SINR = np.array(
    [
        4 * 0.25 / (4 * 2.25 + 9 * (1.44 + 0.16) + 0.5),
        9 * 0.16 / (9 * 1.44 + 4 * (2.25 + 0.25) + 0.5),
    ]
)
ECHO_SINR = np.array(
    [
        25 * 2.25 / (25 * 0.25 + 0.0625 * (0.16 + 1.44) + 0.7),
        16 * 1.44 / (16 * 0.16 + 0.25 * (0.25 + 2.25) + 0.3),
    ]
)
POWER = np.array([2.5, 1.6])


def decision(**changes):
    base = EnergySolution(
        status=jnp.asarray(int(Status.CONVERGED)),
        terminal_feasible=jnp.array([True, True]),
        iterations=jnp.asarray(0),
        history=jnp.zeros(0),
        offload_fraction=jnp.asarray(SHARE),
        terminal_frequency_hz=jnp.asarray(LOCAL),
        ap_frequency_hz=jnp.asarray(REMOTE),
        precoder=jnp.array([[0.5 + 0j], [0.4j]]),
        sensing_precoder=jnp.array([[1.5j], [-1.2 + 0j]]),
        combiner=jnp.array([[2.0 + 0j], [0.1j]]),
        radar_combiner=jnp.array([[3j], [0.2 + 0j]]),
        sensing_margin_max=jnp.asarray(jnp.nan),
        sensing_sinr_max=jnp.asarray(jnp.nan),
    )
    return dataclasses.replace(base, **{name: jnp.asarray(value) for name, value in changes.items()})


def test_by_hand():
    report = judge(SCENARIO, decision())
    m = {name: np.asarray(value) for name, value in report.metrics.items()}
    np.testing.assert_allclose(m["uplink_sinr"], DATA_SINR, rtol=1e-12)
    np.testing.assert_allclose(m["echo_sinr"], ECHO_SINR, rtol=1e-12)
    rate = 80 * np.log2(1 + DATA_SINR)
    np.testing.assert_allclose(m["rate_bps"], rate, rtol=1e-12)
    local = np.array([7 * 4 / 14, 4 * 2 / 16])
    upload, remote = np.array([2, 3]) / rate, np.array([7 * 2 / 28, 4 * 3 / 20])
    np.testing.assert_allclose(m["local_s"], local, rtol=1e-12)
    np.testing.assert_allclose(m["upload_s"], upload, rtol=1e-12)
    np.testing.assert_allclose(m["ap_s"], remote, rtol=1e-12)
    np.testing.assert_allclose(m["latency_s"], np.maximum(local, upload + remote), rtol=1e-12)
    energy = POWER * upload
    energy = energy + np.array([0.01 * 14**2 * 28, 0.02 * 16**2 * 8])
    edge = np.array([0.003 * 28**2 * 14, 0.004 * 20**2 * 12])
    np.testing.assert_allclose(m["ap_j"], edge, rtol=1e-12)
    assert float(report.objective) == pytest.approx(np.sum(energy + np.array([0.3, 0.6]) * edge), rel=1e-12)
    np.testing.assert_allclose(m["unweighted_j"], energy + edge, rtol=1e-12)
    assert bool(report.feasible), report.residuals


@pytest.mark.parametrize(
    ("changes", "broken", "residual"),
    [
        ({"sensing_precoder": [[0.5j], [-1.2]]}, "17b echo SINR", 1 - 6.25 / (6.25 + 0.1 + 0.7) / 1.2),
        ({"terminal_frequency_hz": [5.6, 16.0]}, "17c local latency", 5 / 4 - 1),
        ({"ap_frequency_hz": [28.0, 0.0]}, "17c offloading latency", np.inf),
        ({"terminal_frequency_hz": [33.0, 16.0]}, "17d terminal frequency", 0.1),
        ({"ap_frequency_hz": [35.0, 20.0]}, "17e access point frequency", 0.1),
        ({"offload_fraction": [1.25, 0.6]}, "17f offload fraction", 0.25),
        ({"precoder": [[1.0], [0.4j]]}, "17g power", 3.25 / 3 - 1),
    ],
)
def test_each_residual_shows_its_violation(changes, broken, residual):
    report = judge(SCENARIO, decision(**changes))
    assert float(np.max(report.residuals[broken])) == pytest.approx(residual, rel=1e-9)
    assert not bool(report.feasible)


def test_subbands_separate_terminals_and_scale_the_noise():
    report = judge(SCENARIO, decision(subband_hz=[60.0, 20.0]))
    noise = 0.5 * np.array([6 / 8, 2 / 8])
    sinr = np.array([4 * 0.25 / (4 * 2.25 + noise[0]), 9 * 0.16 / (9 * 1.44 + noise[1])])
    np.testing.assert_allclose(report.metrics["rate_bps"], np.array([60, 20]) * np.log2(1 + sinr), rtol=1e-12)
    echo = [25 * 2.25 / (25 * 0.25 + 0.7 * 6 / 8), 16 * 1.44 / (16 * 0.16 + 0.3 * 2 / 8)]
    np.testing.assert_allclose(report.metrics["echo_sinr"], echo, rtol=1e-12)
    wide = judge(SCENARIO, decision(subband_hz=[60.0, 40.0]))
    assert float(wide.residuals["sub-bands"]) == pytest.approx(0.25)


def test_nothing_sent_costs_nothing_on_the_air():
    still = decision(offload_fraction=[0.0, 0.0], ap_frequency_hz=[0.0, 0.0], terminal_frequency_hz=[30.0, 20.0])
    metrics = judge(SCENARIO, still).metrics
    np.testing.assert_array_equal(metrics["radio_j"], 0)
    np.testing.assert_array_equal(metrics["upload_s"] + metrics["ap_s"], 0)


def test_echo_channels_survive_their_factors():
    np.testing.assert_allclose(SCENARIO.echo_channel, ECHO, atol=1e-14)
