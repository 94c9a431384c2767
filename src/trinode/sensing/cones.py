"""Echo requirements of single-stream beams as the convex cones that they are.

With one beam per terminal, turned so that its echo has a fixed phase, ``sqrt(gain) Re(a^H w) >= sqrt(need) ||(noise,
leakage)||`` is a second-order cone: what two points meet, every point between them meets. That gives an exact repair
(a step towards beams known to meet everything) without any approximation.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.numerics.loops import while_loop
from trinode.sensing.echo import EchoModel


def shortfall(
    model: EchoModel, need: Float[Array, " K"], precoder: Complex[Array, "K T"], margin: float = 0.0
) -> Float[Array, " K"]:
    """Nats by which each echo SINR misses its requirement times ``1 + margin``; at most 0 when met, smooth."""
    signal, heard = model.parts(precoder[:, None])
    asked = need > 0
    wanted = jnp.where(asked, need * (1 + margin) * (model.noise_w + heard), 1.0)
    return jnp.where(asked, jnp.log(wanted) - jnp.log(jnp.where(asked, signal + 1e-9 * model.noise_w, 1.0)), -1.0)


def slack(
    model: EchoModel, need: Float[Array, " K"], phase: Complex[Array, " K"], precoder: Complex[Array, "K T"]
) -> Float[Array, " K"]:
    """Concave slack of each requirement for echoes read at the given phases, square root of W; met where >= 0."""
    echo = (phase.conj() * jnp.sum(model.steering.conj() * precoder, axis=1)).real
    heard = model.parts(precoder[:, None])[1]
    return jnp.sqrt(model.gain) * echo - jnp.sqrt(need * (1 + 1e-9) * (model.noise_w + heard))


def repair(
    model: EchoModel,
    need: Float[Array, " K"],
    precoder: Complex[Array, "K T"],
    safe: Complex[Array, "K T"],
) -> Complex[Array, "K T"]:
    """Meet every requirement by the least step towards ``safe`` beams, which must meet them.

    The slack along the way is at least its chord, which tells how far to go. Where the safe beams miss a requirement,
    the result is they, turned.
    """
    phase = _phase(model, precoder)
    turned = aligned(model, precoder, safe)
    at_0, at_1 = slack(model, need, phase, precoder), slack(model, need, phase, turned)
    step = jnp.where((need > 0) & (at_0 < 0), -at_0 / jnp.where(at_1 > at_0, at_1 - at_0, 1e-300), 0.0)
    step = jnp.clip(jnp.max(step) * (1 + 1e-9), 0.0, 1.0)
    return (1 - step) * precoder + step * turned


def _phase(model: EchoModel, precoder: Complex[Array, "K T"]) -> Complex[Array, " K"]:
    towards = jnp.sum(model.steering.conj() * precoder, axis=1)
    size = jnp.abs(towards)
    return jnp.where(size > 0, towards / jnp.where(size > 0, size, 1.0), 1.0)


def aligned(model: EchoModel, precoder: Complex[Array, "K T"], other: Complex[Array, "K T"]) -> Complex[Array, "K T"]:
    """Other beams, turned so that their echoes have the phases of the first ones': all between both is in the cone."""
    straight = jnp.sum(model.steering.conj() * other, axis=1)
    length = jnp.abs(straight)
    back = jnp.where(length > 0, straight.conj() / jnp.where(length > 0, length, 1.0), 1.0)
    return other * (_phase(model, precoder) * back)[:, None]


def least_power(
    model: EchoModel, need: Float[Array, " K"], *, tolerance: float = 1e-12, max_steps: int = 2000
) -> Complex[Array, "K T"]:
    """Beams of the least total power that meet every requirement, power limits aside; NaN where none do.

    The prices l solve ``l_k gain_k a_k^H B_k^{-1} a_k = need_k`` with ``B_k = I + sum_j l_j L_jk``: a standard
    interference function, iterated from 0. The beams are ``B_k^{-1} a_k``, their powers one linear system.
    """
    k, antennas = model.steering.shape
    asked = need > 0
    hear = jnp.where(asked[:, None, None, None], model.leakage, 0.0)

    def beams(price: Float[Array, " K"]) -> Complex[Array, "K T"]:
        matrix = jnp.eye(antennas) + jnp.sum(price[:, None, None, None] * hear, axis=0)
        return jnp.linalg.solve(matrix, model.steering[..., None])[..., 0]

    def step(state: tuple[Float[Array, " K"], Float[Array, ""], Int[Array, ""]]):
        price, _, count = state
        worth = model.gain * jnp.sum((model.steering.conj() * beams(price)).real, axis=1)
        ahead = jnp.where(asked, need / jnp.where(worth > 0, worth, 1e-300), 0.0)
        change = jnp.max(jnp.where(asked, jnp.abs(ahead - price) / jnp.where(ahead > 0, ahead, 1.0), 0.0))
        return ahead, change, count + 1

    def going(state) -> Bool[Array, ""]:
        return (state[1] > tolerance) & (state[2] < max_steps) & jnp.all(state[0] < 1e100)

    begin = (jnp.zeros(k), jnp.asarray(jnp.inf), jnp.asarray(0))
    price, change, _ = while_loop(going, step, begin)
    beam = beams(price)
    towards = model.gain * jnp.abs(jnp.sum(model.steering.conj() * beam, axis=1)) ** 2
    heard = jnp.einsum("jt,kjtu,ju->kj", beam.conj(), model.leakage, beam).real  # at k, from j
    system = jnp.diag(jnp.where(asked, towards, 1.0)) - jnp.where(asked, need, 0.0)[:, None] * heard
    power = jnp.linalg.solve(system, jnp.where(asked, need * model.noise_w, 0.0))
    good = (change <= tolerance) & jnp.all(power >= 0)
    return jnp.where(good, jnp.sqrt(jnp.maximum(power, 0.0))[:, None] * beam, jnp.nan)
