"""Random numbers keyed by what they are for, never by the order of calls.

Entry ``[i, j, ...]`` of a drawn array depends on the key, the name and its own indices only, so an array of
another shape agrees with it wherever both have entries: a seventh terminal leaves the first six as they were.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Key


def named_key(key: Key[Array, ""], name: str) -> Key[Array, ""]:
    """Key of one named quantity."""
    return jax.random.fold_in(key, zlib.crc32(name.encode()) & 0x7FFFFFFF)


def _per_entry(draw: Callable[[Key[Array, ""]], Array], key: Key[Array, ""], shape: tuple[int, ...]) -> Array:
    keys = key
    for length in shape:
        fold = jax.vmap(jax.random.fold_in, in_axes=(None, 0))
        for _ in range(keys.ndim):
            fold = jax.vmap(fold, in_axes=(0, None))
        keys = fold(keys, jnp.arange(length))
    for _ in shape:
        draw = jax.vmap(draw)
    return draw(keys)


def uniform(key: Key[Array, ""], name: str, shape: tuple[int, ...]) -> Float[Array, ...]:
    """Uniform on [0, 1)."""
    return _per_entry(lambda k: jax.random.uniform(k, dtype=jnp.float64), named_key(key, name), shape)


def complex_normal(key: Key[Array, ""], name: str, shape: tuple[int, ...]) -> Complex[Array, ...]:
    """Circular complex normal of unit variance."""

    def one(k: Key[Array, ""]) -> Complex[Array, ""]:
        parts = jax.random.normal(k, (2,), dtype=jnp.float64) * jnp.sqrt(0.5)
        return jax.lax.complex(parts[0], parts[1])

    return _per_entry(one, named_key(key, name), shape)
