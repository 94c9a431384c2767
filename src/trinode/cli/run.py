"""``trinode run``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trinode.cli import _out
from trinode.cli._network import AsJson
from trinode.cli._show import Column, Table, print_json, working


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The mobile network, in YAML; see the examples below.")],
    out: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the dataset, its table and its picture go.")
    ] = Path("out/run"),
    as_json: AsJson = False,
) -> None:
    """Decide for a network that moves, slot after slot, within a budget of time.

    Every slot's decision is the one before, repaired exactly and improved while there is time. Beside it stand what
    deciding anew would have given and the bound, which take longer and can be left out (anew: false, bound: false).
    The dataset lies in FOLDER/mobility.nc, a line for each slot in FOLDER/mobility.csv, the picture beside them.

    \b
    A file:
      system: threetier
      slots: 500
      motion: ageing       or walking, or track with track: FILE
      speed_kmh: 3
      slot_s: 0.01
      budget_s: 0.01
    Further names: carrier_hz, period, seed, trial, fixed, anew, bound.

    \b
    Examples:
      trinode run mobility.yaml --out out/pedestrian
      trinode run mobility.yaml --json
    """
    with working("loading", as_json):
        from trinode.experiments import mobility
        from trinode.plots import mobility as drawing

        _out.check_folder("--out", out)
        found, networks = mobility.read_mobility(file)
    with working("deciding", as_json):
        dataset = mobility.run(found, networks)
        files = [out / "mobility.nc", out / "mobility.csv"]
        dataset.to_netcdf(files[0], engine="scipy")
        dataset.to_dataframe().to_csv(files[1])
        files += drawing.save(dataset, out)
    told = mobility.summary(dataset)
    if as_json:
        print_json({"summary": told, "files": [str(one) for one in files]})
        return
    columns = [Column("what", "of all slots but the first", left=True), Column("value", "", "{:.4g}")]
    rows = [
        ("time of a step, median (ms)", told["p50_ms"]),
        ("99 % below (ms)", told["p99_ms"]),
        ("longest (ms)", told["worst_ms"]),
        ("slots without a feasible decision", told["infeasible"]),
        ("of these feasible when decided anew", told["missed"]),
        ("mean gap to the bound (%)", 100 * told["gap_to_bound"]),
        ("mean gap to deciding anew (%)", 100 * told["gap_to_anew"]),
    ]
    Table(f"{found.system}: {found.slots} slots", columns, [{"what": a, "value": b} for a, b in rows]).print()
    for one in files:
        typer.echo(f"wrote {one}")
