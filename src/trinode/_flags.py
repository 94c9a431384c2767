"""Options of XLA's compiler: of single programs, and for the whole process, which only a command sets for itself.

XLA ends the process on a flag in ``XLA_FLAGS`` that it does not know; an option of a program it only refuses.
"""

from __future__ import annotations

import os

Options = dict[str, bool | int | str]

PROGRAM: Options = {"xla_cpu_use_fusion_emitters": False, "xla_llvm_disable_expensive_passes": True}
"""Options of every program: these halve compilation on a CPU and cost nothing at run time."""

ONCE: Options = {
    "xla_backend_optimization_level": 0,
    "xla_cpu_parallel_codegen_split_count": 1,
    # these copy a program once per loop, to count its rounds, and carry along what a loop does not change
    "xla_disable_hlo_passes": "while-loop-invariant-code-motion,simplify-while-loops,while-loop-trip-count-annotator,"
    "while-loop-constant-sinking",
}
"""These spare the compiler what pays only in long runs: for programs that are run once."""


def _words(options: Options) -> tuple[str, ...]:
    return tuple(f"--{name}={str(value).lower()}" for name, value in options.items())


ALWAYS, QUICKLY = _words(PROGRAM), _words(ONCE)
"""The same as flags of a process."""

WELL: Options = {"xla_backend_optimization_level": 1}
"""Options of a single program that take back most of what :data:`QUICKLY` costs when it runs."""

ALONE: Options = {"xla_cpu_multi_thread_eigen": False}
"""Options of a single program that keep it to one thread."""

unknown: set[str] = set()
"""Options that this XLA does not know."""


def options(well: bool, once: bool = False, alone: bool = False) -> Options:
    """Options of a single program, but for those that somebody has set for the process."""
    words = os.environ.get("XLA_FLAGS", "").split()
    given = {word.partition("=")[0].removeprefix("--") for word in words}
    wanted = PROGRAM | (ONCE if once and not well else {}) | (ALONE if alone else {})
    found = {name: value for name, value in wanted.items() if name not in given | unknown}
    return found | (WELL if well and quick() else {})


def quick() -> bool:
    """Whether this process compiles quickly rather than well."""
    return QUICKLY[0] in os.environ.get("XLA_FLAGS", "").split()


def add(flags: tuple[str, ...]) -> None:
    """Add flags to ``XLA_FLAGS``, except those that somebody has set there."""
    words = os.environ.get("XLA_FLAGS", "").split()
    given = {word.partition("=")[0] for word in words}
    words += [flag for flag in flags if flag.partition("=")[0] not in given]
    os.environ["XLA_FLAGS"] = " ".join(words)
