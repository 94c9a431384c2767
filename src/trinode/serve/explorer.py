"""What the page asks for: the network of a setup, a scheme's decision for it, and the Python that gives both."""

from __future__ import annotations

import time
from typing import Any

import jax
import numpy as np

from trinode import api
from trinode.channels.bundled import bundled_names, layout_count, load_bundled
from trinode.channels.rounding import Repair
from trinode.errors import InputError
from trinode.serve import view, wire
from trinode.serve.asked import Draw, Explore
from trinode.serve.known import Known, Size, bare
from trinode.serve.limits import Limits
from trinode.systems.contract import System
from trinode.systems.registry import system as find_system
from trinode.systems.registry import system_names

PLACES = ("terminal_position_m", "ap_position_m")


def choices(known: Known) -> dict[str, Any]:
    """What the page offers: systems, their schemes and sliders, channels; it begins with a size that is named."""
    found = []
    for name in system_names():
        system = find_system(name)
        static = api.parameters(system)
        found.append(
            {
                "name": name,
                "title": system.title,
                "objective": system.objective_name,
                "schemes": [{"name": key, "summary": scheme.summary} for key, scheme in system.schemes.items()],
                "sliders": [one.described(static) for one in view.sliders(system)],
                "fixed": [*system.channel_sizes, *system.channel_fixed],
                "movable": bool(system.places),
            }
        )
    first = known.sizes[0] if known.sizes else Size.parse("latency")
    return {
        "systems": found,
        "channels": [{"name": name, "layouts": layout_count(name)} for name in bundled_names()],
        "first": {"system": first.system, "schemes": first.schemes, "params": dict(first.params)},
    }


def walls(name: str) -> list[Any]:
    """Walls of bundled channels for a map: x and y of both ends."""
    lines = load_bundled(name, 0).building_lines
    return [] if lines is None else np.round(lines.reshape(len(lines), 4).astype(float), 1).tolist()


def drawn(asked: Draw, known: Known, limits: Limits) -> tuple[System, Any]:
    """A random network."""
    system = find_system(asked.system)
    known.admit_draw(system, asked.params, limits.network_bytes)
    return system, api.draw(asked.system, asked.seed, asked.trial, **_places(asked), **asked.params)


def network(asked: Explore, known: Known, limits: Limits, repairs: list[Repair]) -> tuple[System, Any]:
    """The network of a setup; what had to be repaired of a file's rounding is put on the list.

    Raises
    ------
    InputError
        Of what is asked for, something is not allowed, or does not go together.
    """
    if asked.channels and asked.file:
        raise InputError("channels", asked.channels, "nothing beside a file")
    if asked.times and not asked.file:
        raise InputError("times", ", ".join(asked.times), "nothing but beside a file")
    if not asked.channels and not asked.file:
        return drawn(asked, known, limits)
    if _places(asked):
        raise InputError("positions", "given", "nothing beside channels that are given: they hold for their places")
    if asked.channels:
        system = find_system(asked.system)
        return system, api.bundled(asked.channels, asked.trial, asked.system, asked.seed, **asked.params)
    if asked.params:
        raise InputError("params", ", ".join(asked.params), "nothing beside a file, which holds the whole network")
    system, made = wire.network(asked.file, limits.network_bytes, repairs)
    if not asked.times:
        return system, made
    now = {name: _array(system, made, name) for name in asked.times}
    return system, api.change(made, **{name: factor * now[name] for name, factor in asked.times.items()})


def answer(asked: Explore, known: Known, limits: Limits) -> tuple[System, str, Any, Any, Any, dict[str, Any]]:
    """System, scheme, network, decision and report of a setup, and the seconds of the steps with what was repaired."""
    began = time.perf_counter()
    repairs: list[Repair] = []
    system, scenario = network(asked, known, limits, repairs)
    scheme = system.scheme(asked.scheme).name
    known.admit(system, scenario, scheme)
    plain = bare(scenario)
    drawn_at = time.perf_counter()
    solution = api.solve(plain, scheme)
    np.asarray(solution.status)
    solved_at = time.perf_counter()
    report = api.evaluate(plain, solution, bound=asked.bound)
    jax.block_until_ready((report.bound, report.objective))
    spent = {"draw": drawn_at - began, "solve": solved_at - drawn_at, "judge": time.perf_counter() - solved_at}
    told = {"seconds": spent, "repairs": list(map(str, repairs))}
    return system, scheme, scenario, solution, report, told


def picture(asked: Explore, known: Known, limits: Limits) -> dict[str, Any]:
    """All that the page shows of a setup."""
    system, scheme, scenario, solution, report, told = answer(asked, known, limits)
    shown = view.picture(system, scheme, scenario, solution, report)
    movable = bool(system.places) and not asked.channels and not asked.file
    return shown | told | {"movable": movable, "python": python(asked, system, scheme)}


def file(asked: Explore, what: str, known: Known, limits: Limits) -> bytes:
    """The network, or the decision, of a setup as a file."""
    if what == "network":
        return wire.file_bytes(network(asked, known, limits, [])[1])
    _, _, scenario, solution, report, _ = answer(asked.model_copy(update={"bound": True}), known, limits)
    return wire.file_bytes(scenario, solution, report)


def python(asked: Explore, system: System, scheme: str) -> str:
    """Python that gives what is shown."""
    lines = ["import trinode as tn", ""]
    if asked.file:
        lines.append(f"scenario = tn.load({asked.file_name!r})")
        changed = [f"{name}={factor!r} * scenario.{name}" for name, factor in asked.times.items()]
        if changed:
            lines.append(_call("scenario = tn.change", ["scenario", *changed]))
    else:
        params = [f"{name}={value!r}" for name, value in asked.params.items()]
        if asked.channels:
            first = [repr(asked.channels), f"layout={asked.trial}", f"system={system.name!r}", f"seed={asked.seed}"]
            lines.append(_call("scenario = tn.bundled", first + params))
        else:
            first = [repr(system.name), f"seed={asked.seed}", f"trial={asked.trial}"]
            places = [f"{name}={value!r}" for name, value in _places(asked).items()]
            lines.append(_call("scenario = tn.draw", first + params + places))
    lines += [
        f"solution = tn.solve(scenario, {scheme!r})",
        "report = tn.evaluate(scenario, solution)",
        "print(report)",
        "",
    ]
    return "\n".join(lines)


def _call(name: str, arguments: list[str]) -> str:
    line = f"{name}({', '.join(arguments)})"
    if len(line) <= 100:
        return line
    return "\n".join([f"{name}(", *(f"    {one}," for one in arguments), ")"])


def _places(asked: Draw) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in PLACES if getattr(asked, name) is not None}


def _array(system: System, scenario: Any, name: str) -> np.ndarray:
    field, value = system.scenario_schema.get(name), getattr(scenario, name, None)
    if field is None or value is None or field.kind != "float":
        raise InputError("times", name, "names of arrays of numbers that the file holds")
    return np.asarray(value)
