"""Channels estimated with errors, and beampatterns: loops next to the formulas, closed forms, semidefinite programs."""

import cvxpy as cp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
from trinode.compose.scope import Scope
from trinode.errors import InputError
from trinode.experiments.bench.problem_twins import gaussian

USERS, POINTS, ANTENNAS, DIRECTIONS, NOISE = 2, 2, 3, 11, 1e-13
ASKED, POWER = np.array([4.0, 3.0]), np.array([0.3, 0.2])
ANGLE = np.linspace(-1.3, 1.3, DIRECTIONS)


def network(seed, users=USERS, receive=None):
    """Estimates, and roots L of what errors are: e = L z, the numbers z independent and of unit variance."""
    rng = np.random.default_rng(seed)
    size = POINTS * ANTENNAS
    estimate = gaussian(rng, users, *(() if receive is None else (receive,)), POINTS, ANTENNAS)
    return 1e-6 * estimate, 1e-7 * gaussian(rng, users, size, size)


def covariance(root):
    return root @ root.conj().swapaxes(1, 2)


def pattern(air, spacing=0.5):
    steering = np.exp(2j * np.pi * spacing * np.arange(ANTENNAS) * np.sin(ANGLE)[:, None])
    wanted = np.array([np.abs(ANGLE) < 0.3, np.abs(ANGLE - 0.6) < 0.4])
    return tn.Beampattern(air, steering, wanted), steering, wanted.astype(float)


def through_errors(root, beams):
    """``E |e . w|^2 = |L^T w|^2``, one beam after another."""
    return sum(np.linalg.norm(root.T @ one) ** 2 for one in beams)


def said(problem, seed=5):
    """Decisions far from good, and quantities by the fast path and by the judge."""
    program = problem.program

    @jax.jit
    def fast_path(x):
        decisions = program.decide(x)
        return decisions, Scope(program, decisions, jnp).values

    decisions, fast = fast_path(np.random.default_rng(seed).normal(size=program.size))
    plain = [{name: np.asarray(one) for name, one in part.items()} for part in decisions]
    judged = Scope(program, plain, np).values
    for one, other in zip(fast, judged, strict=True):
        for name in one:
            np.testing.assert_allclose(one[name], other[name], rtol=1e-10, err_msg=name)
    return plain, judged


@pytest.mark.parametrize("kind", ["number", "of each link", "matrices"])
def test_sinr_is_that_of_use_and_then_forget(kind):
    h, root = network(0, users=3)
    links = 1e-13 * np.arange(1.0, 7.0).reshape(3, POINTS)
    size = POINTS * ANTENNAS
    given = {"number": 2e-13, "of each link": links, "matrices": covariance(root)}[kind]
    if kind != "matrices":
        each = np.broadcast_to(given, (3, POINTS))
        root = np.array([np.diag(np.sqrt(np.repeat(one, ANTENNAS))).astype(complex) for one in each])
    air = tn.Downlink(h, NOISE * np.arange(1, 4), POWER, sensing_streams=2, error_covariance=given)
    (decision,), (values,) = said(tn.Problem(tn.Maximize(tn.smallest(air.sinr))))
    beams = decision["precoder"].swapaxes(0, 1).reshape(-1, size)
    for k in range(3):
        heard = [abs(h[k].reshape(-1) @ one) ** 2 for one in beams]
        others = sum(heard) - heard[k] + through_errors(root[k], beams) + NOISE * (k + 1)
        assert values["sinr"][k] == pytest.approx(heard[k] / others, rel=1e-9)
    np.testing.assert_allclose(values["rate"], np.log2(1 + values["sinr"]))


def test_sinr_of_users_with_several_antennas():
    h, root = network(1, receive=2)
    air = tn.Downlink(h, NOISE, POWER, streams=2, error_covariance=covariance(root))
    (decision,), (values,) = said(tn.Problem(tn.Maximize(tn.smallest(air.sinr))))
    beams = decision["precoder"].swapaxes(0, 1).reshape(4, -1)
    for k in range(USERS):
        heard = np.array([h[k].reshape(2, -1) @ one for one in beams])
        floor = (NOISE + through_errors(root[k], beams)) * np.eye(2)
        for i in range(2):
            own = heard[2 * k + i]
            noise = floor + sum(np.outer(one, one.conj()) for j, one in enumerate(heard) if j != 2 * k + i)
            sinr = np.real(own.conj() @ np.linalg.inv(noise) @ own)
            assert values["sinr"][k, i] == pytest.approx(sinr, rel=1e-9)


