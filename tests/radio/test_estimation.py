"""Propositions 1 to 3 against simulated channels, at reflections strong enough for errors in them to show."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.radio import estimation
from trinode.sensing import beampattern

M, K, T, A, P = 2, 4, 3, 5, 2
LABEL = jnp.asarray([0, 1, 0, 1])
ENERGY = jnp.asarray(700.0)
DRAWS = 40000

covariance_of, estimator_of = jax.jit(estimation.channel_covariance), jax.jit(estimation.estimator)


def setting():
    """Units in which direct and reflected links are comparable, as with alpha = 1e6 at the distances of Table I."""
    rng = np.random.default_rng(3)
    mean = rng.uniform(0.2, 0.5, (K, T))
    deviation = rng.uniform(0.05, 0.15, (K, T))
    s = estimation.Statistics(
        direct=jnp.asarray(rng.uniform(0.02, 0.3, (M, K))),
        terminal_target=jnp.asarray(mean**2 + deviation**2),
        target_mean=jnp.asarray(rng.uniform(0.3, 0.8, (M, T))),
        target_variance=jnp.asarray(rng.uniform(0.01, 0.09, (M, T))),
        steering=beampattern.steering(jnp.asarray(rng.uniform(-1.4, 1.4, (M, T))), A, 0.45),
        steering_variance=jnp.asarray(rng.uniform(0.05, 0.3, (M, T))),
        reflection=jnp.asarray([0.8, 1.1, 0.5]),
    )
    return s, jnp.asarray(mean), jnp.asarray(deviation)


@pytest.fixture(scope="module")
def simulated():
    s, mean, deviation = setting()
    covariance = covariance_of(s)
    known = estimator_of(covariance, LABEL, ENERGY)

    def normal(key, shape):
        one, two = jax.random.normal(key, (2, *shape))
        return jax.lax.complex(one, two) / jnp.sqrt(2.0)

    def one(key):
        k = jax.random.split(key, 6)
        f = estimation.Fading(
            normal(k[0], (M, K, A)),
            normal(k[1], (K, T)),
            jax.random.normal(k[2], (M, T)),
            jax.random.normal(k[3], (K, T)),
            normal(k[4], (M, T, A)),
        )
        h = estimation.channel(s, f, mean, deviation)
        return h, estimation.estimate(known, h, LABEL, ENERGY, normal(k[5], (M, P, A)))

    h, guess = jax.jit(jax.vmap(one))(jax.random.split(jax.random.key(1), DRAWS))
    return covariance, known, np.asarray(h), np.asarray(guess)


def moment(x, y):
    """E[x_mk y_nj^H] for all m, n, k, j: (M, M, K, K, A, A)."""
    a = x.reshape(DRAWS, -1)
    b = y.reshape(DRAWS, -1)
    return (a.T @ b.conj() / DRAWS).reshape(M, K, A, M, K, A).transpose(0, 3, 1, 4, 2, 5)


def close(found, wanted):
    """Within the noise of the simulation, relative to the diagonal blocks' size."""
    scale = np.linalg.norm(wanted[0, 0], axis=(-2, -1)).max()
    assert np.abs(found - wanted).max() < 0.03 * scale


def test_proposition_1(simulated):
    covariance, _, h, _ = simulated
    found = moment(h, h)
    same = np.einsum("mnkkab->mnkab", found)
    close(same, np.asarray(covariance))
    assert np.abs(np.asarray(covariance)[0, 1]).max() > 0.1 * np.abs(np.asarray(covariance)[0, 0]).max()
    for k in range(K):
        for j in set(range(K)) - {k}:
            assert np.abs(found[:, :, k, j]).max() < 0.03 * np.abs(same).max()


def test_proposition_2(simulated):
    _, known, _, guess = simulated
    assert np.abs(guess.mean(axis=0)).max() < 0.02
    found = np.einsum("mmkkab->mkab", moment(guess, guess))
    close(found[None], np.asarray(known.estimate_covariance)[None])


def test_proposition_3(simulated):
    _, known, h, guess = simulated
    error = h - guess
    assert np.abs(error.mean(axis=0)).max() < 0.02
    theta = np.asarray(known.error_covariance)
    close(np.einsum("mnkkab->mnkab", moment(error, error)), theta)
    # the blocks between access points are not small here: their terms are tested as well
    assert np.abs(theta[0, 1]).max() > 0.05 * np.abs(theta[0, 0]).max()
    # local estimates and local errors do not correlate
    own = np.einsum("mmkkab->mkab", moment(error, guess))
    assert np.abs(own).max() < 0.03 * np.abs(theta[0, 0]).max()


def test_errors_stacked_over_access_points_have_no_negative_power(simulated):
    theta = np.moveaxis(np.asarray(simulated[1].error_covariance), 2, 0)
    for whole in theta.transpose(0, 1, 3, 2, 4).reshape(K, M * A, M * A):
        np.testing.assert_allclose(whole, whole.conj().T, atol=1e-12)
        assert np.linalg.eigvalsh(whole)[0] > -1e-12


def test_errors_of_channels_far_above_the_noise_have_a_covariance():
    """Pilots 1e14 above the noise: what (12) subtracts cancels to 1e-10 of it, and the covariance stays one."""
    covariance = 1e10 * covariance_of(setting()[0])
    error = np.asarray(estimator_of(covariance, jnp.arange(K), ENERGY).error_covariance)
    whole = error.transpose(2, 0, 3, 1, 4).reshape(K, M * A, M * A)
    np.testing.assert_array_equal(whole, whole.conj().swapaxes(1, 2))
    # with a pilot of one's own the noise is all that is left, whatever the channel
    np.testing.assert_allclose(whole, np.tile(np.eye(M * A) / ENERGY, (K, 1, 1)), atol=1e-9 / float(ENERGY))
