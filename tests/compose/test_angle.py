"""The bound of an angle against its semidefinite program, its closed form, and the information of its measurements."""

import cvxpy as cp
import numpy as np
import pytest

import trinode as tn
from trinode.errors import InputError
from trinode.experiments.bench.problem_twins import gaussian

USERS, ANTENNAS, RECEIVE = 2, 4, 5
NOISE, ECHO_NOISE, POWER, SAMPLES, AMPLITUDE = 1e-13, 3e-13, 0.5, 70.0, 2e-6 - 1e-6j
ASKED = np.array([10.0, 3.0])


def stated(h, angle, noise=NOISE, power=POWER, asked=ASKED, amplitude=AMPLITUDE, echo_noise=ECHO_NOISE):
    seen = tn.AngleEcho.lines(angle, RECEIVE, ANTENNAS)
    return tn.problems.angle_bound(h, *seen, noise, power, asked, amplitude, echo_noise, SAMPLES)


def least(h, response, derivative):
    """The semidefinite program of the least bound, rad^2, in units of the power."""
    h = h * np.sqrt(POWER / NOISE)
    beams = [cp.Variable((ANTENNAS, ANTENNAS), hermitian=True) for _ in range(USERS + 1)]
    every = sum(beams)
    held = [one >> 0 for one in beams] + [cp.real(cp.trace(every)) <= 1]
    for k, asked in enumerate(ASKED):
        own, heard = (cp.real(h[k] @ one @ h[k].conj()) for one in (beams[k], every))
        held.append((1 + 1 / asked) * own >= heard + 1)
    size = np.linalg.norm(derivative) / np.linalg.norm(response)
    left, right = derivative / np.linalg.norm(derivative), size * response / np.linalg.norm(derivative)
    told = cp.Variable()
    cross = cp.trace(left @ every @ right.conj().T)
    whole, power = (cp.trace(one @ every @ one.conj().T) for one in (left, right))
    held.append(cp.bmat([[whole - told, cross], [cp.conj(cross), power]]) >> 0)
    problem = cp.Problem(cp.Maximize(told), held)
    problem.solve(solver=cp.CLARABEL)
    scale = 2 * abs(AMPLITUDE) ** 2 * SAMPLES / ECHO_NOISE * POWER * np.linalg.norm(derivative) ** 2
    return 1 / (problem.value * scale)


@pytest.fixture(scope="module")
def networks():
    rng = np.random.default_rng(0)
    return [(1e-5 * gaussian(rng, USERS, ANTENNAS), angle) for angle in (-0.9, 0.1, 0.4, 0.8)]


@pytest.fixture(scope="module")
def answers(networks):
    return tn.solve_batch(tn.stack([stated(*one) for one in networks]))


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")  # of the oracle, to five digits
def test_it_is_that_of_the_semidefinite_program(networks, answers):
    for (h, angle), answer in zip(networks, answers):
        best = least(h, *tn.AngleEcho.lines(angle, RECEIVE, ANTENNAS))
        assert answer.status == "converged"
        assert answer.value == pytest.approx(best, rel=1e-4)
        assert answer.value * (1 - 1e-4) < answer.bound <= answer.value
        assert np.all(answer["sinr"] >= ASKED * (1 - 1e-6))
        assert answer["information"] == pytest.approx(1 / answer.value)


def test_it_is_the_inverse_of_the_information_of_the_measurements(networks, answers):
    """Slopes of all samples by angle and amplitude, by differences; noise as it is."""
    angle, w = networks[1][1], answers[1]["precoder"]
    rng = np.random.default_rng(1)
    code = np.linalg.qr(gaussian(rng, int(SAMPLES), len(w)))[0].T * np.sqrt(SAMPLES)

    def heard(theta, real, imaginary):
        response, _ = tn.AngleEcho.lines(theta, RECEIVE, ANTENNAS)
        return (real + 1j * imaginary) * response @ w.T @ code

    at = np.array([angle, AMPLITUDE.real, AMPLITUDE.imag])
    slopes = []
    for step in np.diag([1e-5, 1e-3 * abs(AMPLITUDE), 1e-3 * abs(AMPLITUDE)]):
        slopes.append((heard(*(at + step)) - heard(*(at - step))) / (2 * step.sum()))
    information = [[2 / ECHO_NOISE * np.sum(one.conj() * other).real for other in slopes] for one in slopes]
    assert answers[1].value == pytest.approx(np.linalg.inv(information)[0, 0], rel=1e-6)


def test_without_users_all_power_goes_where_the_target_is(networks):
    """More antennas receive than send, so that the receiver's slope tells more than the transmitter's."""
    asked = [stated(*one, asked=np.zeros(USERS)) for one in networks]
    place = np.pi * (np.arange(RECEIVE) - (RECEIVE - 1) / 2)
    for (_, angle), answer in zip(networks, tn.solve_batch(tn.stack(asked))):
        slope = ANTENNAS * np.sum((place * np.cos(angle)) ** 2)
        best = ECHO_NOISE / (2 * abs(AMPLITUDE) ** 2 * SAMPLES * POWER * slope)
        assert best * (1 - 1e-9) < answer.value < best * (1 + 1e-4)
        assert answer.bound == pytest.approx(best, rel=1e-4)


def test_noise_of_one_and_another_scale_change_nothing(networks, answers):
    h, angle = networks[2]
    for scale in (1e-3, 1e3):
        other = stated(
            h * scale / np.sqrt(NOISE), angle, 1.0, POWER / scale**2, ASKED, abs(AMPLITUDE) * scale, ECHO_NOISE
        )
        other = tn.solve_batch(tn.stack([other]))[0]
        assert other.value == pytest.approx(answers[2].value, rel=1e-6)
        assert other.bound == pytest.approx(answers[2].bound, rel=1e-4)


def test_the_derivative_of_lines_is_that_of_their_response():
    step = 1e-6
    ahead, back = (tn.AngleEcho.lines(0.3 + turn, 3, 2, 0.4)[0] for turn in (step, -step))
    np.testing.assert_allclose(tn.AngleEcho.lines(0.3, 3, 2, 0.4)[1], (ahead - back) / (2 * step), rtol=1e-8)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"response": np.ones((3, 3))}, "response"),
        ({"response": np.zeros((3, 4))}, "response"),
        ({"derivative": np.ones((2, 4))}, "derivative"),
        ({"derivative": 2j * np.ones((3, 4))}, "multiple of the response"),
        ({"amplitude": 0.0}, "amplitude"),
        ({"noise_w": 0.0}, "noise_w"),
        ({"samples": -1.0}, "samples"),
        ({"air": tn.Downlink(np.ones((2, 2, 2)), 1.0)}, "one transmitter"),
    ],
)
def test_what_no_angle_can_be_told_from_is_refused(change, field):
    given = {
        "air": tn.Downlink(np.ones((2, 4)), 1.0),
        "response": np.ones((3, 4)),
        "derivative": np.arange(12.0).reshape(3, 4),
        "amplitude": 1.0,
        "noise_w": 1.0,
    }
    with pytest.raises(InputError, match=field):
        tn.AngleEcho(**{**given, **change})
