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
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.numerics.matrices import hermitian_inverse, product


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
    left, share, kept = (_few if few else _many)(channel, target, precoder)
    left = jnp.where(useful, jnp.clip(left, 1e-15, 1.0), 1.0)
    share = jnp.where(useful, jnp.clip(share, 0.0, 1.0), 0.0)
    # of small rates q keeps nothing below the spacing of numbers at 1
    return jnp.where(share < 0.5, -jnp.log1p(-share), -jnp.log(left)), (*kept, left)


def _rates_fwd(channel, target, useful, precoder):
    rates, kept = _forward(channel, target, useful, precoder)
    return rates, (channel, target, useful, kept)


def _rates_bwd(saved, weight):
    channel, target, useful, (received, solved, left) = saved
    weight = jnp.where(useful, weight / left, 0.0)
    here = target[None] == jnp.arange(channel.shape[1])[:, None, None]  # (M, K, S)
    few = target.size < channel.shape[2]
    push = (_few_back if few else _many_back)(here, received, solved, weight)  # (M, K * S, A)
    k, s = target.shape
    push = jnp.moveaxis(push.reshape(-1, k, s, channel.shape[2]), 0, 2).reshape(k, s, -1)
    # JAX's cotangent of a complex input is the conjugate of the direction of ascent
    return None, None, None, 2 * product(push.conj(), _by_terminal(channel))


_rates.defvjp(_rates_fwd, _rates_bwd)


def _by_terminal(channel):
    """Channels to all antennas of all receivers, (K, M * A, T)."""
    return channel.reshape(channel.shape[0], -1, channel.shape[3])


def _received(channel, precoder):
    """What each receiver hears of each stream, (M, K * S, A); by products of matrices, which are quick unoptimised."""
    k, m, a, _ = channel.shape
    heard = product(_by_terminal(channel), precoder.swapaxes(1, 2)).reshape(k, m, a, -1)
    return heard.transpose(1, 0, 3, 2).reshape(m, -1, a)


def _few(channel, target, precoder):
    """Fewer streams than antennas: ``I + Y^H Y`` is the smaller matrix, and q the diagonal of its inverse."""
    received = _received(channel, precoder)
    gram = jnp.matmul(received.conj(), received.swapaxes(1, 2))
    inverse = jnp.linalg.inv(gram + jnp.eye(target.size))
    places = jnp.arange(target.size)
    here = target.reshape(-1)
    left = inverse[here, places, places].real
    share = jnp.sum((inverse[here, places] * gram[here, :, places]).real, axis=1)
    return left.reshape(target.shape), share.reshape(target.shape), (received, inverse)


def _few_back(here, received, inverse, weight):
    chosen = jnp.where(here, weight, 0.0).reshape(len(received), -1)
    turned = jnp.matmul(inverse * chosen[:, None], inverse)
    return jnp.matmul(turned.swapaxes(1, 2), received)


def _many(channel, target, precoder):
    """At least as many streams as antennas: the covariance is the smaller matrix."""
    received = _received(channel, precoder)
    covariance = jnp.matmul(received.swapaxes(1, 2), received.conj()) + jnp.eye(channel.shape[2])
    # of all streams at all receivers, since a product of matrices is quicker than choosing first
    solved = jnp.matmul(received, hermitian_inverse(covariance).swapaxes(1, 2))
    places = (target.reshape(-1), jnp.arange(target.size))
    own, filtered = received[places], solved[places]
    share = jnp.sum((own.conj() * filtered).real, axis=-1).reshape(target.shape)
    return 1 - share, share, (received, filtered)


def _many_back(here, received, filtered, weight):
    chosen = jnp.where(here, weight, 0.0).reshape(len(received), -1, 1) * filtered  # (M, K * S, A)
    hurt = jnp.einsum("mxa,xb->mab", chosen, filtered.conj())
    return chosen - jnp.matmul(received, hurt.swapaxes(1, 2))
