"""Rates with eliminated receivers: against the best linear ones, and their gradient against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.numerics.matrices import hermitian_inverse
from trinode.radio.streams import Uplink


@jax.jit
def rates(uplink, beams):
    return uplink.rates(beams)


def noise(rng, shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


@pytest.fixture(scope="module", params=[3, 7], ids=["more streams than antennas", "fewer"])
def small(request):
    rng = np.random.default_rng(5)
    channel = jnp.asarray(noise(rng, (2, 2, request.param, 2)))
    target = jnp.array([[0, 1, 0], [1, 0, 0]])
    useful = jnp.array([[True, True, False], [True, True, False]])
    return Uplink(channel, target, useful), jnp.asarray(0.6 * noise(rng, (2, 3, 2))), rng


def test_rates_are_those_of_the_best_linear_receivers(small):
    """ln(1 + h^H C^-1 h), with C of the noise and of every other stream."""
    uplink, beams, _ = small
    channel, w = np.asarray(uplink.channel), np.asarray(beams)
    found = np.asarray(rates(uplink, beams))
    for k, s in np.ndindex(2, 3):
        at = int(uplink.target[k, s])
        heard = {(j, r): channel[j, at] @ w[j, r] for j, r in np.ndindex(2, 3)}
        own = heard.pop((k, s))
        covariance = np.eye(len(own)) + sum(np.outer(h, h.conj()) for h in heard.values())
        rate = np.log1p((own.conj() @ np.linalg.solve(covariance, own)).real)
        assert found[k, s] == pytest.approx(rate if uplink.useful[k, s] else 0.0, rel=1e-9)


def test_gradient_is_the_finite_difference(small):
    uplink, beams, rng = small
    weight = jnp.asarray(rng.uniform(0.5, 2, (2, 3)))
    value = jax.jit(lambda w: jnp.sum(weight * uplink.rates(w) ** 1.5))
    slope = jax.jit(jax.grad(value))(beams)
    for _ in range(6):
        way = jnp.asarray(noise(rng, beams.shape))
        step = 1e-6
        measured = float(value(beams + step * way) - value(beams - step * way)) / (2 * step)
        assert float(jnp.sum(slope * way).real) == pytest.approx(measured, rel=1e-6, abs=1e-8)


def test_lone_stream_by_hand():
    """ln(1 + |h w|^2) without anybody else."""
    channel = jnp.array([[[[3.0 + 0j], [4.0j]]]])
    uplink = Uplink(channel, jnp.array([[0]]), jnp.array([[True]]))
    assert float(rates(uplink, jnp.array([[[0.2 + 0j]]]))[0, 0]) == pytest.approx(np.log(2))


def test_silence_is_a_rate_of_zero_with_a_finite_gradient(small):
    uplink, beams, _ = small
    mute = beams.at[0].set(0.0)
    assert np.all(np.asarray(rates(uplink, mute))[0] == 0)
    assert np.all(np.isfinite(np.asarray(jax.jit(jax.grad(lambda w: jnp.sum(uplink.rates(w))))(mute))))


def test_others_only_hurt(small):
    uplink, beams, _ = small
    alone = np.asarray(rates(uplink, beams.at[1].set(0.0)))[0]
    assert np.all(np.asarray(rates(uplink, beams))[0] <= alone + 1e-12)


def test_small_inverse():
    rng = np.random.default_rng(2)
    root = noise(rng, (7, 5, 5))
    matrix = root @ root.conj().swapaxes(-1, -2) + np.eye(5)
    np.testing.assert_allclose(jax.jit(hermitian_inverse)(matrix), np.linalg.inv(matrix), atol=1e-10)
