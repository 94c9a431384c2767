"""Powers over given beams and combiners, against eigenvalues, linear systems, water-filling and CVXPY."""

from __future__ import annotations

import cvxpy as cp
import jax
import numpy as np
import pytest

import trinode as tn
from trinode.compose.scope import Scope

NOISE = 1e-13


def near_and_far(seed, terminals):
    """Terminals up to 40 dB apart, each seen by the combiners of others in parts of up to a tenth."""
    rng = np.random.default_rng(seed)
    own = 1e-9 * 10 ** rng.uniform(-4, 0, terminals)
    gain = own * 10 ** rng.uniform(-3, -1, (terminals, terminals))
    gain[range(terminals), range(terminals)] = own
    return gain


def best_least_sinr(gain, noise, power):
    """One over the largest spectral radius, one limit after the other (Perron and Frobenius)."""
    wanted = np.diag(gain)
    leak = gain / wanted[:, None] - np.eye(len(gain))
    radii = []
    for i in range(len(gain)):
        loaded = leak.copy()
        loaded[:, i] += noise / wanted / power[i]
        radii.append(np.max(np.abs(np.linalg.eigvals(loaded))))
    return 1 / max(radii)


def test_quantities_are_those_of_the_equations():
    rng = np.random.default_rng(1)
    gain, noise, limit, hz = rng.exponential(size=(3, 4, 4)), rng.uniform(1, 2, (3, 4)), np.array([1.0, 2, 3, 4]), 5e6
    air = tn.Powers(gain, noise, limit, hz)
    program = tn.Problem(tn.Maximize(tn.total(air.rate))).program
    decided = program.decide(rng.normal(size=program.size))
    plain = [{name: np.asarray(value) for name, value in one.items()} for one in decided]
    p = plain[0]["transmit_power_w"]
    assert np.all(p > 0)
    assert np.all(p.sum(axis=0) < limit)
    heard = np.einsum("skj,sj->skj", gain, p)
    wanted = np.einsum("skk->sk", heard)
    sinr = wanted / (noise + heard.sum(axis=2) - wanted)
    rate = np.log2(1 + sinr).sum(axis=0) / 3
    expected = {"sinr": sinr, "rate": rate, "rate_bps": hz * rate, "power_w": p.sum(axis=0)}
    for xp, decisions in ((jax.numpy, decided), (np, plain)):
        (found,) = Scope(program, decisions, xp).values
        assert found.keys() == expected.keys()
        for name, value in expected.items():
            np.testing.assert_allclose(found[name], value, rtol=1e-12, err_msg=name)
    assert program.parts[0].limits({"transmit_power_w": p * 10})["power"] > 1
    assert program.parts[0].limits({"transmit_power_w": p - 0.2})["power"] > 0


def test_what_is_next_to_nothing_is_not_lost():
    air = tn.Powers(np.array([[1e-20, 0.0], [1.0, 1.0]]), 1.0, [2.0, 1e-6])
    program = tn.Problem(tn.Maximize(tn.smallest(air.rate))).program
    decided = {"transmit_power_w": np.array([[2.0, 1e-6]])}
    for xp in (jax.numpy, np):
        (found,) = Scope(program, [decided], xp).values
        np.testing.assert_allclose(found["sinr"], [2e-20, 1e-6 / 3], rtol=1e-12)
        np.testing.assert_allclose(found["rate"], np.array([2e-20, 1e-6 / 3]) / np.log(2), rtol=1e-6)


def test_the_worst_terminal_is_as_well_off_as_eigenvalues_allow_in_any_unit():
    power = np.array([0.3, 0.1, 0.2, 0.4, 0.5])
    given = [(near_and_far(seed, 5), NOISE, power) for seed in range(4)]
    gain = given[0][0]
    given += [(gain * 1e3, NOISE, power / 1e3), (gain * 1e-3, NOISE, power * 1e3), (gain / NOISE, 1.0, power)]
    problems = [tn.Problem(tn.Maximize(tn.smallest(tn.Powers(*one).sinr))) for one in given]
    answers = tn.solve_batch(tn.stack(problems))
    for one, answer in zip(given, answers):
        best = best_least_sinr(*one)
        assert answer.status == "converged"
        assert best * (1 - 1e-6) < answer.value < best * (1 + 1e-9)
        assert best <= answer.bound <= answer.value * (1 + 1.1e-4)
    for other in answers[4:]:
        assert other.value == pytest.approx(answers[0].value, rel=1e-6)
        assert other.bound == pytest.approx(answers[0].bound, rel=1e-6)


