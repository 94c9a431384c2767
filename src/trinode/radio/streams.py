"""Uplink streams with the best linear receivers eliminated: precoders in, rates out, gradients by hand.

Terminal k sends S streams; stream (k, s) is meant for receiver ``target[k, s]``, which combines it against the
noise and all other streams. With the receiver eliminated its SINR is (1 - q) / q, where ``1 - q = y^H C^{-1} y``, y
is the stream's channel and C the covariance of everything received, own stream included. One small inverse per
receiver gives all rates and, in reverse, all gradients.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float, Int


class Uplink(eqx.Module):
    """Channels and stream layout of an uplink.

    Attributes
    ----------
    channel : (K, M, A, T)
        Divided by the receiver's noise amplitude, so that noise is 1.
    target : (K, S) int
        Receiver of each stream.
    useful : (K, S) bool
        Streams that carry data; the others are heard as interference only.
    """

    channel: Complex[Array, "K M A T"]
    target: Int[Array, "K S"]
    useful: Bool[Array, "K S"]

    def rates(self, precoder: Complex[Array, "K S T"]) -> Float[Array, "K S"]:
        """Spectral efficiency of each stream in nat/s/Hz; 0 where it carries no data."""
        return _rates(self.channel, self.target, self.useful, precoder)


@jax.custom_vjp
def _rates(channel, target, useful, precoder):
    return _forward(channel, target, useful, precoder)[0]


def _forward(channel, target, useful, precoder):
    few = precoder.shape[0] * precoder.shape[1] < channel.shape[2]
    left, kept = (_few if few else _many)(channel, target, precoder)
    left = jnp.where(useful, jnp.clip(left, 1e-15, 1.0), 1.0)
    return -jnp.log(left), (*kept, left)


def _rates_fwd(channel, target, useful, precoder):
    rates, kept = _forward(channel, target, useful, precoder)
    return rates, (channel, target, useful, kept)


def _rates_bwd(saved, weight):
    channel, target, useful, (received, solved, left) = saved
    weight = jnp.where(useful, weight / left, 0.0)
    here = target[None] == jnp.arange(channel.shape[1])[:, None, None]  # (M, K, S)
    few = target.size < channel.shape[2]
    gradient = (_few_back if few else _many_back)(channel, here, received, solved, weight)
    # JAX's cotangent of a complex input is the conjugate of the direction of ascent
    return None, None, None, 2 * gradient.conj()


_rates.defvjp(_rates_fwd, _rates_bwd)


def _few(channel, target, precoder):
    """Fewer streams than antennas: ``I + Y^H Y`` is the smaller matrix, and q the diagonal of its inverse."""
    k, s = target.shape
    received = jnp.einsum("kmat,kst->mksa", channel, precoder).reshape(channel.shape[1], k * s, -1)
    gram = jnp.einsum("mia,mja->mij", received.conj(), received)
    inverse = jnp.linalg.inv(gram + jnp.eye(k * s))
    places = jnp.arange(k * s).reshape(k, s)
    return inverse[target, places, places].real, (received, inverse)


def _few_back(channel, here, received, inverse, weight):
    chosen = jnp.where(here, weight, 0.0).reshape(len(received), -1)
    turned = jnp.einsum("mij,mj,mjl->mil", inverse, chosen, inverse)
    push = jnp.einsum("mia,mil->mla", received, turned).reshape(*here.shape, -1)
    return jnp.einsum("kmat,mksa->kst", channel.conj(), push)


def _many(channel, target, precoder):
    """At least as many streams as antennas: the covariance is the smaller matrix."""
    received = jnp.sum(channel[:, :, None] * precoder[:, None, :, None], axis=-1)  # (K, M, S, A)
    k, m, s, a = received.shape
    stacked = jnp.moveaxis(received, 1, 0).reshape(m, k * s, a)
    covariance = jnp.sum(stacked[..., :, None] * stacked.conj()[..., None, :], axis=1) + jnp.eye(a)
    inverse = hermitian_inverse(covariance)
    own = jnp.take_along_axis(received, target[:, None, :, None], axis=1)[:, 0]  # (K, S, A)
    filtered = jnp.sum(inverse[target] * own[:, :, None, :], axis=-1)
    return 1 - jnp.sum((own.conj() * filtered).real, axis=-1), (received, filtered)


def _many_back(channel, here, received, filtered, weight):
    outer = weight[..., None, None] * filtered[..., :, None] * filtered.conj()[..., None, :]
    hurt = jnp.sum(jnp.where(here[..., None, None], outer[None], 0.0), axis=(1, 2))  # (M, A, A)
    pull = -jnp.sum(hurt[None, :, None] * received[..., None, :], axis=-1)  # (K, M, S, A)
    push = (weight[..., None] * filtered)[:, None] * jnp.moveaxis(here, 0, 1)[..., None]
    return jnp.sum(channel.conj()[:, :, None] * (pull + push)[..., None], axis=(1, 3))


def hermitian_inverse(matrix: Complex[Array, "... n n"]) -> Complex[Array, "... n n"]:
    """Inverse of a positive definite matrix by Gauss-Jordan without pivoting, which vectorises over a batch."""
    n = matrix.shape[-1]
    places = jnp.arange(n)

    def sweep(i: Int[Array, ""], matrix: Complex[Array, "... n n"]) -> Complex[Array, "... n n"]:
        unit = places == i
        row = jnp.take(matrix, i, axis=-2)
        column = jnp.take(matrix, i, axis=-1)
        pivot = 1 / jnp.take(row, i, axis=-1).real
        row = row * pivot[..., None]
        left = jnp.where(unit, -1.0, column)[..., :, None]
        upper = jnp.where(unit, pivot[..., None], row)[..., None, :]
        return jnp.where(unit[:, None] | unit[None, :], 0.0, matrix) - left * upper

    return lax.fori_loop(0, n, sweep, matrix, unroll=True)
