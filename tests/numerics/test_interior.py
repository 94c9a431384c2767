"""The interior-point method against SciPy's linear programs and closed forms."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import linprog

from trinode.numerics.interior import minimize_linear

N, ROWS = 5, 4


def linear(matrix, limit, gain):
    """max gain . x under matrix x <= limit, x >= 0, from a point well inside."""

    def derivatives(x, z):
        return limit - matrix @ x, -matrix, jnp.zeros((N, N))

    start = jnp.full(N, 0.3) * limit.min() / matrix.sum(1).max()
    upper = jnp.min(limit[:, None] / matrix, axis=0)
    return minimize_linear(-gain, lambda x: limit - matrix @ x, derivatives, start, upper, tolerance=1e-9)


@pytest.fixture(scope="module")
def programs():
    rng = np.random.default_rng(3)
    return rng.uniform(0.2, 3, (6, ROWS, N)), rng.uniform(1, 4, (6, ROWS)), rng.uniform(0.1, 2, (6, N))


@pytest.fixture(scope="module")
def optima(programs):
    return jax.jit(jax.vmap(linear))(*map(jnp.asarray, programs))


def test_linear_programs_are_scipys(programs, optima):
    for i, (matrix, limit, gain) in enumerate(zip(*programs)):
        exact = linprog(-gain, A_ub=matrix, b_ub=limit).fun
        value = -gain @ np.asarray(optima.point[i])
        assert value == pytest.approx(exact, rel=1e-7)
        assert float(optima.lower[i]) <= exact * (1 - np.sign(exact) * 1e-12)
        assert float(optima.lower[i]) == pytest.approx(exact, rel=1e-7)
        assert bool(optima.converged[i])


def test_stays_strictly_inside(programs, optima):
    slack = programs[1] - np.einsum("bij,bj->bi", programs[0], np.asarray(optima.point))
    assert np.all(slack > 0)
    assert np.all(np.asarray(optima.point) > 0)


def test_prices_are_those_of_the_dual(programs, optima):
    for i, (matrix, limit, gain) in enumerate(zip(*programs)):
        dual = -linprog(-gain, A_ub=matrix, b_ub=limit).ineqlin.marginals
        np.testing.assert_allclose(optima.prices[i], dual, atol=1e-5)


def test_curved_constraint_by_hand():
    """max c . x in the unit ball is |c|; the price of the ball is |c| / 2."""
    c = jnp.array([3.0, 4.0, 12.0])

    def ball(x):
        return 1 - jnp.sum(x**2, keepdims=True)

    def derivatives(x, z):
        return ball(x), -2 * x[None], 2 * z[0] * jnp.eye(3)

    found = minimize_linear(-c, ball, derivatives, jnp.full(3, 0.2), jnp.ones(3), tolerance=1e-10)
    assert float(-c @ found.point) == pytest.approx(-13, rel=1e-8)
    assert float(found.lower) <= -13 + 1e-12
    assert float(found.lower) == pytest.approx(-13, rel=1e-8)
    assert float(found.prices[0]) == pytest.approx(6.5, rel=1e-6)


def test_a_limit_on_steps_is_kept_and_the_bound_still_holds():
    c = jnp.array([1.0, 1.0])

    def sides(x):
        return jnp.stack([1 - x[0] - 2 * x[1], 1 - 2 * x[0] - x[1]])

    def derivatives(x, z):
        return sides(x), -jnp.array([[1.0, 2.0], [2.0, 1.0]]), jnp.zeros((2, 2))

    found = minimize_linear(-c, sides, derivatives, jnp.full(2, 0.1), jnp.ones(2), max_steps=3)
    assert int(found.steps) == 3
    assert not bool(found.converged)
    assert float(found.lower) <= -2 / 3 <= float(-c @ found.point)
