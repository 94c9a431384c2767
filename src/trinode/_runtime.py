"""One-time set-up of JAX: double precision, and a compilation cache that outlives the process."""

from __future__ import annotations

import jax

from trinode import _cache, _pool

jax.config.update("jax_enable_x64", True)
_cache.keep_compiled()
_pool.start()
