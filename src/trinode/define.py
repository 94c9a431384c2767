"""A problem as a system: from a function ``scenario -> Problem`` to commands, files, sweeps, figures and reports."""

from __future__ import annotations

import dataclasses
import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from functools import wraps
from pathlib import Path
from types import new_class
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Bool, Complex, Float, Int

import trinode.compose
import trinode.solving
from trinode.channels.files import Schema
from trinode.compose.problem import Problem
from trinode.errors import InputError
from trinode.solving.stated import VARIABLES, General, Stated, decided_by
from trinode.systems import registry
from trinode.systems.contract import Scheme, System
from trinode.systems.decision import Solution
from trinode.systems.declared import schema_of
from trinode.systems.figure import FigureSpec, Panel, Sweep
from trinode.systems.metric import Metric
from trinode.systems.network import Scenario
from trinode.systems.units import UNITS, unit_of

PROBED = 5, 6
"""Sizes at which axes are told apart: the first letter's, and the step to the next one's."""
KINDS: dict[str, Any] = {"c": Complex, "f": Float, "i": Int, "b": Bool}


def define_system(
    name: str,
    Params: type,
    draw: Callable[[Any, Any], Scenario],
    problem: Callable[[Any], Problem],
    *,
    title: str = "",
    paper: str = "",
    bibtex: str = "",
    objective: str = "objective",
    meanings: Mapping[str, str] | None = None,
    figures: Iterable[FigureSpec] = (),
    schemes: Iterable[Scheme] = (),
    pictures: Mapping[str, Callable[..., Any]] | str = "",
    tables: str = "",
    bench: str = "",
    page: str = "",
    from_channels: Callable[..., Any] | None = None,
    channel_sizes: Mapping[str, str] | None = None,
) -> System:
    """Make a system of a problem, known by its name to everything in this process.

    Parameters
    ----------
    name : str
        For commands and files: small letters, digits, dashes.
    Params : type
        A class of :class:`equinox.Module` whose defaults make a network. Integers and texts are static fields; units
        are what names end in; meanings stand in the docstring under ``Attributes``.
    draw : callable
        ``draw(key, params) -> Scenario``, traceable. Its class is the system's own and says of each array what it is,
        ``channel: Complex[Array, "K M A"]``, K for terminals; sizes of one letter may be any.
    problem : callable
        ``problem(scenario) -> Problem``, the same parts, objective and constraints for every network.
    title, paper, bibtex : str
        One line for people, and where it comes from.
    objective : str
        What the objective is called.
    meanings : mapping
        What quantities are, in words.
    figures : iterable of FigureSpec
        Beside one for each number of the parameters.
    schemes : iterable of Scheme
        Beside ``general``, the default.
    pictures, tables, bench, page
        As in :class:`trinode.systems.contract.System`: modules that show and measure it, by name.
    from_channels : callable
        ``from_channels(channels, params, key) -> Scenario``, where channels may come from outside.
    channel_sizes : mapping
        Parameters that are sizes of channels from outside, and their letters there.

    Returns
    -------
    System

    Raises
    ------
    InputError
        Says what is missing of one of these.
    """
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        raise InputError("name", name, "small letters, digits and single dashes between them")
    if registry.ours(name):
        raise InputError("name", name, "a name that no system of trinode has")
    _check_params(Params)

    @wraps(draw)  # its module says whose it is
    def drawn(params: Any, key: Any) -> Any:
        return draw(key, params)

    network = jax.jit(drawn)(Params(), jax.random.key(0))
    kind = type(network)
    if not isinstance(network, Scenario):
        raise InputError("draw", f"a function that returns a {kind.__name__}", "one that returns a trinode.Scenario")
    _check_own(name, kind)
    schema = schema_of(kind)
    terminals = next(((one, f.dims.index("K")) for one, f in schema.items() if "K" in f.dims), None)
    if terminals is None:
        raise InputError(kind.__name__, "no axis K", "an array with an axis of terminals, K")
    sizes, probe = _probed(schema, network)
    stated = Stated(problem, _example(problem, probe), terminals)
    example = stated(probe)
    stated.Solution = _solution_type(name, stated, example, sizes, problem.__module__)
    wanted = example.origins.objective
    unit = "" if wanted.expression.unit.plain else str(wanted.expression.unit)
    label = f"{objective} ({unit})" if unit else objective
    more = {scheme.name: scheme for scheme in schemes}
    specs = [*_figures(name, Params, label), *figures]
    system = System(
        name=name,
        title=title or inspect.cleandoc(problem.__doc__ or name).partition("\n")[0],
        paper=paper,
        sense="min" if wanted.minimise else "max",
        objective_name=objective,
        objective_unit=unit,
        Params=Params,
        Scenario=kind,
        Solution=stated.Solution,
        draw=drawn,
        evaluate=stated.evaluate,
        bound=stated.bound,
        schemes={"general": General(), **more},
        from_channels=from_channels or _no_channels(name),
        figures={spec.name: spec for spec in specs},
        metrics=_metrics(stated, example, sizes, meanings or {}),
        bibtex=bibtex,
        channel_sizes=channel_sizes or {},
        pictures=pictures,
        tables=tables,
        bench=bench,
        page=page,
        host=True,
        problem=stated,
        bound_reason=stated.bound_reason,
        sources=(draw, problem, kind, trinode.compose, trinode.solving),
        file=_file_of(problem),
    )
    registry.register(system)
    return registry.system(name)


