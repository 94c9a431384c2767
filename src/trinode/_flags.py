"""Options of XLA's compiler: of single programs, and for the whole process, which only a command sets for itself.

XLA ends the process on a flag in ``XLA_FLAGS`` that it does not know; an option of a program it only refuses.
"""

from __future__ import annotations

import os

ALWAYS = ("--xla_cpu_use_fusion_emitters=false", "--xla_llvm_disable_expensive_passes=true")
"""These halve compilation on a CPU and cost nothing at run time."""

PROGRAM: dict[str, bool | int] = {"xla_cpu_use_fusion_emitters": False, "xla_llvm_disable_expensive_passes": True}
"""The same as options of a single program."""

QUICKLY = (
    "--xla_backend_optimization_level=0",
    "--xla_cpu_parallel_codegen_split_count=1",
    # these copy a program once per loop, to count its rounds
    "--xla_disable_hlo_passes=while-loop-invariant-code-motion,simplify-while-loops,while-loop-trip-count-annotator,"
    "while-loop-constant-sinking",
)
"""These spare the compiler what pays only in long runs: for programs that are run once."""

WELL: dict[str, bool | int] = {"xla_backend_optimization_level": 1}
"""Options of a single program that take back most of what :data:`QUICKLY` costs when it runs."""

ALONE: dict[str, bool | int] = {"xla_cpu_multi_thread_eigen": False}
"""Options of a single program that keep it to one thread."""

unknown: set[str] = set()
"""Options that this XLA does not know."""


def options(well: bool, alone: bool = False) -> dict[str, bool | int]:
    """Options of a single program, but for those that somebody has set for the process."""
    words = os.environ.get("XLA_FLAGS", "").split()
    given = {word.partition("=")[0].removeprefix("--") for word in words}
    wanted = PROGRAM | (ALONE if alone else {})
    always = {name: value for name, value in wanted.items() if name not in given | unknown}
    return always | (WELL if well and quick() else {})


def quick() -> bool:
    """Whether this process compiles quickly rather than well."""
    return QUICKLY[0] in os.environ.get("XLA_FLAGS", "").split()


def add(flags: tuple[str, ...]) -> None:
    """Add flags to ``XLA_FLAGS``, except those that somebody has set there."""
    words = os.environ.get("XLA_FLAGS", "").split()
    given = {word.partition("=")[0] for word in words}
    words += [flag for flag in flags if flag.partition("=")[0] not in given]
    os.environ["XLA_FLAGS"] = " ".join(words)
