"""Assignments against SciPy's."""

import jax
import numpy as np
import pytest
from scipy.optimize import linear_sum_assignment

from trinode.numerics.assignment import assign


@pytest.mark.parametrize(("rows", "columns"), [(1, 4), (4, 4), (3, 7)])
def test_least_cost(rows, columns):
    rng = np.random.default_rng(rows)
    solve = jax.jit(assign)
    for _ in range(20):
        cost = rng.normal(size=(rows, columns)) * 3
        found = np.asarray(solve(cost))
        assert len(set(found.tolist())) == rows
        assert cost[range(rows), found].sum() == pytest.approx(cost[linear_sum_assignment(cost)].sum())
