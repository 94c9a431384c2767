"""The contract as a test that anyone can run on a system and a scheme, also on one from outside.

Each check raises :class:`AssertionError` with what went wrong. Nothing here knows a system: scenarios are permuted
and padded through the letters of the system's own file schema.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from trinode.systems.contract import Scheme, System
from trinode.systems.decision import Status
from trinode.systems.declared import to_arrays
from trinode.systems.report import Report

Solve = Callable[..., Any]
"""``solve(stacked scenarios, start=None) -> stacked solutions``."""

Bound = Callable[[Any, str], Any]
"""``bound(stacked scenarios, family) -> (N,)``, such as :func:`trinode.bound_batch`."""


def size(system: System, scenario: Any, letter: str) -> int:
    """How long the axes of a letter are."""
    found = [(np.shape(getattr(scenario, name)), field.dims) for name, field in system.scenario_schema.items()]
    return next(shape[dims.index(letter)] for shape, dims in found if letter in dims[: len(shape)])


def along(system: System, scenario: Any, letter: str, change: Callable[[np.ndarray, int, str], np.ndarray]) -> Any:
    """A scenario with every axis of a letter changed by ``change(array, axis, name)``."""
    arrays = to_arrays(scenario, system.scenario_schema)
    for name, array in arrays.items():
        for axis, dim in enumerate(system.scenario_schema[name].dims):
            if dim == letter:
                array = change(array, axis, name)
        arrays[name] = array
    return system.scenario_from(arrays)


def permuted(system: System, scenario: Any, letter: str, order: np.ndarray) -> Any:
    """A scenario with its terminals (K) or access points (M) in another order."""
    return along(system, scenario, letter, lambda array, axis, _: np.take(array, order, axis=axis))


def padded(system: System, scenario: Any, letter: str = "M") -> Any:
    """A scenario with one more access point that nobody hears and that serves nobody."""

    def grow(array: np.ndarray, axis: int, _: str) -> np.ndarray:
        last = np.take(array, [-1], axis=axis)
        silent = array.dtype.kind in "cb"
        return np.concatenate([array, np.zeros_like(last) if silent else last], axis=axis)

    return along(system, scenario, letter, grow)


def stacked(scenarios: list[Any]) -> Any:
    """Join scenarios of equal shapes along a leading axis; by NumPy, which compiles nothing for it."""
    return jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *scenarios)


def _each(tree: Any, count: int) -> list[Any]:
    """The first so many entries, likewise."""
    whole = jax.tree.map(np.asarray, tree)
    return [jax.tree.map(lambda leaf, i=i: leaf[i], whole) for i in range(count)]


def reports(system: System, scenarios: Any, solutions: Any) -> Report:
    """The judge's word on a batch."""
    judge = _judge(system)
    count = len(np.asarray(solutions.status))
    return stacked([judge(*part) for part in _each((scenarios, solutions), count)])


@functools.cache
def _judge(system: System) -> Callable[[Any, Any], Report]:
    """One program for one scenario, so that no number of them needs another."""
    return system.judge if system.host else jax.jit(system.judge)


@functools.cache
def _bound(system: System) -> Callable[[Any, Any], Any]:
    """Likewise, and one for all schemes of a family."""
    return system.bound if system.host else eqx.filter_jit(system.bound)


def _value(system: System, scenarios: Any, solutions: Any) -> np.ndarray:
    objective = np.asarray(reports(system, scenarios, solutions).objective)
    return objective if system.sense == "min" else -objective


def check_feasible(system: System, scenarios: Any, solutions: Any) -> None:
    """What is marked infeasible breaks a constraint or has no finite objective; nothing else does."""
    report = reports(system, scenarios, solutions)
    for index, state in enumerate(np.asarray(solutions.status)):
        worst = f"{report.worst_constraint[index]}: residual {report.worst_residual[index]:.2e}"
        all_served = bool(np.all(np.asarray(solutions.terminal_feasible)[index]))
        if state == Status.INFEASIBLE:
            assert not report.feasible[index], f"scenario {index}: infeasible, but every constraint is met"
            assert not all_served or system.sense == "max", f"scenario {index}: infeasible, but no terminal is"
            assert np.isnan(np.asarray(report.objective)[index]), f"scenario {index}: infeasible with an objective"
        else:
            assert all_served, f"scenario {index}: feasible, but not every terminal is"
            assert report.feasible[index], f"scenario {index}: not marked infeasible, but {worst}"


