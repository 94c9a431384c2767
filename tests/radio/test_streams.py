"""Rates with eliminated receivers: against the model's, and their gradient against finite differences."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.numerics.matrices import hermitian_inverse
from trinode.radio.streams import Uplink
from trinode.systems.latency import model
from trinode.systems.latency.params import LatencyParams
from trinode.systems.latency.scenario import draw
from trinode.systems.latency.tiers import tiers

SHAPE = LatencyParams(terminals=3, access_points=4, ap_antennas=3, terminal_antennas=2, radar_antennas=2, serving=2)


def noise(rng, shape):
    return rng.standard_normal(shape) + 1j * rng.standard_normal(shape)


@pytest.fixture(scope="module")
def network():
    scenario = draw(SHAPE, jax.random.key(1))
    return scenario, tiers(scenario)


def test_rates_are_the_models(network):
    scenario, t = network
    rng = np.random.default_rng(0)
    links, linked = t.index.shape[1], np.asarray(t.linked)
    assert (links, linked.sum(1).tolist()) == (3, [2, 2, 2])  # one of three links is there for the shape only
    beams = jnp.asarray(0.15 * noise(rng, (3, links + 1, 2))).at[:, :links].multiply(t.linked[..., None])
    wide = jnp.zeros((3, 4, 2), complex).at[jnp.arange(3)[:, None], t.index].add(beams[:, :links])
    expected = np.asarray(model.link_rates(scenario, wide, beams[:, links]))
    found = np.asarray(t.uplink.rates(beams)) * float(scenario.bandwidth_hz) / np.log(2)
    at_links = np.take_along_axis(expected, np.asarray(t.index), 1)
    np.testing.assert_allclose(found[:, :links][linked], at_links[linked], rtol=1e-9)
    np.testing.assert_array_equal(found[:, :links][~linked], 0)
    np.testing.assert_array_equal(found[:, links], 0)  # the radar's stream carries no data


@pytest.fixture(scope="module", params=[3, 7], ids=["more streams than antennas", "fewer"])
def small(request):
    rng = np.random.default_rng(5)
    channel = jnp.asarray(noise(rng, (2, 2, request.param, 2)))
    target = jnp.array([[0, 1, 0], [1, 0, 0]])
    useful = jnp.array([[True, True, False], [True, True, False]])
    return Uplink(channel, target, useful), jnp.asarray(0.6 * noise(rng, (2, 3, 2))), rng


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
    assert float(uplink.rates(jnp.array([[[0.2 + 0j]]]))[0, 0]) == pytest.approx(np.log(2))


def test_silence_is_a_rate_of_zero_with_a_finite_gradient(small):
    uplink, beams, _ = small
    mute = beams.at[0].set(0.0)
    assert np.all(np.asarray(uplink.rates(mute))[0] == 0)
    assert np.all(np.isfinite(np.asarray(jax.grad(lambda w: jnp.sum(uplink.rates(w)))(mute))))


def test_others_only_hurt(small):
    uplink, beams, _ = small
    alone = np.asarray(uplink.rates(beams.at[1].set(0.0)))[0]
    assert np.all(np.asarray(uplink.rates(beams))[0] <= alone + 1e-12)


def test_small_inverse():
    rng = np.random.default_rng(2)
    root = noise(rng, (7, 5, 5))
    matrix = root @ root.conj().swapaxes(-1, -2) + np.eye(5)
    np.testing.assert_allclose(hermitian_inverse(jnp.asarray(matrix)), np.linalg.inv(matrix), atol=1e-10)
