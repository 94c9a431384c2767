"""Sizes that people sweep share programs: links and antennas that are added do nothing."""

import dataclasses

import equinox as eqx
import jax
import numpy as np
import pytest

import trinode as tn
from trinode import _sizes, api
from trinode.systems.declared import to_arrays
from trinode.systems.latency import system
from trinode.systems.latency.optimise import Stages
from trinode.systems.latency.scenario import cluster_size

SHAPE = {"terminals": 3, "access_points": 4, "ap_antennas": 5, "radar_antennas": 2, "bandwidth_hz": 8e6}
"""With 6 antennas of terminals and clusters of 2 that of the contract, so that both share programs."""


BY_ITSELF = eqx.filter_jit(lambda worker, s: worker.solve(s))
"""One program for schemes that differ in numbers only."""


@pytest.fixture(scope="module")
def network():
    return tn.draw("latency", seed=3, serving=2, terminal_antennas=6, **SHAPE)


@pytest.mark.parametrize(("scheme", "closeness"), [("joint", 1e-4), ("mec", 1e-4), ("alternating", 2e-3)])
def test_added_links_and_antennas_change_nothing(network, scheme, closeness):
    """A scheme by itself, on the network as it is, against the same through the interface.

    Descents go on beyond their own stop, a gain of 2e-4: which round meets it depends on rounding.
    """
    assert network.cluster_size == 3
    exact = dataclasses.replace(network, cluster_size=2)
    chosen = system.scheme(scheme)
    if scheme != "alternating":
        chosen = dataclasses.replace(chosen, stages=Stages(rounds=60, tolerance=1e-7))
    alone = chosen.of_worker(BY_ITSELF(chosen.worker(), exact))
    wide = tn.solve(network, chosen)
    assert wide.precoder.shape == alone.precoder.shape == (3, 4, 6)
    assert wide.sensing_precoder.shape == (3, 6)
    one, other = (tn.evaluate(network, each, bound=False) for each in (wide, alone))
    assert bool(one.feasible)
    assert float(one.objective) == pytest.approx(float(other.objective), rel=closeness)


def test_bounds_and_starts_go_through_the_same_sizes(network):
    first = tn.solve(network)
    report = tn.evaluate(network, tn.solve(network, start=first))
    direct = jax.jit(system.bound)(dataclasses.replace(network, cluster_size=2))
    assert float(report.bound) == pytest.approx(float(direct), rel=1e-6)
    assert float(report.objective) <= float(tn.evaluate(network, first).objective) * (1 + 1e-9)
    batch = tn.stack([network, network])
    twice = tn.solve_batch(batch, "joint")
    assert twice.precoder.shape == (2, 3, 4, 6)
    np.testing.assert_array_equal(np.asarray(twice.precoder[1]), np.asarray(first.precoder))


def test_bounds_hold_for_clusters_that_have_grown(network):
    """Whatever made them: the static field is derived anew."""
    first = tn.solve(network)
    everyone = dataclasses.replace(network, serving=np.ones((3, 4), bool))
    fresh = system.scenario_from(to_arrays(everyone, system.scenario_schema))
    bounds = [float(api.bound(one)) for one in (everyone, fresh)]
    assert bounds[0] == bounds[1] < float(tn.evaluate(everyone, first, bound=False).objective)


def test_inside_a_transformation_sizes_are_rounded_too(network):
    direct = jax.jit(lambda s: tn.solve(s, "local"))(network)
    np.testing.assert_allclose(direct.sensing_precoder, tn.solve(network, "local").sensing_precoder, rtol=1e-9)


def test_what_is_said_to_share_a_program_does():
    """Parameters have equal ``sizes`` exactly where schemes see arrays of the same shapes."""

    def seen(**params):
        values = api.parameters(system, params)
        drawn = jax.eval_shape(system.draw, values, jax.random.key(0))
        blank = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), drawn)
        wide = _sizes.rounded(system, blank)
        shapes = tuple(np.shape(leaf) for leaf in jax.tree.leaves(wide))
        return system.schedule.sizes(system.Params(**params)), (shapes, wide.cluster_size)

    several = [{}, {"serving": 1}, {"serving": 4}, {"terminal_antennas": 3}, {"terminal_antennas": 9}]
    several += [{"terminal_antennas": 16, "serving": 2}, {"terminals": 5}, {"access_points": 4, "serving": 4}]
    said, shapes = zip(*(seen(**SHAPE, **more) if not set(more) & set(SHAPE) else seen(**more) for more in several))
    for i in range(len(several)):
        for j in range(i):
            assert (said[i] == said[j]) == (shapes[i] == shapes[j]), (several[i], several[j])


@pytest.mark.parametrize(("serving", "access_points", "links"), [(1, 6, 3), (3, 6, 3), (4, 6, 6), (4, 5, 5), (2, 2, 2)])
def test_clusters_are_rounded_up_to_what_there_is(serving, access_points, links):
    assert cluster_size(serving, access_points) == links