def check_file(system: System, scenario: Any, solution: Any, path: Any) -> None:
    """A solution, also an infeasible one, is a file that holds the decision and what the judge says of it."""
    report = _judge(system)(scenario, solution)
    system.write_solution(path, solution, report)
    again, claims = system.read_solution(path)
    for name, value in to_arrays(solution, system.solution_schema).items():
        if name != "history":
            np.testing.assert_array_equal(getattr(again, name), value, err_msg=name)
    assert (str(claims["status"]) != "infeasible") == bool(report.feasible), f"{claims['status']}: {report.residuals}"
    np.testing.assert_array_equal(claims["objective"], report.objective)
    np.testing.assert_array_equal(_judge(system)(scenario, again).objective, report.objective)


def check_bound(system: System, scheme: Scheme, scenarios: Any, solutions: Any, bound: Bound | None = None) -> None:
    """No decision beats the bound of its kind."""
    value = _value(system, scenarios, solutions)
    if bound is None:
        family = system.family(scheme.family)
        limit = np.asarray([_bound(system)(one, family) for one in _each(scenarios, len(value))])
    else:
        limit = np.asarray(bound(scenarios, scheme.family))
    limit = limit if system.sense == "min" else -limit
    known = ~np.isnan(value) & ~np.isnan(limit)
    assert np.all(value[known] >= limit[known] * (1 - np.sign(limit[known]) * 1e-7)), "a decision beats its bound"


def check_never_worse_than_start(system: System, scenarios: Any, solutions: Any, solve: Solve) -> None:
    """Begun at an earlier solution, a scheme ends no worse."""
    before = _value(system, scenarios, solutions)
    after = _value(system, scenarios, solve(scenarios, start=solutions))
    known = ~np.isnan(before)
    assert np.all(after[known] <= before[known] + 1e-7 * np.abs(before[known])), f"{before} became {after}"


def check_deterministic(scenarios: Any, solutions: Any, solve: Solve) -> None:
    """The same scenario gives the same bits."""
    again = solve(scenarios)
    for one, other in zip(jax.tree.leaves(solutions), jax.tree.leaves(again), strict=True):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def check_batch_size(
    system: System, scenarios: Any, solutions: Any, solve: Solve, sizes: tuple[int, ...] = (1, 2)
) -> None:
    """A scenario's answer does not depend on how many are solved with it."""
    whole = _value(system, scenarios, solutions)
    for size in sizes:
        part = jax.tree.map(lambda leaf, size=size: jnp.asarray(np.asarray(leaf)[:size]), scenarios)
        np.testing.assert_allclose(_value(system, part, solve(part)), whole[:size], rtol=1e-6)


def check_order(
    system: System, scenarios: list[Any], solve: Solve, rtol: float = 5e-3, ordered: bool = False, solutions: Any = None
) -> None:
    """Terminals have no numbers: another order of them gives the same objective, unless the scheme says it does not.

    ``solutions`` are those of the scenarios as they are, here as below, where they are known.
    """
    order = np.roll(np.arange(size(system, scenarios[0], "K")), 1)
    turned = stacked([permuted(system, s, "K", order) for s in scenarios])
    plain = stacked(scenarios)
    one = _value(system, plain, solve(plain) if solutions is None else solutions)
    other = _value(system, turned, solve(turned))
    if ordered:
        assert not np.allclose(one, other, rtol=rtol, equal_nan=True), "said to depend on the order, but does not"
    else:
        np.testing.assert_allclose(one, other, rtol=rtol)


def check_padding(
    system: System, scenarios: list[Any], solve: Solve, rtol: float = 5e-3, solutions: Any = None
) -> None:
    """An access point that plays no part changes nothing; of systems of one access point nothing is asked."""
    if not any("M" in field.dims for name, field in system.scenario_schema.items() if name not in system.places):
        return
    plain, wider = stacked(scenarios), stacked([padded(system, s) for s in scenarios])
    one = _value(system, plain, solve(plain) if solutions is None else solutions)
    np.testing.assert_allclose(one, _value(system, wider, solve(wider)), rtol=rtol)


def check_scheme(
    system: System, scheme: Scheme, scenarios: list[Any], solve: Solve, bound: Bound | None = None
) -> None:
    """Everything the contract asks of a scheme, on a few scenarios of equal shapes.

    ``bound`` is the system's own where it is not given.
    """
    batch = stacked(scenarios)
    solutions = solve(batch)
    check_feasible(system, batch, solutions)
    check_bound(system, scheme, batch, solutions, bound)
    check_deterministic(batch, solutions, solve)
    check_batch_size(system, batch, solutions, solve)
    check_order(system, scenarios, solve, scheme.evenness, scheme.ordered, solutions)
    check_padding(system, scenarios, solve, scheme.evenness, solutions)
    if scheme.iterates:
        check_never_worse_than_start(system, batch, solutions, solve)
