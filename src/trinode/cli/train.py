"""``trinode train``"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from trinode._words import one_of
from trinode.cli import _out
from trinode.cli._network import SystemName
from trinode.cli._show import working
from trinode.errors import InputError


def train(
    system: SystemName,
    model: Annotated[str, typer.Option(metavar="NAME", help="Which network; see below.")],
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Where it goes.  [default: out/train-MODEL]")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Steps of the optimiser; the model's own number if absent.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 0,
) -> None:
    """Train a network of a system and write its weights to an .npz file; needs the extra `learn`.

    Stopped at any time, the same command goes on where it was. For fairness: `single` and `several` (the scheme
    learned, on one and on several subcarriers), `cnn-lstm` and `cnn-lstm-by-sample` (the paper's network, tested on new
    topologies, or on new channels of known ones), `labels` (only the optimal powers that these learn from).

    \b
    Examples:
      trinode train fairness --model single
      trinode train fairness --model cnn-lstm --out results/cnn
    """
    with working("loading"):
        module = _training(system)
    if model not in module.MODELS:
        raise InputError("model", model, one_of(model, module.MODELS))
    folder = out if out is not None else Path("out") / f"train-{model}"
    _out.check_folder("--out", folder)
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(model, total=None)

        def say(done: int, total: int, loss: float) -> None:
            progress.update(task, completed=done, total=total, description=f"{model} {loss:.5g}")

        given: dict[str, Any] = {} if steps is None else {"steps": steps}
        path, lines = module.MODELS[model](folder, seed=seed, say=say, **given)
    for line in lines:
        typer.echo(line)
    typer.echo(f"wrote {path}")


def _training(system: str) -> Any:
    """Module with the training of a system."""
    from trinode.systems.registry import system as find_system

    own = find_system(system).beside("training")
    if own is None:
        raise InputError("train", system, "a system that has networks to train")
    return own
