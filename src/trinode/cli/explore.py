"""``trinode explore``."""

from __future__ import annotations

from typing import Annotated

import typer

from trinode.cli import _stop
from trinode.cli.serve import Named

COMPILES_S = 900.0
"""A size that is asked for first waits for its compiler."""


def explore(
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 stands for any that is free.")] = 0,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Open the page in a browser.")] = True,
    size: Named = None,
) -> None:
    """Open a page on which one drags nodes, slides parameters, and sees who computes where, and what binds.

    Needs the extra `serve`; nothing leaves this machine. Programs for the paper's sizes of the latency and three-tier
    systems are compiled while the page opens, or those that are named; others when they are first asked for.
    """
    from trinode.serve.known import Size
    from trinode.serve.limits import Limits
    from trinode.serve.server import run

    sizes = [Size.parse(text) for text in size or ("latency", "threetier")]
    limits = Limits(seconds=COMPILES_S, sizes=1000)
    run("127.0.0.1", port, "", limits, sizes, closed=False, explore=True, browse=browser, begins=_stop.leave)
