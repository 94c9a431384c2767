"""The downlink as the descent sees it: rates and pattern errors of all streams, in real numbers and few products.

Access point m sends the data streams ``W[m]`` (A, K) and one sensing stream of its own, ``V[m]`` (A,). A covariance
H enters a sum ``tr(Theta H)`` of two Hermitian matrices only through ``Re H + Im H``, because the real part is
symmetric and the imaginary part is not: one real product instead of four.
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float

from trinode.sensing import beampattern
from trinode.systems.region.scenario import RegionScenario


class Downlink(eqx.Module):
    """A network, with the powers in the channels.

    Attributes
    ----------
    channel : (K, N)
        g_k, stacked over the access points, N = M A; ``conj(g_k) . x`` is heard.
    error : (K, N, N)
        ``Re + Im`` of the error covariances.
    shape : (M, A)
        Static.
    """

    channel: Complex[Array, "K N"]
    error: Float[Array, "K N N"]
    shape: tuple[int, int] = eqx.field(static=True)

    def split(self, stacked: Array) -> Array:
        """From (N, ...) to (M, A, ...)."""
        return stacked.reshape(*self.shape, *stacked.shape[1:])

    def rates(self, data: Complex[Array, "M A K"], sensing: Complex[Array, "M A"]) -> Float[Array, " K"]:
        """Rate of each terminal, nat/s/Hz."""
        m, a = self.shape
        w = data.reshape(m * a, -1)
        heard = self.channel.conj() @ w  # [k, j]
        power = heard.real**2 + heard.imag**2
        signal = jnp.diagonal(power)
        own = self.channel.reshape(-1, m, a)
        echo = jnp.einsum("kma,ma->km", own.conj(), sensing)
        blocks = jnp.moveaxis(jnp.diagonal(self.error.reshape(-1, m, a, m, a), axis1=1, axis2=3), -1, 1)
        total = _folded(w)
        by_sensing = jax.vmap(_folded)(sensing[..., None])
        errors = self.error.reshape(w.shape[1], -1) @ total.reshape(-1)
        errors += jnp.einsum("kmab,mab->k", blocks, by_sensing)
        others = jnp.sum(power, axis=1) - signal + errors + jnp.sum(echo.real**2 + echo.imag**2, axis=1) + 1
        return jnp.log1p(signal / others)


def downlink(s: RegionScenario) -> Downlink:
    """The downlink of a scenario."""
    m, k, a = s.channel_estimate.shape
    root = jnp.sqrt(s.ap_power)
    channel = jnp.moveaxis(root[:, None, None] * s.channel_estimate, 1, 0).reshape(k, m * a)
    error = jnp.einsum("m,n,mnkab->kmanb", root, root, s.error_covariance).reshape(k, m * a, m * a)
    error = (error + error.conj().swapaxes(1, 2)) / 2
    return Downlink(channel, error.real + error.imag, (m, a))


def error_forms(s: RegionScenario) -> Float[Array, "M n n"]:
    """Quadratic forms of the pattern error of each access point (see :mod:`trinode.sensing.beampattern`)."""

    def one(ideal: Float[Array, " D"]) -> Float[Array, "n n"]:
        return beampattern.error_form(s.direction_rad, ideal, s.antennas, s.element_spacing)

    return jax.vmap(one)(s.ideal_pattern)


def covariance(data: Complex[Array, "M A K"], sensing: Complex[Array, "M A"]) -> Complex[Array, "M A A"]:
    """Covariance of what each access point radiates, at a power of 1."""
    streams = jnp.concatenate([data, sensing[..., None]], axis=2)
    return streams @ streams.conj().swapaxes(1, 2)


def pattern_error(
    forms: Float[Array, "M n n"], sensing_ap: Bool[Array, " M"], covariance: Complex[Array, "M A A"]
) -> Float[Array, ""]:
    """Mean pattern error (20) of the access points that sense, each at its best scale."""
    x = beampattern.coordinates(covariance)
    each = jnp.einsum("mi,mij,mj->m", x, forms, x)
    return jnp.sum(jnp.where(sensing_ap, each, 0.0)) / jnp.maximum(jnp.sum(sensing_ap), 1)


def _folded(w: Complex[Array, "N J"]) -> Float[Array, "N N"]:
    """``Re + Im`` of ``w w^H``."""
    return (w.real + w.imag) @ w.real.T + (w.imag - w.real) @ w.imag.T
