"""Least power for all errors of channel knowledge, against the S-procedure, closed forms, and errors sought out."""

import cvxpy as cp
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

import trinode as tn
from trinode.compose import worst_case
from trinode.errors import InputError
from trinode.experiments.bench.problem_twins import gaussian

USERS, ANTENNAS, NOISE = 3, 5, 1e-13
ASKED, SHARE = np.array([4.0, 2.0, 3.0]), np.array([0.1, 0.2, 0.15])


seen = jax.jit(lambda h, error, beams: worst_case.guaranteed(h, error, beams))
slopes = jax.jit(jax.grad(lambda beams, h, error: jnp.sum(jnp.log(worst_case.guaranteed(h, error, beams)))))


def least(h, error, asked):
    """The S-procedure in covariances, W."""
    size = np.mean(np.sum(np.abs(h) ** 2, axis=1)) / NOISE  # one over what power is measured in
    h, error = h / np.sqrt(NOISE * size), error / np.sqrt(NOISE * size)
    beams = [cp.Variable((ANTENNAS, ANTENNAS), hermitian=True) for _ in range(USERS)]
    price = cp.Variable(USERS, nonneg=True)
    held = [one >> 0 for one in beams]
    for k in range(USERS):
        form = beams[k] / asked[k] - sum(beams[j] for j in range(USERS) if j != k)
        row = h[k][None]
        corner = row @ form @ row.conj().T - 1 - price[k] * error[k] ** 2
        block = [[form + price[k] * np.eye(ANTENNAS), form @ row.conj().T], [row @ form, corner]]
        held.append(cp.bmat(block) >> 0)
    problem = cp.Problem(cp.Minimize(sum(cp.real(cp.trace(one)) for one in beams)), held)
    problem.solve(solver=cp.CLARABEL)
    return problem.value / size


def heard(v, beams, k):
    """SINR of user k whose channel is v, noise of 1."""
    power = np.abs(beams @ v) ** 2
    return power[k] / (1 + power.sum() - power[k])


def sought(h, error, beams, k, rng, starts=8):
    """The lowest SINR that descents over all errors find."""

    def found(x):
        e = x[: len(h)] + 1j * x[len(h) :]
        return np.log(heard(h + error * e / np.linalg.norm(e), beams, k))

    return min(np.exp(minimize(found, rng.normal(size=2 * len(h))).fun) for _ in range(starts))


@pytest.fixture(scope="module")
def networks():
    rng = np.random.default_rng(0)
    channels = [1e-5 * gaussian(rng, USERS, ANTENNAS) for _ in range(4)]
    return [(h, SHARE * np.linalg.norm(h, axis=1)) for h in channels]


@pytest.fixture(scope="module")
def answers(networks):
    problems = [tn.problems.robust_min_power(h, error, NOISE, ASKED) for h, error in networks]
    return tn.solve_batch(tn.stack(problems))


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")  # of the oracle, to five digits
def test_it_costs_what_the_s_procedure_says(networks, answers):
    for (h, error), answer in zip(networks, answers):
        best = least(h, error, ASKED)
        assert best * (1 - 1e-5) < answer.value < best * (1 + 2e-3)
        assert answer.bound == pytest.approx(best, rel=2e-4)
        assert answer.bound <= answer.value
        assert np.all(answer["sinr"] >= ASKED * (1 - 1e-6))


def test_no_error_breaks_the_requirement(networks, answers):
    rng = np.random.default_rng(1)
    for (h, error), answer in zip(networks[:2], answers):
        beams = answer["precoder"]
        for k in range(USERS):
            centre, norm = h[k] / np.sqrt(NOISE), error[k] / np.sqrt(NOISE)
            lowest = sought(centre, norm, beams, k, rng, 2)
            for _ in range(200):
                e = gaussian(rng, ANTENNAS)
                lowest = min(lowest, heard(centre + norm * e / np.linalg.norm(e), beams, k))
            assert lowest >= ASKED[k] * (1 - 1e-6)
            assert lowest >= answer["sinr"][k] * (1 - 1e-9)


