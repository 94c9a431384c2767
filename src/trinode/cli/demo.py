"""``trinode demo``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trinode.cli import _network
from trinode.cli._network import AsJson
from trinode.cli._show import print_json, working

if TYPE_CHECKING:
    from trinode.systems.contract import Report, System


def _solve_all(system: System, scenario: Any) -> dict[str, tuple[Any, Report]]:
    """Solution and report of every scheme; what has to be compiled is compiled side by side."""
    from concurrent.futures import ThreadPoolExecutor

    from trinode import _pool, api

    families = dict.fromkeys(["", *(scheme.family for scheme in system.schemes.values())])
    with ThreadPoolExecutor(_pool.programs()) as pool:
        solving = {name: pool.submit(api.solve, scenario, name) for name in system.schemes}
        bounding = [pool.submit(api.bound, scenario, family) for family in families]
        solutions = {name: task.result() for name, task in solving.items()}
        for task in bounding:
            task.result()
    return {name: (one, api.evaluate(scenario, one, scheme=name)) for name, one in solutions.items()}


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
    with working(f"solving with {', '.join(found.schemes)} (the first time includes compiling)", as_json):
        answers = _solve_all(found, made.scenario)
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
