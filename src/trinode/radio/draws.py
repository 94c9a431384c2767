"""Random numbers keyed by what they are for, never by the order of calls.

Entry ``[i, j, ...]`` of a drawn array depends on the key, the name and its own indices only, so an array of
another shape agrees with it wherever both have entries: a seventh terminal leaves the first six as they were.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float, Key, UInt32

from trinode import _memory
from trinode.errors import InputError

Shapes = Mapping[str, tuple[int, ...]]


def named_key(key: Key[Array, ""], name: str) -> Key[Array, ""]:
    """Key of one named quantity."""
    return jax.random.fold_in(key, _code(name))


def uniform(key: Key[Array, ""], name: str, shape: tuple[int, ...]) -> Float[Array, "..."]:
    """Uniform on [0, 1)."""
    return several(key, uniform={name: shape})[name]


def complex_normal(key: Key[Array, ""], name: str, shape: tuple[int, ...]) -> Complex[Array, "..."]:
    """Circular complex normal of unit variance."""
    return several(key, normal={name: shape})[name]


def several(key: Key[Array, ""], uniform: Shapes | None = None, normal: Shapes | None = None) -> dict[str, Array]:
    """Arrays by name, as :func:`uniform` and :func:`complex_normal` draw them one by one.

    Compiling a draw is mostly compiling hashes; together they take one for each axis and kind, however many arrays.
    """
    even, bell = dict(uniform or {}), dict(normal or {})
    for name, shape in (even | bell).items():  # before the indices of all entries are counted out
        _memory.check(name, shape, 16 * math.prod(shape))
    keys = _entry_keys(key, even | bell)
    drawn: dict[str, Array] = {}
    if even:
        drawn |= _apart(_over(lambda one: jax.random.uniform(one, dtype=jnp.float64), keys, even), even)
    if bell:
        parts = _over(lambda one: jax.random.normal(one, (2,), dtype=jnp.float64) * jnp.sqrt(0.5), keys, bell)
        drawn |= _apart(jax.lax.complex(parts[:, 0], parts[:, 1]), bell)
    return drawn


def placed(
    places: Mapping[str, Array] | None, terminal: Float[Array, "K dims"], ap: Float[Array, "M dims"]
) -> tuple[Float[Array, "K dims"], Float[Array, "M dims"]]:
    """Positions of terminals and access points: those that are given, by their names in files, else those drawn.

    Given ones may leave the height out, which then is the drawn one.

    Raises
    ------
    InputError
        Given positions are more, fewer, or of other dimensions.
    """
    given = places or {}
    return _placed("terminal_position_m", given, terminal), _placed("ap_position_m", given, ap)


def _placed(name: str, given: Mapping[str, Array], drawn: Float[Array, "n dims"]) -> Float[Array, "n dims"]:
    if name not in given:
        return drawn
    count, dims = drawn.shape
    place = jnp.asarray(given[name], dtype=float)
    if place.ndim != 2 or place.shape[0] != count or place.shape[1] not in (2, dims):
        allowed = " or ".join(f"({count}, {n})" for n in sorted({2, dims}))
        raise InputError(name, f"shape {place.shape}", f"shape {allowed}, as drawn")
    return jnp.concatenate([place, drawn[:, place.shape[1] :]], axis=1)


def _code(name: str) -> int:
    return zlib.crc32(name.encode()) & 0x7FFFFFFF


def _entry_keys(key: Key[Array, ""], shapes: Shapes) -> dict[str, UInt32[Array, "n 2"]]:
    """Data of the keys of all entries of each array: its named key, the indices folded in axis by axis."""
    codes = np.array([_code(name) for name in shapes])
    named = jax.random.key_data(jax.vmap(jax.random.fold_in, (None, 0))(key, codes))
    keys = dict(zip(shapes, jnp.split(named, len(shapes))))
    for axis in range(max(map(len, shapes.values()))):
        longer = {name: shape for name, shape in shapes.items() if len(shape) > axis}
        # entries that differ in later axes only still share a key
        wide = [jnp.repeat(keys[name], shape[axis], axis=0) for name, shape in longer.items()]
        place = [np.tile(np.arange(shape[axis], dtype=np.uint32), len(keys[name])) for name, shape in longer.items()]
        folded = jax.vmap(jax.random.fold_in)(jax.random.wrap_key_data(jnp.concatenate(wide)), np.concatenate(place))
        ends = np.cumsum([one.size for one in place])[:-1]
        keys |= dict(zip(longer, jnp.split(jax.random.key_data(folded), ends)))
    return keys


def _over(draw, keys: dict[str, UInt32[Array, "n 2"]], shapes: Shapes) -> Array:
    """``draw`` over the keys of some arrays, end to end."""
    return jax.vmap(draw)(jax.random.wrap_key_data(jnp.concatenate([keys[name] for name in shapes])))


def _apart(values: Array, shapes: Shapes) -> dict[str, Array]:
    ends = np.cumsum([math.prod(shape) for shape in shapes.values()])[:-1]
    return {name: part.reshape(shape) for (name, shape), part in zip(shapes.items(), jnp.split(values, ends))}
