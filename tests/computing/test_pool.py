"""Shared pools against a general solver of nonlinear programs, with all that a pool can have at once."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.optimize import minimize

from trinode.computing import pool

K, S, POOLS = 3, 2, 4
RNG = np.random.default_rng(12)
POOL = pool.Pool(
    index=jnp.array([[0, 1], [1, 3], [0, 2]]),
    usable=jnp.array([[True, True], [True, True], [True, False]]),
    upload=jnp.asarray(RNG.uniform(2e-3, 6e-3, (K, S))),
    cost=jnp.asarray(RNG.uniform(1e-3, 3e-3, (K, S))),
    cubic=jnp.asarray(RNG.uniform(0.0, 4.0, (K, S))).at[1, 0].set(0.0),
    serial=jnp.asarray([1e-3, 0.0, 2e-3]),
    snr=jnp.asarray(10 ** RNG.uniform(0, 2, (K, S))),
    delay=jnp.asarray(RNG.uniform(0.0, 1e-3, (K, S))),
    pools=POOLS,
)


@pytest.fixture(scope="module")
def best():
    return pool.solve(POOL)


def times(share, power, serial):
    """Of each terminal, as the program is written."""
    upload, cost, snr, delay = (np.asarray(getattr(POOL, name)) for name in ("upload", "cost", "snr", "delay"))
    each = upload / np.log1p(snr * power) + delay + cost / share
    parallel = 1 / np.sum(np.where(POOL.usable, 1 / each, 0.0), axis=1)
    return parallel + np.asarray(POOL.serial) / serial


def spare(share, power, serial):
    """What is left of each pool, of its power, of each terminal's power and of the common resource."""
    share, power = (np.where(POOL.usable, each, 0.0) for each in (share, power))
    left = [1 - np.bincount(np.ravel(POOL.index), np.ravel(used), POOLS) for used in (share, POOL.cubic * share**3)]
    return np.concatenate([*left, 1 - power.sum(axis=1), [1 - np.sum(np.where(POOL.serial > 0, serial, 0.0))]])


def test_the_least_latency_is_that_of_a_general_solver(best):
    def parts(x):
        return x[:6].reshape(K, S), x[6:12].reshape(K, S), x[12:15]

    found = minimize(
        lambda x: x[15],
        np.r_[np.full(12, 0.3), np.full(3, 0.3), 0.5],
        method="SLSQP",
        bounds=[(1e-6, 1)] * 15 + [(0, None)],
        constraints=[
            {"type": "ineq", "fun": lambda x: x[15] - 50 * times(*parts(x))},
            {"type": "ineq", "fun": lambda x: spare(*parts(x))},
        ],
        options={"ftol": 1e-13, "maxiter": 500},
    )
    assert found.success
    assert float(best.latency) == pytest.approx(found.fun / 50, rel=1e-6)
    assert found.fun / 50 * (1 - 1e-6) <= float(best.lower) <= float(best.latency)


def test_the_decision_is_one_and_takes_that_long(best):
    share, power, serial = (np.asarray(each) for each in (best.share, best.power, best.serial_share))
    used = np.asarray(POOL.usable)
    assert np.all(share[~used] == 0)
    assert np.all(spare(share, power, serial) >= -1e-12)
    safe = (np.where(used, each, 1.0) for each in (share, power))
    own = times(*safe, np.where(serial > 0, serial, 1.0))
    assert own.max() == pytest.approx(float(best.latency), rel=1e-9)
    np.testing.assert_allclose(pool.latencies(POOL, best.share, best.power, best.serial_share), own, rtol=1e-9)


def test_times_in_another_unit_change_nothing_else(best):
    names = ("upload", "cost", "serial", "delay")
    slow = dataclasses.replace(POOL, **{name: 2.0**20 * getattr(POOL, name) for name in names})
    found = pool.solve(slow)
    assert float(found.latency) == pytest.approx(2.0**20 * float(best.latency), rel=1e-12)
    np.testing.assert_allclose(found.share, best.share, rtol=1e-9)
