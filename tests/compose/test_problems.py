"""The ready problems against oracles that share no code with them."""

import numpy as np
import pytest

import trinode as tn
from trinode.experiments.bench.problem_twins import MaxMin, brightest, gaussian, least_power, wmmse

NOISE = 3e-13


def network(seed, users, points, antennas, scale=2e-6):
    rng = np.random.default_rng(seed)
    gain = 10 ** rng.uniform(-0.7, 0.7, size=(users, points, 1))
    return scale * gain * gaussian(rng, users, points, antennas)


@pytest.fixture(scope="module")
def many():
    return [network(seed, 4, 3, 2) for seed in range(6)]


@pytest.mark.parametrize("per_point", [True, False])
def test_the_worst_user_is_served_as_by_cones_and_bisection(many, per_point):
    power = np.array([0.2, 0.1, 0.3]) if per_point else 0.5
    oracle = MaxMin(4, 3, 2, per_point)
    answers = tn.solve_batch(tn.stack([tn.problems.max_min_sinr(h, NOISE, power) for h in many]))
    for h, answer in zip(many, answers):
        best = oracle(h, NOISE, power)
        assert answer.status == "converged"
        assert best * (1 - 1e-5) < answer.value < best * (1 + 1e-6)
        assert answer.value <= answer.bound <= answer.value * (1 + 1e-3)
        spent = np.sum(np.abs(answer["precoder"]) ** 2, axis=(1, 2))
        assert np.all(spent <= power * (1 + 1e-9)) if per_point else spent.sum() <= power * (1 + 1e-9)


def test_alone_it_is_decided_as_among_others(many):
    power = np.array([0.2, 0.1, 0.3])
    problems = [tn.problems.max_min_sinr(h, NOISE, power) for h in many]
    together = tn.solve_batch(tn.stack(problems))
    assert tn.solve(problems[2]).value == pytest.approx(together[2].value, rel=1e-6)


def test_least_power_is_that_of_the_dual_fixed_point(many):
    asked = np.array([3.0, 1.0, 2.0, 5.0])
    for h in many[:3]:
        answer = tn.solve(tn.problems.min_power(h, NOISE, asked))
        least = least_power(h, NOISE, asked)
        assert answer.value == pytest.approx(least, rel=1e-5)
        assert answer.bound <= least * (1 + 1e-7)
        assert answer.gap < 1e-4


def test_a_user_who_asks_for_nothing_costs_nothing_and_keeps_the_bound(many):
    answer = tn.solve(tn.problems.min_power(many[0], NOISE, np.array([3.0, 1.0, 0.0, 5.0])))
    least = least_power(many[0][[0, 1, 3]], NOISE, np.array([3.0, 1.0, 5.0]))
    assert answer.value == pytest.approx(least, rel=1e-5)
    assert least * (1 - 1e-4) < answer.bound <= least * (1 + 1e-7)


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate")  # of the oracle, to five digits
@pytest.mark.parametrize("targets", [1, 3])
def test_illumination_is_that_of_the_semidefinite_relaxation(targets):
    rng = np.random.default_rng(targets)
    h, power = network(7, 3, 2, 4), np.array([0.3, 0.2])
    target = 1e-5 * np.exp(1j * np.pi * np.arange(4) * np.sin(rng.uniform(-1, 1, size=(targets, 2, 1))))
    answer = tn.solve(tn.problems.illumination(h, target, NOISE, power, 4.0))
    best, _ = brightest(h, target, NOISE, power, 4.0)
    assert best * (1 - 1e-3) < answer.value < best * (1 + 1e-6)
    assert answer.value <= answer.bound * (1 + 1e-9)
    assert answer.bound == pytest.approx(best, rel=1e-3)
    assert answer["sinr"].min() > 4.0 * (1 - 1e-6)


def test_the_sum_rate_is_at_least_that_of_wmmse():
    rng = np.random.default_rng(3)
    channels = gaussian(rng, 5, 3, 2, 5)
    answers = tn.solve_batch(tn.stack([tn.problems.sum_rate(h, 1.0, 10.0, 2) for h in channels]))
    for h, answer in zip(channels, answers):
        best = max([wmmse(h, 1.0, 10.0, 2), *(wmmse(h, 1.0, 10.0, 2, gaussian(rng, 3, 2, 5)) for _ in range(2))])
        assert answer.value > best * (1 - 5e-3)
        assert answer.value <= answer.bound


def test_one_user_alone_gets_its_water_filling():
    rng = np.random.default_rng(4)
    h = gaussian(rng, 1, 2, 3)
    strength = np.linalg.svd(h[0], compute_uv=False) ** 2 / 0.5
    levels = [(2.0 + np.sum(1 / strength[:n])) / n for n in (1, 2)]
    level = levels[1] if levels[1] > 1 / strength[1] else levels[0]
    best = np.sum(np.log2(np.maximum(level * strength, 1.0)))
    answer = tn.solve(tn.problems.sum_rate(h, 0.5, 2.0, 2))
    assert answer.value == pytest.approx(best, rel=1e-5)


def joint(w, h, target, clutter, noise, echo_noise, weight):
    """The objective of users and echoes, from its formulas."""
    gain = np.abs(h @ w) ** 2
    sinr = np.diag(gain) / (noise + gain.sum(axis=1) - np.diag(gain))
    scnr = []
    for q, own in enumerate(target):
        rest = echo_noise * np.eye(len(own), dtype=complex)
        for other in [*np.delete(target, q, axis=0), *clutter]:
            rest += other @ w @ w.conj().T @ other.conj().T
        scnr.append(np.linalg.eigvals(np.linalg.solve(rest, own @ w @ w.conj().T @ own.conj().T)).real.max())
    return np.log1p(sinr.min()) + weight * np.log1p(min(scnr))


def test_users_and_echoes_are_at_an_optimum_of_their_formulas():
    rng = np.random.default_rng(5)
    h, target, clutter = gaussian(rng, 3, 5), gaussian(rng, 2, 4, 5), gaussian(rng, 1, 4, 5)
    answer = tn.solve(tn.problems.fair_joint(h, target, clutter, 0.1, 0.2, 0.3, 0.7))
    w = answer["precoder"].T
    assert w.shape == (5, 3)
    assert np.all(np.sum(np.abs(w) ** 2, axis=1) <= 0.3 * (1 + 1e-9))
    assert answer.value == pytest.approx(joint(w, h, target, clutter, 0.1, 0.2, 0.7), rel=1e-9)
    assert answer.value <= answer.bound
    # no small change of the beams that keeps the limits is better
    for _ in range(20):
        other = w + 1e-3 * gaussian(rng, 5, 3)
        other *= np.minimum(1, np.sqrt(0.3 / np.sum(np.abs(other) ** 2, axis=1)))[:, None]
        assert joint(other, h, target, clutter, 0.1, 0.2, 0.7) < answer.value * (1 + 1e-7)
