"""What must not change an answer: units of amplitudes and watts, an order, a phase, a limit that binds nobody."""

from __future__ import annotations

import numpy as np
import pytest

import trinode as tn

K, M, A, R = 3, 2, 4, 5
RNG = np.random.default_rng(5)


def _drawn(*shape: int) -> np.ndarray:
    return (RNG.normal(size=shape) + 1j * RNG.normal(size=shape)) / np.sqrt(2)


CHANNEL, TARGET, SINGLE, ECHO, CLUTTER = (
    _drawn(K, M, A),
    _drawn(1, M, A),
    _drawn(K, 7),
    _drawn(2, R, 7),
    _drawn(1, R, 7),
)
WIDE = _drawn(K, 2, 6)
NOISE, ASKED = np.array([0.3, 0.5, 0.9]), np.array([1.0, 2.0, 3.0])


def _fair(user, scale, noise, power):
    h = scale * user(SINGLE)
    return tn.problems.fair_joint(
        h, scale * ECHO, scale * CLUTTER, noise * user(NOISE), 0.4 * noise, np.full(7, power), 0.7
    )


PROBLEMS = {
    "max_min_sinr": lambda user, scale, noise, power: tn.problems.max_min_sinr(
        scale * user(CHANNEL), noise * user(NOISE), power * np.array([2.0, 3.0])
    ),
    "illumination": lambda user, scale, noise, power: tn.problems.illumination(
        scale * user(CHANNEL), scale * TARGET, noise * user(NOISE), power * np.array([2.0, 3.0]), 1.2
    ),
    "min_power": lambda user, scale, noise, power: tn.problems.min_power(
        scale * user(CHANNEL), noise * user(NOISE), user(ASKED)
    ),
    "sum_rate": lambda user, scale, noise, power: tn.problems.sum_rate(
        scale * user(WIDE), noise * user(NOISE), 5.0 * power, 2
    ),
    "fair_joint": _fair,
}
UNIT = {"illumination": lambda noise, power: noise, "min_power": lambda noise, power: power}
"""How the objective grows; 1 where it has no unit."""


@pytest.mark.parametrize("name", list(PROBLEMS))
def test_neither_units_nor_order_nor_phases_decide(name):
    def solved(scale=1.0, noise=1.0, order=(0, 1, 2), angle=(0.0, 0.0, 0.0)):
        phase = np.exp(1j * np.asarray(angle))

        def user(data):
            turned = data * phase.reshape(-1, *[1] * (data.ndim - 1)) if np.iscomplexobj(data) else data
            return turned[list(order)]

        power = noise / scale**2
        answer = tn.solve(PROBLEMS[name](user, scale, noise, power))
        unit = UNIT.get(name, lambda noise, power: 1.0)(noise, power)
        assert answer.status == "converged"
        return answer.value / unit, answer.bound / unit

    value, bound = solved()
    others = [
        solved(scale=1e3),
        solved(scale=1e-3),
        solved(noise=1e-13),
        solved(scale=1e-6, noise=1e-13),
        solved(angle=(0.3, 2.0, 4.0)),
    ]
    if name != "fair_joint":  # its starts are drawn in the users' order, and it has several optima
        others.append(solved(order=(2, 0, 1)))
    for other in others:
        assert other[0] == pytest.approx(value, rel=1e-6)
        # an interior point method is no closer to its own optimum
        assert other[1] == pytest.approx(bound, rel=1e-4)


def test_a_limit_that_binds_nobody_changes_nothing():
    air = tn.Downlink(CHANNEL, NOISE, np.array([2.0, 3.0]))
    alone = tn.solve(tn.Problem(tn.Maximize(tn.smallest(air.sinr)), []))
    beside = tn.solve(tn.Problem(tn.Maximize(tn.smallest(air.sinr)), [air.sinr >= 0.1 * alone.value]))
    assert beside.value == pytest.approx(alone.value, rel=1e-6)
    assert beside.bound == pytest.approx(alone.bound, rel=1e-4)


def test_the_unit_of_an_objective_changes_nothing_but_its_number():
    air = tn.Downlink(CHANNEL, NOISE, np.array([2.0, 3.0]))
    first = tn.solve(tn.Problem(tn.Maximize(tn.smallest(air.sinr)), []))
    for factor in (1e-6, 1e6):
        other = tn.solve(tn.Problem(tn.Maximize(factor * tn.smallest(air.sinr)), []))
        assert other.value / factor == pytest.approx(first.value, rel=1e-6)
        assert other.bound / factor == pytest.approx(first.bound, rel=1e-4)
