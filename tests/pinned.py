"""What the tests share that hold the judges to loops in NumPy: random arrays, and the comparison of whole reports."""

import jax
import numpy as np

RNG = np.random.default_rng(11)


def normal(*shape, size=1.0):
    return size * (RNG.normal(size=shape) + 1j * RNG.normal(size=shape))


def uniform(*shape, low=0.2, high=2.0):
    return RNG.uniform(low, high, shape)


def outer(vector):
    return np.outer(vector, vector.conj())


def form(vector, matrix):
    return (vector.conj() @ matrix @ vector).real


def over(amount, speed):
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(amount == 0, 0.0, amount / speed) if speed == 0 else amount / speed


def excess(used, limit):
    return used / limit - 1 if limit > 0 else (np.inf if used > 0 else 0.0)


def state(system, terminals, **arrays):
    own = {"terminal_feasible": np.ones(terminals, bool), "iterations": np.asarray(3), "history": np.zeros(0)}
    return system.Solution.from_arrays({"status": "converged", **own, **arrays})


def compare(report, objective, metrics, residuals):
    np.testing.assert_allclose(report.objective, objective, rtol=1e-9)
    assert set(report.metrics) == set(metrics)
    assert set(report.residuals) == set(residuals)
    for name, value in {**metrics, **residuals}.items():
        given = report.metrics[name] if name in metrics else report.residuals[name]
        np.testing.assert_allclose(given, value, rtol=1e-8, atol=1e-11, err_msg=name)


def judged(system, arrays, solution):
    return jax.jit(system.evaluate)(system.scenario_from(arrays), solution)
