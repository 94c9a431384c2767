"""More terminals than all assignments of which can be listed, made small by listing those of fewer."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.systems.latency import assignments, optimise
from trinode.systems.latency.params import LatencyParams
from trinode.systems.latency.scenario import draw
from trinode.systems.latency.tiers import tiers

SHAPE = {"terminals": 5, "access_points": 4, "serving": 2, "ap_antennas": 3, "terminal_antennas": 6}


@pytest.fixture(scope="module")
def case():
    """Tiers of a network and the value of each of its 32 assignments."""
    scenario = jax.jit(draw)(LatencyParams(**SHAPE), jax.random.key(3))
    t = jax.jit(tiers)(scenario)
    rows = np.array(list(itertools.product([assignments.EDGE, assignments.CLOUD], repeat=5)))
    values = jax.jit(jax.vmap(lambda modes: assignments.value_of(t, modes, 1e-7)[0]))(jnp.asarray(rows))
    return t, rows, np.asarray(values)


def test_a_window_of_the_subsets_finds_the_best_or_nearly(case, monkeypatch):
    t, rows, values = case
    monkeypatch.setattr(assignments, "FREE_TERMINALS", 3)
    listed = jax.jit(assignments.shortlist.__wrapped__, static_argnums=(2, 3))(t, jnp.zeros(5, bool), 6, 1e-7)
    exact = {tuple(row): value for row, value in zip(rows, values)}
    for modes, value in zip(np.asarray(listed.modes), np.asarray(listed.value)):
        assert value == pytest.approx(exact[tuple(modes)], rel=1e-6)
    assert values.min() * (1 - 1e-6) <= float(listed.value[0]) <= values.min() * 1.05
    assert np.all(np.diff(np.asarray(listed.value)) >= 0)


def test_a_shortlist_grows_until_no_neighbour_of_the_first_is_better(case, monkeypatch):
    """From the four worst assignments and the uniform ones; none twice, the uniform ones kept."""
    t, rows, values = case
    exact = {tuple(row): value for row, value in zip(rows, values)}
    worst = np.argsort(-values)[:4]
    monkeypatch.setattr(assignments, "ranked", lambda *_: jnp.asarray(rows[worst]))
    found = jax.jit(assignments.shortlist.__wrapped__, static_argnums=(2, 3))(t, jnp.zeros(5, bool), 4, 1e-7)
    after = [tuple(row) for row in np.asarray(found.modes)]
    assert len(set(after)) == len(after) == 6
    assert {(assignments.EDGE,) * 5, (assignments.CLOUD,) * 5} <= set(after)
    np.testing.assert_allclose(found.value, [exact[row] for row in after], rtol=1e-6)
    assert np.all(np.diff(np.asarray(found.value)) >= 0)
    first = np.array(after[0])
    turned = np.where(np.eye(5, dtype=bool), assignments.EDGE + assignments.CLOUD - first, first)
    assert float(found.value[0]) <= min(exact[tuple(row)] for row in turned) * (1 + 1e-6)
    assert float(found.value[0]) < values[worst].min() * 0.99


def test_quiet_beams_keep_the_power_and_are_heard_less(case):
    """At the access points that only others use, next to strongest directions of the same powers."""
    t, rows, values = case
    modes = jnp.asarray(rows[np.argmin(values)])
    power = jnp.full(t.snr.shape, 1 / t.snr.shape[1])
    w = optimise.quiet_beams(t, modes, power)
    spent = jnp.sum(jnp.abs(w) ** 2, axis=2)
    assert np.all(np.asarray(spent.sum(axis=1)) <= np.asarray(t.scenario.terminal_max_power_w))
    loud = jnp.sqrt(spent[:, :-1])[..., None] * t.direction
    own = np.any(np.asarray(t.index)[..., None] == np.arange(4), axis=1)

    def leaked(beams):
        heard = jnp.sum(jnp.abs(jnp.einsum("kmat,kst->kmsa", t.uplink.channel, beams)) ** 2, axis=(2, 3))
        return float(jnp.sum(jnp.where(own, 0.0, heard)))

    assert leaked(w[:, :-1]) < 0.5 * leaked(loud)


def test_branch_and_bound_is_brute_force(case):
    """The best assignment and its value where it may go on to the end; a bound that grows wherever it is stopped."""
    t, rows, values = case
    nobody = jnp.zeros(5, bool)
    value, modes, parts = assignments.least(t, nobody, 1e-7, 40)
    assert values.min() * (1 - 1e-6) <= float(value) <= values.min() * (1 + 1e-9)
    np.testing.assert_array_equal(np.asarray(modes), rows[np.argmin(values)])
    whole, open_, _ = assignments.least(t, nobody, 1e-7, 1)
    some, some_open, _ = assignments.least(t, nobody, 1e-7, 5)
    assert np.all(np.asarray(open_) == assignments.OPEN)
    assert np.any(np.asarray(some_open) == assignments.OPEN)
    assert 0.5 * values.min() < float(whole) < float(some) < float(value)
    assert 5 < int(parts) < 32


def test_a_bound_holds_for_every_part(case):
    """With some modes given it is at most the best of the assignments that have them, with all given its value."""
    t, rows, values = case
    given = np.full((4, 5), assignments.OPEN)
    given[0, 0], given[1, 3], given[2, 1:4], given[3] = assignments.EDGE, assignments.CLOUD, rows[11][1:4], rows[11]
    solo = assignments.solo_upload(t)
    parts = jax.jit(jax.vmap(lambda modes: assignments.relaxed(t, modes, solo, 1e-7)))(jnp.asarray(given))
    for modes, value in zip(given, np.asarray(parts.value)):
        agrees = np.all((modes == assignments.OPEN) | (modes == rows), axis=1)
        assert value <= values[agrees].min() * (1 + 1e-7)
    assert float(parts.value[3]) == pytest.approx(values[11], rel=1e-6)
    np.testing.assert_array_equal(np.asarray(parts.doubt) > 0, given == assignments.OPEN)


def test_the_upload_alone_is_below_that_of_a_grid_of_powers(case):
    t, _, _ = case
    s = t.scenario
    solo = np.asarray(assignments.solo_upload(t))
    able = np.asarray(t.cloud_able)
    index, snr = (np.asarray(part)[able].reshape(5, 2) for part in (t.index, t.snr))
    part = np.linspace(0, 1, 2001)
    load = np.asarray(s.task_bits)[:, None, None] * np.log(2) / float(s.bandwidth_hz)
    relay = np.asarray(s.task_bits)[:, None] / np.asarray(s.fronthaul_max_bps)[index]
    nats = np.log1p(snr[..., None] * np.stack([part, 1 - part]))
    best = (nats / (load + relay[..., None] * nats)).sum(axis=1).max(axis=1)
    assert np.all(solo <= (1 + 1e-12) / best)
    assert np.all(solo >= (1 - 1e-4) / best)