def test_a_user_alone_costs_what_is_left_of_its_channel_asks(networks):
    """The others ask for nothing."""
    asked = np.array([0.0, 7.0, 0.0])
    problems = [tn.problems.robust_min_power(h, error, NOISE, asked) for h, error in networks]
    for (h, error), answer in zip(networks, tn.solve_batch(tn.stack(problems))):
        best = 7.0 * NOISE / (np.linalg.norm(h[1]) - error[1]) ** 2
        assert answer.value == pytest.approx(best, rel=1e-4)
        assert best * (1 - 1e-4) < answer.bound <= best * (1 + 1e-7)


def test_noise_of_one_and_another_scale_change_nothing(networks, answers):
    h, error = networks[2]
    for scale in (1e-3, 1e3):
        turned = scale / np.sqrt(NOISE)
        other = tn.solve_batch(tn.stack([tn.problems.robust_min_power(h * turned, error * turned, 1.0, ASKED)]))[0]
        assert other.value * scale**2 == pytest.approx(answers[2].value, rel=1e-6)
        assert other.bound * scale**2 == pytest.approx(answers[2].bound, rel=2e-4)


def test_errors_that_no_power_makes_up_for_are_proved(networks):
    h = networks[0][0].copy()
    h[1] = h[0] + 0.1 * h[1]
    answer = tn.solve_batch(tn.stack([tn.problems.robust_min_power(h, 0.2 * np.linalg.norm(h[0]), NOISE, ASKED)]))[0]
    assert answer.status == "infeasible"
    assert "no power" in answer.bound_reason


@pytest.mark.parametrize("forcing", [False, True])
def test_the_worst_case_is_what_is_sought_out_and_what_descent_sees_is_below(forcing):
    """Beams that force zeros have a circle of worst errors."""
    rng = np.random.default_rng(2)
    for _ in range(3):
        h = 10 * gaussian(rng, 2, 3)
        error = rng.uniform(0.05, 0.3, size=2) * np.linalg.norm(h, axis=1)
        beams = np.concatenate([np.linalg.pinv(h).T if forcing else h.conj(), 0.1 * gaussian(rng, 2, 3)])
        beams /= np.linalg.norm(beams[0])
        judged = np.array([worst_case.judged(h[k], error[k], beams, k) for k in range(2)])
        found = [sought(h[k], error[k], beams, k, rng) for k in range(2)]
        np.testing.assert_allclose(judged, found, rtol=1e-6)
        np.testing.assert_array_less(seen(h, error, beams), judged * (1 + 1e-9))
        np.testing.assert_allclose(seen(h, error, beams), judged, rtol=2e-3)
        turn = 1e-6 * gaussian(rng, 4, 3)
        change = np.sum(np.log(seen(h, error, beams + turn) / seen(h, error, beams - turn))) / 2
        assert float(change) == pytest.approx(np.sum(np.asarray(slopes(beams, h, error) * turn).real), rel=1e-3)


def test_no_error_leaves_the_sinr_as_it_is():
    rng = np.random.default_rng(3)
    h, beams = gaussian(rng, 2, 3), gaussian(rng, 4, 3)
    plain = [heard(h[k], beams, k) for k in range(2)]
    np.testing.assert_allclose([worst_case.judged(h[k], 0.0, beams, k) for k in range(2)], plain)
    np.testing.assert_allclose(seen(h, np.zeros(2), beams), plain, rtol=1e-6)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"error_norm": 2.0}, "below the norm of the channel of user 0"),
        ({"error_norm": -0.1}, "error_norm"),
        ({"error_norm": np.ones(3)}, "error_norm"),
        ({"error_norm": np.nan}, "error_norm"),
        ({"error_norm": 0.1, "channel": np.ones((2, 3, 4)), "axes": "user user_antenna ap_antenna"}, "3 antennas"),
    ],
)
def test_what_an_error_does_not_go_with_is_refused(change, field):
    with pytest.raises(InputError, match=field):
        tn.Downlink(**{"channel": np.ones((2, 4)), "noise_w": 1.0, **change})
