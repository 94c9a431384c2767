"""The descent on functions whose minimum is known, alone, in a batch and under constraints."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.numerics.descent import constrained, lbfgs


def rosenbrock(x):
    return jnp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


@pytest.fixture(scope="module")
def descend():
    return jax.jit(lambda x: lbfgs(rosenbrock, x, max_evaluations=400, tolerance=1e-14))


@pytest.fixture(scope="module")
def starts():
    return jnp.asarray(np.random.default_rng(0).uniform(0, 1.8, (5, 4)))


def test_rosenbrock(descend, starts):
    for start in starts:
        found = descend(start)
        np.testing.assert_allclose(found.point, 1, atol=1e-5)
        assert float(found.value) == pytest.approx(float(rosenbrock(found.point)), abs=1e-15)
        assert int(found.evaluations) < 400


def test_a_batch_is_its_parts(descend, starts):
    together = jax.jit(jax.vmap(lambda x: lbfgs(rosenbrock, x, max_evaluations=400, tolerance=1e-14)))(starts)
    for i, start in enumerate(starts):
        alone = descend(start)
        np.testing.assert_allclose(together.point[i], alone.point, atol=1e-6)
        assert float(together.value[i]) == pytest.approx(float(alone.value), abs=1e-10)


def test_ill_scaled_quadratic():
    weight = jnp.logspace(0, 4, 12)

    def bowl(x):
        return 0.5 * jnp.sum(weight * (x - 1) ** 2)

    found = lbfgs(bowl, jnp.zeros(12), max_evaluations=300, tolerance=1e-13)
    np.testing.assert_allclose(found.point, 1, atol=1e-4)


def test_goes_on_with_its_memory_as_if_never_stopped():
    weight = jnp.logspace(0, 3, 12)

    def bowl(x):
        return 0.5 * jnp.sum(weight * (x - 1) ** 2)

    whole = lbfgs(bowl, jnp.zeros(12), max_evaluations=31, tolerance=0.0)
    first = lbfgs(bowl, jnp.zeros(12), max_evaluations=16, tolerance=0.0)
    rest = lbfgs(bowl, first.point, max_evaluations=16, tolerance=0.0, memory=first.memory)  # its start once more
    forgetful = lbfgs(bowl, first.point, max_evaluations=16, tolerance=0.0)
    np.testing.assert_allclose(rest.point, whole.point, rtol=1e-9)
    assert float(rest.value) < float(forgetful.value)


def test_never_worse_than_its_start_and_counts_evaluations():
    start = jnp.array([1.5, -2.0])

    def steep(x):  # not a number far from 0
        return jnp.sum(jnp.log(4 - x**2) ** 2) + x[0]

    one = lbfgs(steep, jnp.array([1.5, -1.9]), max_evaluations=1, tolerance=0.0)
    np.testing.assert_array_equal(one.point, [1.5, -1.9])
    more = lbfgs(steep, jnp.array([1.5, -1.9]), max_evaluations=30, tolerance=1e-12)
    assert float(more.value) <= float(one.value)
    assert int(more.evaluations) <= 30
    assert np.all(np.isfinite(np.asarray(more.point)))
    assert start.shape == more.point.shape


def test_constrained_rounds_find_the_multiplier():
    """min |x - (2, 1)|^2 under x0 + x1 <= 1 and an idle x0 <= 5: x = (1, 0), price 2."""

    def objective(x):
        return jnp.sum((x - jnp.array([2.0, 1.0])) ** 2)

    def limits(x):
        return jnp.stack([x[0] + x[1] - 1, x[0] - 5])

    @jax.jit
    def one(x, price):
        return constrained(objective, limits, x, price, penalty=10.0, max_evaluations=60, tolerance=1e-14)

    x, price = jnp.zeros(2), jnp.zeros(2)
    for _ in range(12):
        found, price = one(x, price)
        x = found.point
    np.testing.assert_allclose(x, [1, 0], atol=1e-6)
    np.testing.assert_allclose(price, [2, 0], atol=1e-5)
