"""A network in compact form: its rates against the judge's, its pools against the reference and by hand."""

import dataclasses
from functools import partial

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("cvxpy")

from trinode.computing import pool
from trinode.reference import latency as reference
from trinode.systems.latency import model
from trinode.systems.latency.params import LatencyParams
from trinode.systems.latency.scenario import draw
from trinode.systems.latency.tiers import CLOUD, EDGE, tiers

SHAPE = LatencyParams(terminals=3, access_points=4, ap_antennas=3, terminal_antennas=2, radar_antennas=2, serving=2)
EVERYONE = jnp.ones(3, bool)


drawn, tiers_of = eqx.filter_jit(draw), jax.jit(tiers)


def network(seed, **arrays):
    s = drawn(SHAPE, jax.random.key(seed))
    return dataclasses.replace(s, **{name: jnp.asarray(value, float) for name, value in arrays.items()})


@pytest.fixture(scope="module")
def networks():
    return [
        network(0),
        network(1, task_bits=[2e5, 3e6, 1e6], edge_max_frequency_hz=[5e9, 1e9, 2e9, 3e9]),
        network(2, fronthaul_max_bps=[1e7, 5e8, 3e7, 2e9], cloud_max_frequency_hz=3e10, ap_max_power_w=[0.1, 1, 5, 2]),
    ]


def rates(s, seed=0):
    drawn = np.random.default_rng(seed).uniform(5e6, 2e8, s.serving.shape)
    return np.where(s.serving, drawn, 0.0)


def ours(s, rate, edge, cloud=None):
    """Latency of both tiers and their certified bounds at given rates, bit/s."""
    t = tiers_of(s)
    nat = jnp.asarray(np.take_along_axis(rate, np.asarray(t.index), 1) * np.log(2) / float(s.bandwidth_hz))
    cloud = ~edge if cloud is None else cloud
    return both_pools(t, edge, cloud, nat)


@jax.jit
def both_pools(t, edge, cloud, nat):
    return pool.solve(t.edge_pool(edge, nat)), pool.solve(t.cloud_pool(cloud, nat))


def test_networks_are_nested():
    """More terminals, access points or antennas leave what was there as it was."""
    few = drawn(LatencyParams(terminals=2, access_points=3, terminal_antennas=2, serving=2), jax.random.key(7))
    many = drawn(LatencyParams(terminals=4, access_points=3, terminal_antennas=5, serving=2), jax.random.key(7))
    same = partial(np.testing.assert_allclose, rtol=1e-12)  # compiled apart, so rounded apart
    same(many.uplink_channel[:2, :, :, :2], few.uplink_channel)
    same(many.terminal_channel[:2, :2, :, :2], few.terminal_channel)
    same(many.echo_gain[:2], few.echo_gain)
    same(many.serving[:2], few.serving)
    same(many.transmit_steering[:2, :2], few.transmit_steering)
    more = drawn(LatencyParams(terminals=2, access_points=5, terminal_antennas=2, serving=2), jax.random.key(7))
    same(more.uplink_channel[:, :3], few.uplink_channel)


def test_rates_are_the_models(networks):
    s, rng = networks[0], np.random.default_rng(0)
    t = tiers_of(s)
    links, linked = t.index.shape[1], np.asarray(t.linked)
    assert (links, linked.sum(1).tolist()) == (3, [2, 2, 2])  # one of three links is there for the shape only
    beams = 0.15 * (rng.standard_normal((3, links + 1, 2)) + 1j * rng.standard_normal((3, links + 1, 2)))
    beams = jnp.asarray(beams).at[:, :links].multiply(t.linked[..., None])
    wide = jnp.zeros((3, 4, 2), complex).at[jnp.arange(3)[:, None], t.index].add(beams[:, :links])
    expected = np.asarray(model.link_rates(s, wide, beams[:, links]))
    found = np.asarray(t.uplink.rates(beams)) * float(s.bandwidth_hz) / np.log(2)
    at_links = np.take_along_axis(expected, np.asarray(t.index), 1)
    np.testing.assert_allclose(found[:, :links][linked], at_links[linked], rtol=1e-9)
    np.testing.assert_array_equal(found[:, :links][~linked], 0)
    np.testing.assert_array_equal(found[:, links], 0)  # the radar's stream carries no data


@pytest.mark.parametrize("number", range(3))
@pytest.mark.parametrize("on_edge", [(1, 1, 1), (0, 0, 0), (1, 0, 1)])
def test_fixed_rates_are_cvxpys(networks, number, on_edge):
    s = networks[number]
    rate, on_edge = rates(s), np.array(on_edge, bool)
    edge, cloud = ours(s, rate, jnp.asarray(on_edge))
    exact = reference.resource_step(s, rate, np.where(on_edge, 1, 2))
    for found, group in ((edge, on_edge), (cloud, ~on_edge)):
        expected = exact.terminal_latency_s[group].max(initial=0.0)
        assert float(found.latency) == pytest.approx(expected, rel=1e-6)
        assert float(found.lower) <= float(found.latency)
        assert float(found.lower) == pytest.approx(float(found.latency), rel=1e-6)


def test_limits_are_kept_and_prices_sum_to_one(networks):
    s = networks[2]
    t = tiers_of(s)
    edge, cloud = ours(s, rates(s), EVERYONE, EVERYONE)
    for decision in (edge, cloud):
        used = np.zeros(4)
        np.add.at(used, np.asarray(t.index), np.asarray(decision.share))
        assert np.all(used <= 1 + 1e-12)
        assert float(decision.price.sum()) == pytest.approx(1)
        assert np.all(np.asarray(decision.price) >= 0)
    frequency = np.asarray(edge.share * s.edge_max_frequency_hz[t.index])
    power = np.zeros(4)
    np.add.at(power, np.asarray(t.index), np.asarray(s.edge_capacitance[t.index]) * frequency**3)
    assert np.all(power <= np.asarray(s.ap_max_power_w) * (1 + 1e-9))
    assert float(cloud.serial_share.sum()) <= 1 + 1e-12


