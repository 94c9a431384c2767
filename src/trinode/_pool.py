"""Room in XLA's thread pool, so that several compiled programs may run side by side on a CPU.

A LAPACK call on a batch of matrices hands its parts to the very pool whose thread it occupies, and waits for
them. When every thread of the pool waits so, none is left to do the parts and the process stands still for
good; with one thread per core, which is XLA's default, two programs at once are enough on a machine of two
cores. A pool larger than the number of calls that can wait at once cannot end there.

Those calls are of one thread each, too: OpenBLAS would start threads of its own for every one of them, which spend
their time waiting for each other.
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


def reserve() -> None:
    """Ask for a large enough pool; has an effect only before JAX starts its first backend."""
    global _reserved
    if _started():
        return
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    os.environ.setdefault("NPROC", str(THREADS_PER_PROGRAM * cores()))  # XLA sizes its pool by it
    _reserved = os.environ["NPROC"].isdecimal() and int(os.environ["NPROC"]) >= THREADS_PER_PROGRAM * cores()


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
