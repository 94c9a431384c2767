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
    """Show what there is: systems and bundled channels, or the schemes, figures and parameters of one system.

    \b
    Examples:
      trinode list
      trinode list latency
      trinode list latency --json
    """
    tables = _system(system) if system else _all()
    if as_json:
        print_json({table.title.lower(): list(table.rows) for table in tables})
        return
    for table in tables:
        if table.rows:
            table.print()


def _all() -> list[Table]:
    from trinode.channels.bundled import bundled_names, layout_count
    from trinode.systems.registry import system, system_names

    rows = []
    for name in system_names():
        found = system(name)
        schemes, figures = ", ".join(found.schemes), ", ".join(found.figures)
        rows.append(
            {
                "system": name,
                "title": found.title,
                "schemes": schemes,
                "figures": figures,
                "paper": found.paper,
            }
        )
    channels = [{"channels": name, "layouts": layout_count(name)} for name in bundled_names()]
    names = (("system", "system"), ("title", "what it is"), ("schemes", "schemes"), ("figures", "figures"))
    return [
        Table("Systems", [Column(key, heading, left=True) for key, heading in names], rows),
        Table("Channels", [Column("channels", "channels", left=True), Column("layouts", "layouts")], channels),
    ]


def _system(name: str) -> list[Table]:
    import dataclasses

    from trinode.systems.registry import system

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
    parameters = [{"parameter": f.name, "default": f.default} for f in dataclasses.fields(found.Params)]
    return [
        Table(
            "Schemes",
            [Column("scheme", "scheme", left=True), Column("summary", "what it does", left=True)],
            schemes,
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
        Table(
            "Parameters",
            [Column("parameter", "parameter", left=True), Column("default", "default")],
            parameters,
        ),
    ]
