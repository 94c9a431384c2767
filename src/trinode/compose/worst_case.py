"""The least SINR of a user whose channel is known up to an error of bounded norm.

User k hears ``v = h + e`` with ``|e| <= error``. An SINR is guaranteed where
``(1 + 1 / sinr) |v w|^2 >= v T v^H + 1`` for every such v, T being the sum of ``w w^H`` over all streams and noise
being 1. By the S-procedure that is so if and only if for some price m ``(1 + 1 / sinr) u u^H - G(m)`` has no negative
eigenvalue, with ``u = (w, h w)`` and ``G(m) = [[T - m, T h^H], [h T, h T h^H + 1 + m error^2]]``. So each m at which G
has one positive eigenvalue guarantees ``sinr / (1 + sinr) = u^H G(m)^-1 u``, and the best m what is the case.

Two errors, or a circle of them, are often worst together, and then the least SINR has a kink: G, where it is orthogonal
to u, is singular at the best m. Descent takes the m that is best by ``ln sinr + CENTRE ln det`` of that part of -G / m
instead: smooth, and short of the least SINR by a share of at most about CENTRE.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
import numpy as np
from jax import lax
from jaxtyping import Array, Complex, Float, Int

CENTRE = 5e-4
"""How far descent keeps from kinks, as a share of the SINR."""

LOW, HIGH, STEPS = -27.3, 28.1, 52
"""Range of the logarithm of a price, not even, so that no price tried is 1, where formulas stand still; halvings."""

LOST = 1e-12
"""What descent sees in place of an SINR of 0, times how far it is from more."""


def guaranteed(
    channel: Complex[Array, "K n"], error: Float[Array, " K"], beams: Complex[Array, "S n"]
) -> Float[Array, " K"]:
    """The least SINR of each user, from below and smooth.

    Parameters
    ----------
    channel, error : (K, n), (K,)
        Over the amplitude of the noise.
    beams : (S, n)
        Of all streams, those of the users first, in their order.
    """
    users = len(channel)
    norm = jnp.linalg.norm(channel, axis=1)
    top = lax.stop_gradient(jnp.sum(jnp.abs(beams) ** 2)) + 1e-300
    # lengths in which T has at most a trace of 1 and channels a norm of 1
    h, e, noise, scaled = channel / norm[:, None], error / norm, 1 / (norm**2 * top), beams / jnp.sqrt(top)
    w = scaled[:users]
    own = jnp.sum(h * w, axis=1)
    price, bend = _prices(h, e, noise, lax.stop_gradient(scaled))

    # G without the own signal, whose inverse gives the SINR itself
    mask = np.arange(len(beams))[None] != np.arange(users)[:, None]
    others = jnp.where(mask[:, :, None], scaled, 0.0)
    total = others.swapaxes(1, 2) @ others.conj()
    heard = (h[:, None] @ total)[:, 0]  # h T
    corner = jnp.sum(heard * h.conj(), axis=1).real + noise + price * e**2
    upper = jnp.concatenate([total - price[:, None, None] * jnp.eye(h.shape[1]), heard.conj()[:, :, None]], axis=2)
    lower = jnp.concatenate([heard, corner[:, None]], axis=1)[:, None]
    inverse = jnp.linalg.inv(jnp.concatenate([upper, lower], axis=1))
    u = jnp.concatenate([w, own[:, None]], axis=1)
    z = jnp.einsum("kab,kb->ka", inverse, u)
    by_price = jnp.concatenate([-jnp.ones(h.shape), (e**2)[:, None]], axis=1)  # of the diagonal of G
    sinr = jnp.sum(u.conj() * z, axis=1).real
    tilt = -jnp.sum(by_price * jnp.abs(z) ** 2, axis=1) / sinr
    room = jnp.sum(by_price * jnp.diagonal(inverse, axis1=1, axis2=2).real, axis=1) - h.shape[1] / price + tilt
    # where beams turn, the price follows
    sinr = sinr * (1 - tilt * (tilt + CENTRE * room) / bend)
    # where an error can make the own signal vanish
    reach, shield = jnp.abs(own) ** 2, e**2 * jnp.sum(jnp.abs(w) ** 2, axis=1)
    lost = reach <= shield * (1 + 1e-9)
    hopeless = LOST * reach / jnp.where(shield > 0, shield, 1.0)
    return jnp.where(lost, hopeless, jnp.where(lost, 1.0, sinr) + LOST)


def _prices(h: Any, e: Any, noise: Any, beams: Any) -> tuple[Any, Any]:
    """Prices of errors, and the second derivatives there of what they make largest; T diagonal by its eigenvectors."""
    level, basis = jnp.linalg.eigh(beams.T @ beams.conj())
    level = jnp.maximum(level, 0.0)
    h, w = h @ basis, beams[: len(h)] @ basis.conj()
    strength = h.real**2 + h.imag**2

    def slope(price: Float[Array, " K"]) -> tuple[Any, Any]:
        """By the price; and whether it guarantees anything."""
        off = level - price[:, None]
        off = jnp.where(jnp.abs(off) < 1e-14 * price[:, None], 1e-14 * price[:, None], off)
        rest = noise + price * e**2 - price * jnp.sum(strength * level / off, axis=1)
        last = -price * jnp.sum(h * w / off, axis=1) / rest
        beside = (w - level * h.conj() * last[:, None]) / off
        share = jnp.sum(w.conj() * (beside + h.conj() * last[:, None]), axis=1).real
        tilt = jnp.sum(jnp.abs(beside) ** 2, axis=1) - (e * jnp.abs(last)) ** 2
        room = (
            -jnp.sum(level / off, axis=1) / price
            + (e**2 - jnp.sum(strength * level**2 / off**2, axis=1)) / rest
            + tilt / share
        )
        positive = jnp.sum(off > 0, axis=1) + (rest > 0)
        return tilt / (share * (1 - share)) + CENTRE * room, (positive == 1) & (share > 0) & (share < 1)

    def halved(_: Int[Array, ""], ends: tuple[Any, Any]) -> tuple[Any, Any]:
        low, high = ends
        middle = (low + high) / 2
        rises, guarantees = slope(jnp.exp(middle))
        left = ~guarantees | (rises > 0)
        return jnp.where(left, middle, low), jnp.where(left, high, middle)

    ends = jnp.full(len(h), LOW), jnp.full(len(h), HIGH)
    price = jnp.exp(lax.fori_loop(0, STEPS, halved, ends)[1])
    ahead, back = (slope(price * (1 + step))[0] for step in (1e-6, -1e-6))
    return lax.stop_gradient(price), lax.stop_gradient((ahead - back) / (2e-6 * price))


def judged(channel: np.ndarray, error: float, beams: np.ndarray, user: int) -> float:
    """The same of one user in plain NumPy: the ratio's parametric method (Dinkelbach 1967).

    What an SINR leaves, ``|v w|^2 - sinr (1 + the others)``, is a quadratic form to be made least within a ball; at the
    least point the ratio is lower, until nothing is left.
    """
    own = beams[user]
    others = np.delete(beams, user, axis=0)

    def ratio(v: np.ndarray) -> float:
        return np.abs(v @ own) ** 2 / (1 + np.sum(np.abs(others @ v) ** 2))

    least = ratio(channel)
    for _ in range(60 if error > 0 else 0):
        form = np.outer(own, own.conj()) - least * others.T @ others.conj()
        found = ratio(_least_in_ball(form, channel, error))
        if found >= least * (1 - 1e-15):
            break
        least = found
    return float(least)


def _least_in_ball(form: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """v with ``|v - centre| <= radius`` and the least ``v form v^H`` (Moré and Sorensen 1983)."""
    level, basis = np.linalg.eigh(form)
    slope = (centre @ basis) * level  # of the form at the centre, where it is diagonal
    scale = np.max(np.abs(level))
    lowest = level[0]

    def turn(price: float) -> np.ndarray:
        return -slope / (level + price)

    if lowest > 0 and np.linalg.norm(turn(0.0)) <= radius:
        return centre + turn(0.0) @ basis.conj().T
    start = max(-lowest, 0.0)
    near, far = start + 1e-14 * scale, start + scale + np.linalg.norm(slope) / radius
    if np.linalg.norm(turn(near)) <= radius:  # the slope misses the lowest direction: any way along it will do
        e = turn(near)
        e[0] += np.sqrt(max(radius**2 - np.linalg.norm(e) ** 2, 0.0))
        return centre + e @ basis.conj().T
    from scipy.optimize import brentq  # half a second of imports, which only those pay who need them

    price: Any = brentq(lambda m: 1 / np.linalg.norm(turn(m)) - 1 / radius, near, far, xtol=1e-300)
    return centre + turn(price) @ basis.conj().T
