"""The judge on a network small enough for pencil and paper, in units of which none is 1."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.systems.decision import Status
from trinode.systems.latency import model
from trinode.systems.latency.scenario import LatencyScenario
from trinode.systems.latency.solution import LatencySolution

judge = jax.jit(model.evaluate)

SCENARIO = LatencyScenario.from_arrays(
    {
        "uplink_channel": np.full((1, 1, 1, 1), 2.0 + 0j),
        "serving": np.array([[True]]),
        "ap_noise_w": np.array([3.0]),
        "bandwidth_hz": np.asarray(10.0),
        "terminal_channel": np.zeros((1, 1, 1, 1), complex),
        "radar_noise_w": np.array([0.5]),
        "echo_gain": np.array([3.0]),
        "transmit_steering": np.array([[1.0 + 0j]]),
        "receive_steering": np.array([[1j]]),
        "task_bits": np.array([6.0]),
        "terminal_cycles_per_bit": np.array([7.0]),
        "edge_cycles_per_bit": np.array([3.0]),
        "cloud_cycles_per_bit": np.asarray(5.0),
        "terminal_max_frequency_hz": np.array([21.0]),
        "edge_max_frequency_hz": np.array([10.0]),
        "cloud_max_frequency_hz": np.asarray(16.0),
        "fronthaul_max_bps": np.array([5.0]),
        "terminal_capacitance": np.array([0.001]),
        "edge_capacitance": np.array([0.01]),
        "terminal_max_power_w": np.array([3.0]),
        "ap_max_power_w": np.array([8.0]),
        "sensing_sinr_min": np.array([20.0]),
    }
)
DATA, SENSING = 1.0, 0.5
RATE = 10 * np.log2(1 + 4 / (3 + 1))
"""|2 x 1|^2 over noise 3 and the radar's stream |2 x 0.5|^2."""


def decision(place):
    at = {"edge": 0.0, "cloud": 0.0, place: 1.0}
    return LatencySolution(
        status=jnp.asarray(int(Status.CONVERGED)),
        terminal_feasible=jnp.array([True]),
        iterations=jnp.asarray(0),
        history=jnp.zeros(0),
        edge_share=jnp.array([[at["edge"]]]),
        cloud_share=jnp.array([[at["cloud"]]]),
        precoder=jnp.full((1, 1, 1), DATA + 0j),
        sensing_precoder=jnp.full((1, 1), SENSING + 0j),
        terminal_frequency_hz=jnp.array([10.0 if place == "local" else 0.0]),
        edge_frequency_hz=jnp.array([[9.0 if place == "edge" else 0.0]]),
        cloud_frequency_hz=jnp.array([15.0 if place == "cloud" else 0.0]),
        fronthaul_bps=jnp.array([[4.0 if place == "cloud" else 0.0]]),
        sensing_margin_max=jnp.asarray(jnp.nan),
        sensing_sinr_max=jnp.asarray(jnp.nan),
    )


def value(report, name):
    return float(np.ravel(report.metrics[name])[0])


@pytest.mark.parametrize(
    ("place", "upload", "relay", "compute", "terminal_w", "ap_w"),
    [
        ("edge", 6 / RATE, 0.0, 3 * 6 / 9, 1.25, 0.01 * 9**3),
        ("cloud", 6 / RATE, 6 / 4, 5 * 6 / 15, 1.25, 4.0),
        ("local", 0.0, 0.0, 7 * 6 / 10, 1.25 + 0.001 * 10**3, 0.0),
    ],
)
def test_by_hand(place, upload, relay, compute, terminal_w, ap_w):
    report = judge(SCENARIO, decision(place))
    assert float(report.objective) == pytest.approx(upload + relay + compute, rel=1e-12)
    assert value(report, "upload_s") == pytest.approx(upload, rel=1e-12)
    assert value(report, "fronthaul_s") == pytest.approx(relay, rel=1e-12)
    assert value(report, "compute_s") == pytest.approx(compute, rel=1e-12)
    assert value(report, "rate_bps") == pytest.approx(RATE, rel=1e-12)
    assert value(report, "terminal_power_w") == pytest.approx(terminal_w, rel=1e-12)
    assert value(report, "ap_power_w") == pytest.approx(ap_w, rel=1e-12)
    assert value(report, "transmit_power_w") == pytest.approx(1.25, rel=1e-12)
    assert value(report, "echo_sinr") == pytest.approx(3**2 * 1.25 / 0.5, rel=1e-12)
    assert bool(report.feasible), report.residuals


