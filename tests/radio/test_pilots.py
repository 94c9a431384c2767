"""Pilot allocation against brute force over all partitions, and against what Algorithm 1 says in words."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.errors import InputError
from trinode.radio import pilots

clustering = jax.jit(pilots.clustering, static_argnums=1)
spread = jax.jit(pilots.spread, static_argnums=1)


def distances(count, seed):
    place = np.random.default_rng(seed).uniform(size=(count, 2)) * 700
    return np.linalg.norm(place[:, None] - place[None], axis=-1)


def nearest(distance, label):
    """Smallest distance between two that share a pilot; infinite where none do."""
    other = (label[:, None] == label[None]) & ~np.eye(len(label), dtype=bool)
    return distance[other].min(initial=np.inf)


def largest(distance, used):
    """The largest that smallest distance can be, over every partition."""
    every = (p for p in itertools.product(range(used), repeat=len(distance)) if len(set(p)) == used)
    return max(nearest(distance, np.asarray(p)) for p in every)


def in_words(distance, count):
    clusters = [{k} for k in range(len(distance))]
    while len(clusters) > count:
        i, j = max(
            itertools.combinations(range(len(clusters)), 2),
            key=lambda pair: min(distance[a, b] for a in clusters[pair[0]] for b in clusters[pair[1]]),
        )
        clusters[i] |= clusters.pop(j)
    return {frozenset(c) for c in clusters}


@pytest.mark.parametrize(("count", "used"), [(7, 3), (6, 5), (5, 1), (4, 4)])
def test_clustering_is_algorithm_1(count, used):
    for seed in range(5):
        distance = distances(count, seed)
        label = np.asarray(clustering(distance, used))
        assert {frozenset(np.flatnonzero(label == c).tolist()) for c in range(used)} == in_words(distance, used)


def test_spread_lowers_the_crowding_and_is_near_the_best_partition():
    def crowding(distance, label):
        same = (label[:, None] == label[None]) & ~np.eye(len(label), dtype=bool)
        return np.sum(distance[same] ** -8.0)

    ratio = []
    for seed in range(12):
        distance = distances(7, seed)
        one, other = np.asarray(clustering(distance, 3)), np.asarray(spread(distance, 3))
        assert set(other.tolist()) == set(range(3))
        assert crowding(distance, other) <= crowding(distance, one) * (1 + 1e-12)
        ratio.append(nearest(distance, other) / largest(distance, 3))
    assert max(ratio) <= 1 + 1e-12
    assert np.median(ratio) > 0.97


@pytest.mark.parametrize("used", [0, 5])
def test_pilots_that_cannot_be(used):
    with pytest.raises(InputError, match="pilots"):
        pilots.clustering(jnp.asarray(distances(4, 0)), used)


@pytest.mark.parametrize("rule", [pilots.clustering, pilots.spread])
def test_the_number_of_pilots_may_be_traced(rule):
    traced, known = jax.jit(rule), jax.jit(rule, static_argnums=1)
    for used in (1, 3, 7):
        np.testing.assert_array_equal(traced(distances(7, 4), used), known(distances(7, 4), used))
