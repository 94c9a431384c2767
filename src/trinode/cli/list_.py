"""``trinode list``"""

from __future__ import annotations

from typing import Annotated

import typer

from trinode.cli._network import AsJson
from trinode.cli._show import Column, Table, print_json


def list_(
    system: Annotated[str, typer.Argument(metavar="[SYSTEM]", help="Name of a system.")] = "",
    as_json: AsJson = False,
) -> None:
    """Show what there is: systems, their papers and bundled channels, or all about one system.

    Of one system: its schemes, figures, parameters (meaning, unit, default, what is allowed), metrics, and how to cite
    it.

    \b
    Examples:
      trinode list
      trinode list latency
      trinode list latency --json
    """
    tables = _system(system) if system else _all()
    if as_json:
        print_json({table.title.lower(): list(table.rows) for table in tables} | _source(system))
        return
    for table in tables:
        if table.rows:
            table.print(two_columns=True)
    for line in _source(system).values():
        typer.echo(line)


def _source(system: str) -> dict[str, str]:
    """How to cite a system."""
    from trinode.systems.registry import system as find_system

    bibtex = find_system(system).bibtex if system else ""
    return {"bibtex": bibtex} if bibtex else {}


def _all() -> list[Table]:
    from trinode.channels.bundled import bundled_names, layout_count
    from trinode.systems.registry import system, system_names

    found = {name: system(name) for name in system_names()}
    rows = [
        {
            "system": name,
            "title": one.title,
            "schemes": ", ".join(one.schemes),
            "figures": ", ".join(one.figures),
        }
        for name, one in found.items()
    ]
    papers = [
        {"system": name, "paper": one.paper, "doi": one.doi, "shown_doi": one.doi or "none stated"}
        for name, one in found.items()
    ]
    channels = [{"channels": name, "layouts": layout_count(name)} for name in bundled_names()]
    names = (("system", "system"), ("title", "what it is"), ("schemes", "schemes"), ("figures", "figures"))
    source = (("system", "system"), ("paper", "paper"), ("shown_doi", "DOI"))
    return [
        Table("Systems", [Column(key, heading, left=True) for key, heading in names], rows),
        Table("Papers", [Column(key, heading, left=True) for key, heading in source], papers),
        Table("Channels", [Column("channels", "channels", left=True), Column("layouts", "layouts")], channels),
    ]


def _system(name: str) -> list[Table]:
    from trinode.systems.describe import parameters_of
    from trinode.systems.metric import LETTERS
    from trinode.systems.registry import system
    from trinode.systems.show import text_of
    from trinode.systems.units import unit_of

    found = system(name)
    schemes = [
        {
            "scheme": key,
            "summary": one.summary,
            "default": key == next(iter(found.schemes)),
            "iterates": one.iterates,
        }
        for key, one in found.schemes.items()
    ]
    figures = [
        {"figure": key, "title": spec.title, "trials": spec.sweep.trials, "claims": spec.claims}
        for key, spec in found.figures.items()
    ]
    parameters = [
        {
            "parameter": one.name,
            "meaning": one.meaning,
            "unit": one.unit,
            "default": one.default,
            "allowed": one.allowed,
            "shown_default": text_of(one.name, one.default),
        }
        for one in parameters_of(found)
    ]
    metrics = [
        {
            "metric": key,
            "meaning": one.meaning,
            "unit": unit_of(key),
            "per": " and ".join(LETTERS.get(letter, letter) for letter in one.dims) or "network",
            "needs": one.needs,
        }
        for key, one in found.metrics.items()
    ]

    def columns(*names: str) -> list[Column]:
        return [Column(one, one.removeprefix("shown_"), left=True) for one in names]

    return [
        Table(
            "Schemes", [Column("scheme", "scheme", left=True), Column("summary", "what it does", left=True)], schemes
        ),
        Table(
            "Figures",
            [
                Column("figure", "figure", left=True),
                Column("title", "what it shows", left=True),
                Column("trials", "trials"),
            ],
            figures,
        ),
        Table("Parameters", columns("parameter", "meaning", "shown_default", "allowed"), parameters),
        Table("Metrics", columns("metric", "meaning", "unit", "per"), metrics),
    ]
