"""Ctrl-C ends a command within a second, whatever it is doing.

Python hears of it only between steps of its own, and the compiler takes half a minute for one. What is kept is kept
file by file, whole or not at all, so that a command may end anywhere.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from threading import Thread

GRACE = 0.5
"""Seconds in which a command may still end by itself."""
STOPPED = "trinode: stopped; whatever was finished is kept"
CODE = 130
said = False
"""Whether the person has been told."""


def watch() -> None:
    """From now on an interrupt ends the process, also where the main thread does not hear of it."""
    if os.name != "posix":
        return
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    Thread(target=_end_when_interrupted, args=(reader,), daemon=True).start()


def leave() -> None:
    """From now on an interrupt is the command's own business: one that finishes what has begun."""
    if os.name == "posix":
        signal.set_wakeup_fd(-1)


def _end_when_interrupted(reader: int) -> None:
    while os.read(reader, 1) != bytes([signal.SIGINT]):
        pass
    time.sleep(GRACE)
    if not said:
        print(STOPPED, file=sys.stderr, flush=True)
    places = sys.modules.get("trinode.experiments.places")
    if places is not None:
        places.end_processes()
    with suppress(OSError):
        sys.stdout.flush()
    os._exit(CODE)
