"""Sensing asked for as a detection probability: the radar equation, closed forms, and what schemes make of it."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import norm

import trinode as tn
from trinode import api
from trinode.errors import InputError
from trinode.systems.decision import Status
from trinode.systems.region import detection

SHAPE = {
    "terminals": 3,
    "access_points": 2,
    "ap_antennas": 5,
    "targets": 3,
    "targets_per_ap": 2,
    "broadside": False,
    "pilots": 2,
    "directions": 31,
    "area_m": 900.0,
    "element_spacing": 0.45,
    "false_alarm": 1e-2,
    "radar_cross_section_m2": 30.0,
}


def probability(snr):
    return norm.sf(norm.isf(1e-2) - np.sqrt(2 * snr))


@pytest.fixture(scope="module")
def scenario():
    return api.draw("region", detection_probability_min=0.5, **SHAPE)


@pytest.fixture(scope="module")
def sensed(scenario):
    return tn.solve(scenario, "sensing")


def asking(scenario, value):
    return tn.change(scenario, detection_probability_min=value)


def test_the_radar_equation():
    far = jnp.array([[500.0], [3.0]])
    gain = detection.echo_gain(far, cross_section_m2=4.0, wavelength_m=0.1, min_distance_m=10.0)
    snr = detection.echo_snr(gain, jnp.array([2e12, 1.0]), antennas=7, looks=35)
    expected = 35 * 7 * 2e12 * 4.0 * 0.1**2 / ((4 * np.pi) ** 3 * 500.0**4)
    np.testing.assert_allclose(snr, [[expected], [35 * 7 * 0.04 / ((4 * np.pi) ** 3 * 1e4)]])


def test_what_can_be_reached_in_closed_form(scenario, sensed):
    paired, snr = np.asarray(scenario.targets.paired), np.asarray(scenario.targets.echo_snr)
    (single,) = np.flatnonzero(paired.sum(axis=1) == 1)
    (double,) = np.flatnonzero(paired.sum(axis=1) == 2)
    (target,) = np.flatnonzero(paired[single])
    largest = np.asarray(sensed.detection_probability_max)
    assert largest[target] == pytest.approx(probability(5 * snr[single, target]), rel=1e-6)
    # two targets: the best covariance lies in the span of both responses; both are reached equally
    one, two = np.flatnonzero(paired[double])
    angle = np.asarray(scenario.targets.direction_rad)[double]
    a = np.exp(2j * np.pi * 0.45 * np.sin(angle[[one, two]])[:, None] * np.arange(5))
    rows = np.sqrt(snr[double, [one, two]])[:, None] * a
    mixes = np.linspace(0, 1, 4001)
    tops = [np.linalg.eigvalsh(rows.T @ np.diag([mix, 1 - mix]) @ rows.conj())[-1] for mix in mixes]
    assert largest[[one, two]].min() == pytest.approx(probability(min(tops)), rel=1e-5)
    report = tn.evaluate(scenario, sensed, bound=False)
    np.testing.assert_allclose(report.metrics["detection_probability"], largest, rtol=1e-9)


def test_schemes_meet_it_exactly_or_say_what_could_be_met(scenario, sensed):
    least = float(sensed.detection_probability_max.min())
    met = asking(scenario, 0.97 * least)
    values = {}
    for scheme in ("isac", "zf"):
        report = tn.evaluate(met, tn.solve(met, scheme), bound=False)
        assert bool(report.feasible)
        values[scheme] = float(report.objective)
        missed = asking(scenario, least + 0.5 * (1 - least))
        answer = tn.solve(missed, scheme)
        assert int(answer.status) == Status.INFEASIBLE
        np.testing.assert_allclose(answer.detection_probability_max, sensed.detection_probability_max)
        assert np.isnan(float(tn.evaluate(missed, answer, bound=False).objective))
    assert values["isac"] > values["zf"]
    easy = asking(scenario, 0.011)  # hardly more than false alarms
    free = float(tn.evaluate(easy, tn.solve(easy), bound=False).objective)
    assert free > values["isac"]


def test_the_residual_is_what_is_missing(scenario, sensed):
    half = dataclasses.replace(sensed, sensing_covariance=0.5 * sensed.sensing_covariance)
    report = tn.evaluate(scenario, half, bound=False)
    found = np.asarray(report.metrics["detection_probability"])
    np.testing.assert_allclose(report.residuals["detection probability"], 1 - found / 0.5)
    snr = np.asarray(norm.isf(1e-2) - norm.isf(np.asarray(sensed.detection_probability_max))) ** 2 / 2
    np.testing.assert_allclose(found, probability(snr / 2), rtol=1e-6)


def test_files_hold_it(scenario, sensed, tmp_path):
    tn.save(tmp_path / "network.npz", scenario)
    tn.save(tmp_path / "answer.npz", scenario, sensed, tn.evaluate(scenario, sensed, bound=False))
    network, answer = tn.load(tmp_path / "network.npz"), tn.load(tmp_path / "answer.npz")
    for made, again in ((scenario, network), (sensed, answer)):
        for field in dataclasses.fields(made):
            np.testing.assert_array_equal(getattr(again, field.name), getattr(made, field.name), err_msg=field.name)


def test_echoes_follow_the_powers(scenario):
    louder = dataclasses.replace(scenario, ap_power=3 * scenario.ap_power)
    np.testing.assert_allclose(louder.targets.echo_snr, 3 * scenario.targets.echo_snr)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"pattern_mse_max": 0.6}, "pattern_mse_max: got 0.6; allowed: NaN"),
        ({"downlink_symbols": None}, "downlink_symbols: got nan"),
        ({"false_alarm": None}, "false_alarm: got nothing"),
        ({"detection_probability_min": 1.0}, "detection_probability_min: got 1"),
        ({"target_paired": True}, "target_paired"),
        ({"sensing_ap": [True, False]}, "target_paired"),
    ],
)
def test_requirements_that_cannot_be_are_named(scenario, given, named):
    with pytest.raises(InputError, match=named):
        tn.change(scenario, **given)


def test_what_cannot_be(scenario):
    with pytest.raises(InputError, match="bcd-sca"):
        tn.solve(scenario, "bcd-sca")
    for value in (0.0, 1.0, -0.5):
        with pytest.raises(InputError, match="detection_probability_min"):
            api.draw("region", detection_probability_min=value)
