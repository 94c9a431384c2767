"""``trinode reproduce``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trinode.cli._network import AsJson, SystemName
from trinode.cli._show import Column, Table, print_json, working


def reproduce(
    system: SystemName,
    figure: Annotated[str, typer.Argument(metavar="FIGURE", help="Name of a figure; see `trinode list SYSTEM`.")],
    trials: Annotated[int | None, typer.Option(help="Networks per point; the figure's own number if absent.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where results and pictures go.  [default: out/SYSTEM-FIGURE]"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random numbers.")] = None,
    as_json: AsJson = False,
) -> None:
    """Compute a figure of a system's paper and draw it; what is there already is not computed again.

    Stopped at any time, the same command goes on where it was. Beside the picture (.pdf, .png) lie the
    numbers that are drawn (.csv) and all results (.nc).

    \b
    Examples:
      trinode reproduce latency fig3
      trinode reproduce latency fig3 --trials 10
      trinode reproduce latency fig3 --trials 100 --out results/fig3
    """
    with working("loading", as_json):
        from trinode.experiments import figure as figures
        from trinode.plots import figures as drawings

        figures.figure(system, figure)
    spec, dataset, summary = figures.reproduce(system, figure, out, trials=trials, seed=seed, progress=not as_json)
    with working("drawing", as_json):
        files = drawings.save(spec, dataset, out or figures.default_folder(system, figure))
        rows = drawings.lines(spec, dataset)
    if as_json:
        print_json(
            {
                "system": system,
                "figure": figure,
                "counts": {k: v for k, v in dataset.attrs.items() if k.startswith(("trials", "answers"))},
                "items": {"total": summary.total, "reused": summary.reused, "computed": summary.computed},
                "failed": list(summary.failed),
                "claims": spec.claims,
                "lines": rows,
                "files": [str(file) for file in files],
            }
        )
    else:
        columns = [Column(key, key, left=True) for key in ("quantity", "series", "scheme")]
        numbers = [Column("x", spec.sweep.parameter or "step", "{:g}"), Column("mean", "mean", "{:.5g}")]
        numbers += [Column("standard_error", "standard error", "{:.2g}"), Column("count", "count")]
        columns = [c for c in columns if len({row[c.key] for row in rows}) > 1 or c.key == "scheme"]
        Table(spec.title, columns + numbers, rows).print()
        typer.echo(drawings.counts(dataset))
        if spec.claims:
            typer.echo(f"The paper says: {spec.claims}")
        typer.echo(str(summary))
        for file in files:
            typer.echo(f"wrote {file}")
    if summary.failed:
        raise typer.Exit(1)