@pytest.mark.parametrize(
    ("place", "changes", "broken", "residual"),
    [
        ("edge", {"edge_share": [[0.5]]}, "23a whole tasks", 0.5),
        ("edge", {"edge_share": [[1.2]]}, "23b shares", 0.2),
        ("local", {"terminal_frequency_hz": [13.0]}, "23c terminal power", (1.25 + 2.197) / 3 - 1),
        ("edge", {"edge_frequency_hz": [[9.5]]}, "23d access point power", 0.01 * 9.5**3 / 8 - 1),
        ("edge", {"edge_frequency_hz": [[11.0]]}, "23e edge frequency", 0.1),
        ("cloud", {"fronthaul_bps": [[6.0]]}, "23f fronthaul", 0.2),
        ("cloud", {"cloud_frequency_hz": [20.0]}, "23g cloud frequency", 0.25),
        ("edge", {"sensing_precoder": [[0.1 + 0j]]}, "23h echo SINR", 1 - 18 * 1.01 / 20),
        ("local", {"terminal_frequency_hz": [42.0]}, "terminal frequency", 1.0),
    ],
)
def test_each_residual_shows_its_violation(place, changes, broken, residual):
    changed = dataclasses.replace(decision(place), **{n: jnp.asarray(v) for n, v in changes.items()})
    report = judge(SCENARIO, changed)
    assert float(np.max(report.residuals[broken])) == pytest.approx(residual, rel=1e-9)
    assert not bool(report.feasible)


def test_received_power_counts_against_the_access_point():
    """(23d) for a terminal in the cloud: |H w|^2 in W."""
    tight = dataclasses.replace(SCENARIO, ap_max_power_w=jnp.array([3.2]))
    report = judge(tight, decision("cloud"))
    assert float(report.residuals["23d access point power"][0]) == pytest.approx(4 / 3.2 - 1)


def test_a_link_outside_the_cluster_is_a_violation():
    outside = dataclasses.replace(SCENARIO, serving=jnp.array([[False]]))
    report = judge(outside, decision("edge"))
    assert float(report.residuals["serving cluster"][0]) == 1
    silent = dataclasses.replace(decision("cloud"), cloud_share=jnp.zeros((1, 1)))
    stray = judge(outside, silent).residuals["serving cluster"][0]
    assert float(stray) == pytest.approx(float(DATA**2 / SCENARIO.terminal_max_power_w[0]))


def test_what_is_zero_up_to_rounding_needs_no_server():
    """Dust of a solver is no share: neither an infinite time at a server that is off, nor a terminal that offloads."""
    dust = dataclasses.replace(decision("local"), edge_share=jnp.full((1, 1), 1e-15))
    clean, report = judge(SCENARIO, decision("local")), judge(SCENARIO, dust)
    assert float(report.objective) == float(clean.objective)
    for name, value in clean.residuals.items():
        np.testing.assert_allclose(report.residuals[name], value, atol=1e-12, err_msg=name)


def test_streams_add_in_power():
    """Opposite precoders cancel in their sum, not in power or echo."""
    cancelled = dataclasses.replace(decision("edge"), sensing_precoder=jnp.full((1, 1), -DATA + 0j))
    report = judge(SCENARIO, cancelled)
    assert value(report, "transmit_power_w") == pytest.approx(2)
    assert value(report, "echo_sinr") == pytest.approx(3**2 * 2 / 0.5)


def test_nothing_takes_no_time_and_no_speed_takes_forever():
    still = dataclasses.replace(decision("edge"), edge_frequency_hz=jnp.zeros((1, 1)))
    assert float(judge(SCENARIO, still).objective) == np.inf
    idle = dataclasses.replace(SCENARIO, task_bits=jnp.zeros(1))
    assert float(judge(idle, still).objective) == 0
