"""The convex approximation against the fast solver, and the reduced space against full size."""

import jax
import numpy as np
import pytest

pytest.importorskip("cvxpy")

import trinode as tn
from trinode.radio import reduced
from trinode.reference import energy as reference
from trinode.systems.energy import optimise, system
from trinode.systems.energy import problem as problems
from trinode.systems.energy.params import EnergyParams

SHAPE = {
    "terminals": 2,
    "ap_antennas": 6,
    "terminal_antennas": 8,
    "radar_antennas": 5,
    "task_bits": 7e5,
    "bandwidth_hz": 8e6,
    "latency_max_s": 0.9,
    "sensing_sinr_min_db": -18.0,
    "terminal_distance_max_m": 15.0,
}


@pytest.fixture(scope="module")
def scenario():
    return jax.jit(system.draw)(EnergyParams(**SHAPE), jax.random.key(3))


@jax.jit
def begun(scenario):
    problem = problems.build(scenario)
    start, met = optimise.meet_echoes(problem.air, optimise.starting_beams(problem.air, null=True))
    return reduced.lift(problem.air, start), met


def beams(scenario):
    start, met = begun(scenario)
    assert bool(np.all(met))
    full = np.array(start)
    full[:, 1] *= 1.001  # strictly inside
    return full


def test_the_approximation_descends_to_what_the_fast_solver_finds(scenario):
    slow = reference.sca(scenario, beams(scenario), tolerance=1e-6)
    assert np.all(np.diff(slow.history) <= 1e-7 * slow.history[0])
    report = tn.evaluate(scenario, slow.solution, bound=False)
    assert float(report.worst_residual) <= 1e-6
    assert float(report.objective) == pytest.approx(slow.history[-1], rel=1e-4)
    fast = float(tn.evaluate(scenario, tn.solve(scenario), bound=False).objective)
    assert fast <= float(report.objective) * (1 + 1e-5)
    assert fast >= float(report.objective) * (1 - 5e-3)


def test_the_reduced_space_loses_nothing(scenario):
    """One step in the span of what is heard, and one with covariances of full size."""
    start = beams(scenario)
    points = {}
    for reduce in (True, False):
        net = reference.network(scenario, reduce=reduce)
        at = reference.start(net, np.einsum("ktd,kst->ksd", net.basis.conj(), start))
        point, _ = reference.step(net, at)
        assert point is not None
        points[reduce] = point
    assert points[True].data.shape[1] < points[False].data.shape[1] == 8
    assert points[True].energy_j == pytest.approx(points[False].energy_j, rel=1e-6)
    np.testing.assert_allclose(points[True].share, points[False].share, atol=1e-5)
    assert points[True].rank < 1e-2  # the relaxation of (17i) is tight
