"""A system that is stated as a problem: its networks decided by the general engine, its decisions judged by the parts.

The judge is that of the parts, in plain NumPy; the bound is that of the problem's relaxation.
"""

from __future__ import annotations

import dataclasses
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from threading import Lock
from typing import Any, ClassVar, final

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from trinode._batch import stack
from trinode.compose.expression import Constant, Constraint, Expression
from trinode.compose.part import Part
from trinode.compose.problem import Maximize, Minimize, Problem
from trinode.errors import InputError
from trinode.solving import drive
from trinode.solving.answer import Answer
from trinode.systems.contract import Scheme
from trinode.systems.decision import SOLUTION_FIELDS, Status
from trinode.systems.registry import system_of
from trinode.systems.report import Report

REMEMBERED = 256
"""Networks whose answers are kept, so that who asks for a decision and then for its bound waits once."""
VARIABLES = "variables"
"""Name of the engine's own variables in a solution: what a later solve begins at."""


class Stated:
    """What the functions of such a system have in common.

    Parameters
    ----------
    problem : callable
        ``problem(scenario) -> Problem``, of a network whose arrays are NumPy's.
    example : Problem
        Of any network: all others have its parts, constraints and objective.
    terminals : (str, int)
        The array and its axis that go over the terminals.

    Attributes
    ----------
    decisions, quantities : list of dict
        Of each part: what it decides and what follows, by their names there, and their names here.
    Solution : type
        Of the system's decisions, set once it is there.
    """

    Solution: type

    def __init__(self, problem: Callable[[Any], Problem], example: Problem, terminals: tuple[str, int]) -> None:
        self._problem, self._example, self._terminals = problem, example, terminals
        program = example.program
        self.decisions = labels(program.parts, decided_by(example), (*SOLUTION_FIELDS, VARIABLES))
        self.quantities = labels(program.parts, [part.quantities() for part in program.parts])
        self._kept: OrderedDict[Any, Future[Answer]] = OrderedDict()
        self._guard = Lock()

    def __call__(self, scenario: Any) -> Problem:
        """The problem of a network, its constraints by names in which no number occurs.

        Raises
        ------
        InputError
            It is none, or of other parts than those of another network.
        """
        made = self._problem(jax.tree.map(np.asarray, scenario))
        if not isinstance(made, Problem):
            raise InputError("problem", type(made).__name__, "a function of a network that returns a Problem")
        wanted = made.origins.objective
        constraints = [one.named(one.name or shown(one)) for one in made.origins.constraints]
        made = Problem((Minimize if wanted.minimise else Maximize)(wanted.expression), constraints)
        mine, usual = made.program, self._example.program
        parts = [[type(part).__name__ for part in one.parts] for one in (mine, usual)]
        if parts[0] != parts[1] or mine.minimise != usual.minimise:
            raise InputError("problem", f"one of {', '.join(parts[0])}", f"one of {', '.join(parts[1])}, as of others")
        return made

    def answer(self, scenario: Any, start: Any = None) -> Answer:
        """The general engine's answer; one from nowhere is remembered a while."""
        problem = self(scenario)
        if start is not None:
            return drive.solve(problem, self._begun(problem, start))
        key, promised = _key(problem), Future[Answer]()
        with self._guard:
            self._kept[key] = promised
            while len(self._kept) > REMEMBERED:
                self._kept.popitem(last=False)
        try:
            promised.set_result(drive.solve(problem))
        except BaseException as fault:
            promised.set_exception(fault)
            self._kept.pop(key, None)
        return promised.result()

    def remembered(self, scenario: Any) -> Answer:
        """The same, of an earlier or present call where there is one."""
        with self._guard:
            known = self._kept.get(_key(self(scenario)))
        return self.answer(scenario) if known is None else known.result()

    def answers(self, scenarios: Sequence[Any], starts: Sequence[Any]) -> list[Answer]:
        """Answers to many networks; those whose problems differ in numbers only are decided side by side."""
        problems = [self(scenario) for scenario in scenarios]
        begun = [None if one is None else self._begun(*pair) for *pair, one in zip(problems, starts, starts)]
        alike: dict[Any, list[int]] = {}
        for i, problem in enumerate(problems):
            leaves, structure = jax.tree.flatten(problem)
            alike.setdefault((structure, tuple(map(np.shape, leaves)), begun[i] is None), []).append(i)
        found: dict[int, Answer] = {}
        for places in alike.values():
            first = [one for one in (begun[i] for i in places) if one is not None] or None
            for i, one in zip(places, drive.solve_batch(stack([problems[i] for i in places]), first), strict=True):
                decisions = [*map(dict, one.decisions)]
                found[i] = Answer(problems[i], decisions, one.ended, one.x, one.rounds, one.evaluations)
        return [found[i] for i in range(len(problems))]

    def solution(self, scenario: Any, answer: Answer) -> Any:
        """An answer as a decision of the system."""
        array, axis = self._terminals
        status = Status.CONVERGED if answer.ended else Status.ITERATION_LIMIT
        own = {
            label: jnp.asarray(decision[name])
            for labelled, decision in zip(self.decisions, answer.decisions, strict=True)
            for name, label in labelled.items()
        }
        return self.Solution(
            status=jnp.asarray(int(status if answer.feasible else Status.INFEASIBLE)),
            terminal_feasible=jnp.full(getattr(scenario, array).shape[axis], answer.feasible),
            iterations=jnp.asarray(answer.rounds),
            history=jnp.asarray([answer.value]),
            **own,
            **{VARIABLES: jnp.asarray(answer.x)},
        )

    def judged(self, scenario: Any, solution: Any) -> Answer:
        """A decision as an answer to its network's problem, whoever made it.

        Raises
        ------
        InputError
            An array of the decision is of another shape than the problem's.
        """
        problem = self(scenario)
        decisions = []
        for own, wanted in zip(self.decisions, decided_by(problem), strict=True):
            for name, label in own.items():
                given = np.shape(getattr(solution, label))
                if given != wanted[name].shape:
                    raise InputError(f"solution: {label}", f"shape {given}", f"shape {wanted[name].shape}")
            decisions.append({name: np.asarray(getattr(solution, label)) for name, label in own.items()})
        return Answer(problem, decisions, True, np.zeros(0), 0, 0)

    def evaluate(self, scenario: Any, solution: Any) -> Report:
        """What the parts say of a decision."""
        answer = self.judged(scenario, solution)
        metrics: dict[str, Any] = {
            label: np.asarray(values[name])
            for own, values in zip(self.quantities, answer.quantities, strict=True)
            for name, label in own.items()
        }
        return Report(
            objective=np.asarray(answer.objective),  # type: ignore[arg-type]
            metrics=metrics,
            residuals={name: np.asarray(over) for name, over in answer.residuals.items()},  # type: ignore[arg-type]
        )

    def bound(self, scenario: Any, family: str = "") -> Array:
        """What no decision beats: infinite where there is proof that none exists, NaN where nothing is known."""
        answer = self.remembered(scenario)
        if answer.status == "infeasible":
            return jnp.asarray(np.inf if self._example.program.minimise else -np.inf)
        return jnp.asarray(answer.bound)

    def bound_reason(self, scenario: Any) -> str:
        """Where the bound comes from, or why there is none."""
        return self.remembered(scenario).bound_reason

    def _begun(self, problem: Problem, start: Any) -> Answer:
        x = getattr(start, VARIABLES)
        if x is None:
            raise InputError("start", f"a decision without {VARIABLES}", "one that the general engine made")
        return Answer(problem, problem.program.decide(jnp.asarray(x)), True, x, 0, 0)


