"""The beam engine: all precoders downhill on a value of the rates.

The engine knows streams, powers and constraints on precoders; what the rates are worth is the caller's. Powers are
kept exactly by a change of variables: terminal k's streams are ``sqrt(P_k) z / sqrt(|z|^2 + slack^2)``, a smooth map
onto the whole power ball. Whatever else the caller decides together with the beams (shares of servers, say) travels
along as free real variables.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol, runtime_checkable

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Complex, Float, Int

from trinode.numerics import curvature, descent
from trinode.numerics.curvature import Memory

Worth = Callable[[Float[Array, "K S"], Complex[Array, "K S T"], Float[Array, " n"]], Float[Array, ""]]


@runtime_checkable
class HasRates(Protocol):
    """Anything that turns precoders into rates: an :class:`~trinode.radio.streams.Uplink` or a surrogate of one."""

    def rates(self, precoder: Complex[Array, "K S T"]) -> Float[Array, "K S"]:
        """Rate of each stream, nat/s/Hz."""
        ...


class Beams(NamedTuple):
    """Result of the engine: precoders, the caller's variables, prices of the constraints, evaluations, memory."""

    precoder: Complex[Array, "K S T"]
    others: Float[Array, " n"]
    price: Float[Array, " m"]
    evaluations: Int[Array, ""]
    memory: Memory


def within(beams: Complex[Array, "K S T"], limit: Float[Array, " K"]) -> Complex[Array, "K S T"]:
    """The beams of each terminal, scaled down where they take more than its power limit."""
    power = jnp.sum(jnp.abs(beams) ** 2, axis=(1, 2))
    scale = jnp.where(power > limit, jnp.sqrt(limit / jnp.where(power > 0, power, 1.0)), 1.0)
    return scale[:, None, None] * beams


def improve(
    uplink: HasRates,
    worth: Worth,
    constraints: Callable[[Complex[Array, "K S T"]], Float[Array, " m"]],
    precoder: Complex[Array, "K S T"],
    others: Float[Array, " n"],
    price: Float[Array, " m"],
    max_power: Float[Array, " K"],
    memory: Memory | None = None,
    *,
    penalty: float | Float[Array, ""] = 5.0,
    max_evaluations: int | Int[Array, ""] = 40,
    tolerance: float = 1e-6,
) -> Beams:
    """Move precoders and the caller's variables to lower ``worth(rates, precoder, others)``: one round of prices.

    Parameters
    ----------
    worth : callable
        To be minimised; rates in nat/s/Hz. Should be of order one (a logarithm, say).
    constraints : callable
        At most 0 when met, of order one.
    precoder : (K, S, T)
        Start; power at most ``max_power`` (K,).
    price : (m,)
        Start of the multipliers; zeros when unknown.
    memory
        Of the round before, so that this one goes on at its pace; see :func:`no_memory` for the first.
    """
    amplitude = jnp.sqrt(max_power)
    unit = jnp.where(amplitude > 0, amplitude, 1.0)
    z = precoder / unit[:, None, None]
    spare = jnp.sqrt(jnp.maximum(1 - jnp.sum(jnp.abs(z) ** 2, axis=(1, 2)), 1e-4))
    shape = precoder.shape
    size = z.size

    def unpack(x: Float[Array, " all"]) -> tuple[Complex[Array, "K S T"], Float[Array, " n"]]:
        # taken apart once, so that the slope is put together once
        real, imag, spare, rest = lax.split(x, (size, size, shape[0], others.size))
        real, imag = real.reshape(shape), imag.reshape(shape)
        norm = jnp.sqrt(jnp.sum(real**2 + imag**2, axis=(1, 2)) + spare**2)
        return (amplitude / norm)[:, None, None] * lax.complex(real, imag), rest

    def objective(x: Float[Array, " n"]) -> Float[Array, ""]:
        w, rest = unpack(x)
        return worth(uplink.rates(w), w, rest)

    start = jnp.concatenate([z.real.reshape(-1), z.imag.reshape(-1), spare, others])
    best, price = descent.constrained(
        objective,
        lambda x: constraints(unpack(x)[0]),
        start,
        price,
        no_memory(precoder, others.size) if memory is None else memory,
        penalty=penalty,
        max_evaluations=max_evaluations,
        tolerance=tolerance,
    )
    w, rest = unpack(best.point)
    return Beams(w, rest, price, best.evaluations, best.memory)


def no_memory(precoder: Complex[Array, "K S T"], others: int) -> Memory:
    """An empty memory for :func:`improve` with so many variables of the caller's."""
    return curvature.nothing(2 * precoder.size + precoder.shape[0] + others)
