"""The command ``trinode``: one file per command beside this one; heavy imports wait until they are needed."""

from __future__ import annotations

import atexit
import errno
import gc
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from trinode import _flags
from trinode.cli import (
    _stop,
    bench,
    check,
    demo,
    doctor,
    evaluate,
    explore,
    import_,
    list_,
    region,
    reproduce,
    scenario,
    serve,
    solve,
    sweep,
    train,
)
from trinode.cli import run as run_
from trinode.errors import TrinodeError

_PLACES = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
"""Faults of disks and folders, which are a person's business and no bug."""


class _Group(TyperGroup):
    """Commands whose expected errors are one line on the standard error stream and exit code 2."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except TrinodeError as fault:
            typer.echo(f"trinode: {fault}", err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            _stop.said = True
            typer.echo(_stop.STOPPED, err=True)
            raise typer.Exit(_stop.CODE) from None

    def main(self, *args: Any, **more: Any) -> Any:
        try:
            return super().main(*args, **more)
        except OSError as fault:
            if fault.errno not in _PLACES:
                raise
            typer.echo(f"trinode: {fault}", err=True)
            sys.exit(2)

    def list_commands(self, ctx: Any) -> list[str]:
        return list(self.commands)


app = typer.Typer(
    cls=_Group,
    name="trinode",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(version("trinode"))
        raise typer.Exit


@app.callback()
def main(
    version: bool = typer.Option(False, "--version", callback=_version, is_eager=True, help="Print the version."),
    load: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", envvar="TRINODE_SYSTEMS", help="Run this Python file for the systems it defines."),
    ] = None,
) -> None:
    """Networks whose nodes sense, communicate and compute at once: who computes what where, with which beams.

    \b
    Begin with:
      trinode demo                         a ray-traced city, and a share of every system
      trinode list                         what there is
      trinode solve latency --seed 3       decide for a random network
      trinode reproduce latency fig3       a figure of the paper
      trinode COMMAND --help               all of a command's options
      trinode --load FILE solve mine       a system of your own
    """
    if load:
        from trinode.systems.registry import run_file

        for file in load:
            run_file(file)


for _name, _command, _help in (
    ("demo", demo.demo, "A ray-traced city, and a share of every system."),
    ("list", list_.list_, "Show systems, schemes, figures, channels."),
    ("scenario", scenario.scenario, "Write a network to a file."),
    ("import", import_.import_, "Make a network of channels from elsewhere."),
    ("check", check.check, "Look at a network for likely slips."),
    ("solve", solve.solve, "Decide for one network and show it."),
    ("evaluate", evaluate.evaluate, "Judge a decision that a file holds."),
    ("reproduce", reproduce.reproduce, "Compute and draw a figure of a paper."),
    ("sweep", sweep.sweep, "Carry out a sweep that a file describes."),
    ("run", run_.run, "Decide for a network that moves, slot after slot."),
    ("region", region.region, "Walk the communication-sensing region of a network."),
    ("explore", explore.explore, "Open a page to drag, slide and see why."),
    ("serve", serve.serve, "Answer over HTTP."),
    ("bench", bench.bench, "Measure speed and quality here."),
    ("train", train.train, "Train a network of a system."),
    ("doctor", doctor.doctor, "Show versions, devices, cache; check that it works."),
):
    app.command(_name, short_help=_help)(_command)


def run() -> None:
    """Entry point of the console command; memory is left to the system, since freeing it bit by bit takes long."""
    _stop.watch()
    _flags.add(_flags.ALWAYS)
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # cores are busy with programs, not with one product each
    # tracing makes many objects that stay, and looking through all of them again and again takes a sixth of it
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    try:
        app()
    except SystemExit as end:
        code = end.code
        if not isinstance(code, int | None):
            raise
        atexit._run_exitfuncs()
        try:
            sys.stdout.flush()
        except OSError as fault:  # a full disk is noticed at the end where little was printed
            if not code:
                print(f"trinode: {fault}", file=sys.stderr)
            code = code or 2
        sys.stderr.flush()
        os._exit(code or 0)
