"""``trinode bench``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from trinode import _flags
from trinode.cli import _out
from trinode.cli._network import AsJson
from trinode.cli._show import Column, Table, print_json, to_json, working
from trinode.errors import InputError


def bench(
    system: Annotated[
        str,
        typer.Argument(metavar="[SYSTEM]", help="Name of a system, or problems; one table of each system if absent."),
    ] = "",
    trials: Annotated[
        int | None, typer.Option(help="Networks per measurement; each one's own number if absent.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(metavar="NAME", help="Run only this one; may be repeated.")] = None,
    cities: Annotated[bool, typer.Option("--cities", help="Every scheme on ray-traced cities, by system.")] = False,
    folder: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Of --cities: layouts that examples/make_cities.py has made, beside ours."),
    ] = None,
    layouts: Annotated[int | None, typer.Option(help="Of --cities: layouts of each city; all if absent.")] = None,
    results: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER",
            help="Of --cities: where results are kept, and where they are looked for.  [default: out/cities]",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the results to this file: Markdown where it ends in .md, else JSON. "
            "Sections that a Markdown file has already and that are not run stay.",
        ),
    ] = None,
    quickly: Annotated[
        bool,
        typer.Option("--quickly", help="Of --cities: compile quickly rather than well, for few layouts."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure speed and quality on this machine: in one table per system, or in all respects of one system.

    \b
    Examples:
      trinode bench
      trinode bench latency
      trinode bench latency --only quality --trials 20
      trinode bench latency --json --out bench.json
      trinode bench problems
      trinode bench --cities --layouts 4 --quickly
      trinode bench --cities --only threetier --folder cities
    """
    if cities:
        _refuse("beside --cities", {"SYSTEM": system, "--trials": trials})
        if quickly:
            _flags.add(_flags.QUICKLY)
    else:
        given = {"--folder": folder, "--layouts": layouts, "--results": results, "--quickly": quickly}
        _refuse("without --cities", given)
    options: list[str] = []
    with working("loading", as_json):
        from trinode.experiments.bench import markdown, run_sections

        if cities:
            from trinode.experiments.bench import cities as on_cities

            kept = results or Path("out/cities")
            _out.check_folder("--results", kept)
            sections = on_cities.sections(folder, kept)
            system, trials = "--cities", layouts
            options = [f"--folder {folder}"] if folder is not None else []
            options += ["--quickly"] if quickly else []
        else:
            sections = _benchmarks(system)

    def say(text: str) -> None:
        if not as_json:
            typer.echo(text, err=True)

    if out is not None:
        _out.check_folder("--out", out.parent)
        _out.check_file("--out", out)
    earlier = out.read_text(encoding="utf-8") if out is not None and out.is_file() else ""
    result: dict[str, Any] = {}
    faults: list[Exception] = []
    for result in run_sections(system, sections, trials, tuple(only or ()), say, options):
        if out is not None:  # after every section, so that whoever stops it keeps those that are over
            text = markdown(result, earlier) if out.suffix == ".md" else to_json(result) + "\n"
            faults.clear()
            with _out.later(faults):
                out.write_text(text, encoding="utf-8")
    if as_json:
        print_json(result)
        _out.tell(faults)
        return
    for table in result["tables"]:
        columns = [Column(str(i), name, "{:.4g}", left=i == 0) for i, name in enumerate(table["columns"])]
        Table(table["title"], columns, [dict(zip(map(str, range(len(row))), row)) for row in table["rows"]]).print()
        if table.get("note"):
            typer.echo(table["note"])
    _out.tell(faults)
    if out is not None:
        typer.echo(f"wrote {out}")


def _refuse(where: str, given: dict[str, Any]) -> None:
    """Refuse options that mean nothing here."""
    for option, value in given.items():
        if value:
            raise InputError(option, value, f"nothing {where}")


def _benchmarks(system: str) -> Any:
    """Benchmarks by name: those of a system, or the overview of each system."""
    from functools import partial

    from trinode.experiments.bench.overview import overview
    from trinode.systems.registry import system as find_system
    from trinode.systems.registry import system_names

    if not system:
        return {name: partial(overview, name) for name in system_names() if find_system(name).bench}
    if system == "problems":
        from trinode.experiments.bench import problems

        return problems.SECTIONS
    own = find_system(system).beside("bench")
    if own is None:
        raise InputError("bench", system, "a system that has benchmarks")
    return own.SECTIONS