def test_pattern_error_is_what_the_best_scale_leaves():
    air = tn.Downlink(network(2)[0], NOISE, POWER, sensing_streams=1)
    radar, steering, wanted = pattern(air)
    decisions, values = said(tn.Problem(tn.Minimize(tn.total(radar.pattern_error))))
    w = decisions[0]["precoder"]
    for m in range(POINTS):
        power = [sum(abs(np.vdot(a, one)) ** 2 for one in w[m]) for a in steering]
        (scale,), left, *_ = np.linalg.lstsq(wanted[m][:, None], np.array(power))
        assert values[1]["pattern_error"][m] == pytest.approx(left[0] / DIRECTIONS, rel=1e-9)
        others = [np.mean((by * scale * wanted[m] - power) ** 2) for by in (0.99, 1.01)]
        assert values[1]["pattern_error"][m] < min(others)


def cheapest(h, root, noise, asked):
    """Least total power in covariances, over noise and gains; infinite where no power is enough."""
    users, n = len(h), h[0].size
    flat = h.reshape(users, n) / np.sqrt(noise)
    size = np.mean(np.sum(np.abs(flat) ** 2, axis=1))
    flat, root = flat / np.sqrt(size), root / np.sqrt(size * noise)
    beams = [cp.Variable((n, n), hermitian=True) for _ in range(users)]
    every = sum(beams)
    held = [one >> 0 for one in beams]
    for k in range(users):
        own, heard = (cp.real(flat[k] @ one @ flat[k].conj()) for one in (beams[k], every))
        off = cp.real(cp.trace(root[k].T @ every @ root[k].conj()))
        held.append(own >= asked[k] * (heard - own + off + 1))
    problem = cp.Problem(cp.Minimize(cp.real(cp.trace(every))), held)
    problem.solve(solver=cp.CLARABEL)
    return problem.value / size


def least_power(h, error, noise=NOISE, asked=ASKED):
    air = tn.Downlink(h, noise, error_covariance=error)
    return tn.Problem(tn.Minimize(tn.total(air.power_w)), [air.sinr >= asked])


@pytest.fixture(scope="module")
def cheap():
    given = [network(seed) for seed in range(4)]
    return given, [tn.solve(least_power(h, covariance(root))) for h, root in given]


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")  # of the oracle, to five digits
def test_least_power_is_that_of_the_semidefinite_program(cheap):
    for (h, root), answer in zip(*cheap):
        best = cheapest(h, root, NOISE, ASKED)
        assert best * (1 - 1e-5) < answer.value < best * (1 + 1e-4)
        assert answer.value * (1 - 1e-4) < answer.bound <= answer.value
        assert answer.status == "converged"


def test_noise_of_one_and_another_scale_change_nothing(cheap):
    (h, root), answer = cheap[0][0], cheap[1][0]
    for scale in (1e-3, 1.0, 1e3):
        turned = scale / np.sqrt(NOISE)
        other = tn.solve(least_power(h * turned, covariance(root) * turned**2, 1.0))
        assert other.value * scale**2 == pytest.approx(answer.value, rel=1e-6)
        assert other.bound * scale**2 == pytest.approx(answer.bound, rel=1e-6)


def test_a_user_alone_costs_what_its_error_leaves(cheap):
    """``P = sinr noise / (|h|^2 - sinr theta)``, which no power reaches from ``sinr = |h|^2 / theta`` on."""
    h = cheap[0][1][0]
    gain, theta = np.linalg.norm(h[1]) ** 2, 4e-13
    error = np.broadcast_to(theta * np.eye(h[1].size, dtype=complex), (USERS, h[1].size, h[1].size))
    for share in (0.2, 0.9):
        sinr = share * gain / theta
        answer = tn.solve(least_power(h, error, asked=np.array([0.0, sinr])))
        best = sinr * NOISE / (gain - sinr * theta)
        assert answer.value == pytest.approx(best, rel=1e-4)
        assert best * (1 - 1e-4) < answer.bound <= answer.value
    answer = tn.solve(least_power(h, error, asked=np.array([0.0, 1.01 * gain / theta])))
    assert answer.status == "infeasible"
    assert "no power" in answer.bound_reason


def test_the_rate_of_one_user_is_that_of_a_matched_beam():
    """``P |h|^2 / (noise + theta P)`` of one transmitter, which the power above is the inverse of."""
    h, theta = 1e-6 * gaussian(np.random.default_rng(3), 1, 4), 3e-13
    air = tn.Downlink(h, NOISE, 0.2, error_covariance=[theta])
    best = np.log2(1 + 0.2 * np.linalg.norm(h) ** 2 / (NOISE + theta * 0.2))
    matched = np.sqrt(0.2) * h.conj()[None] / np.linalg.norm(h)
    assert air.judged({"precoder": matched}, None)["rate"] == pytest.approx(best, rel=1e-12)


