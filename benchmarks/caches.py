"""Mutated caches: whatever lies in the cache, a program's result is the same, and nothing that an entry names is run.

python benchmarks/caches.py [--count 1000] [--seed 0]

Every case keeps some programs, damages what is kept, and calls one of them as a new process would. Damage costs time,
never the answer, never an error; and where the folder is ours, what was damaged is whole again afterwards.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jax._src import compilation_cache

from trinode import _cache, _programs

SIZES = (3, 4)
TRACED: list[int] = []
CALLED: list[str] = []


def scaled(load: Any, factor: Any) -> dict[str, Any]:
    """A program small enough to be made a thousand times."""
    TRACED.append(len(load))
    return {"load": load * factor, "pair": (load.sum(), None), "word": "scaled"}


def other(load: Any, factor: Any) -> dict[str, Any]:
    """One of the same shapes with another answer: to be taken for the first where entries are swapped."""
    return {"load": load - factor, "pair": (load.max(), None), "word": "other"}


def trap() -> None:
    """What an entry must never run."""
    CALLED.append("trap")


def flip(path: Path, dice: random.Random) -> None:
    """One bit."""
    content = bytearray(path.read_bytes())
    content[dice.randrange(len(content))] ^= 1 << dice.randrange(8)
    path.write_bytes(content)


def truncate(path: Path, dice: random.Random) -> None:
    """What a process leaves that is killed, or that finds the disk full."""
    content = path.read_bytes()
    path.write_bytes(content[: dice.randrange(len(content))])


def lengthen(path: Path, dice: random.Random) -> None:
    """Bytes behind the end."""
    path.write_bytes(path.read_bytes() + dice.randbytes(dice.randint(1, 40)))


def noise(path: Path, dice: random.Random) -> None:
    """Bytes that mean nothing."""
    path.write_bytes(dice.randbytes(dice.choice([1, 31, 32, 33, 5000])))


def swap(path: Path, dice: random.Random) -> None:
    """Two whole entries under each other's names."""
    another = dice.choice([one for one in path.parent.iterdir() if one != path and one.suffix == path.suffix])
    content = path.read_bytes()
    path.write_bytes(another.read_bytes())
    another.write_bytes(content)


def link(path: Path, dice: random.Random) -> None:
    """A name that leads to another entry."""
    another = dice.choice([one for one in path.parent.iterdir() if one != path and one.suffix == path.suffix])
    path.unlink()
    path.symlink_to(another)


def remove(path: Path, dice: random.Random) -> None:
    """No entry."""
    path.unlink()


def open_to_others(path: Path, dice: random.Random) -> None:
    """Anybody may have written it."""
    path.chmod(dice.choice([0o666, 0o622, 0o660, 0o777]))


def forged(structure: Callable[[Any], Any]) -> Callable[[Path, random.Random], None]:
    """A change of an entry's structure by somebody who knows how entries are sealed."""

    def change(path: Path, dice: random.Random) -> None:
        shape, _, program = (_cache.read(path) or b"").partition(b"\n")
        _cache.write(path, json.dumps(structure(json.loads(shape))).encode() + b"\n" + program)

    return change


def _within(kind: str) -> Callable[[Any], Any]:
    """A structure with a class of that name somewhere in it."""
    return lambda shape: {"dict": {**shape["dict"], "word": {"class": kind, "fields": {}}}}


FOREIGN = (
    "benchmarks.caches:trap",
    "caches:trap",
    "__main__:trap",
    "os:abort",
    "builtins:dict",
    "trinode._pool:reserve",
)
CHANGES: dict[str, Callable[[Path, random.Random], None]] = {
    "flip": flip,
    "truncate": truncate,
    "lengthen": lengthen,
    "noise": noise,
    "swap": swap,
    "link": link,
    "remove": remove,
    "open to others": open_to_others,
    "wrong structure": forged(lambda shape: [shape]),
    "tuple of old": forged(lambda shape: {"tuple": "os:system", "entries": [{"value": "exit 1"}]}),
    **{f"foreign {kind}": forged(_within(kind)) for kind in FOREIGN},
}


ANYWHERE = tuple(name for name in CHANGES if not name.startswith(("foreign", "wrong", "tuple")))
"""What can happen to the programs that JAX keeps, too."""
AT_LEAST = "jax_persistent_cache_min_compile_time_secs"


class Cache:
    """A cache in a folder of its own, and what became of one change to it."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __enter__(self) -> Cache:
        self.before = os.environ.get("TRINODE_CACHE_DIR"), compilation_cache._cache, jax.config.values[AT_LEAST]
        os.environ["TRINODE_CACHE_DIR"] = str(self.folder)
        folder = _cache.part("compiled")
        assert folder is not None
        compilation_cache._cache, compilation_cache._cache_initialized = _cache.Compiled(folder), True
        jax.config.update(AT_LEAST, 0.0)  # these programs are small
        return self

    def __exit__(self, *_: object) -> None:
        named, compilation_cache._cache, least = self.before
        jax.config.update(AT_LEAST, least)
        del os.environ["TRINODE_CACHE_DIR"]
        if named is not None:
            os.environ["TRINODE_CACHE_DIR"] = named

    def call(self, size: int) -> int:
        """Call a program as a new process would; how often it was traced."""
        _programs.forget()
        jax.clear_caches()
        before, load = len(TRACED), np.arange(size) + 1.0
        found = _programs.call(scaled, load, 3.0)
        np.testing.assert_array_equal(found["load"], 3 * load)
        np.testing.assert_array_equal(found["pair"][0], load.sum())
        assert (found["pair"][1], found["word"]) == (None, "scaled")
        return len(TRACED) - before

    def outcome(self, change: str, dice: random.Random) -> str:
        """``found`` where the entry was still good, else ``made anew``; anything else is raised."""
        kept = {size: self.entry(size) for size in SIZES}
        _programs.forget()
        _programs.call(other, np.arange(3.0), 3.0)
        size = dice.choice(SIZES)
        CHANGES[change](kept[size], dice)
        if change in ANYWHERE:
            CHANGES[change](dice.choice(sorted((self.folder / "compiled").iterdir())), dice)
        traced = self.call(size)
        assert not CALLED, f"an entry ran {CALLED}"
        assert self.call(size) == 0, "what was damaged is not whole again"
        for one in SIZES:
            self.call(one)
        damaged = [path.name for path in self.folder.glob("*/*") if _cache.read(path) is None]
        assert len(damaged) <= 2, f"{damaged} are not whole"  # of programs that were not called again
        return "made anew" if traced else "found"

    def entry(self, size: int) -> Path:
        """The file of a program, which is made where it is missing."""
        self.call(size)
        return self.folder / "programs" / f"{_programs.called[-1]}.hlo"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    dice = random.Random(given.seed)
    jax.config.update("jax_platforms", "cpu")
    seen: collections.Counter[str] = collections.Counter()
    broken = 0
    with tempfile.TemporaryDirectory(prefix="trinode-caches-") as folder, Cache(Path(folder)) as cache:
        for index in range(given.count):
            change = sorted(CHANGES)[index % len(CHANGES)]
            try:
                seen[f"{change}: {cache.outcome(change, dice)}"] += 1
            except Exception as fault:  # whatever it is, it is what this script looks for
                broken += 1
                print(f"BROKEN {index} {change}: {type(fault).__name__}: {str(fault)[:300]}", flush=True)
    for key, number in sorted(seen.items()):
        print(f"{number:5d} {key}")
    print(f"{sum(seen.values()) + broken} cases, {broken} broken")
    sys.exit(broken > 0)


if __name__ == "__main__":
    main()
