"""The descent for one problem at a time against the one for batches, and what its memory is good for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.numerics import curvature, descent, serial

WEIGHT = jnp.logspace(0, 3, 11)


def valley(x):
    return 0.5 * jnp.sum(WEIGHT * (x - 1) ** 2) + 0.1 * jnp.sum((x[1:] - x[:-1] ** 2) ** 4)


@pytest.fixture(scope="module")
def descend():
    return jax.jit(lambda x, memory, most: serial.lbfgs(valley, x, memory, max_evaluations=most, tolerance=1e-13))


def test_iterates_are_those_of_the_descent_for_batches(descend):
    plain = jax.jit(lambda most: descent.lbfgs(valley, jnp.zeros(11), max_evaluations=most, tolerance=1e-13))
    for most in (3, 14):  # with the memory filling up, and with old steps dropped
        found, other = descend(jnp.zeros(11), curvature.nothing(11), most), plain(most)
        np.testing.assert_allclose(found.point, other.point, rtol=1e-6)
    end = descend(jnp.zeros(11), curvature.nothing(11), 400)
    assert int(end.evaluations) < 400
    assert np.abs(jax.grad(valley)(end.point)).max() < 1e-4


def test_a_descent_goes_on_by_what_it_remembers(descend):
    whole, part = (descend(jnp.zeros(11), curvature.nothing(11), most) for most in (28, 20))
    on, afresh = (descend(part.point, memory, 8) for memory in (part.memory, curvature.nothing(11)))
    gained = [float(part.value - found.value) for found in (whole, on, afresh)]
    assert gained[1] == pytest.approx(gained[0], rel=0.2)
    assert gained[2] < 0.6 * gained[1]


def test_rounds_of_multipliers_end_at_the_constrained_optimum():
    # nearest point of the plane sum(x) <= 1 to (2, 3, 4): (2, 3, 4) - 8 / 3
    goal = jnp.array([2.0, 3.0, 4.0])

    @jax.jit
    def one(x, price, memory):
        return serial.constrained(
            lambda x: 0.5 * jnp.sum((x - goal) ** 2),
            lambda x: (jnp.sum(x) - 1)[None],
            x,
            price,
            memory,
            penalty=2.0,
            max_evaluations=50,
            tolerance=1e-14,
        )

    x, price, memory = jnp.zeros(3), jnp.zeros(1), curvature.nothing(3)
    for _ in range(12):
        end, price = one(x, price, memory)
        x, memory = end.point, end.memory
    np.testing.assert_allclose(x, goal - 8 / 3, atol=1e-6)
    np.testing.assert_allclose(price, 8 / 3, atol=1e-5)