def closest(h, root, steering, wanted):
    """Least total pattern error under SINR requirements and full power, scales as variables."""
    size = POWER.max()
    flat = h.reshape(USERS, -1) * np.sqrt(size / NOISE)
    root = root * np.sqrt(size / NOISE)
    beams = [cp.Variable((flat.shape[1],) * 2, hermitian=True) for _ in range(USERS)]
    every, scale = sum(beams), cp.Variable(POINTS)
    held, lost = [one >> 0 for one in beams], 0
    for k in range(USERS):
        own, heard = (cp.real(flat[k] @ one @ flat[k].conj()) for one in (beams[k], every))
        off = cp.real(cp.trace(root[k].T @ every @ root[k].conj()))
        held.append(own >= ASKED[k] * (heard - own + off + 1))
    for m in range(POINTS):
        at = slice(m * ANTENNAS, (m + 1) * ANTENNAS)
        held.append(cp.real(cp.trace(every[at, at])) == POWER[m] / size)
        power = cp.real(cp.diag(steering.conj() @ every[at, at] @ steering.T))
        lost += cp.sum_squares(scale[m] * wanted[m] - power) / DIRECTIONS
    problem = cp.Problem(cp.Minimize(lost), held)
    problem.solve(solver=cp.CLARABEL)
    return problem.value * size**2


def shaped(h, root, unit=1.0):
    """Powers in watt over ``unit``."""
    air = tn.Downlink(h * np.sqrt(unit), NOISE, POWER / unit, error_covariance=covariance(root) * unit)
    radar, *rest = pattern(air)
    full = air.power_w >= POWER / unit
    return tn.Problem(tn.Minimize(tn.total(radar.pattern_error)), [air.sinr >= ASKED, full]), rest


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")  # of the oracle, to five digits
def test_pattern_errors_are_those_of_the_semidefinite_program():
    for seed in range(3):
        h, root = network(seed)
        problem, rest = shaped(h, root)
        answer, best = tn.solve(problem), closest(h, root, *rest)
        assert answer.status == "converged"
        assert answer.evaluations < 1000  # full power has no room to be drawn in
        assert best * (1 - 1e-4) < answer.value < best * (1 + 1e-3)
        assert answer.value * (1 - 1e-3) < answer.bound <= answer.value
        assert np.min(answer["sinr"] / ASKED) < 1 + 1e-5  # it costs something
    other = tn.solve(shaped(h, root, 1e3)[0])
    assert other.value * 1e6 == pytest.approx(answer.value, rel=1e-6)
    assert other.bound * 1e6 == pytest.approx(answer.bound, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"error_covariance": -1.0}, "error_covariance"),
        ({"error_covariance": np.ones((2, 3))}, r"shape \(2, 3\)"),
        ({"error_covariance": np.ones(2)}, r"shape \(2,\)"),
        ({"error_covariance": np.ones((2, 5, 5))}, r"shape \(2, 5, 5\)"),
        ({"error_covariance": np.tile(np.triu(np.ones((6, 6))), (2, 1, 1))}, "not Hermitian"),
        ({"error_covariance": np.tile(np.diag([1.0, 1, 1, 1, 1, -1e-3]), (2, 1, 1))}, "negative eigenvalue"),
        ({"error_covariance": 0.1, "error_norm": 0.1}, "one kind of errors"),
    ],
)
def test_what_is_no_covariance_of_errors_is_refused(change, message):
    with pytest.raises(InputError, match=message):
        tn.Downlink(**{"channel": np.ones((USERS, POINTS, ANTENNAS)), "noise_w": 1.0, **change})


@pytest.mark.parametrize(
    ("steering", "wanted", "message"),
    [
        (np.ones((5, 4)), np.ones((2, 5)), "steering"),
        (np.ones((5, 3)), np.ones((2, 4)), "pattern"),
        (np.ones((5, 3)), np.zeros((2, 5)), "power is wanted"),
        (np.ones((5, 3)), -np.ones((2, 5)), "pattern"),
        (np.zeros((5, 3)), np.ones((2, 5)), "nothing reaches"),
    ],
)
def test_what_is_no_pattern_is_refused(steering, wanted, message):
    air = tn.Downlink(np.ones((USERS, POINTS, ANTENNAS)), 1.0)
    with pytest.raises(InputError, match=message):
        tn.Beampattern(air, steering, wanted)
