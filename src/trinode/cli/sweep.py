"""``trinode sweep``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trinode.cli import _out
from trinode.cli._network import AsJson
from trinode.cli._show import print_json, working
from trinode.cli._where import Dask, Jobs, Memory, SchedulerFile, ShardText, where


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
    """Carry out a sweep: schemes over the values of a parameter, many random networks each, into one dataset.

    Stopped at any instant, the same command goes on where it was. Only what the folder lacks is computed, wherever the
    rest was computed before. The dataset lies in FOLDER/dataset.nc.

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
        from trinode.experiments.spec import read_sweep

        asked = read_sweep(file)
        options = where(jobs, dask, scheduler_file, shard, memory)
        _out.check_folder("--out", out)
    summary = run(asked, out, progress=not as_json, **options)
    with working("gathering", as_json):
        dataset = gather(asked, out)
        files = write(dataset, out, zarr)
    if as_json:
        print_json(
            {
                "items": {"total": summary.total, "reused": summary.reused, "computed": summary.computed},
                "failed": list(summary.failed),
                "counts": {k: v for k, v in dataset.attrs.items() if k.startswith(("trials", "answers"))},
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
        for one in files:
            typer.echo(f"wrote {one}")
    if summary.failed:
        raise typer.Exit(1)
