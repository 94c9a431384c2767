"""What no decision of a problem beats: the convex relaxation of its parts, solved, its dual value reported."""

from __future__ import annotations

from threading import Lock
from typing import Any, NamedTuple

import jax
import numpy as np

from trinode.compose.problem import Problem, Program
from trinode.compose.scope import Scope
from trinode.errors import MissingExtraError

try:
    import cvxpy as cp

    from trinode.compose import relaxation as rx
except ImportError as fault:
    raise MissingExtraError(fault.name or "cvxpy", "reference") from fault

STEP = 1e-4
"""A level this much beyond the value is tried first."""

CLOSE = 1e-4
"""Relative distance of a certified dual value from the primal one with which it is left at that."""


class Bound(NamedTuple):
    """A bound, where it comes from or why there is none, and whether the problem is proved to be infeasible."""

    value: float
    reason: str
    infeasible: bool = False


def bound(problem: Problem, scope: Scope, value: float = np.nan) -> Bound:
    """What no decision beats.

    Parameters
    ----------
    problem : Problem
    scope : Scope
        A decision that tells how large things are and where to look; the bound holds whatever it is.
    value : float
        The objective of the decision, NaN where it is infeasible.

    """
    program = problem.program
    reasons = []
    # nothing is left out of a bound where some form holds all
    for lenient, covariances in ((False, False), (False, True), (True, True), (True, False)):
        with _turn:
            try:
                relaxed = _relaxed(program, covariances, lenient)
            except rx.NoBound as why:
                reasons.append(str(why))
                continue
            found = relaxed.bound(program, scope, value)
        left = "; ".join(f"without {problem.origins.constraints[i]}: {why}" for i, why in relaxed.without.items())
        return found._replace(reason=f"{found.reason}, {left}") if left else found
    return Bound(float("nan"), "; ".join(dict.fromkeys(reasons)))


_kept: dict[Any, Any] = {}
_turn = Lock()
"""A relaxation is filled with the numbers of one problem at a time."""


def _relaxed(program: Program, covariances: bool, lenient: bool) -> Any:
    """The relaxation of a structure, compiled once."""
    leaves, structure = jax.tree.flatten(program)
    key = (structure, tuple(np.shape(leaf) for leaf in leaves), covariances, lenient)
    if key not in _kept:
        try:
            _kept[key] = Relaxed(program, covariances, lenient)
        except rx.NoBound as why:
            _kept[key] = why
    if isinstance(_kept[key], rx.NoBound):
        raise _kept[key]
    return _kept[key]


