"""The judge on a network small enough for pencil and paper, in units of which none is 1."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.errors import InputError
from trinode.systems.decision import Status
from trinode.systems.threetier import model, system
from trinode.systems.threetier.params import ThreetierParams
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.solution import ThreetierSolution

judge = jax.jit(model.evaluate)

ARRAYS = {
    "uplink_channel": np.array([2.0, 0.5]).reshape(2, 1, 1, 1) + 0j,
    "ap_noise_w": np.array([3.0]),
    "bandwidth_hz": np.asarray(10.0),
    "terminal_channel": np.array([[0.0, 0.6], [0.2, 0.0]]).reshape(2, 2, 1, 1) + 0j,
    "radar_noise_w": np.array([0.5, 0.7]),
    "echo_gain": np.array([3.0, 4.0]),
    "transmit_steering": np.array([[1.0 + 0j], [1j]]),
    "receive_steering": np.array([[2j], [1.0]]),
    "task_bits": np.array([6.0, 5.0]),
    "cycles_per_bit": np.array([7.0, 3.0]),
    "terminal_frequency_hz": np.array([10.0, 4.0]),
    "edge_frequency_hz": np.array([9.0, 9.0]),
    "cloud_frequency_hz": np.array([15.0, 12.0]),
    "edge_capacity_hz": np.array([10.0]),
    "backhaul_bps": np.asarray(4.0),
    "terminal_capacitance": np.array([0.001, 0.01]),
    "terminal_max_power_w": np.array([3.0, 2.5]),
    "sensing_sinr_min": np.array([20.0, 11.0]),
}
SCENARIO = ThreetierScenario.from_arrays(ARRAYS)
W = np.array([1.1, 0.8j])
RATE = 10 * np.log2(1 + 4 * 1.21 / (3 + 0.25 * 0.64))
OWN = 0.64 + 0.01 * 4**3
"""Power of terminal 1, which computes itself."""


def decision(place):
    return ThreetierSolution(
        status=jnp.asarray(int(Status.CONVERGED)),
        terminal_feasible=jnp.array([True, True]),
        iterations=jnp.asarray(0),
        history=jnp.zeros(0),
        edge_choice=jnp.array([[place == "edge"], [False]]),
        cloud_choice=jnp.array([[place == "cloud"], [False]]),
        precoder=jnp.asarray(W)[:, None],
        sensing_margin_max=jnp.asarray(jnp.nan),
        sensing_sinr_max=jnp.asarray(jnp.nan),
    )


@pytest.mark.parametrize(
    ("place", "upload", "backhaul", "compute", "power"),
    [
        ("edge", 6 / RATE, 0.0, 7 * 6 / 9, 1.21),
        ("cloud", 6 / RATE, 6 / 4, 7 * 6 / 15, 1.21),
        ("local", 0.0, 0.0, 7 * 6 / 10, 1.21 + 0.001 * 10**3),
    ],
)
def test_by_hand(place, upload, backhaul, compute, power):
    report = judge(SCENARIO, decision(place))
    other = 3 * 5 / 4

    def value(name):
        return np.asarray(report.metrics[name])

    assert float(report.objective) == pytest.approx(upload + backhaul + compute + other, rel=1e-12)
    assert value("upload_s")[0] == pytest.approx(upload, rel=1e-12)
    assert value("backhaul_s")[0] == pytest.approx(backhaul, rel=1e-12)
    np.testing.assert_allclose(value("compute_s"), [compute, other], rtol=1e-12)
    np.testing.assert_allclose(value("terminal_power_w"), [power, OWN], rtol=1e-12)
    echo = np.array([9 * 4 * 1.21 / (0.5 + 0.36 * 0.64), 16 * 0.64 / (0.7 + 0.04 * 1.21)])
    np.testing.assert_allclose(value("echo_sinr"), echo, rtol=1e-12)
    np.testing.assert_allclose(value("energy_j"), [power * value("latency_s")[0], OWN * other], rtol=1e-12)
    np.testing.assert_allclose(value("energy_full_power_j"), np.array([3.0, 2.5]) * value("latency_s"), rtol=1e-12)
    assert bool(report.feasible), report.residuals


def test_combining_takes_the_interference_out():
    """One receive antenna cannot; its combined SINR is the plain one with noise and echo of that antenna."""
    report = judge(SCENARIO, decision("edge"))
    np.testing.assert_allclose(
        np.asarray(report.metrics["echo_sinr_combined"]), np.asarray(report.metrics["echo_sinr"]), rtol=1e-12
    )


@pytest.mark.parametrize(
    ("changes", "broken", "residual"),
    [
        ({"cloud_choice": [[True], [False]]}, "18a one place", 1.0),
        ({"edge_choice": [[True], [True]]}, "18c edge capacity", 0.8),
        ({"precoder": [[2.0 + 0j], [0.8j]]}, "18d terminal power", 4 / 3 - 1),
        ({"precoder": [[0.6 + 0j], [0.8j]]}, "18e echo SINR", 1 - 36 * 0.36 / (0.5 + 0.36 * 0.64) / 20),
    ],
)
def test_each_residual_shows_its_violation(changes, broken, residual):
    changed = dataclasses.replace(decision("edge"), **{n: jnp.asarray(v) for n, v in changes.items()})
    report = judge(SCENARIO, changed)
    assert float(np.max(report.residuals[broken])) == pytest.approx(residual, rel=1e-9)
    assert not bool(report.feasible)


def test_own_processor_counts_against_the_power():
    tight = dataclasses.replace(SCENARIO, terminal_max_power_w=jnp.array([2.0, 2.5]))
    assert bool(judge(tight, decision("edge")).feasible)
    report = judge(tight, decision("local"))
    assert float(report.residuals["18d terminal power"][0]) == pytest.approx(2.21 / 2 - 1)


def test_no_speed_takes_forever_and_nothing_takes_no_time():
    still = dataclasses.replace(SCENARIO, backhaul_bps=jnp.asarray(0.0))
    assert float(judge(still, decision("cloud")).objective) == np.inf
    assert np.isfinite(float(judge(still, decision("edge")).objective))
    idle = dataclasses.replace(still, task_bits=jnp.zeros(2))
    assert float(judge(idle, decision("cloud")).objective) == 0


def test_table_iii():
    """Local execution takes 640 ms; beyond the upload the edge takes 106.67 ms and the cloud 5.33 ms more."""
    s = jax.jit(system.draw)(ThreetierParams(terminals=2), jax.random.key(0))
    cycles = np.asarray(s.cycles_per_bit * s.task_bits)
    np.testing.assert_allclose(cycles / np.asarray(s.terminal_frequency_hz), 0.64, rtol=1e-12)
    edge = cycles / np.asarray(s.edge_frequency_hz)
    np.testing.assert_allclose(edge, 0.32 / 3, rtol=1e-12)
    cloud = np.asarray(s.task_bits / s.backhaul_bps) + cycles / np.asarray(s.cloud_frequency_hz)
    np.testing.assert_allclose(cloud - edge, 0.016 / 3, rtol=1e-9)
    np.testing.assert_allclose(np.asarray(s.ap_noise_w), 10**-17.4 * 1e-3 * 1e7, rtol=1e-12)


def test_more_terminals_leave_the_first_as_they_were():
    few = jax.jit(system.draw)(ThreetierParams(terminals=2, ap_antennas=3), jax.random.key(4))
    many = jax.jit(system.draw)(ThreetierParams(terminals=4, ap_antennas=5), jax.random.key(4))
    np.testing.assert_allclose(few.uplink_channel, many.uplink_channel[:2, :, :3], rtol=1e-12)
    np.testing.assert_allclose(few.echo_gain, many.echo_gain[:2], rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "value"),
    [("terminals", 0), ("bandwidth_hz", 0.0), ("edge_capacity_hz", -1.0), ("sensing_sinr_min_db", float("nan"))],
)
def test_bad_parameters_are_named(name, value):
    with pytest.raises(InputError, match=name):
        ThreetierParams(**{name: value})


def test_a_terminal_does_not_hear_itself():
    bad = ARRAYS | {"terminal_channel": np.ones((2, 2, 1, 1), complex)}
    with pytest.raises(InputError, match="terminal_channel"):
        ThreetierScenario.from_arrays(bad)


def test_every_figure_of_the_paper_names_parameters_and_metrics_that_exist():
    names = {field.name for field in dataclasses.fields(ThreetierParams)}
    metrics = set(judge(SCENARIO, decision("edge")).metrics)
    assert list(system.figures) == [f"fig{n}" for n in range(2, 13)]
    for spec in system.figures.values():
        sweep = spec.sweep
        used = {sweep.parameter, *sweep.fixed, *(name for more in sweep.series.values() for name in more)} - {""}
        assert used <= names, spec.name
        assert set(sweep.schemes) <= set(system.schemes), spec.name
        assert {measure.metric for measure in sweep.measures} <= metrics, spec.name
        shown = {panel.quantity for panel in spec.panels} - {"history", "objective"}
        assert shown <= {measure.name for measure in sweep.measures}, spec.name


def test_the_weakest_link_keeps_its_rate():
    """At an SINR below the spacing of numbers at 1 the rate is B SINR / ln 2, not 0 or twice that."""
    s = ThreetierScenario.from_arrays(ARRAYS | {"uplink_channel": ARRAYS["uplink_channel"] * 1e-9})
    sinr = np.abs(ARRAYS["uplink_channel"][:, 0, 0, 0] * 1e-9 * W) ** 2 / 3.0
    np.testing.assert_allclose(model.link_rates(s, W[:, None])[:, 0], 10.0 * sinr / np.log(2), rtol=1e-9)
