"""How much memory a network may take, so that too large a one is refused by number before anything is allocated."""

from __future__ import annotations

import os
from contextlib import suppress
from functools import cache
from pathlib import Path

from trinode.errors import InputError

SHARE = 8
"""One network may take this part of the memory: a solve holds several copies of it."""
UNKNOWN = 2**34
"""Bytes of memory where the system does not say."""
_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@cache
def room() -> int:
    """Bytes that the arrays of a network may take."""
    return _memory() // SHARE


def words(count: int) -> str:
    """Bytes for people."""
    return f"{count / 2**30:.1f} GiB" if count >= 2**29 else f"{count / 2**20:.1f} MiB"


def allowed() -> str:
    """What may be asked for, for people."""
    return f"what takes at most {words(room())}, an eighth of the memory here"


class TooLarge(InputError):
    """An array that would not fit; ``taken`` are its bytes."""

    taken = 0


def check(name: str, shape: tuple[int, ...], taken: int) -> None:
    """Refuse an array of so many bytes, where it is more than a network may take.

    Raises
    ------
    TooLarge
        Names the array and what fits.
    """
    if taken > room():
        fault = TooLarge(name, f"shape {shape} ({words(taken)})", allowed())
        fault.taken = taken
        raise fault


def _memory() -> int:
    """Of this machine, or what this process may use of it."""
    found = []
    with suppress(AttributeError, ValueError, OSError):  # not on every system
        found.append(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    for path in map(Path, _LIMITS):
        try:
            text = path.read_text().strip()
        except OSError:
            continue
        if text.isdecimal():
            found.append(int(text))
    return min(found, default=UNKNOWN)
