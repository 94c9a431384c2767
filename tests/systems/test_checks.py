"""The contract's checks find schemes that break it."""

from typing import ClassVar

import jax.numpy as jnp
import numpy as np
import pytest

import toy
import trinode as tn
from trinode.systems import checks, registry


class Placed(toy.Even):
    """More of the line to whom is named first."""

    ordered: ClassVar[bool] = True

    def solve(self, scenario, start=None):
        weight = 1.0 / (1 + jnp.arange(scenario.load.size))
        share = weight / weight.sum()
        return toy._answer(scenario, share, 0, toy.times(scenario, share).max()[None])


@pytest.fixture
def networks(monkeypatch):
    monkeypatch.setitem(registry._loaded, "toy", toy.system)
    return [tn.draw("toy", seed, quality_min=0.0) for seed in range(3)]


@pytest.mark.parametrize(("scheme", "said"), [(Placed(), True), (toy.Even(), False)])
def test_who_depends_on_the_order_has_to_say_so(networks, scheme, said):
    def solve(batch, start=None):
        return tn.stack([scheme.solve(one) for one in tn.unstack(batch)])

    assert scheme.ordered is said
    checks.check_order(toy.system, networks, solve, ordered=said)
    with pytest.raises(AssertionError):
        checks.check_order(toy.system, networks, solve, ordered=not said)


def test_a_decision_that_beats_its_bound_is_found(networks):
    batch = tn.stack(networks)
    found = tn.solve_batch(batch, "even")
    checks.check_bound(toy.system, toy.system.schemes["even"], batch, found)
    better = tn.solve_batch(batch, "balance")
    with pytest.raises(AssertionError, match="beats its bound"):
        checks.check_bound(toy.system, toy.system.schemes["even"], batch, better)
    assert np.all(np.isfinite(np.asarray(better.share)))