def _check_params(kind: type) -> None:
    if not (isinstance(kind, type) and issubclass(kind, eqx.Module)):
        raise InputError("Params", kind, "a class of equinox.Module")
    for entry in dataclasses.fields(kind):
        if entry.default is dataclasses.MISSING:
            raise InputError(f"Params.{entry.name}", "no default", "a default")
        if isinstance(entry.default, int | str) and not entry.metadata.get("static"):
            allowed = "eqx.field(static=True, default=...) for integers and texts; numbers that may be swept are floats"
            raise InputError(f"Params.{entry.name}", entry.default, allowed)


def _check_own(name: str, kind: type) -> None:
    """A class of networks says which system they are of."""
    for other in registry.loaded():
        if other.Scenario is kind and other.name != name:
            raise InputError(kind.__name__, f"the networks of {other.name}", f"a class for those of {name} alone")


def _probed(schema: Schema, network: Scenario) -> tuple[dict[int, str], Any]:
    """A network whose axes tell their letters by their sizes, made by repeating what there is."""
    letters = dict.fromkeys(word for field in schema.values() for word in field.dims if word.isalpha())
    sizes = {letter: PROBED[0] + PROBED[1] * place for place, letter in enumerate(letters)}
    arrays = {}
    for name, field in schema.items():
        array = np.asarray(getattr(network, name))
        for axis, letter in enumerate(field.dims):
            if letter in sizes and getattr(network, name) is not None:
                array = np.take(array, np.arange(sizes[letter]) % array.shape[axis], axis=axis)
        arrays[name] = None if getattr(network, name) is None else array
    return {size: letter for letter, size in sizes.items()}, dataclasses.replace(network, **arrays)


def _example(problem: Callable[[Any], Problem], network: Any) -> Problem:
    made = problem(network)
    if not isinstance(made, Problem):
        raise InputError("problem", f"a function that returns a {type(made).__name__}", "one that returns a Problem")
    return made


def _solution_type(name: str, stated: Stated, example: Problem, sizes: Mapping[int, str], module: str) -> type:
    """A class of decisions with the arrays of what is decided."""
    hints: dict[str, Any] = {}
    for own, arrays in zip(stated.decisions, decided_by(example), strict=True):
        for part, label in own.items():
            axes = " ".join(sizes.get(size, "_") for size in arrays[part].shape)
            hints[label] = KINDS[arrays[part].dtype.kind][Array, axes]
    hints[VARIABLES] = Float[Array, "_"]  # it alone has a default, and so is last
    space = {
        "__annotations__": hints,
        VARIABLES: None,
        "__doc__": f"A decision of {name}.",
        "__module__": module,
    }
    title = "".join(word.capitalize() for word in name.split("-"))
    return new_class(f"{title}Solution", (Solution,), exec_body=lambda body: body.update(space))


def _metrics(
    stated: Stated, example: Problem, sizes: Mapping[int, str], meanings: Mapping[str, str]
) -> dict[str, Metric]:
    """Quantities in words."""
    found = {}
    for part, own in zip(example.program.parts, stated.quantities, strict=True):
        for name, (shape, unit) in part.quantities().items():
            label = own[name]
            ending = next((f"_{one}" for one in UNITS if name.endswith(f"_{one}")), "")
            text = f"{name.removesuffix(ending).replace('_', ' ')} of the {part.word}"
            text += "" if unit == "1" or ending else f", {unit}"
            found[label] = Metric(meanings.get(label, text), tuple(sizes.get(size, "*") for size in shape))
    unknown = set(meanings) - set(found)
    if unknown:
        raise InputError("meanings", min(unknown), "quantities of the problem: " + ", ".join(found))
    return found


def _figures(name: str, Params: type, label: str) -> list[FigureSpec]:
    """The objective against each number of the parameters: its default, half and twice of it, 3 dB around decibels."""
    specs = []
    for entry in dataclasses.fields(Params):
        value, unit = entry.default, unit_of(entry.name)
        if not isinstance(value, float) or (value == 0 and not unit.startswith("dB")):
            continue
        values = (value - 3, value, value + 3) if unit.startswith("dB") else (value / 2, value, 2 * value)
        specs.append(
            FigureSpec(
                name=entry.name,
                title=f"{name}: {label} against {entry.name}",
                sweep=Sweep(name, ("general",), entry.name, values, trials=20),
                x_label=entry.name + (f" ({unit})" if unit else ""),
                panels=(Panel("objective", f"Mean {label}", bound=True),),
            )
        )
    return specs


def _no_channels(name: str) -> Callable[..., Any]:
    def from_channels(channels: Any, params: Any, key: Any) -> Any:
        raise InputError("channels", "channels from outside", f"none: {name} does not say what it makes of them")

    return from_channels


def _file_of(problem: Callable[..., Any]) -> str:
    """Where the source is; empty where it is in no file, as in a notebook."""
    try:
        path = Path(inspect.getfile(problem)).resolve()
    except TypeError:
        return ""
    return str(path) if path.is_file() else ""
