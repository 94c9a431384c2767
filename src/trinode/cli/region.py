"""``trinode region``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from trinode.cli import _network, _out
from trinode.cli._network import AsJson, Seed, Settings, Trial
from trinode.cli._show import print_json, working
from trinode.errors import InputError


def region(
    seed: Seed = None,
    trial: Trial = None,
    scenario: Annotated[Path | None, typer.Option(metavar="FILE", help="Use the network of this file.")] = None,
    settings: Settings = None,
    points: Annotated[int, typer.Option(help="Points of the front, both ends included.")] = 20,
    by: Annotated[str, typer.Option(metavar="WAY", help="Walk by pattern error (error) or by rate (rate).")] = "error",
    access_points: Annotated[
        str,
        typer.Option(metavar="M,M,..", help="One region for each number of access points, 48 antennas in all."),
    ] = "",
    plot: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Draw the region into this folder.")] = None,
    as_json: AsJson = False,
) -> None:
    """Walk the communication-sensing region of a network: what sum rate at what pattern error.

    \b
    Examples:
      trinode region --points 20 --plot out
      trinode region --seed 3 --by rate --json
      trinode region --set targets=4 --set targets_per_ap=2 --set broadside=false
      trinode region --access-points 4,6,8,12 --plot out
    """
    with working("loading", as_json):
        from trinode.cli.present_region import front_table
        from trinode.systems.region.front import region as walk

        _out.check_folder("--plot", plot)
        given = _network.settings(settings)
        cases: list[tuple[int, Any]] = []
        for count, more in _cases(access_points, given, scenario):
            made = _network.network("region", seed, trial, scenario, given=given | more)
            cases.append((count or made.scenario.access_points, made))
    found = []
    for count, made in cases:
        with working(f"walking, {count} access points (the first time includes compiling)", as_json):
            found.append((count, walk(made.scenario, points, by)))  # type: ignore[arg-type]
    files: list[Path] = []
    faults: list[Exception] = []
    if plot is not None:
        with working("drawing", as_json), _out.later(faults):
            from trinode.plots import region as drawings
            from trinode.plots._style import save_figure

            for (count, one), (_, made) in zip(found, cases):
                title = f"{made.title}, {count} access points"
                name = "region-front" if len(found) == 1 else f"region-front-{count}"
                files += save_figure(drawings.draw_region(one, title), plot, name)
            if len(found) > 1:
                files += save_figure(drawings.draw_fronts(found, cases[0][1].title), plot, "region-fig3")
    if as_json:
        print_json(
            {
                "network": cases[0][1].title,
                "regions": [{"access_points": count, **one.to_dict()} for count, one in found],
                "files": [str(file) for file in files],
            }
        )
        _out.tell(faults)
        return
    for (count, one), (_, made) in zip(found, cases):
        typer.echo(f"{made.title}, {count} access points")
        front_table(one).print()
    for file in files:
        typer.echo(f"wrote {file}")
    _out.tell(faults)


def _cases(texts: str, given: dict[str, Any], scenario: Path | None) -> list[tuple[int, dict[str, Any]]]:
    """Parameters of each number of access points, as in footnote 1 of the paper; one empty case where none is asked."""
    if not texts:
        return [(0, {})]
    if scenario is not None:
        raise InputError("--access-points", texts, "nothing beside --scenario: the file holds the whole network")
    for name in ("access_points", "ap_antennas"):
        if name in given:
            raise InputError("--set", f"{name}={given[name]}", "nothing beside --access-points, which sets it")
    cases = []
    for text in texts.split(","):
        if not text.strip().isdecimal() or not 1 <= int(text) <= 48 or 48 % int(text):
            raise InputError("--access-points", texts, "divisors of 48, for instance 4,6,8,12")
        count = int(text)
        more = {"access_points": count, "ap_antennas": 48 // count}
        cases.append((count, more | ({} if "ap_power_budget" in given else {"ap_power_budget": 6.0})))
    return cases
