"""A running service: what is compiled before, what is bound, and how it ends."""

from __future__ import annotations

import ipaddress
import signal
import sys
import threading
import webbrowser
from collections.abc import Callable, Sequence
from typing import Any

from trinode.errors import InputError, MissingExtraError
from trinode.serve.known import Known, Size
from trinode.serve.limits import Limits

KEEP_ALIVE_S = 5
SHORTEST_TOKEN = 16


def check_reach(host: str, token: str) -> bool:
    """Whether an address is this machine's own.

    Raises
    ------
    InputError
        It is reached from elsewhere, and no token is asked for.
    """
    try:
        local = host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        local = False
    if token and len(token) < SHORTEST_TOKEN:
        raise InputError("--token", f"{len(token)} characters", f"at least {SHORTEST_TOKEN} of them")
    if not local and not token:
        allowed = "a token (TRINODE_TOKEN), since the address is reached from elsewhere"
        raise InputError("--token", f"nothing, at {host}", allowed)
    return local


def run(
    host: str,
    port: int,
    token: str,
    limits: Limits,
    sizes: Sequence[Size],
    closed: bool,
    explore: bool = False,
    browse: bool = False,
    begins: Callable[[], None] = lambda: None,
) -> None:
    """Serve until a signal asks to stop; what has begun is finished.

    Parameters
    ----------
    port : int
        0 stands for any that is free; the address is printed.
    closed : bool
        Whether sizes that are not named are refused.
    explore : bool
        Whether the page is what it is for: it is there at once, and sizes are compiled meanwhile.
    browse : bool
        Whether to open the page in a browser.
    begins : callable
        Called when signals are no longer to end the process at once.
    """
    try:
        import uvicorn
        import websockets  # noqa: F401  (sessions)

        from trinode.serve.app import application
    except ImportError as fault:
        raise MissingExtraError(fault.name or "fastapi", "serve") from fault
    local = check_reach(host, token)
    known = Known(sizes, closed, limits.sizes)
    app = application(limits, known, token, local)
    state = app.state
    config = uvicorn.Config(
        app,
        host,
        port,
        log_level="warning",
        access_log=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        ws_max_size=limits.body_bytes,
        ws="websockets-sansio",
        server_header=False,
        h11_max_incomplete_event_size=2**15,
    )
    bound = config.bind_socket()
    where = f"http://{'[' + host + ']' if ':' in host else host}:{bound.getsockname()[1]}/"

    def compile_all() -> None:
        for size in known.sizes:
            state.compiling = str(size)
            print(f"compiling {size}", file=sys.stderr, flush=True)
            known.compile(size, slots=not explore)
        state.compiling = ""

    if explore:
        threading.Thread(target=compile_all, daemon=True).start()
    else:
        compile_all()
    server: Any = uvicorn.Server(config)
    begins()
    for name in (signal.SIGINT, signal.SIGTERM):  # until the server hears them itself, and once more when it has ended
        signal.signal(name, lambda *_: setattr(server, "should_exit", True))
    bound.listen()  # whoever reads the address may come at once
    print(f"trinode serves {where}" + ("" if explore else f" and lists what it takes at {where}docs"), flush=True)
    if browse:
        webbrowser.open(where)
    server.run(sockets=[bound])
