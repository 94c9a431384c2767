"""The fast pieces of the three-tier system against their twins on CVXPY."""

import equinox as eqx
import jax
import numpy as np
import pytest

pytest.importorskip("cvxpy")

from trinode.reference import threetier as reference
from trinode.sensing import echo
from trinode.systems.threetier import host, system, wmmse
from trinode.systems.threetier.agents import Rules
from trinode.systems.threetier.agents.cloud import project
from trinode.systems.threetier.params import ThreetierParams
from trinode.systems.threetier.schemes.distributed import converse

SHAPE = {
    "terminals": 4,
    "access_points": 2,
    "ap_antennas": 5,
    "terminal_antennas": 3,
    "radar_antennas": 6,
    "bandwidth_hz": 8e6,
    "sensing_sinr_min_db": 1.0,
}
EVALUATE = jax.jit(system.evaluate)


@pytest.fixture(scope="module")
def scenario():
    return jax.jit(system.draw)(ThreetierParams(**SHAPE), jax.random.key(5))


def test_global_variables_have_a_closed_form():
    rng = np.random.default_rng(1)
    edge, cloud = rng.normal(size=(5, 3)), rng.normal(size=(5, 3))
    least = np.array([0.0, 0.4, 0.0, 1.0, 0.9])
    for mine, theirs in zip(project(edge, cloud, least), reference.global_variables(edge, cloud, least), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)


def test_beam_problem(scenario):
    """(56) at beams that meet all echoes, leakages bounded by their present values."""
    t, view = host.prepared(scenario)
    w, _ = (np.asarray(part) for part in host.beginning(t, view, False))
    leakage, channel = np.asarray(t.echo.leakage), np.asarray(t.channel)
    leak = np.einsum("kt,jktu,ku->jk", w.conj(), leakage, w).real
    bits = np.asarray(scenario.task_bits)
    heard = [wmmse.receivers(channel[:, m], w, np.array(ids), bits) for m, ids in enumerate(([0, 2], [1, 3]))]
    vectors = np.concatenate([part.vectors for part in heard])
    pull = np.concatenate([part.pull for part in heard])
    for row, k in ((0, 0), (3, 3)):
        linear = pull[row] * vectors[row, k]
        own = wmmse.Sensing(
            float(t.echo.gain[k]), np.asarray(t.echo.steering[k]), float(t.echo.noise_w[k]),
            float(scenario.sensing_sinr_min[k]), leakage[:, k], 1.0,
        )  # fmt: skip
        mine, solved = wmmse.improve_one(own, vectors[:, k], linear, w[k], leak[:, k], float(leak[k].sum()))
        assert solved
        others = [j for j in range(4) if j != k]
        theirs = reference.beam(
            vectors[:, k], linear, np.asarray(scenario.terminal_channel)[others, k], leak[others, k], own.gain,
            own.steering, w[k], own.noise_w, float(leak[k].sum()), own.need, 1.0,
        )  # fmt: skip

        def value(x, linear=linear, k=k):
            return np.sum(np.abs(vectors[:, k].conj() @ x) ** 2) - 2 * (linear.conj() @ x).real

        assert value(mine) <= value(w[k])
        assert value(mine) == pytest.approx(value(theirs), rel=1e-5)


def test_largest_margin(scenario):
    """Radar noise counted once; powers that differ and one requirement that differs."""
    arrays = {n: np.asarray(v) for n, v in vars(scenario).items() if v is not None and n != "even_edge"}
    arrays["terminal_max_power_w"] = np.array([1.0, 0.2, 0.5, 2.0])
    arrays["sensing_sinr_min"] = np.array([1.3, 0.7, 2.0, 1.0])
    s = system.scenario_from(arrays)
    t, _ = host.prepared(s)
    mine = echo.largest_margin(t.echo, s.sensing_sinr_min)
    theirs = reference.sensing_margin(s)
    assert float(mine.margin) == pytest.approx(theirs, rel=1e-4)
    assert float(mine.upper) >= theirs * (1 - 1e-4)


def test_bound_prices_the_echoes():
    """One station with room for everybody that hears each terminal on an antenna of its own, requirements near the
    largest that can be met: the bound is the semidefinite program's, well above that of terminals that need not
    sense."""
    s = jax.jit(system.draw)(
        ThreetierParams(**SHAPE | {"access_points": 1, "edge_capacity_hz": 1e12}), jax.random.key(2)
    )
    apart = np.eye(5)[:4, None, :, None]
    s = eqx.tree_at(lambda s: s.uplink_channel, s, s.uplink_channel * apart)
    t, _ = host.prepared(s)
    margin = echo.largest_margin(t.echo, s.sensing_sinr_min).margin
    s = eqx.tree_at(lambda s: s.sensing_sinr_min, s, 0.8 * margin * s.sensing_sinr_min)
    rest = float(t.edge_s.sum())
    mine, free = float(jax.jit(system.bound)(s)) - rest, float(t.choose(t.alone()).latency) - rest
    theirs = reference.quiet_uploads(s, [0] * 4)
    assert free * 1.01 < mine <= theirs * (1 + 1e-6)
    assert mine == pytest.approx(theirs, rel=2e-3)


def test_whole_algorithm(scenario):
    """Same beginning, same rounding: the same places, and beams as good as the twin's after a few steps."""
    t, view = host.prepared(scenario)
    w, _ = host.starting_point(t, view)
    twin = reference.distributed(scenario, np.asarray(w), turns=1, consensus_steps=100, beam_steps=4)
    ours, run = converse(scenario, Rules(outer=1, consensus_steps=100, beam_steps=5))
    assert run is not None
    np.testing.assert_array_equal(np.asarray(ours.edge_choice), np.asarray(twin.edge_choice))
    np.testing.assert_array_equal(np.asarray(ours.cloud_choice), np.asarray(twin.cloud_choice))
    reports = [EVALUATE(scenario, x) for x in (ours, twin)]
    uploads = [float(report.metrics["upload_s"].sum()) for report in reports]
    assert uploads[0] == pytest.approx(uploads[1], rel=1e-3)
    assert float(reports[1].worst_residual) <= 1e-6
