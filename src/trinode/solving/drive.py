"""From a problem to an answer: starts, the most promising descended, thousands side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from trinode import _pool, _programs
from trinode.compose.expression import Largest, Log, Smallest
from trinode.compose.problem import Problem, Program
from trinode.errors import InputError
from trinode.solving import rounds
from trinode.solving.answer import Answer, Answers
from trinode.solving.rounds import Settings, State

DEFAULT = Settings()
LANES = 16
"""Descents that go through one program together; one that ends makes room for the next."""

BLOCK = 16
"""Evaluations after which lanes are looked at."""

ENDLESS = 10**6
"""Rounds of a descent that goes on to its own end."""

TRIES, DRAWN = 4, 6
"""Starts that are descended to the end where there are many local optima, and starts drawn besides those of parts."""


def solve(problem: Problem, start: Answer | None = None, settings: Settings = DEFAULT) -> Answer:
    """Decide one problem.

    Parameters
    ----------
    problem : Problem
    start : Answer, optional
        Of a problem of the same structure; the result is not worse than its decision where that is feasible here.
    settings : Settings
        When a descent ends.
    """
    program = problem.program
    call = _caller(program)

    def advance(states: list[State], rounds_: int) -> list[State]:
        return [
            jax.tree.map(np.asarray, State.of(call(_advance, program, state, int(state.rounds) + rounds_, settings)))
            for state in states
        ]

    def begin(x: Any) -> State:
        return State.of(call(_begin, program, x, settings))

    if start is not None:
        return _answer(problem, advance([begin(_started(program, start))], ENDLESS), settings)
    x, merit = call(openings, program)
    x, order = np.asarray(x), np.argsort(np.asarray(merit), kind="stable")
    if _several(program):
        screened = advance([begin(x[i]) for i in order], 1)
        first = [screened[i] for i in _best(screened)[:TRIES]]
    else:
        first = [begin(x[order[0]])]
    found = advance(first, ENDLESS)
    if not any(map(_met, found)):  # from elsewhere it may be met
        found += advance([begin(x[i]) for i in order], ENDLESS)
    return _answer(problem, found, settings)


def solve_batch(problems: Problem, start: Sequence[Answer] | None = None, settings: Settings = DEFAULT) -> Answers:
    """Decide many problems of one structure, stacked along a leading axis (see :func:`trinode.stack`), on all cores.

    What is decided does not depend on how many are decided together.
    """
    problems = jax.tree.map(np.asarray, problems)
    whole = problems.program
    count = len(jax.tree.leaves(whole)[0])
    one = _row(whole, 0)
    call = _caller(one)
    lanes = _Lanes(call, whole, settings)
    if start is not None:
        jobs = {(i, 0): _started(one, each) for i, each in enumerate(start)}
        found = lanes.run(jobs, ENDLESS)
    else:
        x, order = _opened(call, whole, count)
        every = {(i, a): x[i, a] for i in range(count) for a in range(x.shape[1])}
        if _several(one):
            screened = lanes.run(every, 1)
            kept: dict[tuple[int, int], Any] = {}
            for i in range(count):
                own = [screened[i, a] for a in range(x.shape[1])]
                kept |= {(i, a): own[a] for a in _best(own)[:TRIES]}
        else:
            kept = {(i, order[i, 0]): x[i, order[i, 0]] for i in range(count)}
        found = lanes.run(kept, ENDLESS)
        open_ = {i for i in range(count) if not any(_met(state) for (j, _), state in found.items() if j == i)}
        found |= lanes.run({key: x for key, x in every.items() if key[0] in open_ and key not in found}, ENDLESS)
    each = [jax.tree.map(lambda leaf, i=i: leaf[i], problems) for i in range(count)]
    ended: list[list[State]] = [[] for _ in range(count)]
    for (i, _), state in sorted(found.items(), key=lambda item: item[0]):
        ended[i].append(state)
    return Answers([_answer(*pair, settings) for pair in zip(each, ended, strict=True)])


def _several(program: Program) -> bool:
    """Whether starts matter: not where the worst counts or what requirements cost, unless a part says otherwise."""
    node = program.objective
    while isinstance(node, Log):
        node = node.of
    plain = program.minimise or isinstance(node, Smallest | Largest)
    return not plain or any(part.ambiguous for part in program.parts)


def _met(state: State) -> bool:
    return bool(state.excess <= rounds.MET)


def _rank(state: State) -> tuple[bool, float]:
    return (not _met(state), float(state.value if _met(state) else state.excess))


def _best(states: Sequence[State]) -> list[int]:
    return sorted(range(len(states)), key=lambda i: _rank(states[i]))


def _answer(problem: Problem, states: Sequence[State], settings: Settings) -> Answer:
    best = states[_best(states)[0]]
    decisions = [dict(one) for one in _caller(problem.program)(_decisions, problem.program, best.best)]
    spent = sum(int(state.evaluations) for state in states)
    return Answer(problem, decisions, bool(best.evaluations < settings.most), best.best, int(best.rounds), spent)


def _started(program: Program, start: Answer) -> np.ndarray:
    if not isinstance(start, Answer) or start.x.shape != (program.size,):
        raise InputError("start", type(start).__name__, f"an answer of a problem with {program.size} variables")
    return start.x


def _row(tree: Any, index: Any) -> Any:
    return jax.tree.map(lambda leaf: leaf[index], tree)


def _repeated(tree: Any) -> Any:
    """The same in every lane, to be written to."""
    return jax.tree.map(lambda leaf: np.repeat(np.asarray(leaf)[None], LANES, axis=0), tree)


def _put(into: Any, lane: int, tree: Any) -> None:
    for whole, leaf in zip(jax.tree.leaves(into), jax.tree.leaves(tree), strict=True):
        whole[lane] = leaf


# the programs that are compiled


def openings(program: Program) -> tuple[Any, Any]:
    """Starts, (starts, n), and how promising each is: small is good."""
    aims = [one for one in (part.aims() for part in program.parts) if one is not None]
    avoided = [one for one in (part.avoids() for part in program.parts) if one is not None]
    each = []
    for index, part in enumerate(program.parts):
        told = [[rows for place, rows in wishes if place.index == index] for wishes in (aims, avoided)]
        told = [jnp.concatenate(rows, axis=-2) if rows else None for rows in told]
        each.append(part.starts(*told) if part.size else [jnp.zeros(0)])
    count = max(map(len, each))
    begun = [[own[min(i, len(own) - 1)] for own in each] for i in range(count)]
    if _several(program):  # variables of the size that they have at a start
        for key in jax.random.split(jax.random.key(0), DRAWN):
            drawn = [jax.random.normal(one, own[0].shape) for one, own in zip(jax.random.split(key, len(each)), each)]
            begun.append([one * jnp.sqrt(jnp.mean(own[0] ** 2)) for one, own in zip(drawn, each)])
    x = jnp.stack([jnp.concatenate(own) for own in begun])
    sizes = rounds.measured(program, x[0])
    return x, jax.vmap(lambda one: rounds.merit(program, one, sizes))(x)


def _openings_many(program: Program) -> tuple[Any, Any]:
    return jax.vmap(openings)(program)


def _begin(program: Program, x: Any, settings: Settings) -> tuple[Any, ...]:
    return rounds.begin(program, x, settings).plain()


def _begin_many(program: Program, x: Any, settings: Settings) -> tuple[Any, ...]:
    return jax.vmap(lambda p, one: rounds.begin(p, one, settings))(program, x).plain()


def _advance(program: Program, state: State, last: Any, settings: Settings) -> tuple[Any, ...]:
    return rounds.advance(program, state, last, settings).plain()


def _advance_many(program: Program, state: State, most: Any, settings: Settings) -> tuple[Any, ...]:
    return rounds.advance_many(program, state, most, settings).plain()


def _decisions(program: Program, x: Any) -> tuple[Any, ...]:
    return tuple(program.decide(x))


def _caller(program: Program) -> Callable[..., Any]:
    """Runs a program; kept between processes where all parts are trinode's own."""
    ours = all(type(part).__module__.startswith("trinode.") for part in program.parts)
    return _programs.call if ours else _programs.call_unkept


