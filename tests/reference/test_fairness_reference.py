"""The slow twin against the fast method and the optimum."""

import numpy as np
import pytest

import trinode as tn

pytest.importorskip("cvxpy")
from trinode.reference.fairness import ica

SHAPE = {"terminals": 4, "access_points": 7, "ap_antennas": 3, "task_bits": 7e2, "bandwidth_hz": 8e6}


@pytest.mark.parametrize("more", [{"task_spread": 0.4}, {"subcarriers": 2}], ids=["unequal tasks", "two subcarriers"])
def test_twins_agree(more):
    scenario = tn.draw("fairness", seed=5, **SHAPE, **more)
    slow = ica(scenario)
    fast = tn.solve(scenario, "ica")
    report = tn.evaluate(scenario, fast, bound=False)
    assert slow.latency_s.max() == pytest.approx(float(report.objective), rel=1e-4)
    assert np.all(slow.power_fraction.sum(axis=0) <= 1 + 1e-9)
    assert np.all(np.diff(slow.history) <= 0)
    np.testing.assert_allclose(slow.history[1:], np.asarray(fast.history)[: len(slow.history) - 1], rtol=1e-4)


def test_one_subcarrier_ends_near_the_optimum():
    scenario = tn.draw("fairness", seed=6, **SHAPE)
    best = float(tn.evaluate(scenario, tn.solve(scenario), bound=False).objective)
    assert best * (1 - 1e-9) <= ica(scenario).latency_s.max() <= best * 1.001