@final
class General(Scheme):
    """The general engine."""

    name: ClassVar[str] = "general"
    summary: ClassVar[str] = "the general engine, from several starts"
    host: ClassVar[bool] = True

    def solve(self, scenario: Any, start: Any = None) -> Any:
        stated = _stated(scenario)
        return stated.solution(scenario, stated.answer(scenario, start))

    def solve_each(self, scenarios: Sequence[Any], starts: Sequence[Any]) -> list[Any]:
        stated = _stated(scenarios[0])
        answers = stated.answers(scenarios, starts)
        return [stated.solution(*pair) for pair in zip(scenarios, answers, strict=True)]


def labels(parts: Sequence[Part], tables: Sequence[Iterable[str]], taken: Iterable[str] = ()) -> list[dict[str, str]]:
    """Names for what each part has: its own name, behind the part's word where another has one too.

    Parts of one word are numbered, from 1.
    """
    counts = Counter(name for table in tables for name in table) + Counter(taken)
    words = [part.word for part in parts]
    found = []
    for place, (word, table) in enumerate(zip(words, tables, strict=True)):
        whose = word if words.count(word) == 1 else f"{word}{words[: place + 1].count(word)}"
        found.append({name: name if counts[name] == 1 else f"{whose}_{name}" for name in table})
    return found


def decided_by(problem: Problem) -> list[Mapping[str, jax.ShapeDtypeStruct]]:
    """Of each part, shapes and types of what it decides, by name."""
    program = problem.program
    leaves, structure = jax.tree.flatten(program)
    key = structure, tuple(map(np.shape, leaves))
    if key not in _decided_by:
        _decided_by[key] = jax.eval_shape(program.decide, jax.ShapeDtypeStruct((program.size,), jnp.float64))
    return _decided_by[key]


_decided_by: dict[Any, Any] = {}


def shown(one: Constraint) -> str:
    """A constraint in words in which no number occurs, so that they are the same for every network."""

    def leaf(node: Expression) -> Expression:
        return dataclasses.replace(node, text="limit") if isinstance(node, Constant) else node

    return str(dataclasses.replace(one, left=one.left.placed(leaf), right=one.right.placed(leaf)))


def _stated(scenario: Any) -> Stated:
    found = system_of(scenario).problem
    if not isinstance(found, Stated):
        raise InputError("scheme", "general", f"a scheme of {system_of(scenario).name}, which is not stated of parts")
    return found


def _key(problem: Problem) -> Any:
    """Equal for problems that are the same to the last bit."""
    leaves, structure = jax.tree.flatten(problem)
    return structure, tuple((np.shape(leaf), np.asarray(leaf).tobytes()) for leaf in leaves)
