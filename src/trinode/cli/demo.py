"""``trinode demo``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trinode.cli import _network
from trinode.cli._network import AsJson
from trinode.cli._show import print_json, working


def demo(
    system: Annotated[str, typer.Argument(metavar="[SYSTEM]", help="Name of a system.")] = "latency",
    channels: Annotated[str, typer.Option(metavar="NAME", help="Bundled channels.")] = "munich",
    layout: Annotated[int, typer.Option(help="Which layout of them.")] = 0,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where pictures and files go.")] = Path("out"),
    as_json: AsJson = False,
) -> None:
    """Solve a ray-traced city with every scheme, show who computes what where, and draw it.

    \b
    Examples:
      trinode demo
      trinode demo --layout 7 --out city
    """
    with working("loading", as_json):
        from trinode import api
        from trinode.cli._answer import as_json as answer_json
        from trinode.cli._answer import print_answer, scheme_table
        from trinode.plots import pictures
        from trinode.systems.registry import system as find_system

        found = find_system(system)
        made = _network.network(system, channels=channels, layout=layout)
    answers = {}
    for name in found.schemes:
        with working(f"solving with {name} (the first time includes compiling)", as_json):
            solution = api.solve(made.scenario, name)
            answers[name] = (solution, api.evaluate(made.scenario, solution, scheme=name))
    default = next(iter(found.schemes))
    solution, report = answers[default]
    with working("drawing", as_json):
        out.mkdir(parents=True, exist_ok=True)
        title = f"{made.title}, {default}"
        files = [out / "scenario.npz", out / "solution.npz"]
        api.save(files[0], made.scenario)
        api.save(files[1], made.scenario, solution, report)
        files += pictures(found.name, made.scenario, solution, report, out, title, made.building_lines)
    if as_json:
        every = [answer_json(found, name, made.scenario, *answer) for name, answer in answers.items()]
        print_json({"network": made.title, "answers": every, "files": [str(file) for file in files]})
        return
    print_answer(found, made.title, default, made.scenario, solution, report)
    scheme_table(found, answers).print()
    for file in files:
        typer.echo(f"wrote {file}")
