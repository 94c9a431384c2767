"""A network brought into its reduced space, and combiners of full size out of it."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Complex, Float

from trinode.numerics.matrices import hermitian_inverse, unit
from trinode.radio.reduced import Air
from trinode.systems.energy.scenario import EnergyScenario


def reduce(s: EnergyScenario) -> Air:
    """Bring a scenario into its reduced space."""
    k, a, t = s.uplink_channel.shape
    e = s.echo_transmit.shape[2]
    rank = s.uplink_rank or min(a, t)
    size = min(t, rank + e)
    if size == t:
        basis = jnp.broadcast_to(jnp.eye(t, dtype=complex), (k, t, t))
    else:
        # a sketch with as many columns as the rank has the whole row space, save for a null set of sketches
        draw = np.random.default_rng(0).standard_normal((2, a, rank))
        sketch = jnp.asarray(draw[0] + 1j * draw[1])
        rows = jnp.einsum("kat,ar->ktr", s.uplink_channel.conj(), sketch)
        basis, _ = jnp.linalg.qr(jnp.concatenate([unit(rows, axis=1), unit(s.echo_transmit, axis=1)], axis=2))
        basis = basis[..., :size]
    heard = jnp.einsum("kat,ktd->kad", s.uplink_channel, basis) / jnp.sqrt(s.ap_noise_w)
    uplink = jnp.einsum("jad,kaf->jkdf", heard.conj(), heard)
    receive = s.echo_receive / jnp.sqrt(s.radar_noise_w)[:, None, None, None]
    echo = jnp.einsum("kjre,kirf->kjeif", receive.conj(), receive)
    toward = jnp.einsum("ktd,kte->kde", basis.conj(), s.echo_transmit)
    return Air(basis, uplink, echo, toward, heard, s.terminal_max_power_w, s.sensing_sinr_min)


def combiners(
    s: EnergyScenario, air: Air, beams: Complex[Array, "K 2 D"]
) -> tuple[Complex[Array, "K A"], Complex[Array, "K R"]]:
    """Best combiners of full size, norm 1."""
    k = s.terminals
    received, echo = _arriving(s, air, beams)
    received = received.reshape(2 * k, -1)
    whole = hermitian_inverse(received.conj() @ received.T + air.load(beams) * jnp.eye(2 * k))
    w = whole[:, ::2].T @ received
    return unit(w), _radar_combiner(s, air, beams, echo.reshape(k, -1, echo.shape[-1]))


def combiners_apart(
    s: EnergyScenario, air: Air, beams: Complex[Array, "K 2 D"], subband_hz: Float[Array, " K"]
) -> tuple[Complex[Array, "K A"], Complex[Array, "K R"]]:
    """The same in sub-bands of their own, where terminals do not hear each other."""
    own = jnp.arange(s.terminals)
    received, echo = _arriving(s, air, beams)
    louder = jnp.sqrt(s.bandwidth_hz / subband_hz)[:, None, None]
    received = received * louder
    inner = hermitian_inverse(jnp.einsum("kia,kja->kij", received.conj(), received) + jnp.eye(2))
    w = jnp.einsum("kia,ki->ka", received, inner[:, :, 0])
    return unit(w), _radar_combiner(s, air, beams, echo[own, own] * louder)


def _arriving(
    s: EnergyScenario, air: Air, beams: Complex[Array, "K 2 D"]
) -> tuple[Complex[Array, "K 2 A"], Complex[Array, "K K streams R"]]:
    """What arrives of both streams of each terminal at the access point, and at each radar."""
    received = jnp.sum(air.heard[:, None] * beams[:, :, None], axis=3)  # (K, 2, A)
    towards = jnp.sum(air.toward.conj()[:, None] * beams[..., None], axis=2)  # (K, 2, E)
    if towards.shape[2] == 1:  # heard in one direction only, both streams are one
        towards = jnp.sqrt(jnp.sum(jnp.abs(towards) ** 2, axis=1, keepdims=True))
    receive = s.echo_receive / jnp.sqrt(s.radar_noise_w)[:, None, None, None]
    echo = jnp.sum(receive[:, :, None] * towards[None, :, :, None], axis=4)  # (K, K, streams, R)
    return received, echo


def _radar_combiner(
    s: EnergyScenario, air: Air, beams: Complex[Array, "K 2 D"], flat: Complex[Array, "K n R"]
) -> Complex[Array, "K R"]:
    own = jnp.arange(s.terminals)
    inner = hermitian_inverse(jnp.einsum("kir,kjr->kij", flat.conj(), flat) + jnp.eye(flat.shape[1]))
    wish = jnp.sum(air.toward.conj() * unit(beams[:, 1])[..., None], axis=1)  # (K, E)
    target = jnp.sum(s.echo_receive[own, own] * wish[:, None], axis=2)
    fit = jnp.einsum("kij,kjr,kr->ki", inner, flat.conj(), target)
    return unit(target - jnp.einsum("ki,kir->kr", fit, flat))
