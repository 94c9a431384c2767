"""Where a command computes its work items: options that `sweep` and `reproduce` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.experiments.places import Place

Jobs = Annotated[
    int | None,
    typer.Option(metavar="N", help="Processes of one thread each; in this process, on all cores, if absent."),
]
Dask = Annotated[str | None, typer.Option(metavar="ADDRESS", help="Compute on the dask cluster at this address.")]
SchedulerFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Compute on the dask cluster of this scheduler file.")
]
ShardText = Annotated[
    str | None,
    typer.Option("--shard", metavar="I/N", help="Only this part of the work, from 1/N to N/N: for job arrays."),
]
Memory = Annotated[
    str, typer.Option(metavar="SIZE", help="What the scenarios of a batch may take, for instance 500M or 2G.")
]
_UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def where(
    jobs: int | None, dask: str | None, scheduler_file: Path | None, shard: str | None, memory: str
) -> dict[str, Any]:
    """Arguments of :func:`trinode.experiments.run` from the options.

    Raises
    ------
    InputError
        More than one place, or an option that cannot be read.
    """
    from trinode.experiments.places import Cluster, Here, Processes, Shard

    asked = [
        name for name, value in (("--jobs", jobs), ("--dask", dask), ("--scheduler-file", scheduler_file)) if value
    ]
    if len(asked) > 1:
        raise InputError("options", " and ".join(asked), "one of --jobs, --dask, --scheduler-file")
    place: Place = Here()
    if jobs is not None:
        place = Processes(jobs)
    elif dask or scheduler_file:
        place = Cluster(dask or "", str(scheduler_file or ""))
    return {"place": place, "shard": Shard.parse(shard) if shard else None, "memory": size(memory)}


def size(text: str) -> int:
    """Bytes from a number with K, M, G or T behind it."""
    number, unit = text.strip().upper().removesuffix("B"), ""
    if number and number[-1] in _UNITS:
        number, unit = number[:-1], number[-1]
    try:
        bytes_ = int(float(number) * _UNITS[unit])
    except (ValueError, OverflowError):
        bytes_ = 0
    if bytes_ < 1:
        raise InputError("memory", text, "a size such as 500M or 2G")
    return bytes_
