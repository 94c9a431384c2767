"""One-time set-up of JAX: double precision, and a compilation cache that outlives the process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from trinode import _flags


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
    _flags.add(_flags.ALWAYS)
    import jax

    jax.config.update("jax_enable_x64", True)
    if os.environ.get("TRINODE_CACHE_DIR") != "":
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "compiled"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.1)
        jax.config.update("jax_persistent_cache_min_entry_size_bytes", 0)


configure()
