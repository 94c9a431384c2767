"""Illuminating several targets: closed forms, and the semidefinite program itself."""

import cvxpy as cp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.sensing import illumination

ANTENNAS = 5
even = jax.jit(illumination.even)


def steering(phases):
    return np.exp(1j * np.asarray(phases)[:, None] * np.arange(ANTENNAS))


def test_orthogonal_targets_share_the_power():
    a = steering(2 * np.pi * np.array([0, 1, 3]) / ANTENNAS)
    worth = np.array([3.0, 0.02, 40.0])
    for wanted in ([True, True, True], [True, False, True], [False, True, False]):
        found = even(a, worth, np.array(wanted))
        value = ANTENNAS / np.sum(1 / worth[wanted])
        assert float(found.value) == pytest.approx(value, rel=1e-6)
        assert value <= float(found.upper) * (1 + 1e-12) <= value * (1 + 1e-6)
        assert np.trace(found.covariance).real == pytest.approx(1)


def test_targets_in_one_place_are_one():
    found = even(steering([0.7, 0.7, 0.7]), np.array([2.0, 5.0, 9.0]), np.ones(3, bool))
    assert float(found.value) == pytest.approx(2 * ANTENNAS, rel=1e-6)


def test_nobody_to_illuminate():
    found = even(steering([0.1, 0.2, 0.3]), np.ones(3), np.zeros(3, bool))
    assert float(found.value) == float(found.upper) == np.inf
    np.testing.assert_allclose(found.covariance, np.eye(ANTENNAS) / ANTENNAS)


def test_it_is_the_semidefinite_program():
    a, worth = steering([-1.1, 0.3, 0.9]), np.array([1.0, 3.0, 0.4])
    q, t = cp.Variable((ANTENNAS, ANTENNAS), hermitian=True), cp.Variable()
    reached = [w * cp.real(row.conj() @ q @ row) >= t for w, row in zip(worth, a)]
    cp.Problem(cp.Maximize(t), [q >> 0, cp.real(cp.trace(q)) <= 1, *reached]).solve(solver="CLARABEL")
    found = even(jnp.asarray(a), worth, np.ones(3, bool))
    assert float(found.value) == pytest.approx(t.value, rel=1e-6)
    assert np.linalg.eigvalsh(found.covariance)[0] >= -1e-12
