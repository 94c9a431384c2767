"""The network that a command is about: drawn, from a file, or on bundled channels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trinode._words import number
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.channels.rounding import Repair

SystemName = Annotated[str, typer.Argument(metavar="SYSTEM", help="Name of a system, for instance latency.")]
Seed = Annotated[int | None, typer.Option(help="Seed of the random numbers.  [default: 0]", show_default=False)]
Trial = Annotated[int | None, typer.Option(help="Which network of the seed.  [default: 0]", show_default=False)]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="Change a parameter; may be repeated. See `trinode list SYSTEM`."),
]
Channels = Annotated[str | None, typer.Option(metavar="NAME", help="Use channels that ship with trinode, e.g. munich.")]
Layout = Annotated[
    int | None, typer.Option(help="Which layout of the bundled channels.  [default: 0]", show_default=False)
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]


@dataclass(frozen=True)
class Network:
    """A scenario, what to call it, and the walls of its map where there are any."""

    scenario: Any
    title: str
    building_lines: Any = None


def settings(texts: list[str] | None) -> dict[str, Any]:
    """Parameters from ``name=value`` texts.

    Raises
    ------
    InputError
        A text has another form, or a name occurs twice.
    """
    found: dict[str, Any] = {}
    for text in texts or []:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value:
            raise InputError("--set", text, "NAME=VALUE")
        if name in found:
            raise InputError("--set", text, f"each name once; {name} is there already")
        found[name] = _value(value)
    return found


def network(
    system: str,
    seed: int | None = None,
    trial: int | None = None,
    scenario: Path | None = None,
    channels: str | None = None,
    layout: int | None = None,
    given: dict[str, Any] | None = None,
) -> Network:
    """The one network that the options describe.

    Raises
    ------
    InputError
        The options contradict each other, or a value is not allowed.
    """
    from trinode import api
    from trinode.systems.registry import system as find_system

    if scenario is not None:
        others = {
            "--channels": channels,
            "--layout": layout,
            "--seed": seed,
            "--trial": trial,
            "--set": given or None,
        }
        for option, value in others.items():
            if value is not None:
                raise InputError(option, value, "nothing beside --scenario: the file holds the whole network")
        repairs: list[Repair] = []
        read = find_system(system).read_scenario(scenario, repairs)
        for one in repairs:
            typer.echo(f"{scenario}: repaired: {one}", err=True)
        return Network(read, scenario.name)
    if channels is None:
        if layout is not None:
            raise InputError("--layout", layout, "only with --channels")
        drawn = api.draw(system, seed or 0, trial or 0, **(given or {}))
        return Network(drawn, f"seed {seed or 0}, trial {trial or 0}")
    if trial is not None:
        raise InputError("--trial", trial, "nothing beside --channels: the layout says which network")
    from trinode.channels.bundled import load_bundled

    traced = load_bundled(channels, layout or 0)
    built = api.from_channels(traced, system, seed or 0, layout or 0, **(given or {}))
    return Network(built, f"{channels}, layout {layout or 0}", traced.building_lines)


def _value(text: str) -> Any:
    value = number(text)
    return {"true": True, "false": False}.get(text.lower(), text) if value is None else value
