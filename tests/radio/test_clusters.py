"""Serving clusters against sorting by hand."""

import jax.numpy as jnp
import numpy as np

from trinode.radio import clusters

GAIN = np.array([[0.3, 0.0, 0.9, 0.3, 0.1], [0.0, 0.2, 0.0, 0.0, 0.0], [0.0] * 5, [5e-13, 4e-13, 1e-13, 6e-13, 2e-13]])


def test_the_strongest_serve():
    for size in range(7):
        found = np.asarray(clusters.strongest(jnp.asarray(GAIN), size))
        for gain, serving in zip(GAIN, found):
            heard = sorted((m for m in range(5) if gain[m] > 0), key=lambda m: (-gain[m], m))  # of equals the first
            assert set(np.flatnonzero(serving)) == set(heard[:size])


def test_links_are_the_access_points_that_serve():
    serving = np.array([[0, 1, 1, 0, 1], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1], [0, 0, 0, 1, 0]], bool)
    index, exists = map(np.asarray, clusters.links(jnp.asarray(serving), 3))
    assert index.shape == exists.shape == (4, 3)
    for k in range(4):
        of_terminal = np.flatnonzero(serving[k])[:3].tolist()
        assert index[k][exists[k]].tolist() == of_terminal
        assert len(set(index[k])) == 3  # links that do not exist end somewhere else
