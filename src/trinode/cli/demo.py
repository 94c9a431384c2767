"""``trinode demo``"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from trinode import _flags
from trinode.cli import _network, _out
from trinode.cli._network import AsJson
from trinode.cli._show import print_json, working

if TYPE_CHECKING:
    from trinode.cli._show import Table


def _shares(but: str) -> dict[str, Callable[[Path], tuple[list[Table], list[Path]]]]:
    """What the other systems have to show, by system; see their tables."""
    from trinode.systems.registry import system, system_names

    shares = {name: getattr(system(name).beside("tables"), "demo", None) for name in system_names() if name != but}
    return {name: share for name, share in shares.items() if share is not None}


def demo(
    system: Annotated[
        str, typer.Argument(metavar="[SYSTEM]", help="Only this system; latency and a share of the others if absent.")
    ] = "",
    channels: Annotated[str, typer.Option(metavar="NAME", help="Bundled channels.")] = "munich",
    layout: Annotated[int, typer.Option(help="Which layout of them.")] = 0,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where pictures and files go.")] = Path("out"),
    as_json: AsJson = False,
) -> None:
    """Solve a ray-traced city with every scheme, show and draw the default's decision; then shares of other systems.

    With a SYSTEM: the city in that system's way, and nothing else. Tables are printed; pictures, the network
    (scenario.npz) and the decision (solution.npz) are written to the folder.

    \b
    Examples:
      trinode demo
      trinode demo latency --layout 7 --out city
    """
    _out.check_folder("--out", out)
    _flags.add(_flags.QUICKLY)  # everything is solved once
    with working("loading", as_json):
        from trinode import api
        from trinode.cli._answer import as_json as answer_json
        from trinode.cli._answer import print_answer, scheme_table
        from trinode.cli._work import answers, drawing
        from trinode.plots import pictures
        from trinode.systems.registry import system as find_system

        found = find_system(system or "latency")
        made = _network.network(found.name, channels=channels, layout=layout)
    with working(f"solving with {', '.join(found.schemes)} (the first time includes compiling)", as_json):
        answered = answers(found, made.scenario, list(found.schemes))
    shares = {} if system else _shares(found.name)
    pool = ThreadPoolExecutor(max(len(shares), 1))
    sharing = {name: pool.submit(share, out) for name, share in shares.items()}
    pool.shutdown(wait=False)
    default = next(iter(found.schemes))
    solution, report = answered[default]
    files: list[Path] = []
    faults: list[Exception] = []
    with working("drawing", as_json), _out.later(faults):
        title = f"{made.title}, {default}"
        api.save(out / "scenario.npz", made.scenario)
        api.save(out / "solution.npz", made.scenario, solution, report)
        files += [out / "scenario.npz", out / "solution.npz"]
        with drawing:
            files += pictures(found.name, made.scenario, solution, report, out, title, made.building_lines)
    if not as_json:
        print_answer(found, made.title, default, made.scenario, solution, report)
        scheme_table(found, answered).print()
    shown = {}
    for name, task in sharing.items():
        with working(f"{name}: {find_system(name).title}", as_json):
            tables, drawn = task.result()
        shown[name] = {table.title: list(table.rows) for table in tables}
        files += drawn
        if not as_json:
            typer.echo(f"\n{name}: {find_system(name).title}")
            for table in tables:
                table.print()
    if as_json:
        every = [answer_json(found, name, made.scenario, *answer) for name, answer in answered.items()]
        listed = [str(file) for file in files]
        print_json({"network": made.title, "answers": every, "others": shown, "files": listed})
    else:
        for file in files:
            typer.echo(f"wrote {file}")
        typer.echo("trinode explore: a page to drag nodes, slide parameters and see what binds")
    _out.tell(faults)
