"""``trinode scenario``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trinode.cli import _network, _out
from trinode.cli._network import Channels, Layout, Seed, Settings, SystemName, Trial
from trinode.cli._show import working


def scenario(
    system: SystemName,
    out: Annotated[Path, typer.Option(help="File to write (.npz).")],
    seed: Seed = None,
    trial: Trial = None,
    settings: Settings = None,
    channels: Channels = None,
    layout: Layout = None,
) -> None:
    """Write a network to a file: a random one, or one on bundled channels.

    \b
    Examples:
      trinode scenario latency --seed 3 --out network.npz
      trinode scenario latency --seed 3 --set terminals=8 --set bandwidth_hz=20e6 --out network.npz
      trinode scenario latency --channels munich --layout 2 --out munich-2.npz
    """
    _out.check_file("--out", out)
    with working("drawing"):
        from trinode import api

        made = _network.network(system, seed, trial, None, channels, layout, _network.settings(settings))
        api.save(out, made.scenario)
    typer.echo(f"{out}: {system}, {made.title}")
