"""More terminals than all assignments of which can be listed, made small by listing those of fewer."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.systems.latency import assignments
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


def test_the_relaxed_value_is_below_every_assignment(case):
    t, _, values = case
    relaxed, share = assignments.relaxed(t, jnp.zeros(5, bool), 1e-8)
    assert 0.5 * values.min() < float(relaxed) <= values.min() * (1 + 1e-7)
    assert np.all((np.asarray(share) >= -1e-9) & (np.asarray(share) <= 1 + 1e-9))
    least = assignments.lowest(t, lambda local: assignments.relaxed(t, local, 1e-8)[0])
    assert float(least) <= float(relaxed) * (1 + 1e-7)
