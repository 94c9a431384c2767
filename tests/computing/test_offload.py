"""Exact shares against a cone program, brute force and the limit of no delay, in units of which none is 1."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode import _runtime  # noqa: F401  (double precision)
from trinode.computing import offload
from trinode.computing.offload import Curve, Work

BITS = np.array([1e6, 0.7e6, 1.3e6])
CYCLES = 900.0 * BITS
DEADLINE = np.array([0.4, 0.3, 0.5])
LOCAL = np.array([1e-28, 2e-28, 0.7e-28])
UPLOAD = BITS / np.array([2e8, 1.5e8, 5e7])
POWER = np.array([0.01, 0.02, 0.5])

split = jax.jit(offload.split)
pace = jax.jit(offload.pace)


def work(capacity, weight=0.1, own=1e9):
    lowest = offload.lowest_share(jnp.asarray(CYCLES), jnp.asarray(DEADLINE), jnp.full(3, own))
    return Work(
        jnp.asarray(CYCLES),
        jnp.asarray(DEADLINE),
        jnp.asarray(LOCAL),
        jnp.asarray(weight * 3e-28 * np.ones(3)),
        lowest,
        jnp.ones(3),
        jnp.asarray(capacity),
    )


def by_cone_program(w):
    cp = pytest.importorskip("cvxpy")
    giga = CYCLES / 1e9
    share, cube, load = cp.Variable(3), cp.Variable(3), cp.Variable(3)
    left = DEADLINE - cp.multiply(share, UPLOAD)
    limits = [share >= np.asarray(w.lowest), share <= 1, cp.sum(load) <= float(w.capacity) / 1e9]
    for k in range(3):
        limits += [cp.PowCone3D(cube[k], left[k], giga[k] * share[k], 1 / 3)]  # x^3 / y^2
        limits += [load[k] >= giga[k] / UPLOAD[k] * (DEADLINE[k] * cp.inv_pos(left[k]) - 1)]
    local = cp.multiply(1e27 * LOCAL * giga**3 / DEADLINE**2, cp.power(1 - share, 3))
    cost = cp.sum(cp.multiply(UPLOAD * POWER, share) + local + cp.multiply(1e27 * np.asarray(w.remote_weight), cube))
    problem = cp.Problem(cp.Minimize(cost), limits)
    problem.solve(solver="CLARABEL", tol_gap_abs=1e-9, tol_gap_rel=1e-9, tol_feas=1e-9)
    return problem.value, share.value


@pytest.mark.parametrize("capacity", [2e10, 4e9])
def test_split_equals_the_cone_program(capacity):
    w = work(capacity)
    ours = split(w, jnp.asarray(UPLOAD), jnp.asarray(POWER))
    value, share = by_cone_program(w)
    used = np.sum(np.asarray(w.remote_frequency(ours.share, jnp.asarray(UPLOAD))))
    assert used <= capacity * (1 + 1e-12)
    assert (float(ours.price) > 0) == (capacity < 1e10)
    assert float(jnp.sum(ours.energy)) == pytest.approx(value, rel=1e-7)
    np.testing.assert_allclose(ours.share, share, atol=2e-5)


@pytest.mark.parametrize("weight", [0.1, 1.0, 10.0])
def test_without_delay_the_share_is_the_one_of_theory(weight):
    """1 / (1 + sqrt(beta)), or what the own processor cannot do."""
    w = work(1e12, weight / 3)
    w = Work(w.cycles, w.deadline, jnp.full(3, 1e-28), w.remote_weight, w.lowest, w.highest, w.capacity)
    ours = split(w, jnp.zeros(3), jnp.zeros(3))
    expected = np.maximum(np.asarray(w.lowest), 1 / (1 + np.sqrt(weight)))
    np.testing.assert_allclose(ours.share, expected, rtol=1e-12)


def test_who_asks_least_of_the_server_is_served_first():
    w = work(3e9)
    ours = split(w, jnp.asarray(UPLOAD), jnp.asarray(POWER))
    least = np.asarray(w.remote_frequency(w.lowest, jnp.asarray(UPLOAD)))
    assert least.sum() > 3e9
    order = np.argsort(least)
    expected = np.zeros(3, bool)
    expected[order[np.cumsum(least[order]) <= 3e9]] = True
    np.testing.assert_array_equal(ours.served, expected)
    assert expected.any()


def test_a_free_server_with_no_price_takes_everything():
    w = work(1e12, weight=0.0)
    ours = split(w, jnp.asarray(UPLOAD), jnp.zeros(3))
    np.testing.assert_allclose(ours.share, 1.0, atol=1e-9)


def curve():
    nats = jnp.asarray(BITS * np.log(2) / 2e7)
    base, slope = jnp.array([1e-3, 0.0, 2e-3]), jnp.array([1e-5, 2e-6, 1e-3])
    return Curve(nats, base, slope, jnp.array([0.0, 1e-6, 1e-4]), jnp.ones(3), jnp.array([9.0, 8.0, 4.0]))


@pytest.mark.parametrize("price", [0.0, 3e-11])
def test_pace_equals_brute_force(price):
    w, c = work(1e10), curve()
    quick, ours = pace(w, c, jnp.asarray(price), 1), pace(w, c, jnp.asarray(price))
    best = np.full(3, np.inf)
    for k in range(3):
        rate = np.linspace(0.3, float(c.fastest[k]), 1500)[:, None]
        share = np.linspace(float(w.lowest[k]), 1, 1500)
        g = np.expm1(rate)
        power = float(c.base[k]) + float(c.slope[k]) * g / (1 - float(c.bend[k]) * g)
        time = share * float(c.nats[k]) / rate
        remote = np.where(time < DEADLINE[k], CYCLES[k] * share / (DEADLINE[k] - time), np.inf)
        value = power * time + LOCAL[k] * (CYCLES[k] * (1 - share)) ** 3 / DEADLINE[k] ** 2
        value = value + 3e-29 * remote**2 * CYCLES[k] * share + price * remote
        best[k] = value.min()
    total = float(ours.value) + price * 1e10
    assert total == pytest.approx(best.sum(), rel=1e-5)
    assert total <= best.sum()
    assert float(quick.value) <= float(ours.value) + 1e-12  # a hurried search still ends below
