"""Convex quadratic programs with convex quadratic constraints, on NumPy: for methods that solve them one at a time.

A primal-dual interior-point method with slacks (Boyd and Vandenberghe, Convex Optimization, Section 11.7), which may
begin outside or on the boundary of the feasible set, as successive convex approximations do. Clarabel takes 1.1 times
as long for a single beam of four antennas, 7 times for eight beams of eight (``benchmarks/qcqp.py``).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import get_lapack_funcs

Real = npt.NDArray[np.float64]
RIDGE = 1e-9
"""Held against the present point in every Newton step, of the objective's size: directions that cost next to nothing
would take steps that are rounding alone, and the constraints would never be met. The solution does not change."""

_factor, _solve = get_lapack_funcs(("getrf", "getrs"), dtype=np.float64)


class QuadraticProgram(NamedTuple):
    """Minimise ``x'Px/2 + q'x`` subject to ``x'A_i x/2 + a_i'x + r_i <= 0``, all matrices block diagonal.

    Attributes
    ----------
    p : (B, n, n)
        Blocks of P, positive semidefinite.
    q : (B, n)
    a : (m, B, n, n)
        Blocks of the A_i, positive semidefinite.
    b : (m, B, n)
        The a_i.
    r : (m,)
    """

    p: Real
    q: Real
    a: Real
    b: Real
    r: Real


class Minimum(NamedTuple):
    """Point (B, n), prices of the constraints (m,), largest relative residual, Newton steps."""

    point: Real
    prices: Real
    residual: float
    steps: int


def minimize(program: QuadraticProgram, start: Real, *, tolerance: float = 1e-9, max_steps: int = 60) -> Minimum:
    """Solve a program whose variables and constraints are of order one.

    Returns the last point; its ``residual`` (stationarity, feasibility and complementarity, relative) tells how good
    it is.
    """
    p, q, a, b, r = program
    blocks, n = q.shape
    m = r.shape[0]
    size = float(np.max(np.abs(q), initial=0.0) + np.max(np.abs(p), initial=0.0))
    size = size if size > 0 else 1.0
    p, q = p / size, q / size
    x = start.astype(float).copy()
    whole = blocks * n
    rows, squares = b.reshape(m, whole), a.reshape(m, whole * n)

    def constraints(x: Real) -> tuple[Real, Real]:
        """Values, and gradients (m, B n)."""
        bent = np.matmul(a, x[..., None]).reshape(m, whole)
        flat = x.reshape(-1)
        return (0.5 * bent + rows) @ flat + r, bent + rows

    g, jacobian = constraints(x)
    s = np.maximum(-g, 1e-2)
    z = 0.1 / s
    residual, steps = np.inf, 0
    for _ in range(max_steps):
        dual = np.matmul(p, x[..., None]).reshape(-1) + q.reshape(-1) + z @ jacobian
        primal = g + s
        gap = float(s @ z) / m if m else 0.0
        residual = max(float(np.abs(dual).max()), float(np.abs(primal).max(initial=0.0)), gap)
        if residual <= tolerance:
            break
        curved = p + (z @ squares).reshape(p.shape)
        matrix = jacobian.T @ (jacobian * (z / s)[:, None])
        for i in range(blocks):
            own = slice(i * n, (i + 1) * n)
            matrix[own, own] += curved[i]
        matrix.flat[:: whole + 1] *= 1 + 1e-13
        matrix.flat[:: whole + 1] += RIDGE
        lower, pivots, _ = _factor(matrix, overwrite_a=True)  # once for both directions

        def newton(complementarity: Real) -> tuple[Real, Real, Real]:
            right = -dual - ((z * primal - complementarity) / s) @ jacobian  # noqa: B023
            dx, _ = _solve(lower, pivots, right)  # noqa: B023
            ds = -primal - jacobian @ dx  # noqa: B023
            return dx, ds, (-complementarity - z * ds) / s  # noqa: B023

        dx, ds, dz = newton(s * z)
        ahead = float((s + _reach(s, ds) * ds) @ (z + _reach(z, dz) * dz)) / m if m else 0.0
        centre = gap * min(max(ahead / gap, 0.0), 1.0) ** 3 if gap > 0 else 0.0
        dx, ds, dz = newton(s * z + ds * dz - centre)
        length = 0.995 * min(_reach(s, ds), _reach(z, dz))
        x = x + length * dx.reshape(blocks, n)
        steps += 1
        s, z = s + length * ds, z + length * dz
        g, jacobian = constraints(x)
    return Minimum(x, z * size, residual, steps)


def _reach(value: Real, change: Real) -> float:
    """Largest step up to 1 that keeps ``value + step * change`` at least 0, of positive values."""
    return 1 / max(float(np.max(-change / value, initial=0.0)), 1.0)


def real_matrix(matrix: npt.NDArray[np.complex128]) -> Real:
    """Real form of Hermitian matrices: ``x^H A x`` for ``x = u + iv`` as a form in ``(u, v)``."""
    return np.concatenate(
        [
            np.concatenate([matrix.real, -matrix.imag], axis=-1),
            np.concatenate([matrix.imag, matrix.real], axis=-1),
        ],
        axis=-2,
    )


def real_vector(vector: npt.NDArray[np.complex128]) -> Real:
    """Real form ``(u, v)`` of ``u + iv``; ``Re(c^H x)`` becomes the plain product."""
    return np.concatenate([vector.real, vector.imag], axis=-1)


def complex_vector(vector: Real) -> npt.NDArray[np.complex128]:
    """Inverse of :func:`real_vector`."""
    half = vector.shape[-1] // 2
    return vector[..., :half] + 1j * vector[..., half:]
