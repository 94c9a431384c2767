"""Coordinates in which interference of any stream anywhere weighs about as much as power.

At a high signal-to-noise ratio few moves of the beams disturb nobody, and a descent over the beams themselves is slow
or ends far from where it could. With ``H_k`` the channels of all terminals but k, over the roots of their noise, the
beam of stream k is ``(I + H_k H_k^H)^-1/2`` times its coordinates; that of a sensing stream is the same with all
channels of its access point. Where all is weak, coordinates are beams.
"""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from trinode.radio.downlink import Downlink

Streams = tuple[Complex[Array, "M A K"], Complex[Array, "M A"]]
"""Beams of data and sensing, or their coordinates."""


class Metric(NamedTuple):
    """Of a network.

    Attributes
    ----------
    channel : (N, K)
        Of each terminal, over the root of its noise with all access points at full power.
    data, sensing : (K, K, K), (M, K, K)
        F of ``(I + H H^H)^-1/2 = I - H F H^H``, for each stream.
    data_back, sensing_back : (K, K, K), (M, K, K)
        F of ``(I + H H^H)^1/2 = I + H F H^H``.
    """

    channel: Complex[Array, "N K"]
    data: Complex[Array, "K K K"]
    data_back: Complex[Array, "K K K"]
    sensing: Complex[Array, "M K K"]
    sensing_back: Complex[Array, "M K K"]

    def beams(self, coordinates: Streams) -> Streams:
        """Beams of coordinates."""
        return _plus(self.channel, coordinates, -self.data, -self.sensing)

    def coordinates(self, beams: Streams) -> Streams:
        """Coordinates of beams."""
        return _plus(self.channel, beams, self.data_back, self.sensing_back)


def metric(d: Downlink) -> Metric:
    """The metric of a network."""
    h = d.channel.T / jnp.sqrt(1 + jnp.sum(d.white, axis=1))
    k = h.shape[1]
    own = d.split(h)
    others = 1 - jnp.eye(k)
    data = others[:, :, None] * (h.conj().T @ h) * others[:, None]
    value, vector = jnp.linalg.eigh(jnp.concatenate([data, own.conj().swapaxes(1, 2) @ own]))
    root = jnp.sqrt(1 + jnp.maximum(value, 0.0))
    kept = jnp.concatenate([others, jnp.ones((len(own), k))])
    vector = kept[:, :, None] * vector

    def combined(weight: Float[Array, "J K"]) -> tuple[Array, Array]:
        each = (vector * weight[:, None]) @ vector.conj().swapaxes(1, 2)
        return each[:k], each[k:]

    # (1 - 1 / root) / value and (root - 1) / value
    (data, sensing), back = combined(1 / (root * (1 + root))), combined(1 / (1 + root))
    return Metric(h, data, back[0], sensing, back[1])


def _plus(
    channel: Complex[Array, "N K"], streams: Streams, data: Complex[Array, "K K K"], sensing: Complex[Array, "M K K"]
) -> Streams:
    """Each stream, and ``H F H^H`` of it."""
    w, v = streams
    own = channel.reshape(*v.shape, -1)
    heard = channel.conj().T @ w.reshape(channel.shape[0], -1)
    turned = channel @ jax.vmap(jnp.matmul, (0, 1), 1)(data, heard)
    echo = jnp.einsum("mak,ma->mk", own.conj(), v)
    return w + turned.reshape(w.shape), v + jnp.einsum("mak,mkj,mj->ma", own, sensing, echo)