def _opened(call: Callable[..., Any], whole: Program, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Starts of each problem, (problems, starts, n), and their order by promise."""
    found = []
    for first in range(0, count, LANES):
        rows = np.minimum(np.arange(first, first + LANES), count - 1)
        found.append([np.asarray(each)[: count - first] for each in call(_openings_many, _row(whole, rows))])
    x, merit = (np.concatenate(each) for each in zip(*found))
    return x, np.argsort(merit, axis=1, kind="stable")


class _Lanes:
    """Descents side by side in one program; one that ends makes room for the next, so that none waits for another."""

    def __init__(self, call: Callable[..., Any], whole: Program, settings: Settings) -> None:
        self.call, self.whole, self.settings = call, whole, settings

    def run(self, jobs: dict[tuple[int, int], Any], rounds_: int) -> dict[tuple[int, int], State]:
        """Go on with jobs for so many rounds each, or to their ends.

        Parameters
        ----------
        jobs : dict
            By problem and attempt: variables to begin with, or the state of a descent.
        """
        items: SimpleQueue[tuple[tuple[int, int], Any]] = SimpleQueue()
        for item in jobs.items():
            items.put(item)
        found: dict[tuple[int, int], State] = {}
        workers = min(_pool.programs(), -(-len(jobs) // LANES))
        if workers > 1:
            with ThreadPoolExecutor(workers) as pool:
                contexts = [copy_context() for _ in range(workers)]
                list(pool.map(lambda context: context.run(self._work, items, found, rounds_), contexts))
        elif jobs:
            self._work(items, found, rounds_)
        return found

    def _work(self, items: Any, found: dict[tuple[int, int], State], rounds_: int) -> None:
        held: list[tuple[tuple[int, int], int] | None] = [None] * LANES  # job, and the round at which it stops here
        program, state = None, None
        while True:
            program, state = self._filled(items, held, program, state, rounds_)
            if state is None or all(one is None for one in held):
                return
            state = State.of(jax.tree.map(np.array, self.call(_advance_many, program, state, BLOCK, self.settings)))
            for lane, one in enumerate(held):
                if one is not None and (state.done[lane] or state.rounds[lane] >= one[1]):
                    found[one[0]] = jax.tree.map(lambda leaf, lane=lane: leaf[lane].copy(), state)
                    state.done[lane], held[lane] = True, None  # lanes without work stand still

    def _filled(self, items: Any, held: list[Any], program: Any, state: Any, rounds_: int) -> tuple[Any, Any]:
        """Put waiting jobs into empty lanes."""
        fresh: dict[int, Any] = {}
        for lane in range(LANES):
            if held[lane] is None:
                try:
                    key, given = items.get_nowait()
                except Empty:
                    break
                index = key[0]
                if program is None:
                    program = _repeated(_row(self.whole, index))
                _put(program, lane, _row(self.whole, index))
                held[lane], fresh[lane] = key, given
        new = {lane: given for lane, given in fresh.items() if not isinstance(given, State)}
        if new:
            x = _repeated(next(iter(new.values())))
            for lane, given in new.items():
                x[lane] = given
            begun = State.of(self.call(_begin_many, program, x, self.settings))
            fresh |= {lane: jax.tree.map(lambda leaf, lane=lane: np.asarray(leaf)[lane], begun) for lane in new}
        for lane, given in fresh.items():
            if state is None:
                state = _repeated(given)
                state.done[:] = True
            _put(state, lane, given)
            held[lane] = (held[lane], int(given.rounds) + rounds_)
        return program, state
