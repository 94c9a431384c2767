"""Rates under detection probabilities against SciPy's distributions, closed forms and a search along one line."""

import numpy as np
import pytest
from scipy.stats import ncx2

import trinode as tn
from trinode.compose import detection
from trinode.errors import InputError
from trinode.experiments.bench.problem_twins import gaussian

NOISE, ECHO_NOISE, POWER, FALSE_ALARM = 1e-13, 2e-13, 0.5, 1e-6


def steering(antennas, angle):
    return np.exp(1j * np.pi * np.arange(antennas) * np.sin(angle))


def echoes(receive, antennas, amplitude, angles):
    each = [np.outer(steering(receive, one), steering(antennas, one)) for one in angles]
    return amplitude * np.array(each, complex).reshape(len(angles), receive, antennas)


def test_what_is_judged_is_a_noncentral_chi_square_tail():
    snr = np.array([0.0, 0.7, 6.0, 13.0, 15.0, 40.0, 130.0])
    found = np.array([detection.miss_exponent(one, FALSE_ALARM, "steady") for one in snr])
    heard, threshold = 2 * snr, -2 * np.log(FALSE_ALARM)
    np.testing.assert_allclose(-np.expm1(-found), ncx2.sf(threshold, 2, heard), rtol=1e-11)
    np.testing.assert_allclose(found[3:], -ncx2.logcdf(threshold, 2, heard[3:]), rtol=1e-11)


@pytest.mark.parametrize("model", ["steady", "swerling-1"])
@pytest.mark.parametrize("probability", [1e-3, 0.4, 0.9, 1 - 1e-9])
def test_the_ratio_that_a_probability_takes_is_the_inverse(model, probability):
    snr = detection.needed_snr(-np.log1p(-probability), FALSE_ALARM, model)
    reached = ncx2.sf(-2 * np.log(FALSE_ALARM), 2, 2 * snr) if model == "steady" else FALSE_ALARM ** (1 / (1 + snr))
    assert reached == pytest.approx(probability, rel=1e-9)
    assert detection.needed_snr(0.5 * FALSE_ALARM, FALSE_ALARM, model) == 0
    assert detection.needed_snr(np.inf, FALSE_ALARM, model) == np.inf


def test_one_user_and_one_target_are_served_as_a_search_along_their_plane_finds():
    """One beam in the plane of both: turned away from the user just as far as the target asks."""
    rng = np.random.default_rng(0)
    asked, networks = (0.3, 0.9, 1 - 1e-9), []
    for _ in asked:
        networks.append((1e-5 * gaussian(rng, 1, 3), rng.uniform(-1, 1)))
    problems = [
        tn.problems.detection(
            h, echoes(2, 3, 4e-7, [angle]), np.zeros((0, 2, 3)), NOISE, ECHO_NOISE, POWER, probability,
            FALSE_ALARM, "steady", 30.0, sensing_streams=0,
        )
        for (h, angle), probability in zip(networks, asked)
    ]  # fmt: skip
    for (h, angle), probability, answer in zip(networks, asked, tn.solve_batch(tn.stack(problems))):
        user, target = h[0].conj() / np.linalg.norm(h), steering(3, angle)
        other = target.conj() - user * (user.conj() @ target.conj())
        other /= np.linalg.norm(other)
        turn = np.linspace(0, np.pi / 2, 200_001)
        shone = (np.cos(turn) * abs(target @ user) + np.sin(turn) * abs(target @ other)) ** 2
        snr = 30.0 * POWER * 4e-7**2 * 2 * shone / ECHO_NOISE
        enough = ncx2.cdf(-2 * np.log(FALSE_ALARM), 2, 2 * snr) <= 1 - probability
        best = np.cos(turn[np.argmax(enough)]) ** 2 * POWER * np.sum(np.abs(h) ** 2) / NOISE
        assert answer.value == pytest.approx(np.log2(1 + best), rel=1e-5)
        assert answer.value <= answer.bound < answer.value * (1 + 3e-4)
        assert answer["miss_exponent"][0] >= -np.log1p(-probability) * (1 - 1e-6)


@pytest.fixture(scope="module")
def networks():
    rng = np.random.default_rng(1)
    return [(1e-5 * gaussian(rng, 3, 5), rng.uniform(-1.2, 1.2, size=3)) for _ in range(3)]


def stated(h, angles, noise=NOISE, power=POWER, echo=4e-7, probability=0.9):
    target, clutter = echoes(4, 5, echo, angles[:2]), echoes(4, 5, 0.3 * echo, angles[2:])
    return tn.problems.detection(h, target, clutter, noise, ECHO_NOISE, power, probability, FALSE_ALARM, pulses=60.0)


def test_fluctuating_targets_among_clutter_are_detected_and_the_bound_holds(networks):
    answers = tn.solve_batch(tn.stack([stated(*one) for one in networks]))
    for answer in answers:
        assert answer.status == "converged"
        snr = 60.0 * answer["scnr"]
        np.testing.assert_allclose(answer["detection_probability"], FALSE_ALARM ** (1 / (1 + snr)))
        assert np.all(answer["detection_probability"] >= 0.9 * (1 - 1e-6))
        # other targets and clutter are missing in the bound
        assert answer.value <= answer.bound < answer.value * 1.05
    h, angles = networks[1]
    for scale in (1e-3, 1e3):
        other = stated(h * scale / np.sqrt(NOISE), angles, 1.0, POWER / scale**2, 4e-7 * scale)
        other = tn.solve_batch(tn.stack([other]))[0]
        assert other.value == pytest.approx(answers[1].value, rel=1e-6)
        assert other.bound == pytest.approx(answers[1].bound, rel=5e-4)  # levels are tried in steps
    hopeless = tn.solve_batch(tn.stack([stated(h, angles, probability=1 - 1e-9)]))[0]
    assert hopeless.status == "infeasible"
    assert "detection probability" in hopeless.worst


def part(air, **change):
    radar = tn.TargetEcho(air, np.ones((2, 3, 4)), np.zeros((0, 3, 4)), 1.0)
    return tn.Detection(**{"snr": radar.scnr, **change})


@pytest.mark.parametrize(
    ("state", "field"),
    [
        (lambda air: part(air, snr=3.0), "snr"),
        (lambda air: part(air, snr=air.power_w), "snr"),
        (lambda air: part(air, snr=air.sinr - 1.0), "snr"),
        (lambda air: part(air, false_alarm=1.0), "false_alarm"),
        (lambda air: part(air, false_alarm=0.0), "false_alarm"),
        (lambda air: part(air, model="swerling-5"), "model"),
        (lambda air: stated(np.ones((3, 5)), np.zeros(3), probability=1.0), "probability_min"),
        (lambda air: stated(np.ones((3, 5)), np.zeros(3), probability=np.full(3, 0.5)), "probability_min"),
    ],
)
def test_what_cannot_be_detected_is_refused(state, field):
    with pytest.raises(InputError, match=field):
        state(tn.Downlink(np.ones((2, 4)), 1.0))
