"""All it takes to work with trinode: draw or bring a network, solve it, judge the answer, keep both.

Everything here works for every system. Programs are compiled once per scheme, its settings and the shapes,
and kept.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Key

from trinode import _memory, _programs, _runtime, _sizes  # noqa: F401  (double precision first)
from trinode._batch import map_parts, stack, unstack
from trinode._words import one_of
from trinode.channels import archive
from trinode.channels.files import Field, why
from trinode.channels.look import Look, look
from trinode.channels.traced import check_channels
from trinode.compose.problem import Problem
from trinode.errors import FileFormatError, InputError
from trinode.radio.draws import named_key
from trinode.solving import drive
from trinode.systems import doors
from trinode.systems.contract import Scheme, System
from trinode.systems.decision import Solution
from trinode.systems.declared import to_arrays
from trinode.systems.network import Scenario
from trinode.systems.registry import elsewhere, system_names
from trinode.systems.registry import system as find_system
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


LARGEST_SIZE = 2**16
"""No axis of a network's arrays is longer."""

MODEST = 8.0
"""How many times the default's sizes, multiplied, are drawn without a look at what they take."""
MANY = 10_000
"""Networks that are drawn at a time without one."""
FARTHEST_M = 1e9
"""From the origin, of a node that is given a place."""
_LOOSE = Field("float")


def draw(
    system: str = "latency",
    seed: int = 0,
    trial: int = 0,
    *,
    terminal_position_m: Any = None,
    ap_position_m: Any = None,
    **params: Any,
) -> Any:
    """Draw one random network.

    Parameters
    ----------
    system : str
        Name of a system.
    seed, trial : int
        Which network; the same pair gives the same random numbers at any parameters.
    terminal_position_m, ap_position_m : array_like, optional
        Where terminals, shape (K, 2), and access points, shape (M, 2), stand instead of where they would be drawn, in
        metres. Path losses follow, small-scale fading stays: who moves a node sees the same network change.
    **params
        Fields of the system's parameters that differ from their defaults.

    Raises
    ------
    InputError
        An unknown system or parameter, or a value that is not allowed.
    """
    found = find_system(system)
    values = parameters(found, params)
    places = _places(found, terminal_position_m=terminal_position_m, ap_position_m=ap_position_m)
    _check_memory(found, values)
    return _finite(found, _program(_draw, found, values, *_seeds(seed, trial), *([places] if places else [])))


def draw_batch(system: str = "latency", seed: int = 0, trials: int | Iterable[int] = 100, **params: Any) -> Any:
    """Draw many random networks, stacked along a leading axis; ``trials`` is a number or the trials.

    Parameters
    ----------
    system : str
        Name of a system.
    seed : int
        Of all of them; each trial has its own key.
    trials : int or iterable of int
        How many, or which trials.
    **params
        Parameters of the system, as in :func:`draw`.

    Returns
    -------
    Scenario
        Its arrays have a leading axis of networks.

    Raises
    ------
    InputError
        As :func:`draw`.
    """
    found = find_system(system)
    values = parameters(found, params)
    listed = range(_count("trials", trials)) if isinstance(trials, int) else list(trials)
    _check_memory(found, values, len(listed))
    chosen = np.asarray([_count("trial", trial) for trial in listed], dtype=np.int64)
    run, named = _runner(found)
    given = named, values, np.asarray(_count("seed", seed))
    one, many = partial(run, _draw, *given), partial(run, _draw_many, *given)
    return _finite(found, map_parts(one, many, (chosen,), found.schedule.judged), many=True)


def bundled(name: str, layout: int, system: str = "latency", seed: int = 0, **params: Any) -> Any:
    """A network on channels that ship with trinode; what the channels leave open is drawn from ``seed``.

    Parameters
    ----------
    name : str
        One of ``trinode.channels.bundled.bundled_names()``.
    layout : int
        Which placement of access points and terminals.
    """
    from trinode.channels.bundled import load_bundled

    return from_channels(load_bundled(name, layout), system, seed, layout, **params)


