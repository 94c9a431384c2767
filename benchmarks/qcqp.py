"""Time of the interior-point method for small quadratic programs beside Clarabel's, on programs of the sizes that the
three-tier system's paper solves: one terminal's beam, and all beams at once.

python benchmarks/qcqp.py (needs the extra `reference`)
"""

from __future__ import annotations

import time
from collections.abc import Callable

import clarabel
import numpy as np
import scipy.sparse as sparse

from trinode.numerics.qcqp import QuadraticProgram, Real, minimize

SIZES = (1, 8, 4), (1, 16, 9), (8, 16, 16)
"""Blocks, real variables of each, constraints."""
PROGRAMS = 20


def drawn(dice: np.random.Generator, blocks: int, n: int, m: int) -> QuadraticProgram:
    """A strictly feasible program; half of its constraints have a linear term."""

    def positive(*shape: int) -> Real:
        root = dice.normal(size=(*shape, n, n))
        return root @ np.swapaxes(root, -1, -2) / n

    b = 0.3 * dice.normal(size=(m, blocks, n)) * (np.arange(m) % 2)[:, None, None]
    return QuadraticProgram(positive(blocks), 3 * dice.normal(size=(blocks, n)), positive(m, blocks), b, -np.ones(m))


def by_clarabel(program: QuadraticProgram) -> Real:
    """The point, with ``x'Ax/2 <= t`` as the cone ``|(2Fx, 1 - t)| <= 1 + t``, ``F'F = A/2``."""
    p, q, a, b, r = program
    rows, right, cones = [], [], []
    for matrices, linear, offset in zip(a, b.reshape(len(r), -1), r):
        roots = [np.linalg.cholesky(one / 2).T for one in matrices]
        factor = sparse.block_diag(roots).toarray()
        rows.append(np.concatenate([linear[None], -2 * factor, -linear[None]]))
        right.append(np.concatenate([[1 - offset], np.zeros(len(factor)), [1 + offset]]))
        cones.append(clarabel.SecondOrderConeT(len(factor) + 2))
    settings = clarabel.DefaultSettings()
    settings.verbose = False
    settings.tol_gap_abs = settings.tol_gap_rel = settings.tol_feas = 1e-9
    quadratic = sparse.csc_matrix(sparse.triu(sparse.block_diag(list(p))))
    matrix = sparse.csc_matrix(np.concatenate(rows))
    solver = clarabel.DefaultSolver(quadratic, q.reshape(-1), matrix, np.concatenate(right), cones, settings)
    return np.array(solver.solve().x).reshape(q.shape)


def main() -> None:
    dice = np.random.default_rng(0)
    methods: dict[str, Callable[[QuadraticProgram], Real]] = {
        "ours": lambda program: minimize(program, np.zeros_like(program.q)).point,
        "Clarabel": by_clarabel,
    }
    for size in SIZES:
        spent: dict[str, list[float]] = {name: [] for name in methods}
        apart = 0.0
        for _ in range(PROGRAMS):
            program, points = drawn(dice, *size), []
            for name, method in methods.items():
                began = time.process_time()
                points.append(method(program))
                spent[name].append(1e3 * (time.process_time() - began))
            apart = max(apart, float(np.max(np.abs(points[0] - points[1]))))
        medians = ", ".join(f"{name} {np.median(each):.2f} ms" for name, each in spent.items())
        print("{} x {} variables, {} constraints:".format(*size), f"{medians}; points apart by {apart:.0e}")


if __name__ == "__main__":
    main()
