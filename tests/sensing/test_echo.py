"""The largest common echo margin against cones on CVXPY, by hand, and what its beams reach."""

from types import SimpleNamespace

import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("cvxpy")

from trinode.reference import latency as reference
from trinode.sensing import echo

SIZES = [(3, 2, 4), (2, 4, 3), (4, 3, 2)]
"""Terminals, their antennas, antennas of their radars."""


def network(k, t, r, seed):
    """What the reference reads of a network: only its radars matter here. Margins are some tenths to some tens."""
    rng = np.random.default_rng([k, seed])

    def normal(*shape):
        return (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)) / np.sqrt(2)

    def turns(antennas):
        return np.exp(1j * np.pi * np.sin(rng.uniform(-1.5, 1.5, (k, 1))) * np.arange(antennas))

    fading = normal(k, k, r, t)
    fading[range(k), range(k)] = 0
    noise, power = rng.uniform(1e-13, 4e-13, k), rng.uniform(0.1, 0.3, k)
    return SimpleNamespace(
        terminal_channel=1e-6 * fading,
        echo_gain=rng.uniform(1e-6, 3e-6, k),
        transmit_steering=turns(t),
        receive_steering=turns(r),
        radar_noise_w=noise,
        terminal_max_power_w=power,
        sensing_sinr_min=rng.uniform(0.5, 2.0, k),
        # what of the reference's network takes no part
        uplink_channel=np.zeros((k, 1, 1, t)),
        serving=np.ones((k, 1), bool),
        ap_noise_w=np.ones(1),
        bandwidth_hz=np.asarray(1e6),
        task_bits=np.ones(k),
        terminal_cycles_per_bit=np.ones(k),
        edge_cycles_per_bit=np.ones(1),
        cloud_cycles_per_bit=np.asarray(1.0),
        terminal_max_frequency_hz=np.ones(k),
        edge_max_frequency_hz=np.ones(1),
        cloud_max_frequency_hz=np.asarray(1.0),
        fronthaul_max_bps=np.ones(1),
        terminal_capacitance=np.zeros(k),
        edge_capacitance=np.zeros(1),
        ap_max_power_w=np.ones(1),
    )


def model(s):
    return echo.EchoModel.build(
        jnp.asarray(s.terminal_channel),
        jnp.asarray(s.echo_gain),
        jnp.asarray(s.transmit_steering),
        jnp.asarray(s.receive_steering),
        jnp.asarray(s.radar_noise_w * s.receive_steering.shape[1]),
        jnp.asarray(s.terminal_max_power_w),
    )


def limit(s, **settings):
    return echo.largest_margin(model(s), jnp.asarray(s.sensing_sinr_min), **settings)


def changed(s, **arrays):
    return SimpleNamespace(**{**vars(s), **arrays})


@pytest.mark.parametrize("sizes", SIZES, ids="K{0[0]}T{0[1]}".format)
def test_margin_is_cvxpys(sizes):
    """At requirements that can be met and far above them, where no beams meet them."""
    for seed, factor in ((0, 1.0), (1, 1.0), (2, 100.0)):
        s = network(*sizes, seed)
        s = changed(s, sensing_sinr_min=factor * s.sensing_sinr_min)
        found, exact = limit(s), reference.sensing_margin(s).margin_max
        assert float(found.margin) == pytest.approx(exact, rel=1e-6)
        assert float(found.margin) <= float(found.upper) * (1 + 1e-12)
        assert float(found.upper) >= exact * (1 - 1e-9)
        quick = limit(s, verdict_only=True)
        assert bool(quick.margin >= 1) == (exact >= 1)
        assert float(quick.margin) <= exact * (1 + 1e-7) <= float(quick.upper) * (1 + 2e-7)


def test_infeasible_by_a_wide_and_a_narrow_margin():
    s = network(*SIZES[0], 0)
    reached = float(limit(s).margin)
    for factor in (0.999, 1.001, 50.0):
        asked = changed(s, sensing_sinr_min=s.sensing_sinr_min * reached * factor)
        assert bool(limit(asked, verdict_only=True).margin >= 1) == (factor < 1)
        assert float(limit(asked).margin) == pytest.approx(1 / factor, rel=1e-6)


def test_the_beams_reach_the_margin_within_the_power():
    s = network(*SIZES[0], 1)
    found = limit(s)
    power = np.sum(np.abs(np.asarray(found.precoder)) ** 2, axis=1)
    assert np.all(power <= s.terminal_max_power_w * (1 + 1e-9))
    reached = np.asarray(model(s).sinr(found.precoder[:, None])) / s.sensing_sinr_min
    assert reached.min() == pytest.approx(float(found.margin), rel=1e-9)


def test_one_terminal_in_closed_form():
    """Alone, all power goes along the steering vector: |gain|^2 N_r T P / (N_r noise)."""
    s = network(1, 4, 3, 4)
    best = float(s.echo_gain[0] ** 2 * 4 * s.terminal_max_power_w[0] / s.radar_noise_w[0])
    found = limit(s)
    assert float(found.margin) == pytest.approx(best / float(s.sensing_sinr_min[0]), rel=1e-7)
    assert float(found.upper) == pytest.approx(float(found.margin), rel=1e-6)


def test_who_asks_nothing_stays_silent():
    s = network(*SIZES[0], 2)
    some = changed(s, sensing_sinr_min=np.array([0.0, 2.0, 1.0]))
    found = limit(some)
    assert np.all(np.asarray(found.precoder)[0] == 0)
    assert float(found.margin) == pytest.approx(reference.sensing_margin(some).margin_max, rel=1e-6)
    assert float(limit(changed(s, sensing_sinr_min=np.zeros(3))).margin) == np.inf


def test_without_power_or_echo_nothing_is_reached():
    s = network(*SIZES[0], 2)
    assert float(limit(changed(s, terminal_max_power_w=np.array([0.2, 0.0, 0.2]))).margin) == 0
    assert float(limit(changed(s, echo_gain=s.echo_gain * [0.0, 1.0, 1.0])).margin) == 0
