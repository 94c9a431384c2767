"""Random numbers that do not depend on the shape or the order in which they are drawn."""

import jax
import numpy as np

from trinode.radio import draws

KEY = jax.random.key(7)


def test_a_larger_array_contains_the_smaller():
    small = np.asarray(draws.complex_normal(KEY, "fading", (2, 3, 2)))
    large = np.asarray(draws.complex_normal(KEY, "fading", (4, 3, 5)))
    np.testing.assert_array_equal(large[:2, :3, :2], small)
    np.testing.assert_array_equal(
        np.asarray(draws.uniform(KEY, "place", (6, 2)))[:4], draws.uniform(KEY, "place", (4, 2))
    )


def test_names_and_keys_separate():
    one = np.asarray(draws.uniform(KEY, "one", (50,)))
    assert not np.any(one == np.asarray(draws.uniform(KEY, "other", (50,))))
    assert not np.any(one == np.asarray(draws.uniform(jax.random.key(8), "one", (50,))))
    assert np.unique(one).size == 50


def test_distributions():
    flat = np.asarray(draws.uniform(KEY, "flat", (4000,)))
    assert flat.min() >= 0
    assert flat.max() < 1
    assert abs(flat.mean() - 0.5) < 0.02
    bell = np.asarray(draws.complex_normal(KEY, "bell", (4000,)))
    assert abs(np.mean(np.abs(bell) ** 2) - 1) < 0.06
    assert abs(np.mean(bell)) < 0.04
    assert abs(np.mean(bell**2)) < 0.06  # circular
