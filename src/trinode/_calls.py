"""How a system's functions become programs: pure functions of a system's name and arrays, kept between processes."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import jax
from jaxtyping import Array, Key

from trinode import _programs, _runtime  # noqa: F401  (double precision first)
from trinode.radio.draws import named_key
from trinode.systems.contract import Scheme, System
from trinode.systems.decision import Solution
from trinode.systems.network import Scenario
from trinode.systems.registry import system as find_system
from trinode.systems.report import Report


def runner(system: System) -> tuple[Callable[..., Any], System | str]:
    """How a system's functions are called, and what they are given to know it by.

    Programs are kept between processes where all of the system is trinode's own.
    """
    parts = (system.Params, system.draw, system.evaluate, system.bound, system.from_channels)
    if system is find_system(system.name) and all(_ours(part) for part in parts):
        return _programs.call, system.name
    return _programs.call_unkept, system


def solver(system: System, scheme: Scheme) -> tuple[Callable[..., Any], System | str]:
    """The same for one of its schemes."""
    run, named = runner(system)
    return (run, named) if _ours(type(scheme)) else (_programs.call_unkept, system)


def program(function: Callable[..., Any], system: System, *arguments: Any) -> Any:
    """What a function of this module says of one network."""
    run, named = runner(system)
    return run(function, named, *arguments)


def seed_key(system: str, seed: Any) -> Key[Array, ""]:
    """Random key of a seed in a system."""
    return named_key(jax.random.key(seed), system)


def _found(system: System | str) -> System:
    return find_system(system) if isinstance(system, str) else system


def _ours(thing: Any) -> bool:
    return thing.__module__.startswith("trinode.")


# the programs


def draw(system: System | str, params: Any, seed: Any, trial: Any, places: Any = None) -> Scenario:
    found = _found(system)
    key = jax.random.fold_in(seed_key(found.name, seed), trial)
    return found.draw(params, key, places) if places else found.draw(params, key)


def draw_many(system: System | str, params: Any, seed: Any, trials: Any) -> Scenario:
    return jax.vmap(partial(draw, system, params, seed))(trials)


def bring(system: System | str, channels: dict[str, Any], params: Any, seed: Any, trial: Any) -> Scenario:
    found = _found(system)
    key = jax.random.fold_in(seed_key(found.name, seed), trial)
    return found.from_channels(SimpleNamespace(building_lines=None, **channels), params, key)


def solve(system: System | str, scheme: Scheme, scenario: Any, start: Any) -> Solution:
    """A scheme's solution with the judge's word on it, by the same program: none says of itself what is not so."""
    found = _found(system)
    solution = jax.lax.optimization_barrier(scheme.solve(scenario, start))  # judging changes nothing of it
    return found.marked(solution, scheme.met(found, scenario, solution))


def solve_many(system: System | str, scheme: Scheme, scenarios: Any, starts: Any) -> Solution:
    return jax.vmap(partial(solve, system, scheme))(scenarios, starts)


def judge(system: System | str, scenario: Any, solution: Any) -> Report:
    return _found(system).judge(scenario, solution)


def judge_many(system: System | str, scenarios: Any, solutions: Any) -> Report:
    return jax.vmap(_found(system).judge)(scenarios, solutions)


def bound(system: System | str, scenario: Any, family: Any) -> Array:
    return _found(system).bound(scenario, family)


def bound_many(system: System | str, scenarios: Any, family: Any) -> Array:
    return jax.vmap(lambda scenario: _found(system).bound(scenario, family))(scenarios)
