"""The beam engine against water-filling: linear receivers reach capacity where streams follow the channel's modes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.radio import beams
from trinode.radio.streams import Uplink

K, S, A, T = 3, 2, 5, 4
POWER = np.array([2e-2, 3.0, 0.0])
RNG = np.random.default_rng(8)


def normal(*shape):
    return RNG.standard_normal(shape) + 1j * RNG.standard_normal(shape)


CHANNEL = normal(K, A, T)
"""From each terminal to its own receiver; no other one hears it."""
CHANNEL[0] *= 10
APART = np.zeros((K, K, A, T), complex)
APART[range(K), range(K)] = CHANNEL
START = 0.2 * normal(K, S, T) * np.sqrt(POWER)[:, None, None]
AIM = jnp.array([1.5, -0.5, 2.5, 0.25, 7.0])


@jax.jit
def rounds(limit, memory=None):
    """Twelve rounds of prices: the largest sum of rates with at most ``limit`` of its power at terminal 1."""
    uplink = Uplink(jnp.asarray(APART), jnp.tile(jnp.arange(K)[:, None], (1, S)), jnp.ones((K, S), bool))

    def worth(rates, precoder, others):
        return jnp.sum((others - AIM) ** 2) - jnp.sum(rates)

    def constraints(precoder):
        return jnp.sum(jnp.abs(precoder[1]) ** 2)[None] / (POWER[1] * limit) - 1

    def one(found, _):
        more = beams.improve(
            uplink,
            worth,
            constraints,
            found.precoder,
            found.others,
            found.price,
            jnp.asarray(POWER),
            found.memory,
            max_evaluations=60,
            tolerance=1e-13,
        )
        return more, more.evaluations

    start = jnp.asarray(START)
    first = beams.Beams(start, jnp.zeros(5), jnp.zeros(1), jnp.asarray(0), beams.no_memory(start, 5))
    found, evaluations = jax.lax.scan(one, first, length=12)
    return found, uplink.rates(found.precoder), evaluations


def capacity(channel, power):
    """Of S modes, nat/s/Hz, and its slope by the power: the level of the water by bisection."""
    gain = np.linalg.svd(channel, compute_uv=False)[:S] ** 2
    low, high = 0.0, power + 1 / gain.min()
    for _ in range(200):
        level = (low + high) / 2
        low, high = (level, high) if np.maximum(level - 1 / gain, 0).sum() < power else (low, level)
    return np.sum(np.log(np.maximum(level * gain, 1))), 1 / level


@pytest.mark.parametrize("limit", [0.3, 4.0], ids=["limited", "idle limit"])
def test_rates_are_those_of_water_filling(limit):
    found, rates, evaluations = rounds(limit)
    for k, share in enumerate((1.0, min(limit, 1.0))):
        expected, slope = capacity(CHANNEL[k], POWER[k] * share)
        assert float(rates[k].sum()) == pytest.approx(expected, rel=1e-6)
        assert float(jnp.sum(jnp.abs(found.precoder[k]) ** 2)) == pytest.approx(POWER[k] * share, rel=1e-4)
    # the price of a limit is what it costs, relative to itself
    assert float(found.price[0]) == pytest.approx(slope * POWER[1] * limit if limit < 1 else 0.0, rel=1e-3, abs=1e-9)
    np.testing.assert_allclose(found.others, AIM, atol=1e-5)
    assert np.all(np.asarray(evaluations) <= 60)


def test_power_is_a_limit_from_the_first_step_on():
    found = rounds(4.0)[0]
    power = np.sum(np.abs(np.asarray(found.precoder)) ** 2, axis=(1, 2))
    assert np.all(power <= POWER * (1 + 1e-12))
    np.testing.assert_array_equal(found.precoder[2], 0)  # without power, silent


def test_beams_within_their_powers_keep_their_ways():
    limit = jnp.array([1e-3, 1e9, 0.0])
    found = np.asarray(beams.within(jnp.asarray(START), limit))
    sent, held = (np.sum(np.abs(one) ** 2, axis=(1, 2)) for one in (START, found))
    np.testing.assert_allclose(held, [min(sent[0], 1e-3), sent[1], 0.0], rtol=1e-12)
    np.testing.assert_allclose(found[0], np.sqrt(1e-3 / sent[0]) * START[0], rtol=1e-12)
    np.testing.assert_array_equal(found[1], START[1])
