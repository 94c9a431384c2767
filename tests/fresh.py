"""New processes that need not read the libraries again: forked from one that has read them and done nothing else.

What is trinode's own each of them reads itself, and in each of them JAX starts anew.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
import types
from pathlib import Path
from typing import NamedTuple

LIBRARIES = ["jax.export", "equinox", "scipy.io", "scipy.linalg", "scipy.optimize", "xarray", "typer", "pydantic"]
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(LIBRARIES)


class Ended(NamedTuple):
    """Exit code, and what was said."""

    code: int
    out: str
    err: str


class Process:
    """``python -c CODE WORDS...`` in a folder; its output goes to files in ``logs``, another one."""

    def __init__(self, code: str, *words: str, folder: Path, logs: Path) -> None:
        self._files = logs / "out.txt", logs / "err.txt"
        self._process = CONTEXT.Process(target=_main, args=(code, words, folder, self._files, dict(os.environ)))
        self._process.start()
        self.kill = self._process.kill

    def running(self) -> bool:
        return self._process.is_alive()

    def end(self, timeout: float) -> Ended:
        """Wait for it; longer than ``timeout`` seconds is a failure."""
        self._process.join(timeout)
        code = self._process.exitcode
        if code is None:
            self._process.kill()
            raise TimeoutError(f"still running after {timeout} s: {self._files[1].read_text()}")
        return Ended(code, *(file.read_text() if file.exists() else "" for file in self._files))


def _main(code: str, words: tuple[str, ...], folder: Path, files: tuple[Path, Path], named: dict[str, str]) -> None:
    for stream, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
    os.environ.clear()
    os.environ.update(named)
    os.chdir(folder)
    sys.argv = ["-c", *words]
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    exec(compile(code, "<string>", "exec"), vars(main))
