"""User-centric serving clusters: which access points serve which terminal."""

from __future__ import annotations

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int


def strongest(gain: Float[Array, "K M"], size: int) -> Bool[Array, "K M"]:
    """The ``size`` access points of largest gain for each terminal; those of gain 0 never serve."""
    rank = jnp.argsort(jnp.argsort(-gain, axis=1, stable=True), axis=1)
    return (rank < size) & (gain > 0)


def links(serving: Bool[Array, "K M"], size: int) -> tuple[Int[Array, "K S"], Bool[Array, "K S"]]:
    """Compact form of a serving matrix: access point of each of at most ``size`` links, and which links exist."""
    value, index = lax.top_k(serving.astype(jnp.int32), size)
    return index, value > 0