def from_channels(channels: Any, system: str = "latency", seed: int = 0, trial: int = 0, **params: Any) -> Any:
    """A network on given channels (see :class:`trinode.channels.traced.TracedChannels`).

    Parameters
    ----------
    channels : TracedChannels or Channels
        What was read or traced: :func:`trinode.channels.read`.
    system : str
        Name of a system.
    seed, trial : int
        Of what channels leave open, such as targets.
    **params
        Parameters of the system, but those that channels fix.

    Returns
    -------
    Scenario

    Raises
    ------
    InputError
        Channels that are none, or a parameter that channels fix: sizes, and all that only random channels have.
    """
    found = find_system(system)
    checked, sizes = check_channels(channels)
    fixed = {name: sizes[letter] for name, letter in found.channel_sizes.items()}
    for name, value in params.items():
        if name in fixed:
            raise InputError(name, value, f"nothing beside channels, whose number it is: {fixed[name]}")
        if name in found.channel_fixed:
            raise InputError(name, value, "nothing beside channels, which take its place")
    given = {f.name: getattr(channels, f.name) for f in dataclasses.fields(channels) if f.name != "building_lines"}
    arrays, values = jax.tree.map(jnp.asarray, given | checked), parameters(found, fixed | params)
    made = _program(_import, found, arrays, values, *_seeds(seed, trial))
    made = _finite(found, made)
    made.check_together(to_arrays(made, found.scenario_schema))
    return made


def change(scenario: Any, **arrays: Any) -> Any:
    """``scenario.with_(**arrays)``: the same network with other arrays, checked again.

    See :meth:`trinode.systems.network.Scenario.with_`.

    Parameters
    ----------
    scenario : Scenario
        One network.
    **arrays
        By their names in scenario files.
    """
    return doors.change(scenario, arrays)


def from_arrays(system: str, **arrays: Any) -> Any:
    """A network of your own arrays, by the names, shapes and units of the system's scenario file.

    Parameters
    ----------
    system : str
        Name of a system.
    **arrays
        Whatever NumPy makes an array of; cast to the types of the file. See ``docs/formats.md``.

    Raises
    ------
    InputError
        Names the array that is missing, unknown, of another shape, or holds what is not allowed.
    """
    return doors.trusted(find_system(system).scenario_from(arrays))


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
        return drive.solve(scenario, start)
    system, scenario = doors.network(scenario, instead="; tn.solve_batch takes many")
    chosen = _scheme(system, scheme, start, effort=effort)
    if start is not None:
        check_sizes(system, scenario, start, "start")
    if chosen.host:
        return _marked(system, scenario, chosen.solve(scenario, start))
    run, named = _solver(system, chosen)
    wide, begin = _sizes.rounded(system, scenario), _sizes.rounded(system, start)
    return _sizes.cropped(system, chosen.of_worker(run(_solve, named, chosen.worker(), wide, begin)), scenario)


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
    run, named = _solver(system, chosen)
    worker = chosen.worker()
    one, many = partial(run, _solve, named, worker), partial(run, _solve_many, named, worker)
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
        run, named = _runner(system)
        one, many = partial(run, _evaluate, named), partial(run, _evaluate_many, named)
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
    run, named = _runner(system)
    one, many = partial(run, _bound, named, family=family), partial(run, _bound_many, named, family=family)
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


def parameters(system: System | str, given: Mapping[str, Any] | None = None) -> Any:
    """Parameters of a system, those that are not given at their defaults.

    Numbers become arrays, so that other values need no compilation.

    Parameters
    ----------
    system : System or str
        Whose parameters they are.
    given : mapping
        Some of them by name; the others have their defaults.

    Raises
    ------
    InputError
        An unknown name, or a value that is not allowed.
    """
    system, given = _found(system), given or {}
    defaults = {field.name: field.default for field in dataclasses.fields(system.Params)}
    # numbers of NumPy count as Python's, also where an integer is asked for
    given = {name: value.item() if isinstance(value, np.generic) else value for name, value in given.items()}
    for name, value in given.items():
        if name not in defaults:
            other = elsewhere(name, _parameter_names, defaults)
            raise InputError(name, f"a parameter that {system.name} does not have{other}", one_of(name, defaults))
        default = defaults[name]
        if isinstance(default, str | bool):
            if type(value) is not type(default):
                raise InputError(name, value, f"a value like {default!r}")
        elif not (_is_number(value) or (value is None and default is None)):
            raise InputError(name, value, "a number")
        elif isinstance(default, int) and isinstance(value, int) and value > LARGEST_SIZE:
            raise InputError(name, value, f"an integer of at most {LARGEST_SIZE}")
    params = system.Params(**given)
    return jax.tree.map(lambda leaf: jnp.asarray(np.asarray(leaf, float)) if _is_real(leaf) else leaf, params)


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


