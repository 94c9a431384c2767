"""The one place that touches CVXPY's machinery: a lazy import and one way to solve."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from trinode.errors import MissingExtraError


def load() -> Any:
    """Return the module ``cvxpy``.

    Raises
    ------
    MissingExtraError
        CVXPY, or its solver Clarabel, is not installed.
    """
    for package in ("clarabel", "cvxpy"):
        try:
            module = __import__(package)
        except ImportError:
            raise MissingExtraError(package, "reference") from None
    return module


def solve(problem: Any, tolerance: float = 1e-9) -> bool:
    """Solve with Clarabel on one thread; True where the variables hold an answer, exact or nearly so."""
    cp = load()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # an inaccurate answer is judged by the caller
        try:
            problem.solve(
                solver=cp.CLARABEL,
                enforce_dpp=True,
                warm_start=False,
                max_threads=1,
                direct_solve_method="qdldl",
                tol_gap_abs=tolerance,
                tol_gap_rel=tolerance,
                tol_feas=tolerance,
            )
        except cp.error.SolverError:
            return False
    return problem.status in (cp.OPTIMAL, cp.OPTIMAL_INACCURATE)


def product_at_least(one: Any, other: Any, root: Any) -> Any:
    """Cone ``one * other >= root**2`` with ``one, other >= 0``, entry by entry of vectors."""
    cp = load()
    return cp.SOC(one + other, cp.vstack([2 * root, one - other]), axis=0)


def embed(row: Any) -> tuple[Any, Any]:
    """Real rows of a complex one: ``row @ w`` is ``re @ [Re w; Im w] + 1j * (im @ [Re w; Im w])``."""
    return (
        np.concatenate([row.real, -row.imag], axis=-1),
        np.concatenate([row.imag, row.real], axis=-1),
    )
