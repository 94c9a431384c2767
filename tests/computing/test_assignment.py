"""Exact offloading against HiGHS and against every assignment there is."""

import itertools

import jax
import numpy as np
import pytest

from trinode.computing import assignment

EVEN = jax.jit(lambda *a: assignment.assign(*a, even=True))
UNEVEN = jax.jit(lambda *a: assignment.assign(*a, even=False))


def milp_total(cost, outside, size, capacity):
    from scipy.optimize import Bounds, LinearConstraint, milp

    k, m = cost.shape
    price = np.concatenate([cost, outside[:, None]], axis=1)
    load = [np.concatenate([np.eye(m)[j] * 1.0, [0.0]]) for j in range(m)]
    rows = np.stack([np.concatenate([size[i] * load[j] for i in range(k)]) for j in range(m)])
    found = milp(
        np.where(np.isfinite(price), price, 0.0).reshape(-1),
        constraints=[
            LinearConstraint(np.kron(np.eye(k), np.ones(m + 1)), 1, 1),
            LinearConstraint(rows, -np.inf, capacity),
        ],
        integrality=np.ones(price.size),
        bounds=Bounds(0, np.isfinite(price).reshape(-1).astype(float)),
        options={"mip_rel_gap": 0.0},
    )
    return np.inf if found.x is None else found.fun


def case(seed, uneven):
    rng = np.random.default_rng(seed)
    k, m = 7, 3
    cost, outside = rng.uniform(0.1, 1.0, (k, m)), rng.uniform(0.1, 3.0, k)
    cost[rng.uniform(size=(k, m)) < 0.15] = np.inf
    if seed % 3 == 0:
        outside[rng.uniform(size=k) < 0.4] = np.inf
    size = rng.uniform(1.0, 4.0, k) if uneven else np.full(k, 3.0)
    return cost, outside, size, rng.uniform(0.0, 11.0, m)


@pytest.mark.parametrize("uneven", [False, True])
def test_equals_an_integer_program(uneven):
    solve = UNEVEN if uneven else EVEN
    for seed in range(12):
        cost, outside, size, capacity = case(seed, uneven)
        found = solve(cost, outside, size, capacity)
        expected = milp_total(cost, outside, size, capacity)
        assert float(found.total) == pytest.approx(expected, rel=1e-9)
        if np.isfinite(expected):
            place = np.asarray(found.place)
            load = np.bincount(place, weights=size, minlength=4)[:3]
            assert np.all(load <= capacity * (1 + 1e-9))


def test_equals_brute_force():
    rng = np.random.default_rng(5)
    cost, outside, room = rng.uniform(size=(5, 2)), rng.uniform(size=5), np.array([2.0, 1.0])
    best = min(
        np.concatenate([cost, outside[:, None]], axis=1)[np.arange(5), list(way)].sum()
        for way in itertools.product(range(3), repeat=5)
        if all(way.count(j) <= room[j] for j in range(2))
    )
    place = np.asarray(assignment.transport(cost, outside, room))
    assert np.concatenate([cost, outside[:, None]], axis=1)[np.arange(5), place].sum() == pytest.approx(best, rel=1e-12)


def test_capacity_that_does_not_divide_evenly():
    """A server of 7 holds two tasks of 3; the dearest of three stays outside."""
    found = EVEN(np.array([[1.0], [1.0], [1.0]]), np.array([4.0, 2.0, 3.0]), np.full(3, 3.0), np.array([7.0]))
    np.testing.assert_array_equal(np.asarray(found.place), [0, 1, 0])
    assert float(found.total) == pytest.approx(4.0)


def test_who_fits_nowhere_makes_the_total_infinite_but_not_the_rest():
    cost = np.array([[1.0], [2.0]])
    found = EVEN(cost, np.full(2, np.inf), np.full(2, 3.0), np.array([3.0]))
    assert np.isinf(float(found.total))
    np.testing.assert_array_equal(np.asarray(found.place), [0, 1])


def test_batches_agree_with_single_ones():
    cases = [case(seed, False) for seed in range(4)]
    batch = jax.vmap(lambda *a: assignment.assign(*a, even=True).place)(*(np.stack(part) for part in zip(*cases)))
    for found, one in zip(np.asarray(batch), cases):
        np.testing.assert_array_equal(found, np.asarray(EVEN(*one).place))