def test_least_power_is_that_of_a_linear_system():
    gain, asked = near_and_far(7, 4), np.array([0.5, 1.0, 2.0, 3.0])
    wanted = np.diag(gain)
    disturbed = asked[:, None] * (gain / wanted[:, None] - np.eye(4))
    least = np.linalg.solve(np.eye(4) - disturbed, asked * NOISE / wanted)
    assert np.all(least > 0)

    def problem(limit):
        air = tn.Powers(gain, NOISE, 2 * np.max(least))
        return tn.Problem(tn.Minimize(tn.total(air.power_w)), [air.sinr >= asked, air.power_w <= limit])

    answer = tn.solve(problem(1.01 * np.max(least)))
    assert answer.value == pytest.approx(least.sum(), rel=1e-5)
    np.testing.assert_allclose(answer["transmit_power_w"], least, rtol=1e-4)
    assert answer.bound <= least.sum() * (1 + 1e-7)
    assert answer.gap < 1e-5
    assert tn.solve(problem(0.99 * np.max(least))).status == "infeasible"


def test_one_terminal_pours_its_power_like_water():
    snr, power = np.array([0.1, 3.0, 8.0, 0.5, 2.0]), 0.2
    air = tn.Powers(snr[:, None, None] * NOISE / power, NOISE, power)
    answer = tn.solve(tn.Problem(tn.Maximize(tn.total(air.rate))))
    low, high = 0.0, 100.0
    for _ in range(100):
        level = (low + high) / 2
        low, high = (low, level) if np.maximum(level - 1 / snr, 0).sum() > 1 else (level, high)
    share = np.maximum(low - 1 / snr, 0)
    assert np.sum(share == 0) == 2
    np.testing.assert_allclose(answer["transmit_power_w"][:, 0], power * share, atol=1e-6 * power)
    assert answer.value == pytest.approx(np.mean(np.log2(1 + snr * share)), rel=1e-9)
    assert answer.value <= answer.bound <= answer.value * (1 + 1e-6)


G = np.array([0.3, 2.0, 9.0])


def undisturbed():
    air, p = tn.Powers(np.diag(G), 1.0, [1.0, 2.0, 3.0]), cp.Variable(3, nonneg=True)
    return air, p, cp.log1p(cp.multiply(G, p)) / np.log(2), [p <= np.array([1.0, 2.0, 3.0])]


def same(problem, oracle):
    oracle.solve(solver="CLARABEL")
    answer = tn.solve(problem)
    assert answer.status == "converged"
    assert answer.value == pytest.approx(oracle.value, rel=1e-5)
    assert abs(answer.bound - oracle.value) < 1e-3 * abs(oracle.value)


def test_an_objective_of_either_sign_is_descended():
    """Proportional fairness at a price of power."""
    air, p, rate, limits = undisturbed()
    price = tn.number(1.5, "1/W")
    goal = tn.total(tn.log(tn.number(1.0, "1/bit") * air.rate)) - price * tn.total(air.power_w)
    same(tn.Problem(tn.Maximize(goal)), cp.Problem(cp.Maximize(cp.sum(cp.log(rate)) - 1.5 * cp.sum(p)), limits))


def test_differences_are_compared_and_the_smallest_of_them_raised():
    air, p, rate, limits = undisturbed()
    above = tn.smallest(air.rate - tn.number([0.5, 2.0, 5.0], "bit"))
    held = [tn.total(air.rate) - tn.number(3.0, "bit/W") * tn.total(air.power_w) >= 0.5]
    limits.append(cp.sum(rate) - 3 * cp.sum(p) >= 0.5)
    same(
        tn.Problem(tn.Maximize(above), held),
        cp.Problem(cp.Maximize(cp.min(rate - np.array([0.5, 2.0, 5.0]))), limits),
    )


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ((np.ones((2, 3)), 1.0, 1.0), "gain"),
        ((np.ones((2, 3, 4)), 1.0, 1.0), "gain"),
        ((np.diag([1.0, np.nan]), 1.0, 1.0), "gain"),
        ((np.array([[1.0, -1.0], [0.0, 1.0]]), 1.0, 1.0), "gain"),
        ((np.ones((2, 2)) * 1j, 1.0, 1.0), "gain"),
        ((np.diag([1.0, 0.0]), 1.0, 1.0), "gain: got 0 from terminal 1"),
        ((np.eye(2), np.ones((3, 2)), 1.0), "noise_w"),
        ((np.eye(2), 0.0, 1.0), "noise_w"),
        ((np.eye(2), 1.0, np.ones(3)), "max_power_w"),
        ((np.eye(2), 1.0, 0.0), "max_power_w"),
        ((np.eye(2), 1.0, 1.0, np.inf), "bandwidth_hz"),
    ],
)
def test_bad_input_is_refused_by_name(given, field):
    with pytest.raises(tn.InputError, match=field):
        tn.Powers(*given)
