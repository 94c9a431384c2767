"""The air of terminals that send and listen for echoes in as few dimensions as it has, nothing lost.

A part of a beam that neither the access point nor any radar hears only costs power, so beams live in the span of the
rows of the own uplink and echo channels: five dimensions in a drawn network, whatever the arrays. Combiners live in
the span of what is received. So everything follows from the Gram matrices between terminals: all data SINRs from one
2K x 2K inverse, the sensing SINRs of one radar from one K x K inverse.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Complex, Float

from trinode.numerics.matrices import hermitian_inverse


class Air(eqx.Module):
    """Channels in the reduced space, noise 1 at every receiver.

    Attributes
    ----------
    basis : (K, T, D)
        Orthonormal columns; a beam is ``basis @ z``.
    uplink : (K, K, D, D)
        Gram matrices ``[j, k] = H_j^H H_k`` over the access point's noise, both sides reduced.
    echo : (K, K, E, K, E)
        ``[k, j, e, i, f]``: Gram matrices of what radar k hears of terminals j and i, over its noise.
    toward : (K, D, E)
        Directions in which a terminal is heard by radars.
    heard : (K, A, D)
        What the access point hears of each terminal, over its noise amplitude.
    limit : (K,)
        Power limit, W.
    need : (K,)
        Required echo SINR.
    radius : (K,), optional
        Largest error of an uplink channel, spectral norm over the noise amplitude; none where channels are known.
    """

    basis: Complex[Array, "K T D"]
    uplink: Complex[Array, "K K D D"]
    echo: Complex[Array, "K K E K E"]
    toward: Complex[Array, "K D E"]
    heard: Complex[Array, "K A D"]
    limit: Float[Array, " K"]
    need: Float[Array, " K"]
    radius: Float[Array, " K"] | None = None

    def load(self, beams: Complex[Array, "K 2 D"]) -> Float[Array, ""]:
        """Noise over the true one with which combiners are best where errors have the mean power of the worst."""
        if self.radius is None:
            return jnp.asarray(1.0)
        return 1 + jnp.sum(self.radius**2 * jnp.sum(jnp.abs(beams) ** 2, axis=(1, 2)))


class Listeners(NamedTuple):
    """Best receivers of norm 1 and what they make of the channels.

    Attributes
    ----------
    data : (K, K, D)
        ``[j, k]``: how the receiver of terminal j's data hears terminal k; a stream z gives ``|data^H z|^2``.
    radar : (K, K, D)
        The same of terminal j's radar.
    """

    data: Complex[Array, "K K D"]
    radar: Complex[Array, "K K D"]


def alone(air: Air) -> tuple[Float[Array, " K"], Float[Array, " K"]]:
    """Largest data and echo SINR per watt that a terminal reaches without any interference."""
    return _data_direction(air)[0], _echo_direction(air)[0]


def directions(air: Air) -> tuple[Complex[Array, "K D"], Complex[Array, "K D"]]:
    """Beams of norm 1 in which these are reached."""
    return _data_direction(air)[1], _echo_direction(air)[1]


def _data_direction(air: Air) -> tuple[Float[Array, " K"], Complex[Array, "K D"]]:
    own = jnp.arange(air.limit.shape[0])
    value, vector = jnp.linalg.eigh(air.uplink[own, own])
    return jnp.maximum(value[:, -1], 0.0), vector[..., -1]


def _echo_direction(air: Air) -> tuple[Float[Array, " K"], Complex[Array, "K D"]]:
    own = jnp.arange(air.limit.shape[0])
    gram = air.echo[own, own, :, own]
    if air.toward.shape[2] == 1:  # heard in one direction only
        size = jnp.sqrt(jnp.sum(jnp.abs(air.toward[..., 0]) ** 2, axis=1))
        first = jnp.zeros_like(air.toward[..., 0]).at[:, 0].set(1.0)
        unit = jnp.where(size[:, None] > 0, air.toward[..., 0] / jnp.where(size > 0, size, 1.0)[:, None], first)
        return gram[:, 0, 0].real * size**2, unit
    pull = jnp.einsum("kde,kef,kgf->kdg", air.toward, gram, air.toward.conj())
    value, vector = jnp.linalg.eigh(pull)
    return jnp.maximum(value[:, -1], 0.0), vector[..., -1]


def data_sinr(air: Air, beams: Complex[Array, "K 2 D"]) -> Float[Array, " K"]:
    """Data SINR with the best combiners, at the worst errors within the radius; beams[:, 0] carry data, [:, 1] sense.

    An error adds at most ``radius |z|`` to what a combiner of norm 1 hears of a stream z. The bound takes this for all
    streams at once, which no single error need reach.
    """
    sinr, heard = listen_uplink(air, beams)
    if air.radius is None:
        return sinr
    amplitude = jnp.abs(jnp.sum(heard.conj()[:, :, None] * beams[None], axis=3))  # [listener, speaker, stream]
    size = air.radius[:, None] * jnp.sqrt(jnp.sum(jnp.abs(beams) ** 2, axis=2))
    own = jnp.arange(beams.shape[0])
    wanted = jnp.maximum(amplitude[own, own, 0] - size[:, 0], 0.0) ** 2
    worst = (amplitude + size[None]) ** 2
    others = jnp.sum(worst, axis=(1, 2)) - worst[own, own, 0]
    return wanted / (1 + others)


def echo_sinr(air: Air, beams: Complex[Array, "K 2 D"]) -> Float[Array, " K"]:
    """Echo SINR of each terminal with its best combiner."""
    return listen_echo(air, beams)[0]


def listen(air: Air, beams: Complex[Array, "K 2 D"]) -> Listeners:
    """Best receivers for given beams; of a silent stream, those of the smallest stream along the same channel."""
    return Listeners(listen_uplink(air, beams)[1], listen_echo(air, beams)[1])


def listen_uplink(air: Air, beams: Complex[Array, "K 2 D"]) -> tuple[Float[Array, " K"], Complex[Array, "K K D"]]:
    k = beams.shape[0]
    ahead = jnp.sum(air.uplink[:, :, None] * beams[None, :, :, None, :], axis=-1)  # H_j^H (H_k z_ks): [j, k, s, D]
    gram = jnp.sum(beams.conj()[:, None, :, None] * ahead[:, :, None], axis=-1)  # [j, k, s, r]
    gram = jnp.moveaxis(gram, 1, 2).reshape(2 * k, 2 * k)
    whole = hermitian_inverse(gram + air.load(beams) * jnp.eye(2 * k))
    mine = whole[:, ::2]  # of the data streams
    error = jnp.clip(jnp.diagonal(whole).real[::2] * air.load(beams), 1e-300, 1.0)
    # the MMSE combiner is sum_i y_i whole[i, stream]
    norm = jnp.sqrt(jnp.maximum(jnp.sum((mine.conj() * (gram @ mine)).real, axis=0), 1e-300))
    weight = (mine / norm).reshape(k, 2, k)
    heard = jnp.sum(ahead[..., None] * weight[None, :, :, None], axis=(1, 2))  # H_k^H w_j: [k, D, j]
    return 1 / error - 1, jnp.moveaxis(heard, 2, 0)


def listen_echo(air: Air, beams: Complex[Array, "K 2 D"]) -> tuple[Float[Array, " K"], Complex[Array, "K K D"]]:
    k, e = beams.shape[0], air.toward.shape[2]
    echo = jnp.sum(air.toward.conj()[:, None] * beams[..., None], axis=2)  # t_j^H z_js: [j, s, E]
    # heard in one direction only, both streams are one
    strength = jnp.sqrt(jnp.sum(jnp.abs(echo) ** 2, axis=1))[:, None] if e == 1 else echo
    factors = strength.shape[1]
    spread = strength.reshape(k, factors, e)
    # streams as columns of (terminal, E): Gram of what each radar hears
    moved = jnp.sum(air.echo[:, :, :, :, None] * spread[None, None, None], axis=-1)  # [k, j, E, i, s]
    gram = jnp.sum(spread.conj()[None, :, :, :, None, None] * moved[:, :, None], axis=3)  # [k, j, r, i, s]
    whole = hermitian_inverse(gram.reshape(k, k * factors, k * factors) + jnp.eye(k * factors))
    own = jnp.arange(k)
    wish = echo[:, 1]  # (K, E) of the own sensing stream
    wish = jnp.where(jnp.sum(jnp.abs(wish) ** 2, axis=1, keepdims=True) > 0, wish, 1e-150)
    direct = jnp.sum(air.echo[own, :, :, own] * wish[:, None, None, :], axis=-1)  # r_kj^H r_kk wish: [k, j, E]
    probe = jnp.sum(spread.conj()[None] * direct[:, :, None], axis=3).reshape(k, k * factors)
    back = jnp.sum(whole * probe[:, None, :], axis=2).reshape(k, k, factors)
    remove = jnp.sum(spread[None] * back[..., None], axis=2)  # [k, j, E]
    weight = jnp.where((own[:, None] == own[None])[..., None], wish[:, None], 0.0) - remove
    # combiner w_k = sum_j r_kj weight_kj; what it hears of each terminal
    heard = jnp.sum(air.echo * weight[:, None, None], axis=(3, 4))  # r_kj^H w_k: [k, j, E]
    norm = jnp.sum((weight.conj() * heard).real, axis=(1, 2))
    share = jnp.sum((wish.conj() * heard[own, own]).real, axis=1)
    sinr = jnp.where(jnp.sum(jnp.abs(echo[:, 1]) ** 2, axis=1) > 0, share / jnp.maximum(1 - share, 1e-300), 0.0)
    heard = heard / jnp.sqrt(jnp.maximum(norm, 1e-300))[:, None, None]
    return sinr, jnp.sum(air.toward[None] * heard[:, :, None], axis=3)


def project(air: Air, data: Complex[Array, "K T"], sensing: Complex[Array, "K T"]) -> Complex[Array, "K 2 D"]:
    """Beams of full size in the reduced space; nothing that anyone hears is lost."""
    return jnp.einsum("ktd,kst->ksd", air.basis.conj(), jnp.stack([data, sensing], axis=1))


def lift(air: Air, beams: Complex[Array, "K 2 D"]) -> Complex[Array, "K 2 T"]:
    """Beams of full size."""
    return jnp.einsum("ktd,ksd->kst", air.basis, beams)
