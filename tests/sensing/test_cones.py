"""Least-power echo beams against a convex program, and the repair's promise."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.sensing import cones
from trinode.sensing.echo import EchoModel


def model(seed=0, k=3, r=5, t=4):
    rng = np.random.default_rng(seed)
    channel = 0.2 * (rng.normal(size=(k, k, r, t)) + 1j * rng.normal(size=(k, k, r, t)))
    channel[np.arange(k), np.arange(k)] = 0
    steering = np.exp(1j * rng.uniform(0, 6, (k, t)))
    receive = np.exp(1j * rng.uniform(0, 6, (k, r)))
    noise, power = rng.uniform(0.2, 0.5, k), rng.uniform(1.0, 3.0, k)
    return EchoModel.build(*map(jnp.asarray, (channel, rng.uniform(0.5, 1.5, k), steering, receive, noise, power)))


NEED = jnp.array([1.7, 0.0, 0.6])


def test_least_power_equals_a_cone_program():
    cp = pytest.importorskip("cvxpy")
    m = model()
    beam = np.asarray(jax.jit(cones.least_power)(m, NEED))
    np.testing.assert_allclose(np.asarray(m.sinr(jnp.asarray(beam)[:, None]))[[0, 2]], [1.7, 0.6], rtol=1e-9)
    w = [cp.Variable(4, complex=True) for _ in range(3)]
    met = []
    for i in (0, 2):
        heard = [np.linalg.cholesky(np.asarray(m.leakage)[i, j] + 1e-12 * np.eye(4)).conj().T @ w[j]
                 for j in range(3) if j != i]  # fmt: skip
        side = cp.norm(cp.hstack([cp.hstack([cp.real(x), cp.imag(x)]) for x in heard] + [np.sqrt(m.noise_w[i])]))
        echo = cp.real(np.asarray(m.steering)[i].conj() @ w[i])
        met.append(float(jnp.sqrt(m.gain[i] / NEED[i])) * echo >= side)
    best = cp.Problem(cp.Minimize(sum(cp.sum_squares(x) for x in w)), met).solve(solver=cp.CLARABEL)
    assert np.sum(np.abs(beam) ** 2) == pytest.approx(best, rel=1e-5)


def test_least_power_of_what_cannot_be_met_is_not_a_number():
    assert np.all(np.isnan(np.asarray(jax.jit(cones.least_power)(model(), NEED * 1e4))))


def test_shortfall_is_zero_where_met_exactly():
    m = model()
    beam = cones.least_power(m, NEED)
    short = np.asarray(cones.shortfall(m, NEED, beam))
    np.testing.assert_allclose(short[[0, 2]], 0.0, atol=1e-6)
    assert short[1] < 0
    assert np.asarray(cones.shortfall(m, NEED, beam, margin=0.1))[0] == pytest.approx(np.log(1.1), rel=1e-6)


def test_repair_goes_as_far_as_it_must():
    m = model()
    safe = 2 * cones.least_power(m, NEED * 1.1)
    rng = np.random.default_rng(3)
    w = jnp.asarray(rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4)))
    a = m.steering[0]
    w = w.at[0].add(-0.99 * a * (a.conj() @ w[0]) / 4)  # almost no echo of its own
    assert np.any(np.asarray(m.sinr(w[:, None])) < np.asarray(NEED))
    fixed = cones.repair(m, NEED, w, safe)
    assert np.all(np.asarray(m.sinr(fixed[:, None])) >= np.asarray(NEED))
    assert np.linalg.norm(fixed - w) < np.linalg.norm(safe) + np.linalg.norm(w)
    np.testing.assert_array_equal(np.asarray(cones.repair(m, NEED, safe, safe)), np.asarray(safe))