@pytest.mark.parametrize("number", range(3))
def test_both_tiers_as_one_are_as_slow_as_the_slower(networks, number):
    s = networks[number]
    rate = rates(s)
    t = tiers_of(s)
    nat = jnp.asarray(np.take_along_axis(rate, np.asarray(t.index), 1) * np.log(2) / float(s.bandwidth_hz))
    modes = jnp.asarray([CLOUD, EDGE, CLOUD])
    together, apart = pool.solve(t.pool(modes, nat)), ours(s, rate, modes == EDGE)
    assert float(together.latency) == pytest.approx(max(float(tier.latency) for tier in apart), rel=1e-8)
    assert float(together.lower) == pytest.approx(float(together.latency), rel=1e-6)
    for tier, mode in ((t.edge_pool(modes == EDGE, nat), EDGE), (t.cloud_pool(modes == CLOUD, nat), CLOUD)):
        own = pool.latencies(tier, together.share, together.power, together.serial_share)
        assert np.all(np.asarray(own) <= float(together.latency) * (1 + 1e-12)), mode


def test_what_the_slowest_leave_over_is_used():
    """Terminal 0 has a server of its own, and a task that takes no time: it still gets all of the server."""
    s = network(4, task_bits=[1e3, 3e6, 1e6])
    s = dataclasses.replace(s, serving=jnp.asarray([[1, 0, 0, 0], [0, 1, 1, 0], [0, 1, 1, 0]], bool))
    found, _ = ours(s, rates(s), EVERYONE)
    limit = jnp.cbrt(s.ap_max_power_w / s.edge_capacitance) / s.edge_max_frequency_hz
    assert float(found.share[0].max()) == pytest.approx(min(1.0, float(limit[0])), rel=1e-9)


def test_price_is_the_derivative(networks):
    """One more bit of a terminal's task costs its price times its own latency per bit."""
    s = networks[0]
    rate = rates(s)
    edge, _ = ours(s, rate, EVERYONE, EVERYONE)
    for k in range(3):
        step = np.where(np.arange(3) == k, 1e-4, 0.0)
        more, _ = ours(network(0, task_bits=np.asarray(s.task_bits) * (1 + step)), rate, EVERYONE, EVERYONE)
        change = float(more.latency - edge.latency) / 1e-4
        assert change == pytest.approx(float(edge.price[k] * edge.latency), rel=1e-2, abs=1e-5)


def test_twice_the_bits_take_twice_as_long(networks):
    s = networks[1]
    once = ours(s, rates(s), EVERYONE, EVERYONE)
    twice = ours(dataclasses.replace(s, task_bits=2 * s.task_bits), rates(s), EVERYONE, EVERYONE)
    for a, b in zip(once, twice):
        assert float(b.latency) == pytest.approx(2 * float(a.latency), rel=1e-7)


def test_servers_without_capacity_are_not_used():
    s = network(3, edge_max_frequency_hz=[0.0, 3e9, 3e9, 0.0], fronthaul_max_bps=[0.0, 1e8, 1e8, 1e8])
    rate = np.where(np.asarray(s.serving), rates(s), 0.0)
    s = dataclasses.replace(s, serving=jnp.asarray([[1, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]], bool))
    rate = rates(s)
    t = tiers_of(s)
    edge, cloud = ours(s, rate, EVERYONE, EVERYONE)
    for found, mode, shut in ((edge, 1, {0, 3}), (cloud, 2, {0})):
        exact = reference.resource_step(s, rate, [mode] * 3)
        assert float(found.latency) == pytest.approx(exact.latency_s, rel=1e-6)
        closed = np.isin(np.asarray(t.index), list(shut))
        assert np.all(np.asarray(found.share)[closed] == 0)


def test_a_terminal_without_rate_is_left_out(networks):
    """Whether it may be is for the caller to say; the others are served as if it were not there."""
    s = networks[0]
    rate = rates(s)
    rate[1] = 0
    edge, cloud = ours(s, rate, EVERYONE, EVERYONE)
    others = jnp.array([True, False, True])
    again = ours(s, rates(s) * (rate > 0), others, others)
    for found, same in zip((edge, cloud), again):
        assert np.isfinite(float(found.latency))
        assert float(found.latency) == pytest.approx(float(same.latency), rel=1e-9)
        assert float(found.price[1]) == 0
        assert np.all(np.asarray(found.share)[1] == 0)


def test_nobody(networks):
    edge, cloud = ours(networks[0], rates(networks[0]), ~EVERYONE, ~EVERYONE)
    assert float(edge.latency) == float(cloud.latency) == 0


@pytest.mark.parametrize("number", range(3))
def test_bought_rates_give_the_interference_free_bound(networks, number):
    s = networks[number]
    t = tiers_of(s)
    for tier, family in ((t.edge_pool(EVERYONE, None), "mec"), (t.cloud_pool(EVERYONE, None), "cloud")):
        found = pool.solve(tier)
        assert float(found.latency) == pytest.approx(reference.bound(s, family), rel=1e-6)
        assert float(found.lower) <= reference.bound(s, family) * (1 + 1e-7)
        assert np.all(np.asarray(found.power).sum(axis=1) <= 1 + 1e-12)
