"""One-time set-up of JAX: double precision and a compilation cache that outlives the process; and stages.

A stage is a step that several schemes have in common. A scheme is compiled as a whole, which is quickest to run; where
compiling takes longer than everything that is solved, stages can be compiled on their own instead, so that all schemes
of a system share them (see :func:`compile_stages`).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from functools import wraps
from inspect import signature
from pathlib import Path
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])

_call: Callable[..., Any] | None = None


def stage(function: Function) -> Function:
    """A step that may be a compiled program of its own: a function of arrays, numbers and settings."""

    form = signature(function)

    @wraps(function)
    def run(*arguments: Any, **named: Any) -> Any:
        if _call is None:
            return function(*arguments, **named)
        given = form.bind(*arguments, **named)
        given.apply_defaults()  # with and without them it is the same program
        return _call(function, *given.args, **given.kwargs)

    return run  # type: ignore[return-value]


def in_stages(function: Function) -> Function:
    """Say of a scheme's ``solve``, or of a bound, that it is a sequence of stages, with nothing between them."""
    function.__dict__["in_stages"] = True
    return function


def stands_apart(function: Callable[..., Any]) -> bool:
    """Whether a function is to be called as it is, because its stages are compiled."""
    return _call is not None and getattr(function, "in_stages", False)


def compile_stages(call: Callable[..., Any] | None) -> None:
    """From now on have stages called by ``call(function, *arguments, **named)``; as before where None."""
    global _call
    _call = call


def cache_folder() -> Path:
    """Folder of compiled programs: ``TRINODE_CACHE_DIR``, else the user's cache folder."""
    named = os.environ.get("TRINODE_CACHE_DIR")
    if named:
        return Path(named).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "trinode"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "trinode" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "trinode"


def configure() -> None:
    """Turn on double precision and the persistent cache (off where ``TRINODE_CACHE_DIR`` is empty)."""
    # before JAX wakes up: these two halve compilation on a CPU and cost nothing at run time
    flags = os.environ.get("XLA_FLAGS", "")
    for flag in ("--xla_cpu_use_fusion_emitters=false", "--xla_llvm_disable_expensive_passes=true"):
        if flag.split("=")[0] not in flags:
            flags = f"{flags} {flag}".strip()
    os.environ["XLA_FLAGS"] = flags
    import jax

    jax.config.update("jax_enable_x64", True)
    if os.environ.get("TRINODE_CACHE_DIR") != "":
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "compiled"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


configure()
