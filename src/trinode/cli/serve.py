"""``trinode serve``."""

from __future__ import annotations

from typing import Annotated

import typer

from trinode.cli import _stop
from trinode.cli._where import size as bytes_of

Host = Annotated[str, typer.Option(help="Address to bind; one that others reach needs a token.")]
Port = Annotated[int, typer.Option(min=0, max=65535, help="0 stands for any that is free.")]
Token = Annotated[
    str, typer.Option(envvar="TRINODE_TOKEN", help="What requests have to show: `Authorization: Bearer TOKEN`.")
]
Named = Annotated[
    list[str] | None,
    typer.Option(
        "--size",
        metavar="'SYSTEM [scheme=A,B] [NAME=VALUE ...]'",
        help="Compile for networks of these parameters before the first request; may be repeated.",
    ),
]
Seconds = Annotated[float, typer.Option(help="In which a request is answered, else the answer is 504.")]


def serve(
    host: Host = "127.0.0.1",
    port: Port = 8417,
    token: Token = "",
    size: Named = None,
    others: Annotated[
        bool, typer.Option("--others", help="Take sizes that are not named, too; their first request compiles.")
    ] = False,
    body: Annotated[str, typer.Option(metavar="SIZE", help="Largest body of a request.")] = "16M",
    network: Annotated[str, typer.Option(metavar="SIZE", help="Largest network, unpacked.")] = "64M",
    running: Annotated[int, typer.Option(help="Requests that compute at a time; 0 for one per core.")] = 0,
    waiting: Annotated[int, typer.Option(help="Requests that may wait; others are sent away with 503.")] = 32,
    seconds: Seconds = 60.0,
    sessions: Annotated[int, typer.Option(help="WebSocket sessions open at a time.")] = 16,
) -> None:
    """Answer over HTTP: draw, solve, evaluate, bound, sessions of slots, and the page of `trinode explore`.

    Needs the extra `serve`. Where sizes are named, their programs are compiled first and no others are taken, so that
    no request waits for a compiler. A signal (Ctrl-C, SIGTERM) lets what has begun finish.

    \b
    Examples:
      trinode serve --size latency --size 'threetier scheme=joint,edge terminals=6'
      TRINODE_TOKEN=... trinode serve --host 0.0.0.0 --size fairness
    """
    from trinode.serve.known import Size
    from trinode.serve.limits import Limits
    from trinode.serve.server import run

    limits = Limits(
        body_bytes=bytes_of(body),
        network_bytes=bytes_of(network),
        running=running,
        waiting=waiting,
        seconds=seconds,
        sessions=sessions,
    )
    sizes = [Size.parse(text) for text in size or []]
    run(host, port, token, limits, sizes, bool(sizes) and not others, begins=_stop.leave)
