"""The quadratic programs of the host schemes against CVXPY."""

import numpy as np
import pytest

from trinode.numerics import qcqp


def program(seed, blocks=2, n=5, m=4):
    rng = np.random.default_rng(seed)

    def psd(*shape):
        root = rng.normal(size=(*shape, n, n))
        return root @ root.swapaxes(-1, -2) / n

    p, a = psd(blocks), psd(m, blocks)
    a[-1] = 0.0
    return qcqp.QuadraticProgram(p, 3 * rng.normal(size=(blocks, n)), a, rng.normal(size=(m, blocks, n)), -np.ones(m))


@pytest.mark.parametrize("seed", range(4))
def test_equals_cvxpy(seed):
    cp = pytest.importorskip("cvxpy")
    q = program(seed)
    x = cp.Variable(q.q.shape)

    def value(p, b):
        return sum(0.5 * cp.quad_form(x[i], cp.psd_wrap(p[i])) + b[i] @ x[i] for i in range(len(p)))

    met = [value(q.a[i], q.b[i]) + q.r[i] <= 0 for i in range(len(q.r))]
    best = cp.Problem(cp.Minimize(value(q.p, q.q)), met).solve(solver=cp.CLARABEL)
    found = qcqp.minimize(q, np.zeros(q.q.shape))
    assert found.residual <= 1e-8
    y = found.point
    mine = 0.5 * np.einsum("bi,bij,bj", y, q.p, y) + np.sum(q.q * y)
    assert mine == pytest.approx(best, rel=1e-6)
    held = 0.5 * np.einsum("bi,mbij,bj->m", y, q.a, y) + np.einsum("mbi,bi->m", q.b, y) + q.r
    assert held.max() <= 1e-8
    assert np.all(found.prices >= 0)


def test_begins_on_the_boundary():
    """min (x-2)^2 within |x| <= 1, begun at 1."""
    one = np.ones((1, 1, 1))
    q = qcqp.QuadraticProgram(2 * one, np.array([[-4.0]]), 2 * one[None], np.zeros((1, 1, 1)), np.array([-1.0]))
    found = qcqp.minimize(q, np.ones((1, 1)))
    assert found.point[0, 0] == pytest.approx(1.0, abs=1e-8)
    assert found.prices[0] == pytest.approx(1.0, rel=1e-6)


def test_without_constraints_it_is_a_linear_system():
    q = program(5, m=1)
    free = qcqp.QuadraticProgram(q.p, q.q, q.a[:0], q.b[:0], q.r[:0])
    found = qcqp.minimize(free, np.ones(q.q.shape))
    np.testing.assert_allclose(found.point, -np.linalg.solve(q.p, q.q[..., None])[..., 0], rtol=1e-6)


def test_real_forms():
    rng = np.random.default_rng(0)
    root = rng.normal(size=(3, 3)) + 1j * rng.normal(size=(3, 3))
    matrix, x = root @ root.conj().T, rng.normal(size=3) + 1j * rng.normal(size=3)
    c = rng.normal(size=3) + 1j * rng.normal(size=3)
    flat = qcqp.real_vector(x)
    assert flat @ qcqp.real_matrix(matrix) @ flat == pytest.approx((x.conj() @ matrix @ x).real)
    assert qcqp.real_vector(c) @ flat == pytest.approx((c.conj() @ x).real)
    np.testing.assert_array_equal(qcqp.complex_vector(flat), x)
