"""The downlink of a network, and what its pattern errors are the squared norms of."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from trinode.radio.downlink import SIMPLE, Downlink
from trinode.sensing import beampattern
from trinode.systems.region.scenario import RegionScenario


def downlink(s: RegionScenario) -> Downlink:
    """The downlink of a scenario."""
    m, k, a = s.channel_estimate.shape
    root = jnp.sqrt(s.ap_power)
    channel = jnp.moveaxis(root[:, None, None] * s.channel_estimate, 1, 0).reshape(k, m * a)
    error = jnp.einsum("m,n,mnkab->kmanb", root, root, s.error_covariance).reshape(k, m * a, m * a)
    error = (error + error.conj().swapaxes(1, 2)) / 2
    white = jnp.trace(jnp.diagonal(error.reshape(k, m, a, m, a), axis1=1, axis2=3), axis1=1, axis2=2).real / a
    rest = error - jax.vmap(lambda one: jnp.diag(jnp.repeat(one, a)))(white)
    # all that is sent has a power of at most M
    simple = m * jnp.sqrt(jnp.sum(rest.real**2 + rest.imag**2, axis=(1, 2))).max() <= SIMPLE
    return Downlink(channel, error.real + error.imag, white, simple, (m, a))


def error_factors(s: RegionScenario) -> Float[Array, "M r n"]:
    """What the pattern error of each access point is the squared norm of, but for the coordinates of the pattern."""

    def one(ideal: Float[Array, " D"]) -> Float[Array, "r n"]:
        return beampattern.error_factor(s.direction_rad, ideal, s.antennas, s.element_spacing)

    return jax.vmap(one)(s.ideal_pattern)
