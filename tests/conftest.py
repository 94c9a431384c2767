"""How the tests share machines: which run one after the other, how they compile, and what they leave in memory."""

import ctypes
import gc
import os
from pathlib import Path

from trinode import _flags

_flags.add(_flags.ALWAYS)
_flags.add(_flags.QUICKLY)  # what is tested is small and runs once; XLA reads the flags once, before the first array

import hypothesis  # noqa: E402, F401  (it asks who holds generators of random numbers, which a freeze would hide)
import jax  # noqa: E402

from trinode import _memory, _programs  # noqa: E402

ROOM = min(max(2**30, _memory.room()), 3 * 2**30)
"""Bytes that compiled programs may add to a process before they are let go: of the memory, and of the 65,000 pieces of
it that Linux grants a process, of which a gigabyte of programs takes 8,000."""
begun = 0

FIRST = ("test_contract", "systems", "reference")
"""Files and folders that take longest: a worker that begins one last keeps the others waiting."""


def pytest_collection_modifyitems(items):
    """The longest first; workers take whole files in this order (``--dist loadfile --no-loadscope-reorder``).

    While one worker holds the schemes to the contract, from the first system on, the other tests what else they promise
    from the last one on: so each finds in the cache what the other has compiled.
    """

    def rank(path):
        return next((n for n, name in enumerate(FIRST) if name in (path.stem, path.parent.name)), len(FIRST))

    files = list(dict.fromkeys(item.path for item in reversed(items)))
    files.sort(key=rank)
    place = {path: number for number, path in enumerate(files)}
    items.sort(key=lambda item: place[item.path])


def pytest_collection_finish():
    """What is imported stays: tracing makes many objects, and looking through all of them takes a quarter of it."""
    global begun
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    begun = resident()


def pytest_runtest_teardown(item, nextitem):
    """Compiled programs take gigabytes together, but the small ones among them serve every file."""
    global begun
    now, another = resident(), nextitem is None or nextitem.path != item.path
    if now > begun + ROOM:
        trim()  # a third is what compiling left
        now = resident()
    if now > begun + ROOM or (not now and another):
        _programs.forget()
        jax.clear_caches()
        gc.collect()
        trim()
        begun = resident()


def trim():
    """Give back memory that is free: the C library would keep it."""
    give = getattr(ctypes.CDLL(None), "malloc_trim", None) if resident() else None
    if give is not None:
        give(0)


def resident():
    """Bytes of memory of this process; 0 where the system does not say."""
    try:
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except OSError:
        return 0
