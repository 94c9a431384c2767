"""``trinode import``"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from trinode._words import number
from trinode.cli import _network, _out
from trinode.cli._network import Seed, Settings
from trinode.cli._show import working
from trinode.errors import InputError

_FIELD = "a number, or the name of an array in the source"


def import_(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="mat, array, sionna, sionna-cir, sionna-cfr, deepmimo, quadriga.")
    ],
    source: Annotated[Path, typer.Argument(metavar="SOURCE", help="A file, or a folder of DeepMIMO 4 or of links.")],
    out: Annotated[Path, typer.Option(help="Network to write (.npz).")],
    system: Annotated[str, typer.Option(help="System whose network it is to be.")] = "latency",
    axes: Annotated[str, typer.Option(help="Names of the axes, e.g. 'terminal ap ap_antenna terminal_antenna'.")] = "",
    unit: Annotated[str, typer.Option(help="amplitude, dB, or noise (relative to it).")] = "amplitude",
    direction: Annotated[str, typer.Option(help="uplink, downlink, or 'conjugated downlink': who transmits.")] = "",
    name: Annotated[str, typer.Option(help="Array of the source, where there are several.")] = "",
    carrier_hz: Annotated[str, typer.Option(metavar="HZ", help=f"Carrier: {_FIELD}.")] = "",
    terminal_position_m: Annotated[
        str, typer.Option(metavar="NAME", help="Array of the source: terminals (K, 2 or 3).")
    ] = "",
    ap_position_m: Annotated[
        str, typer.Option(metavar="NAME", help="Array of the source: access points (M, 2 or 3).")
    ] = "",
    option: Annotated[
        list[str] | None,
        typer.Option(
            "--option", metavar="NAME=VALUE", help="Whatever else tn.channels.read takes, e.g. ap_elements=8x2."
        ),
    ] = None,
    silence: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="A warning that is not meant; may be repeated.")
    ] = None,
    seed: Seed = None,
    settings: Settings = None,
) -> None:
    """Make a network of channels from elsewhere, write it to a file, and look at it.

    \b
    Examples:
      trinode import mat lab.mat --axes "ap_antenna terminal ap" --carrier-hz 3.5e9 \
        --terminal-position-m ue --ap-position-m bs --out network.npz
      trinode import sionna rt.npz --direction uplink --carrier-hz 3.5e9 --option tau=tau --out network.npz
      trinode import deepmimo scenarios/city --option ap_elements=8x2 --option terminals=3,14,15 --out network.npz
    """
    _out.check_file("--out", out)
    said = {
        "axes": axes,
        "unit": unit,
        "direction": direction,
        "name": name,
        "carrier_hz": _value(carrier_hz),
        "terminal_position_m": terminal_position_m or None,
        "ap_position_m": ap_position_m or None,
        **{key: _value(value) for key, value in _pairs(option).items()},
    }
    with working("reading"):
        from trinode import api
        from trinode.bring import network
        from trinode.channels import ChannelWarning, read

        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ChannelWarning)  # all of them are printed below
            found = read(source, kind, silence=silence or (), **said)
            made = network(system, found, seed=seed or 0, silence=silence or (), **_network.settings(settings))
        api.save(out, made)
        seen = api.check(made, silence or ())
    typer.echo(f"{out}: {system}, of {source.name}")
    for text in found.notes:
        typer.echo(f"note: {text}")
    typer.echo(str(seen))
    for name_of_it, text in found.warnings:  # of the source, which the network does not know
        if name_of_it not in {slip.name for slip in seen.slips}:
            typer.echo(f"likely a slip, {name_of_it}: {text}")


def _pairs(texts: list[str] | None) -> dict[str, str]:
    found: dict[str, str] = {}
    for text in texts or []:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not key or not value or key in found:
            raise InputError("--option", text, "NAME=VALUE, each name once")
        found[key] = value
    return found


def _value(text: str) -> Any:
    """A number, a list of them, True, False, or a text; nothing where it is empty."""
    if not text:
        return None
    parts = [number(part) for part in text.split(",")]
    if all(part is not None for part in parts):
        return parts if "," in text else parts[0]
    return {"true": True, "false": False}.get(text.lower(), text)
