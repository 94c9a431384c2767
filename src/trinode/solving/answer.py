"""What solving a problem gives: a decision, judged in plain NumPy, and what no decision beats."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cached_property
from types import SimpleNamespace
from typing import Any

import numpy as np

from trinode.compose.expression import Expression
from trinode.compose.problem import Problem
from trinode.compose.scope import Scope
from trinode.errors import InputError, MissingExtraError

TOLERANCE = 1e-6
"""Relative violation of a constraint that still counts as met."""

NO_POINT = "no feasible point found"


class Answer:
    """A decision for a problem.

    Attributes
    ----------
    problem : Problem
    decisions : list of dict
        Arrays of each part.
    status : str
        ``converged``, ``iteration limit``, ``infeasible`` (proved), or ``no feasible point found``.
    value : float
        The objective, NaN where constraints are violated.
    ended : bool
        Whether the engine was done, and not at its limit.
    x : (n,)
        The engine's variables.
    rounds, evaluations : int
        What it took.

    Notes
    -----
    ``answer[quantity]`` gives any expression of the problem's parts as a NumPy array; ``answer["precoder"]`` a decision
    variable and ``answer["sinr"]`` a quantity by name, where one part alone has it. Everything is computed from the
    decision alone.
    """

    def __init__(
        self, problem: Problem, decisions: list[dict[str, Any]], ended: bool, x: Any, rounds: int, evaluations: int
    ) -> None:
        self.problem, self.x, self.rounds, self.evaluations = problem, np.asarray(x), rounds, evaluations
        self.decisions = [{name: np.asarray(value) for name, value in one.items()} for one in decisions]
        self.ended = ended

    @cached_property
    def _scope(self) -> Scope:
        return Scope(self.problem.program, self.decisions, np)

    @property
    def quantities(self) -> list[dict[str, np.ndarray]]:
        """What follows from the decision of each part, by name."""
        return self._scope.values

    @cached_property
    def residuals(self) -> dict[str, float]:
        """By how much each constraint, and each limit of a part, is exceeded, relatively; 0 where it is met."""
        found: dict[str, float] = {}

        def note(name: str, over: Any) -> None:  # what is no number is not met
            worst = float(np.max(np.where(np.isnan(over), np.inf, over), initial=0.0))
            found[name] = max(found.get(name, 0.0), worst)

        for stated, one in zip(self.problem.origins.constraints, self.problem.program.constraints):
            left, right = (np.asarray(side.value(self._scope)) for side in (one.left, one.right))
            scale = np.maximum(*(side.magnitude(self._scope) for side in (one.left, one.right)))
            note(stated.name or str(stated), (right - left) / np.maximum(scale, 1e-300))
        for part, decision in zip(self.problem.program.parts, self.decisions):
            for name, over in part.limits(decision).items():
                note(f"{part.word}: {name}", over)
        return found

    @property
    def feasible(self) -> bool:
        """Whether every constraint is met."""
        return all(over <= TOLERANCE for over in self.residuals.values())

    @property
    def worst(self) -> str:
        """The constraint that is violated most, or nothing."""
        if self.feasible:
            return ""
        name = max(self.residuals, key=self.residuals.__getitem__)
        return f"{name}, by {100 * self.residuals[name]:.3g} %"

    @property
    def value(self) -> float:
        """The objective of the decision; NaN where it violates a constraint."""
        return self.objective if self.feasible else float("nan")

    @property
    def objective(self) -> float:
        """The same, whether or not the constraints are met."""
        return float(self.problem.program.objective.value(self._scope))

    @property
    def status(self) -> str:
        """How it ended."""
        if not self.feasible:
            return "infeasible" if self._bound.infeasible else NO_POINT
        return "converged" if self.ended else "iteration limit"

    @cached_property
    def _bound(self) -> Any:
        try:
            from trinode.solving.bounds import bound
        except MissingExtraError as why:
            return SimpleNamespace(value=float("nan"), reason=str(why), infeasible=False)
        return bound(self.problem, self._scope, self.value)

    @property
    def bound(self) -> float:
        """What no decision beats; NaN where there is no such number, for the reason in ``bound_reason``."""
        return self._bound.value

    @property
    def bound_reason(self) -> str:
        """Where the bound comes from, or why there is none."""
        return self._bound.reason

    @property
    def gap(self) -> float:
        """How far the value is from the bound, relative to the bound; NaN where one of them is missing."""
        off = self.value - self.bound if self.problem.program.minimise else self.bound - self.value
        return off / abs(self.bound)

    def __getitem__(self, asked: Any) -> np.ndarray:
        if isinstance(asked, Expression):
            return np.asarray(self.problem.placed(asked).value(self._scope))
        if not isinstance(asked, str):
            raise InputError("answer[...]", asked, "a name, or an expression of the problem's parts")
        parts = self.problem.program.parts
        tables = [{**p.shown(d), **v} for p, d, v in zip(parts, self.decisions, self._scope.values)]
        owners = [table for table in tables if asked in table]
        if len(owners) != 1:
            known = ", ".join(sorted({name for table in tables for name in table}))
            wrong = "a name of several parts" if owners else "a name that there is not"
            raise InputError(f"answer[{asked!r}]", wrong, f"an expression such as air.sinr, or one of {known}")
        return np.asarray(owners[0][asked])

    def __str__(self) -> str:
        unit = self.problem.program.objective.unit
        lines = [
            f"{self.status}: {self.problem.origins.objective} = {self.value:.6g}" + ("" if unit.plain else f" {unit}")
        ]
        if not self.feasible:
            lines = [f"{self.status}; violated most: {self.worst}"]
        if np.isfinite(self.bound):
            lines.append(f"no decision is better than {self.bound:.6g} (gap {100 * self.gap:.3g} %)")
        else:
            lines.append(f"no bound: {self.bound_reason}")
        lines += [f"  {name}: exceeded by {over:.1e}" for name, over in self.residuals.items()]
        return "\n".join(lines)

    __repr__ = __str__


class Answers(Sequence[Answer]):
    """The answers to a batch of problems: a sequence, whose numbers are arrays over the problems.

    Parameters
    ----------
    answers : sequence of Answer
        Of one structure.
    """

    def __init__(self, answers: Sequence[Answer]) -> None:
        self._each = list(answers)

    def __len__(self) -> int:
        return len(self._each)

    def __getitem__(self, asked: Any) -> Any:
        if isinstance(asked, int | np.integer | slice):
            return self._each[asked]
        return np.stack([each[asked] for each in self._each])

    @property
    def value(self) -> np.ndarray:
        """Objectives; NaN where a decision violates a constraint."""
        return np.array([each.value for each in self._each])

    @property
    def bound(self) -> np.ndarray:
        """What no decision beats."""
        return np.array([each.bound for each in self._each])

    @property
    def gap(self) -> np.ndarray:
        """How far values are from their bounds, relative to these."""
        return np.array([each.gap for each in self._each])

    @property
    def status(self) -> list[str]:
        """How each ended."""
        return [each.status for each in self._each]

    def __str__(self) -> str:
        counts = Counter(self.status)
        return f"{len(self)} answers: " + ", ".join(f"{count} {status}" for status, count in counts.items())

    __repr__ = __str__
