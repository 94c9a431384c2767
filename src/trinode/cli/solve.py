"""``trinode solve``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trinode import _flags
from trinode.cli import _network, _out
from trinode.cli._network import AsJson, Channels, Layout, Seed, Settings, SystemName, Trial
from trinode.cli._show import print_json, working
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.channels.rounding import Repair


def solve(
    system: SystemName,
    seed: Seed = None,
    trial: Trial = None,
    scenario: Annotated[Path | None, typer.Option(metavar="FILE", help="Solve the network of this file.")] = None,
    settings: Settings = None,
    channels: Channels = None,
    layout: Layout = None,
    scheme: Annotated[str, typer.Option(metavar="NAME", help="How to decide; the system's default if absent.")] = "",
    effort: Annotated[
        str, typer.Option(metavar="NAME", help="How much a scheme tries that knows it: quick, default or thorough.")
    ] = "",
    start: Annotated[Path | None, typer.Option(metavar="FILE", help="Begin at the solution of this file.")] = None,
    out: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the solution to this file.")] = None,
    as_json: AsJson = False,
    plot: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Draw the decision into this folder.")] = None,
) -> None:
    """Decide for one network, judge the decision by the system's model, and show it.

    The exit code is 0 also when the network turns out to be infeasible: that is an answer.

    \b
    Examples:
      trinode solve latency --seed 3
      trinode solve latency --seed 3 --set cloud_max_frequency_hz=20e9 --scheme mec
      trinode solve latency --channels munich --layout 3 --plot out
      trinode solve latency --scenario network.npz --start last.npz --out next.npz
      trinode solve latency --seed 3 --json
      trinode solve region --channels munich --layout 15 --effort thorough
    """
    if out is not None and scenario is not None and out.exists() and scenario.exists() and out.samefile(scenario):
        raise InputError("--out", out, "another file than that of --scenario, which it would replace")
    _flags.add(_flags.QUICKLY)  # everything is solved once
    with working("loading", as_json):
        from trinode.cli._head_start import head_start
        from trinode.systems.registry import system as find_system

        found = find_system(system)
        name = scheme or next(iter(found.schemes))
        found.scheme(name).with_effort(effort)
        _out.check_file("--out", out)
        _out.check_folder("--plot", plot)
    with head_start(f"solve {system} {name} {effort}".rstrip()):
        with working("loading", as_json):
            from trinode import api
            from trinode.cli._answer import as_json as answer_json
            from trinode.cli._answer import print_answer
            from trinode.cli._work import answers

            made = _network.network(system, seed, trial, scenario, channels, layout, _network.settings(settings))
            repairs: list[Repair] = []
            begin = None if start is None else found.read_solution(start, repairs)[0]
            for one in repairs:
                typer.echo(f"{start}: repaired: {one}", err=True)
        with working(f"solving with {name} (the first time includes compiling)", as_json):
            solution, report = answers(found, made.scenario, [name], begin, effort)[name]
    files: list[Path] = []
    faults: list[Exception] = []
    if out is not None:
        with _out.later(faults):
            api.save(out, made.scenario, solution, report)
            files.append(out)
    if plot is not None:
        with working("drawing", as_json), _out.later(faults):
            from trinode.plots import pictures

            title = f"{made.title}, {name}"
            files += pictures(found.name, made.scenario, solution, report, plot, title, made.building_lines)
    if as_json:
        answer = answer_json(found, name, made.scenario, solution, report)
        print_json({"network": made.title, **answer, "files": [str(file) for file in files]})
    else:
        print_answer(found, made.title, name, made.scenario, solution, report)
        for file in files:
            typer.echo(f"wrote {file}")
    _out.tell(faults)
