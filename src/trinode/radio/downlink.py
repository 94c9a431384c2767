"""The downlink as the descent sees it: rates and pattern errors of all streams, in real numbers and few products.

Access point m sends the data streams ``W[m]`` (A, K) and one sensing stream of its own, ``V[m]`` (A,). A covariance
H enters a sum ``tr(Theta H)`` of two Hermitian matrices only through ``Re H + Im H``, because the real part is
symmetric and the imaginary part is not: one real product instead of four. Where what estimates leave unknown is white
noise from each access point, which it is unless reflections are strong, powers are all that counts.
"""

from __future__ import annotations

from collections.abc import Callable

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Complex, Float

SIMPLE = 1e-6
"""Of a terminal's noise: what searches may leave out, which no answer does."""


class Downlink(eqx.Module):
    """A network, with the powers in the channels.

    Attributes
    ----------
    channel : (K, N)
        g_k, stacked over the access points, N = M A; ``conj(g_k) . x`` is heard.
    error : (K, N, N)
        ``Re + Im`` of the error covariances.
    white : (K, M)
        Their mean on the diagonal, by access point.
    simple : () bool
        Whether that is all there is to them, to :data:`SIMPLE` of the noise whatever is sent.
    shape : (M, A)
        Static.
    """

    channel: Complex[Array, "K N"]
    error: Float[Array, "K N N"]
    white: Float[Array, "K M"]
    simple: Bool[Array, ""]
    shape: tuple[int, int] = eqx.field(static=True)

    def split(self, stacked: Array) -> Array:
        """From (N, ...) to (M, A, ...)."""
        return stacked.reshape(*self.shape, *stacked.shape[1:])

    def rates(self, data: Complex[Array, "M A K"], sensing: Complex[Array, "M A"]) -> Float[Array, " K"]:
        """Rate of each terminal, nat/s/Hz."""
        (m, a), k = self.shape, self.channel.shape[0]
        w, v = jnp.stack([data.real, data.imag]), jnp.stack([sensing.real, sensing.imag])
        alone = (v[..., None] * jnp.eye(m)[:, None]).reshape(2 * m * a, m)  # each sensing stream from one place
        g = self.channel
        both = jnp.block([[g.real, g.imag], [-g.imag, g.real]])
        heard = both @ jnp.concatenate([w.reshape(2 * m * a, k), alone], axis=1)
        power = heard[:k] ** 2 + heard[k:] ** 2  # [k, stream]
        signal = jnp.sum(power[:, :k] * jnp.eye(k), axis=1)
        noise = _error_noise((self.simple, self.white, self.error), (w, v))
        return jnp.log1p(signal / (jnp.sum(power, axis=1) - signal + noise + 1))


Known = tuple[Bool[Array, ""], Float[Array, "K M"], Float[Array, "K N N"]]
Streams = tuple[Float[Array, "2 M A K"], Float[Array, "2 M A"]]


@jax.custom_vjp
def _error_noise(known: Known, streams: Streams) -> Float[Array, " K"]:
    """Noise that the errors of the estimates make of what is sent."""
    simple, white, error = known
    return lax.cond(simple, lambda x: _white_noise(white, x), lambda x: _coloured_noise(error, x), streams)


def _forward(known: Known, streams: Streams) -> tuple[Float[Array, " K"], tuple[Known, Streams]]:
    return _error_noise(known, streams), (known, streams)


def _backward(kept: tuple[Known, Streams], slope: Float[Array, " K"]) -> tuple[None, Streams]:
    (simple, white, error), streams = kept

    def by(noise: Callable[[Array, Streams], Array], known: Array) -> Callable[[Streams], Streams]:
        return lambda x: jax.vjp(lambda x: noise(known, x), x)[1](slope)[0]

    return None, lax.cond(simple, by(_white_noise, white), by(_coloured_noise, error), streams)


_error_noise.defvjp(_forward, _backward)


def _white_noise(white: Float[Array, "K M"], streams: Streams) -> Float[Array, " K"]:
    w, v = streams
    return white @ (jnp.sum(w**2, axis=(0, 2, 3)) + jnp.sum(v**2, axis=(0, 2)))


def _coloured_noise(error: Float[Array, "K N N"], streams: Streams) -> Float[Array, " K"]:
    w, v = streams
    m, a, k = w.shape[1:]
    blocks = jnp.kron(jnp.eye(m), jnp.ones((a, a)))  # sensing streams of two access points have nothing in common
    total = _folded(w.reshape(2, m * a, k)) + blocks * _folded(v.reshape(2, m * a, 1))
    return error.reshape(k, -1) @ total.reshape(-1)


def covariance(data: Complex[Array, "M A K"], sensing: Complex[Array, "M A"]) -> Complex[Array, "M A A"]:
    """Covariance of what each access point radiates, at a power of 1."""
    streams = jnp.concatenate([data, sensing[..., None]], axis=2)
    total = _folded(jnp.stack([streams.real, streams.imag]))
    other = total.swapaxes(1, 2)
    return lax.complex((total + other) / 2, (total - other) / 2)


def _folded(w: Float[Array, "2 *b N J"]) -> Float[Array, "*b N N"]:
    """``Re + Im`` of ``w w^H``, of real and imaginary part."""
    re, im = w
    left, right = jnp.concatenate([re + im, im - re], axis=-1), jnp.concatenate([re, im], axis=-1)
    return left @ right.swapaxes(-1, -2)
