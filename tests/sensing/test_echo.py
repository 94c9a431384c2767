"""The largest common echo margin against cones on CVXPY, by hand, and what its beams reach."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("cvxpy")

from trinode.reference import latency as reference
from trinode.sensing import echo
from trinode.systems.latency.params import LatencyParams
from trinode.systems.latency.scenario import draw
from trinode.systems.latency.tiers import tiers

SHAPES = [
    LatencyParams(terminals=3, access_points=1, ap_antennas=1, terminal_antennas=2, radar_antennas=2, serving=1),
    LatencyParams(terminals=2, access_points=1, ap_antennas=1, terminal_antennas=4, radar_antennas=3, serving=1),
    LatencyParams(terminals=4, access_points=1, ap_antennas=1, terminal_antennas=3, radar_antennas=2, serving=1),
]


def limit(s, **settings):
    return echo.largest_margin(tiers(s).echo, s.sensing_sinr_min, **settings)


@pytest.mark.parametrize("params", SHAPES, ids=lambda p: f"K{p.terminals}T{p.terminal_antennas}")
def test_margin_is_cvxpys(params):
    """At the drawn requirement and far above it, where no beams meet it."""
    for seed, factor in ((0, 1.0), (1, 1.0), (2, 100.0)):
        s = draw(params, jax.random.key(seed))
        uneven = factor * np.random.default_rng(seed).uniform(0.5, 2, params.terminals)
        s = dataclasses.replace(s, sensing_sinr_min=jnp.asarray(uneven))
        found, exact = limit(s), reference.sensing_margin(s).margin_max
        assert float(found.margin) == pytest.approx(exact, rel=1e-6)
        assert float(found.margin) <= float(found.upper) * (1 + 1e-12)
        assert float(found.upper) >= exact * (1 - 1e-9)
        quick = limit(s, verdict_only=True)
        assert bool(quick.margin >= 1) == (exact >= 1)
        assert float(quick.margin) <= exact * (1 + 1e-7) <= float(quick.upper) * (1 + 2e-7)


def test_infeasible_by_a_wide_and_a_narrow_margin():
    s = draw(SHAPES[0], jax.random.key(0))
    reached = float(limit(s).margin)
    for factor in (0.999, 1.001, 50.0):
        asked = dataclasses.replace(s, sensing_sinr_min=s.sensing_sinr_min * reached * factor)
        assert bool(limit(asked, verdict_only=True).margin >= 1) == (factor < 1)
        assert float(limit(asked).margin) == pytest.approx(1 / factor, rel=1e-6)


def test_the_beams_reach_the_margin_within_the_power():
    s = draw(SHAPES[0], jax.random.key(1))
    t, found = tiers(s), limit(s)
    power = np.sum(np.abs(np.asarray(found.precoder)) ** 2, axis=1)
    assert np.all(power <= np.asarray(s.terminal_max_power_w) * (1 + 1e-9))
    reached = np.asarray(t.echo.sinr(found.precoder[:, None])) / np.asarray(s.sensing_sinr_min)
    assert reached.min() == pytest.approx(float(found.margin), rel=1e-9)


def test_one_terminal_in_closed_form():
    """Alone, all power goes along the steering vector: |gain|^2 N_r T P / (N_r noise)."""
    params = LatencyParams(
        terminals=1, access_points=1, ap_antennas=1, terminal_antennas=4, radar_antennas=3, serving=1
    )
    s = draw(params, jax.random.key(4))
    best = float(s.echo_gain[0] ** 2 * 4 * s.terminal_max_power_w[0] / s.radar_noise_w[0])
    found = limit(s)
    assert float(found.margin) == pytest.approx(best / float(s.sensing_sinr_min[0]), rel=1e-7)
    assert float(found.upper) == pytest.approx(float(found.margin), rel=1e-6)


def test_who_asks_nothing_stays_silent():
    s = draw(SHAPES[0], jax.random.key(2))
    some = dataclasses.replace(s, sensing_sinr_min=jnp.array([0.0, 2.0, 1.0]))
    found = limit(some)
    assert np.all(np.asarray(found.precoder)[0] == 0)
    assert float(found.margin) == pytest.approx(reference.sensing_margin(some).margin_max, rel=1e-6)
    assert float(limit(dataclasses.replace(s, sensing_sinr_min=jnp.zeros(3))).margin) == np.inf


def test_without_power_or_echo_nothing_is_reached():
    s = draw(SHAPES[0], jax.random.key(2))
    dark = dataclasses.replace(s, terminal_max_power_w=jnp.array([0.2, 0.0, 0.2]))
    assert float(limit(dark).margin) == 0
    assert float(limit(dataclasses.replace(s, echo_gain=s.echo_gain.at[0].set(0.0))).margin) == 0
