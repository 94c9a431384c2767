"""All it takes to work with trinode: draw or bring a network, solve it, judge the answer, keep both.

Everything here works for every system. Programs are compiled once per scheme, its settings and the shapes,
and kept.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from trinode import _calls, _programs, _sizes
from trinode._batch import map_parts, stack, unstack
from trinode.channels import archive
from trinode.channels.files import why
from trinode.channels.look import Look, look
from trinode.compose.problem import Problem
from trinode.errors import FileFormatError, InputError
from trinode.networks import bundled, change, draw, draw_batch, from_arrays, from_channels, parameters
from trinode.solving import drive
from trinode.systems import doors
from trinode.systems.contract import Scheme, System
from trinode.systems.decision import Solution
from trinode.systems.network import Scenario
from trinode.systems.registry import system as find_system
from trinode.systems.registry import system_names
from trinode.systems.report import Report

__all__ = [
    "bound",
    "bound_batch",
    "bundled",
    "change",
    "check",
    "draw",
    "draw_batch",
    "evaluate",
    "evaluate_batch",
    "from_arrays",
    "from_channels",
    "load",
    "parameters",
    "save",
    "solve",
    "solve_batch",
    "stack",
    "unstack",
]


def check(thing: Any, silence: Iterable[str] = ()) -> Look:
    """A look before solving: gains, SNR, blocked links, phases, and what is likely a slip of units, axes or angles.

    Parameters
    ----------
    thing : Scenario, Channels, TracedChannels, or path
        One network or channels from outside; of a path the network in it.
    silence : iterable of str
        Names of slips that are none here. All are warnings: what is said to be a slip may be meant.

    Returns
    -------
    Look
        Prints as a few lines; ``slips`` is empty where nothing looks wrong.

    Raises
    ------
    InputError
        What has no channels, or an unknown name of a slip.
    """
    if isinstance(thing, str | Path):
        thing = load(thing)
    if not isinstance(thing, Scenario | Solution):
        return look(thing, silence=silence)
    system, scenario = doors.network(thing, instead="; tn.unstack takes them apart")
    return look(scenario, system.scenario_schema, silence)


def solve(scenario: Any, scheme: str | Scheme = "", start: Any = None, effort: str = "") -> Any:
    """Decide.

    Compiles quickly rather than well, and so runs longer; for thousands of networks :func:`solve_batch` is quicker.

    Parameters
    ----------
    scenario : Scenario or Problem
        One network, or a problem of one's own, whose answer is a :class:`~trinode.solving.answer.Answer`.
    scheme : str or Scheme
        A scheme's name or object; the system's default where empty.
    start : Solution, optional
        Where a scheme that iterates begins; the result is never worse than it.
    effort : str
        How much a scheme tries that has this setting: quick, default or thorough; as it is set where empty.

    Raises
    ------
    InputError
        What is no network, an unknown scheme, a start of another size, or an effort of a scheme that has none.
    """
    if isinstance(scenario, Problem):
        _no_effort(effort)
        with _programs.run_once():
            return drive.solve(scenario, start)
    system, scenario = doors.network(scenario, instead="; tn.solve_batch takes many")
    chosen = _scheme(system, scheme, start, effort=effort)
    if start is not None:
        check_sizes(system, scenario, start, "start")
    if chosen.host:
        return _marked(system, scenario, chosen.solve(scenario, start))
    run, named = _calls.solver(system, chosen)
    wide, begin = _sizes.rounded(system, scenario), _sizes.rounded(system, start)
    with _programs.run_once():
        found = run(_calls.solve, named, chosen.worker(), wide, begin)
    return _sizes.cropped(system, chosen.of_worker(found), scenario)


def solve_batch(scenarios: Any, scheme: str | Scheme = "", start: Any = None, effort: str = "") -> Any:
    """Decide for many networks, stacked along a leading axis (see :func:`stack`), on all cores.

    The result does not depend on how many are solved at once.

    Parameters
    ----------
    scenarios : Scenario, or Problem whose numbers are stacked
        Of :func:`draw_batch`, or of :func:`stack`.
    scheme : str or Scheme
        Name of a scheme of the system, or one of one's own; the default where empty.
    start : Solution, optional
        Stacked decisions to begin at.

    Returns
    -------
    Solution or Answers
        Stacked in the same order.
    """
    if isinstance(scenarios, Problem):
        _no_effort(effort)
        return drive.solve_batch(scenarios, start)
    system, scenarios = doors.network(scenarios, many=True, instead="; tn.solve takes one")
    chosen = _scheme(system, scheme, start, many=True, effort=effort)
    if chosen.host:
        each = unstack(scenarios)
        starts = unstack(start) if start is not None else [None] * len(each)
        for one, begin in zip(each, starts, strict=True):
            if begin is not None:
                check_sizes(system, one, begin, "start")
        return stack([_marked(system, *pair) for pair in zip(each, chosen.solve_each(each, starts), strict=True)])
    run, named = _calls.solver(system, chosen)
    worker = chosen.worker()
    one, many = partial(run, _calls.solve, named, worker), partial(run, _calls.solve_many, named, worker)
    wide, begin = _sizes.rounded(system, scenarios), _sizes.rounded(system, start)
    solutions = map_parts(one, many, (wide, begin), system.schedule.part(chosen, wide))
    return _sizes.cropped(system, chosen.of_worker(solutions), scenarios)


def evaluate(scenario: Any, solution: Any, bound: bool = True, scheme: str | Scheme = "") -> Report:
    """Judge a decision by the system's own model.

    Parameters
    ----------
    bound : bool
        Whether to compute the bound on what any solution of the scenario can reach.
    scheme : str or Scheme
        Where given, ``scheme_bound`` bounds what schemes of its family can reach.
    """
    system, scenario = doors.network(scenario, instead="; tn.evaluate_batch takes many")
    doors.solution(system, solution)
    check_sizes(system, scenario, solution)
    report = dataclasses.replace(_judged(system, scenario, solution), system=system.name)
    if not bound:
        return report
    return _with_bounds(report, lambda family: _bounded(system, scenario, family), _family(system, scheme))


def evaluate_batch(scenarios: Any, solutions: Any, bound: bool = True, scheme: str | Scheme = "") -> Report:
    """Judge many decisions; the report's arrays are stacked along a leading axis.

    Parameters
    ----------
    scenarios, solutions : Scenario, Solution
        Stacked along a leading axis, in the same order.
    bound : bool
        Whether to compute bounds, too.
    scheme : str or Scheme
        Whose kind the bound of its kind is for.

    Returns
    -------
    Report
    """
    system, scenarios = doors.network(scenarios, many=True, instead="; tn.evaluate takes one")
    doors.solution(system, solutions, many=True, what="solutions")
    if system.host:
        report = stack(list(map(system.judge, unstack(scenarios), unstack(solutions))))
    else:
        run, named = _calls.runner(system)
        one, many = partial(run, _calls.judge, named), partial(run, _calls.judge_many, named)
        report = map_parts(one, many, (scenarios, _decision(solutions)), system.schedule.judged)
    report = dataclasses.replace(report, system=system.name)
    if not bound:
        return report
    return _with_bounds(report, lambda family: bound_batch(scenarios, family), _family(system, scheme))


def bound(scenario: Any, family: str = "") -> Array:
    """What no solution of a network, or none of a family of schemes, beats.

    Parameters
    ----------
    scenario : Scenario
        One network.
    family : str
        Name of a family of schemes, ``Scheme.family``; every decision where empty.

    Returns
    -------
    () float
        In the unit of the objective; NaN where nothing is known.
    """
    system, scenario = doors.network(scenario, instead="; bound_batch takes many")
    return _bounded(system, scenario, family)


def bound_batch(scenarios: Any, family: str = "") -> Array:
    """What no solution, or none of a family of schemes, beats, for many networks.

    Parameters
    ----------
    scenarios : Scenario
        Stacked along a leading axis.
    family : str
        As in :func:`bound`.

    Returns
    -------
    (N,) float
    """
    system, scenarios = doors.network(scenarios, many=True, instead="; bound takes one")
    if system.host:
        return jnp.stack([_bounded(system, one, family) for one in unstack(scenarios)])
    run, named = _calls.runner(system)
    kind = system.family(family)
    one, many = partial(run, _calls.bound, named, family=kind), partial(run, _calls.bound_many, named, family=kind)
    return map_parts(one, many, (_sizes.rounded(system, scenarios),), system.schedule.bounded)


def save(path: str | Path, scenario: Any, solution: Any = None, report: Report | None = None) -> None:
    """Write a scenario file or, where a solution is given, its solution file.

    A solution file states objective and bound; they are computed where no report is given.

    Parameters
    ----------
    path : str or Path
        An ``.npz`` file; one that is there is replaced.
    scenario : Scenario
        The network.
    solution : Solution, optional
        A decision for it.
    report : Report, optional
        What the judge said of it.
    """
    system, scenario = doors.network(scenario, instead="; tn.unstack takes them apart")
    if solution is None:
        system.write_scenario(path, scenario)
        return
    system.write_solution(path, solution, evaluate(scenario, solution) if report is None else report)


def load(path: str | Path) -> Any:
    """Read a scenario or solution file; which one and of which system the file itself says.

    Parameters
    ----------
    path : str or Path
        An ``.npz`` file.

    Returns
    -------
    Scenario or Solution

    Raises
    ------
    FileFormatError
        It is neither.
    """
    name, kind = file_kind(Path(path))
    system = find_system(name)
    return doors.trusted(system.read_scenario(path)) if kind == "scenario" else system.read_solution(path)[0]


def check_sizes(system: System, scenario: Any, solution: Any, what: str = "solution") -> None:
    """Refuse a solution of a network of another size.

    Raises
    ------
    InputError
        Names the array and the size it should have.
    """
    sizes: dict[str, int] = {}
    for name, field in system.scenario_schema.items():
        sizes.update(zip(field.dims, _shape(scenario, name)))
    for name, field in system.solution_schema.items():
        for letter, size in zip(field.dims, _shape(solution, name)):
            if letter.isalpha() and sizes.get(letter, size) != size:
                raise InputError(
                    f"{what}: {name}", f"{letter} = {size}", f"{letter} = {sizes[letter]}, as in the scenario"
                )


def _shape(module: Any, name: str) -> tuple[int, ...]:
    value: Any = getattr(module, name, None)
    return () if value is None else np.shape(value)


def _no_effort(effort: str) -> None:
    if effort:
        raise InputError("effort", effort, "nothing beside a problem of one's own")


def _scheme(system: System, scheme: str | Scheme, start: Any, many: bool = False, effort: str = "") -> Scheme:
    chosen = (system.scheme(scheme) if isinstance(scheme, str) else scheme).with_effort(effort)
    if start is not None:
        doors.solution(system, start, many, "start")
    if start is not None and not chosen.iterates:
        raise InputError("start", "a solution", f"nothing: {chosen.name} does not iterate")
    return chosen


def _family(system: System, scheme: str | Scheme) -> str | None:
    if isinstance(scheme, str):
        return system.scheme(scheme).family if scheme else None
    return scheme.family


def _decision(solution: Any) -> Any:
    """A solution without its history, which no judge looks at: those of different schemes then share a program."""
    shape = np.shape(solution.history)
    return dataclasses.replace(solution, history=np.zeros((*shape[:-1], 0)))


def _with_bounds(report: Report, bound_of: Callable[[str], Array], family: str | None) -> Report:
    best = bound_of("")
    scheme_best = jnp.full_like(best, jnp.nan)
    if family is not None:
        scheme_best = bound_of(family) if family else best
    return dataclasses.replace(report, bound=best, scheme_bound=scheme_best)


def file_kind(path: Path) -> tuple[str, str]:
    """Name of the system, and ``scenario`` or ``solution``, as a file says."""
    if not path.is_file():
        raise FileFormatError("file", path, "an existing .npz file")
    try:
        text = archive.text(path, "format", archive.headers(path).get("format"))
    except Exception as fault:  # a damaged archive fails in many ways that share no base class
        raise FileFormatError("file", f"{path} ({why(path, fault)})", "a scenario or solution file") from fault
    name, _, kind = text.removeprefix("trinode/").removesuffix("/1").rpartition("-")
    if text != f"trinode/{name}-{kind}/1" or name not in system_names() or kind not in ("scenario", "solution"):
        allowed = ", ".join(
            f"trinode/{known}-{kind}/1" for known in system_names() for kind in ("scenario", "solution")
        )
        raise FileFormatError("format", text, f"one of {allowed}")
    return name, kind


def _judged(system: System, scenario: Any, solution: Any) -> Report:
    if system.host:
        return system.judge(scenario, solution)
    return _calls.program(_calls.judge, system, scenario, _decision(solution))


def _marked(system: System, scenario: Any, solution: Any) -> Any:
    """A solution of the host with the judge's word on it."""
    return system.marked(solution, evaluate(scenario, solution, bound=False).feasible)


def _bounded(system: System, scenario: Any, family: str) -> Array:
    kind = system.family(family)
    if system.host:
        return jnp.asarray(system.bound(scenario, kind))
    with _programs.run_once():
        return _calls.program(_calls.bound, system, _sizes.rounded(system, scenario), kind)
