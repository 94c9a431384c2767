"""Which echoes can be met at all, and how far that is from what is asked for."""

from __future__ import annotations

from typing import NamedTuple

import jax.numpy as jnp
from jaxtyping import Array, Complex, Float, Int

from trinode.numerics.loops import while_loop
from trinode.radio import reduced
from trinode.radio.reduced import Air
from trinode.systems.energy import optimise


class Margin(NamedTuple):
    """A common factor on all echo requirements.

    Attributes
    ----------
    value : float
        Reached.
    beams : (K, 2, D)
        Sensing beams that reach it.
    most : float
        What no beams exceed; infinite where nothing is known.
    """

    value: Float[Array, ""]
    beams: Complex[Array, "K 2 D"]
    most: Float[Array, ""]


def largest_margin(air: Air, need: Float[Array, " K"], trips: int = 40, inner: int = 60) -> Margin:
    """Largest factor on all requirements that some sensing beams reach with no data on the air.

    At fixed receivers, powers that reach the same margin everywhere at the limit are the fixed point of a positive
    concave map, found by iterating it; better receivers raise the margin, and the two alternate until all margins are
    the same at the best receivers. That is the optimum where a terminal is heard in one direction only, as with one
    target; where in several, beams are matched to the receivers on the way, and the value is a stationary one.

    On the way the largest of the margins at any powers, one of which is at its limit, is a bound: let q be other powers
    within the limits and k the terminal where p_k / q_k is largest, so at least 1. What k hears at p is then at most
    p_k / q_k times what it hears at q, and its margin at p is at least that at q.
    """
    k = need.shape[0]
    own = jnp.arange(k)
    asked = need > 0
    wish = jnp.where(asked, need, 1.0)
    limit = jnp.where(asked, air.limit, 0.0)

    class Trip(NamedTuple):
        beams: Complex[Array, "K 2 D"]
        best: Float[Array, ""]
        kept: Complex[Array, "K 2 D"]
        most: Float[Array, ""]
        spread: Float[Array, ""]
        made: Int[Array, ""]

    def one(t: Trip) -> Trip:
        sinr, heard = reduced.listen_echo(air, t.beams)
        reached = jnp.where(asked, sinr / wish, jnp.inf)
        low, high = jnp.min(reached), jnp.max(jnp.where(asked, reached, 0.0))
        ahead = heard[own, own]
        beam = ahead / jnp.sqrt(jnp.maximum(jnp.sum(jnp.abs(ahead) ** 2, axis=1, keepdims=True), 1e-300))
        through = jnp.abs(jnp.sum(heard.conj() * beam[None], axis=2)) ** 2
        ask = jnp.where(asked, wish / jnp.maximum(through[own, own], 1e-300), 0.0)
        others = jnp.where(own[:, None] == own[None], 0.0, through)

        class Fill(NamedTuple):
            power: Float[Array, " K"]
            change: Float[Array, ""]
            made: Int[Array, ""]

        def fill(f: Fill) -> Fill:
            wanted = ask * (1 + jnp.sum(others * f.power, axis=1))
            power = wanted * jnp.min(jnp.where(asked, limit / jnp.maximum(wanted, 1e-300), jnp.inf))
            change = jnp.max(jnp.where(asked, jnp.abs(power / jnp.maximum(f.power, 1e-300) - 1), 0.0))
            return Fill(power, change, f.made + 1)

        begun = Fill(jnp.sum(jnp.abs(t.beams[:, 1]) ** 2, axis=1), jnp.asarray(jnp.inf), jnp.asarray(0))
        power = while_loop(lambda f: (f.made < inner) & (f.change > 1e-10), fill, begun).power
        power = jnp.where(asked & jnp.isfinite(power), power, 0.0)
        beams = jnp.stack([jnp.zeros_like(beam), jnp.sqrt(power)[:, None] * beam], axis=1)
        kept = jnp.where(low > t.best, t.beams, t.kept)
        full = jnp.any(asked & (jnp.sum(jnp.abs(t.beams[:, 1]) ** 2, axis=1) >= limit * (1 - 1e-9)))
        most = jnp.where(full, jnp.minimum(high, t.most), t.most)
        return Trip(beams, jnp.maximum(low, t.best), kept, most, high / jnp.maximum(low, 1e-300) - 1, t.made + 1)

    start = optimise.starting_beams(air, null=False).at[:, 0].set(0.0) * jnp.sqrt(2.0)
    start = jnp.where(asked[:, None, None], start, 0.0)
    possible = jnp.any(asked) & jnp.all(~asked | (air.limit * reduced.alone(air)[1] > 0))
    # who asks for an echo may have no power, or hear nothing
    most = jnp.where(possible | ~jnp.any(asked), jnp.inf, 0.0)
    first = Trip(start, jnp.asarray(0.0), start, most, jnp.asarray(jnp.inf), jnp.asarray(0))
    last = while_loop(lambda t: possible & (t.made < trips) & (t.spread > 1e-8), one, first)
    # beams that may turn are no powers alone
    most = last.most * (1 + 1e-8) if air.toward.shape[2] == 1 else jnp.where(last.made > 0, jnp.inf, last.most)
    return Margin(jnp.where(jnp.any(asked), last.best, jnp.inf), last.kept, most)