def network_bytes(system: System, params: Any) -> int:
    """What a drawn network of these parameters takes, found without drawing it."""
    try:
        shapes = jax.eval_shape(partial(_draw, system), params, *_seeds(0, 0))
    except _memory.TooLarge as fault:
        return fault.taken
    return sum(math.prod(leaf.shape) * leaf.dtype.itemsize for leaf in jax.tree.leaves(shapes))


def trial_key(system: str, seed: int, trial: int) -> Key[Array, ""]:
    """Random key of one trial, from named axes only."""
    return jax.random.fold_in(_seed_key(system, _count("seed", seed)), _count("trial", trial))


def _parameter_names(system: System) -> list[str]:
    return [field.name for field in dataclasses.fields(system.Params)]


def _seeds(seed: Any, trial: Any) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(_count("seed", seed)), np.asarray(_count("trial", trial))


def _seed_key(system: str, seed: Any) -> Key[Array, ""]:
    return named_key(jax.random.key(seed), system)


def _count(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not 0 <= value < 2**31:
        raise InputError(name, value, "an integer of at least 0 and below 2**31")
    return int(value)


def _places(system: System, **given: Any) -> dict[str, np.ndarray]:
    """Positions that are given, checked."""
    found = {}
    for name, value in given.items():
        if value is None:
            continue
        if name not in system.places:
            raise InputError(name, "positions", f"nothing: {system.name} draws them itself")
        try:
            place = np.asarray(value, dtype=float)
        except (TypeError, ValueError):
            raise InputError(name, value, "an array of positions in metres") from None
        if not np.all(np.abs(place) < FARTHEST_M):
            raise InputError(name, value, f"positions within {FARTHEST_M:g} m of the origin")
        found[name] = place
    return found


def _shape(module: Any, name: str) -> tuple[int, ...]:
    value: Any = getattr(module, name, None)
    return () if value is None else np.shape(value)


def _is_number(value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float | np.ndarray | jax.Array):
        return False
    array = np.asarray(value)
    return array.shape == () and array.dtype.kind in "iuf"


def _check_memory(system: System, params: Any, count: int = 1) -> None:
    """Refuse networks whose arrays would not fit; looked into only where they are much larger than the default's."""
    default = system.Params()
    sizes = {f.name: getattr(params, f.name) for f in dataclasses.fields(params) if f.metadata.get("static")}
    growth = {
        name: size / max(getattr(default, name), 1)
        for name, size in sizes.items()
        if isinstance(size, int) and not isinstance(size, bool)
    }
    if math.prod(max(1.0, one) for one in growth.values()) <= MODEST and count <= MANY:
        return
    each = network_bytes(system, params)
    if each > _memory.room():
        name = max(growth, key=lambda name: growth[name])
        raise InputError(name, f"{sizes[name]} (networks of {_memory.words(each)})", _memory.allowed())
    if each * count > _memory.room():
        raise InputError("trials", f"{count} ({_memory.words(each * count)} of networks)", _memory.allowed())


def _finite(system: System, scenario: Any, many: bool = False) -> Any:
    """The scenario, unless its parameters were so extreme that an array of it is no longer what a file may hold."""
    for entry in dataclasses.fields(scenario):
        field = system.scenario_schema.get(entry.name, _LOOSE)
        value = np.asarray(getattr(scenario, entry.name)) if eqx.is_array(getattr(scenario, entry.name)) else None
        if value is None or value.dtype.kind not in "fc":
            continue
        if not field.nan and not np.all(np.isfinite(value)):
            raise InputError(entry.name, "NaN or infinity", "parameters of which a network of finite numbers comes")
        lowest = value.min(initial=1.0) if field.sign != "any" else 1.0
        if lowest < 0 or (lowest == 0 and field.sign == "positive"):
            allowed = "parameters of which a value above 0 comes" if field.sign == "positive" else "no negative value"
            raise InputError(entry.name, lowest, allowed)
    return doors.trusted(scenario, many)


def _is_real(leaf: Any) -> bool:
    return isinstance(leaf, int | float) and not isinstance(leaf, bool)


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


def _runner(system: System) -> tuple[Callable[..., Any], System | str]:
    """How a system's functions are called, and what they are given to know it by.

    Programs are kept between processes where all of the system is trinode's own.
    """
    parts = (system.Params, system.draw, system.evaluate, system.bound, system.from_channels)
    if system is find_system(system.name) and all(_ours(part) for part in parts):
        return _programs.call, system.name
    return _programs.call_unkept, system


def _solver(system: System, scheme: Scheme) -> tuple[Callable[..., Any], System | str]:
    """The same for one of its schemes."""
    run, named = _runner(system)
    return (run, named) if _ours(type(scheme)) else (_programs.call_unkept, system)


def _program(function: Callable[..., Any], system: System, *arguments: Any) -> Any:
    run, named = _runner(system)
    return run(function, named, *arguments)


def _judged(system: System, scenario: Any, solution: Any) -> Report:
    if system.host:
        return system.judge(scenario, solution)
    return _program(_evaluate, system, scenario, _decision(solution))


def _marked(system: System, scenario: Any, solution: Any) -> Any:
    """A solution of the host with the judge's word on it."""
    return system.marked(solution, evaluate(scenario, solution, bound=False).feasible)


def _bounded(system: System, scenario: Any, family: str) -> Array:
    if system.host:
        return jnp.asarray(system.bound(scenario, family))
    return _program(_bound, system, _sizes.rounded(system, scenario), family)


def _found(system: System | str) -> System:
    return find_system(system) if isinstance(system, str) else system


def _ours(thing: Any) -> bool:
    return thing.__module__.startswith("trinode.")


def _draw(system: System | str, params: Any, seed: Any, trial: Any, places: Any = None) -> Scenario:
    found = _found(system)
    key = jax.random.fold_in(_seed_key(found.name, seed), trial)
    return found.draw(params, key, places) if places else found.draw(params, key)


def _draw_many(system: System | str, params: Any, seed: Any, trials: Any) -> Scenario:
    return jax.vmap(partial(_draw, system, params, seed))(trials)


def _import(system: System | str, channels: dict[str, Any], params: Any, seed: Any, trial: Any) -> Scenario:
    found = _found(system)
    key = jax.random.fold_in(_seed_key(found.name, seed), trial)
    return found.from_channels(SimpleNamespace(building_lines=None, **channels), params, key)


def _solve(system: System | str, scheme: Scheme, scenario: Any, start: Any) -> Solution:
    """A scheme's solution with the judge's word on it, by the same program: none says of itself what is not so."""
    found = _found(system)
    solution = jax.lax.optimization_barrier(scheme.solve(scenario, start))  # judging changes nothing of it
    return found.marked(solution, scheme.met(found, scenario, solution))


def _solve_many(system: System | str, scheme: Scheme, scenarios: Any, starts: Any) -> Solution:
    return jax.vmap(partial(_solve, system, scheme))(scenarios, starts)


def _evaluate(system: System | str, scenario: Any, solution: Any) -> Report:
    return _found(system).judge(scenario, solution)


def _evaluate_many(system: System | str, scenarios: Any, solutions: Any) -> Report:
    return jax.vmap(_found(system).judge)(scenarios, solutions)


def _bound(system: System | str, scenario: Any, family: str) -> Array:
    return _found(system).bound(scenario, family)


def _bound_many(system: System | str, scenarios: Any, family: str) -> Array:
    return jax.vmap(partial(_found(system).bound, family=family))(scenarios)
