"""``trinode check``"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from trinode.cli._network import AsJson
from trinode.cli._show import print_json, working


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A network.")],
    silence: Annotated[
        list[str] | None, typer.Option("--silence", metavar="SLIP", help="A slip that is none here; may be repeated.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Look at a network before solving: gains, SNR, blocked links, phases, and likely slips of units, axes, angles.

    Slips are warnings: the exit code is 0, and each is silenced by its name.

    \b
    Examples:
      trinode check network.npz
      trinode check network.npz --silence bytes-for-bits
    """
    with working("looking", as_json):
        from trinode import api

        found = api.check(file, silence or ())
    if as_json:
        print_json(asdict(found))
    else:
        typer.echo(f"{file.name}\n{found}")