class Relaxed:
    """A relaxed problem that is filled with numbers and solved again and again.

    Power limits carry a factor, so that what is out of reach can be told by how much power it would take: the least
    factor is above 1. That is how infeasibility is proved, and how an objective is bounded that is compared with a
    level rather than concave itself.

    A constraint of which nothing convex is known may be left out (``lenient``): ``without`` names it, by its place.
    """

    def __init__(self, program: Program, covariances: bool, lenient: bool) -> None:
        self.view = view = rx.stated(program, covariances)
        self.without: dict[int, str] = {}
        for place, one in enumerate(program.constraints):
            try:
                view.constraints += rx.constraint(one, view)
            except rx.NoBound as why:
                if not lenient:
                    raise
                self.without[place] = str(why)
        objective = program.objective
        self.need = self._checked(cp.Minimize(view.stretch))
        self.by_ratio = not program.minimise and rx.is_ratio(objective)
        exact, within = (rx.exact_from_above, rx.at_most) if program.minimise else (rx.exact_from_below, rx.at_least)
        self.by_level = exact(objective, view)
        if self.by_level:
            view.constraints += within(objective, lambda data: np.asarray(data.level), view)
            self.problem = self._checked(cp.Minimize(view.stretch))
            return
        size = rx.size_of(objective)
        if self.by_ratio:
            sided, goal = rx.beyond(objective, lambda data: np.asarray(data.level), view), cp.Maximize
        elif program.minimise:
            sided, goal = rx.lower(objective, view, lambda data: 1 / size(data)), cp.Minimize
        else:
            sided, goal = rx.upper(objective, view, lambda data: 1 / size(data)), cp.Maximize
        view.constraints.append(view.stretch == 1)
        self.problem = self._checked(goal(sided))

    def _checked(self, goal: Any) -> cp.Problem:
        problem = cp.Problem(goal, [*self.view.constraints])
        if not problem.is_dcp():
            culprit = "the objective" if not goal.is_dcp() else "a constraint"
            raise rx.NoBound(f"by the rules of CVXPY {culprit} is not convex")
        if not problem.is_dpp():
            raise rx.NoBound("numbers enter the relaxation in a way that CVXPY cannot compile once")
        return problem

    def _dual(self, problem: cp.Problem, data: rx.Data) -> float:
        """The dual value; for a minimum infinite where nothing is feasible, minus infinity where nothing is known."""
        self.view.fill(data)
        sign = 1.0 if problem.objective.NAME == "minimize" else -1.0
        best = -np.inf
        for options in ({}, {"equilibrate_enable": False}):  # each helps where the other stalls
            inputs, chain, inverse = problem.get_problem_data(cp.CLARABEL, solver_opts=options)
            solved: Any = chain.solve_via_data(problem, inputs, solver_opts=options)  # type: ignore[union-attr]
            if str(solved.status) == "PrimalInfeasible":
                return sign * np.inf
            best = max(best, certified(inputs, np.asarray(solved.x), np.asarray(solved.z)))
            if best >= solved.obj_val - CLOSE * abs(solved.obj_val):
                break
        return sign * (best + inverse[-1]["offset"])

    def bound(self, program: Program, at: Scope, value: float) -> Bound:
        """The bound of one problem of this structure, looked for from a decision and its value (NaN if infeasible)."""
        data = rx.Data(program, at, 1.0)  # no level is asked for yet
        if not np.isfinite(value):
            need = self._dual(self.need, data)
            if need > 1 + 1e-7:
                shown = "no power" if np.isinf(need) else f"only {need:.6g} times the power"
                return Bound(float("nan"), f"{shown} would meet the constraints", True)
        if self.by_level or self.by_ratio:
            return self._by_level(program, at, value)
        scaled = self._dual(self.problem, data)
        if np.isinf(scaled):
            return Bound(float("nan"), "the relaxation has no bound")
        return Bound(scaled * float(rx.size_of(program.objective)(data)), "the dual value of the convex relaxation")

    def _by_level(self, program: Program, at: Scope, value: float) -> Bound:
        """The nearest level found that is out of reach: by the power that it takes, or by what a ratio falls short."""
        start = value if np.isfinite(value) else float(program.objective.value(at))
        better = -1.0 if program.minimise else 1.0
        low = better * np.log(max(start, 1e-300))
        tried, high = low + STEP, np.inf
        known: list[tuple[float, float]] = []
        for _ in range(40):
            found = self._dual(self.problem, rx.Data(program, at, float(np.exp(better * tried))))
            # certifies nothing, and would not further up
            if not self.by_ratio and found <= 0 and not np.isfinite(high):
                break
            lacks = -found if self.by_ratio else np.log(found) if found > 0 else -np.inf
            if lacks > 0:
                high = min(high, tried)
                if high - low <= 2 * STEP:
                    break
            else:
                low = max(low, tried)
            known.append((tried, lacks))
            tried = self._next(known, low, high)
        if not np.isfinite(high):
            return Bound(float("nan"), "no level was found that is out of reach")
        reason = "the nearest level that the convex relaxation proves to be out of reach"
        return Bound(float(np.exp(better * high)), reason)

    @staticmethod
    def _next(known: list[tuple[float, float]], low: float, high: float) -> float:
        """Where what is lacking begins, by the secant, within the bracket."""
        usable = sorted((point for point in known if np.isfinite(point[1])), key=lambda point: abs(point[1]))[:2]
        guess = np.nan
        if len(usable) == 2 and usable[0][1] != usable[1][1]:
            (x, f), (y, g) = usable
            guess = x - f * (x - y) / (f - g) + 0.5 * STEP
        elif usable:
            guess = usable[0][0] - usable[0][1] + STEP  # it rises about as the level, or faster
        if np.isfinite(high):
            inside = low < guess < high
            return guess if inside else 0.5 * (low + high)
        return min(guess, low + 1.0) if guess > low else low + 10 * STEP  # far beyond nothing can be certified


def certified(inputs: dict[str, Any], x: np.ndarray, z: np.ndarray) -> float:
    """What the minimum of a conic program is not below, by a dual point z that need not be quite optimal.

    For ``min c'x + x'Px / 2`` under ``b - Ax`` in a cone, the Lagrangian at z of the dual cone is convex in x, and so
    above its tangent at any x: how far z is from stationary counts with as much as x may still move, its own size.

    Parameters
    ----------
    inputs : dict
        As CVXPY hands them to the solver: ``A``, ``b``, ``c``, ``P``.
    x, z : (n,), (m,)
        Primal and dual points of an interior point method, whose z lies in the cone.
    """
    a, b, c = inputs["A"], inputs["b"], inputs["c"]
    if not (np.all(np.isfinite(x)) and np.all(np.isfinite(z))):
        return -np.inf
    bent = inputs["P"] @ x if "P" in inputs else np.zeros_like(x)
    still = c + a.T @ z
    reach = np.abs(x) + np.max(np.abs(x), initial=0.0)
    return float(0.5 * bent @ x + still @ x - b @ z - np.abs(still + bent) @ reach)
