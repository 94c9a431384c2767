"""Beampatterns against their definitions: sums over antennas, and the error (20) at the scale of least squares."""

import jax.numpy as jnp
import numpy as np
import pytest

from trinode.sensing import beampattern

A, SPACING = 4, 0.45
DIRECTIONS = np.deg2rad(np.linspace(-80, 85, 13))
RNG = np.random.default_rng(6)


def phasor(angle, n, spacing=SPACING):
    return np.exp(2j * np.pi * spacing * n * np.sin(angle))


def covariances(*batch):
    root = RNG.normal(size=(*batch, A, A)) + 1j * RNG.normal(size=(*batch, A, A))
    return root @ root.conj().swapaxes(-1, -2)


def test_steering_turns_from_antenna_to_antenna():
    angles = DIRECTIONS.reshape(1, 13)
    found = np.asarray(beampattern.steering(jnp.asarray(angles), A, SPACING))
    assert found.shape == (1, 13, A)
    for d, angle in enumerate(DIRECTIONS):
        np.testing.assert_allclose(found[0, d], [phasor(angle, n) for n in range(A)], rtol=1e-12)


def test_pattern_is_the_power_of_the_field():
    q = covariances(2)
    found = np.asarray(beampattern.pattern(jnp.asarray(q), jnp.asarray(DIRECTIONS), SPACING))
    for one, values in zip(q, found):
        for angle, value in zip(DIRECTIONS, values):
            field = sum(
                phasor(angle, n).conj() * one[n, m] * phasor(angle, m) for n in range(A) for m in range(A)
            )  # E |conj(a) . x|^2
            assert value == pytest.approx(field.real, rel=1e-11)
            assert abs(field.imag) < 1e-11 * field.real


def test_a_beam_along_the_steering_vector_reaches_its_direction_with_all_antennas():
    a = np.array([phasor(DIRECTIONS[9], n) for n in range(A)])
    values = np.asarray(beampattern.pattern(jnp.asarray(np.outer(a, a.conj())), jnp.asarray(DIRECTIONS), SPACING))
    assert values[9] == pytest.approx(A**2)
    assert np.argmax(values) == 9
    white = np.asarray(beampattern.pattern(jnp.eye(A) + 0j, jnp.asarray(DIRECTIONS), SPACING))
    np.testing.assert_allclose(white, A)


def test_the_ideal_pattern_is_one_around_targets_that_are_there():
    angles, targets = np.deg2rad(np.arange(-60.0, 61, 10)), np.deg2rad([-40.0, np.nan, 20.0])
    found = np.asarray(beampattern.ideal(jnp.asarray(angles), jnp.asarray(targets), np.deg2rad(20.0)))
    # half the width to either side, both ends within
    np.testing.assert_array_equal(np.flatnonzero(found), [1, 2, 3, 7, 8, 9])
    assert set(found) == {0.0, 1.0}
    assert not np.any(beampattern.ideal(jnp.asarray(angles), jnp.full(2, jnp.nan), 1.0))


def test_coordinates_say_all_of_a_pattern():
    q = covariances()
    sampled = np.asarray(beampattern.sampled(jnp.asarray(DIRECTIONS), A, SPACING))
    assert sampled.shape == (13, 2 * A - 1)
    expected = np.asarray(beampattern.pattern(jnp.asarray(q), jnp.asarray(DIRECTIONS), SPACING))
    np.testing.assert_allclose(sampled @ np.asarray(beampattern.coordinates(jnp.asarray(q))), expected, rtol=1e-11)


def test_the_best_scale_is_that_of_least_squares():
    wanted = np.array([np.arange(13) % 3 == 0, np.zeros(13)], float)
    values = RNG.uniform(0.1, 4, (2, 13))
    found = np.asarray(beampattern.best_scale(jnp.asarray(wanted), jnp.asarray(values)))
    assert found[0] == pytest.approx(np.linalg.lstsq(wanted[0][:, None], values[0])[0][0])
    assert found[1] == 0


@pytest.mark.parametrize("size", [5, 13], ids=["fewer directions than coordinates", "more"])
@pytest.mark.parametrize("asked", [True, False])
def test_the_factor_gives_the_error_at_the_best_scale(size, asked):
    angles = DIRECTIONS[:size]
    wanted = np.arange(size) % 4 == 1 if asked else np.zeros(size)
    f = np.asarray(beampattern.error_factor(jnp.asarray(angles), jnp.asarray(wanted, float), A, SPACING))
    assert f.shape == (min(size, 2 * A - 1), 2 * A - 1)
    for q in covariances(3):
        values = np.asarray(beampattern.pattern(jnp.asarray(q), jnp.asarray(angles), SPACING))
        scale = np.linalg.lstsq(wanted[:, None] * 1.0, values)[0][0]
        error = np.mean((values - scale * wanted) ** 2)
        assert np.sum((f @ np.asarray(beampattern.coordinates(jnp.asarray(q)))) ** 2) == pytest.approx(error, rel=1e-9)
