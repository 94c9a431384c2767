"""Room in XLA's thread pool, so that several compiled programs may run side by side on a CPU.

A LAPACK call on a batch of matrices hands its parts to the very pool whose thread it occupies, and waits for
them. When every thread of the pool waits so, none is left to do the parts and the process stands still for
good; with one thread per core, which is XLA's default, two programs at once are enough on a machine of two
cores. A pool larger than the number of calls that can wait at once cannot end there.

XLA reads the size of its pool from the environment when it starts; nothing of that stays there.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

THREADS_PER_PROGRAM = 8
"""Threads of the pool for every program that runs at a time."""

_reserved = False
_sharing: ContextVar[bool] = ContextVar("_sharing", default=False)


def cores() -> int:
    """Processor cores that this process may use; ``TRINODE_CORES`` where it is set."""
    asked = os.environ.get("TRINODE_CORES", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def start() -> None:
    """Start JAX's backends with a large enough pool; has no effect where they have started."""
    global _reserved
    if _started():
        return
    import jax

    wanted, given = THREADS_PER_PROGRAM * cores(), os.environ.get("NPROC")
    if given is None:
        os.environ["NPROC"] = str(wanted)
    try:
        jax.local_devices()
        _reserved = os.environ["NPROC"].isdecimal() and int(os.environ["NPROC"]) >= wanted
    finally:
        if given is None:
            del os.environ["NPROC"]


def programs() -> int:
    """How many programs may run side by side: the cores, or one where the pool could not be reserved."""
    return cores() if _reserved and not _sharing.get() else 1


@contextmanager
def one_of_several() -> Iterator[None]:
    """Within it this thread runs one program at a time, since other threads run theirs."""
    before = _sharing.set(True)
    try:
        yield
    finally:
        _sharing.reset(before)


def _started() -> bool:
    if "jax" not in sys.modules:
        return False
    try:
        from jax._src.xla_bridge import backends_are_initialized

        return bool(backends_are_initialized())
    except ImportError:  # cannot know: take the safe side
        return True
