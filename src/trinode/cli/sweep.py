"""``trinode sweep``"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trinode.cli import _out
from trinode.cli._network import AsJson
from trinode.cli._show import Column, Table, print_json, working
from trinode.cli._where import Dask, Jobs, Memory, SchedulerFile, ShardText, where

if TYPE_CHECKING:
    from trinode.systems.figure import FigureSpec


def sweep(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The sweep, in YAML; see the examples below.")],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where results are kept, and where they are looked for.")],
    jobs: Jobs = None,
    dask: Dask = None,
    scheduler_file: SchedulerFile = None,
    shard: ShardText = None,
    memory: Memory = "1G",
    zarr: Annotated[bool, typer.Option("--zarr", help="Write the dataset as a zarr store, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Carry out a sweep: schemes over the values of a parameter, many random networks each; show and draw the means.

    Stopped at any instant, the same command goes on where it was. Only what the folder lacks is computed, wherever the
    rest was computed before. The dataset lies in FOLDER/dataset.nc, the means with their confidence intervals of 95 %
    in FOLDER/sweep.csv, and a picture of them in FOLDER/sweep.pdf and .png; a shard leaves these to the last command.

    \b
    A sweep file:
      system: latency
      schemes: [joint, mec]
      parameter: serving
      values: [1, 2, 3]
      trials: 100
    Further names: fixed, series, seed, block, measures, bound, history.

    \b
    Examples:
      trinode sweep serving.yaml --out out/serving
      trinode sweep serving.yaml --out out/serving --jobs 8
      trinode sweep serving.yaml --out out/serving --dask tcp://scheduler:8786
      trinode sweep serving.yaml --out out/serving --shard 3/20
    """
    with working("loading", as_json):
        from trinode.experiments import gather, run
        from trinode.experiments.dataset import write
        from trinode.experiments.figure import of_sweep
        from trinode.experiments.spec import read_sweep
        from trinode.plots import figures as drawings

        asked = read_sweep(file)
        options = where(jobs, dask, scheduler_file, shard, memory)
        _out.check_folder("--out", out)
    summary = run(asked, out, progress=not as_json, **options)
    with working("gathering", as_json):
        dataset = gather(asked, out)
        files = write(dataset, out, zarr)
    spec, rows = of_sweep(asked), []
    if shard is None:
        with working("drawing", as_json):
            rows = drawings.lines(spec, dataset)
            files += drawings.save_means(spec, dataset, out)
    if as_json:
        print_json(
            {
                "items": {"total": summary.total, "reused": summary.reused, "computed": summary.computed},
                "failed": list(summary.failed),
                "counts": {k: v for k, v in dataset.attrs.items() if k.startswith(("trials", "answers"))},
                "lines": rows,
                "files": [str(one) for one in files],
            }
        )
    else:
        typer.echo(str(summary))
        a = dataset.attrs
        typer.echo(
            f"{a['trials']} trials: {a['trials_kept']} feasible for every scheme at every point, "
            f"{a['trials_infeasible']} not, {a['trials_missing']} not all computed"
        )
        if rows:
            _means(spec, rows).print()
            typer.echo(drawings.counts(a, spec=spec))
        for one in files:
            typer.echo(f"wrote {one}")
    if summary.failed:
        raise typer.Exit(1)


def _means(spec: FigureSpec, rows: list[dict[str, Any]]) -> Table:
    """Mean and confidence interval of each quantity at each point."""
    from trinode.systems.registry import system
    from trinode.systems.units import listed, unit_of

    units = {"objective": system(spec.sweep.system).objective_unit}
    units |= {one.name: unit_of(one.metric) for one in spec.sweep.measures}
    shown = []
    for row in rows:
        numbers = [row["mean"]] + ([row["confidence_95"]] if row["confidence_95"] == row["confidence_95"] else [])
        shown.append(row | {"shown": listed(numbers, units[row["quantity"]], " ± ")})
    columns = [Column(key, key, left=True) for key in ("quantity", "series", "scheme")]
    columns = [one for one in columns if one.key == "scheme" or len({row[one.key] for row in rows}) > 1]
    columns += [Column("x", spec.sweep.parameter, "{:g}")] if spec.sweep.parameter else []
    columns += [Column("shown", "mean ± 95 % confidence"), Column("count", "networks")]
    return Table("Means", columns, shown)
