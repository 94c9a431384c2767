"""Tasks split between a terminal and one shared server, at least weighted energy within a deadline.

Terminal k works off a share ``1 - a`` of its task itself and sends a share ``a``, which takes ``t = a / speed`` on
the air. Running slower saves energy, so both sides end at the deadline: the local frequency is
``(1 - a) cycles / deadline``, the remote one ``a cycles / (deadline - t)``. What is left per terminal is convex in
``a`` alone where the radio is given (:func:`split`) and jointly convex in ``(a, t)`` where its power may still be
chosen on a curve (:func:`pace`): the energy of the air is the perspective of a convex function of the rate. Terminals
meet only in the capacity of the server, which has one price. Source: energy paper, (10)-(17).
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float

from trinode.numerics.loops import while_loop

OUTER, INNER = 44, 9
"""Steps of the two nested root searches of :func:`pace`."""


class Work(eqx.Module):
    """What there is to compute.

    Attributes
    ----------
    cycles : (K,)
        Of the whole task.
    deadline : (K,)
        In s.
    local_weight, remote_weight : (K,)
        Energy per cycle and squared frequency, with the weight of that energy.
    lowest, highest : (K,)
        Allowed shares; the lowest includes what the terminal's own processor cannot do in time.
    capacity : float
        Of the server, cycle/s.
    """

    cycles: Float[Array, " K"]
    deadline: Float[Array, " K"]
    local_weight: Float[Array, " K"]
    remote_weight: Float[Array, " K"]
    lowest: Float[Array, " K"]
    highest: Float[Array, " K"]
    capacity: Float[Array, ""]

    def local_frequency(self, share: Float[Array, " K"]) -> Float[Array, " K"]:
        """Slowest local frequency that meets the deadline."""
        return self.cycles * (1 - share) / self.deadline

    def remote_frequency(self, share: Float[Array, " K"], upload: Float[Array, " K"]) -> Float[Array, " K"]:
        """Slowest remote frequency that meets the deadline; ``upload`` is the time for the whole task."""
        left = self.deadline - share * upload
        return jnp.where(share > 0, self.cycles * share / jnp.where(left > 0, left, 1e-300), 0.0)

    def energy(
        self, share: Float[Array, " K"], upload: Float[Array, " K"], power: Float[Array, " K"]
    ) -> Float[Array, " K"]:
        """Weighted energy of each terminal, J; infinite where the upload alone misses the deadline."""
        away, home = self.remote_frequency(share, upload), self.local_frequency(share)
        compute = self.local_weight * home**2 * (1 - share) + self.remote_weight * away**2 * share
        late = (share > 0) & (share * upload >= self.deadline)
        air = jnp.where(share > 0, share * upload * power, 0.0)
        return jnp.where(late, jnp.inf, air + self.cycles * compute)


class Curve(eqx.Module):
    """Power against rate: ``base + slope * g / (1 - bend * g)`` with ``g = exp(rate) - 1``, rate in nat/s/Hz.

    Attributes
    ----------
    nats : (K,)
        Size of the whole task over the bandwidth, nat s; its upload takes ``nats / rate``.
    extra : (K,)
        Factor at least 1 on the rising part where energy is counted: what others pay for this terminal's power.
        ``base`` is then the level at which the energy is right at the present rate.
    fastest : (K,)
        Rate at the power limit.
    slowest : (K,)
        Lowest rate that the curve is for.
    """

    nats: Float[Array, " K"]
    base: Float[Array, " K"]
    slope: Float[Array, " K"]
    bend: Float[Array, " K"]
    extra: Float[Array, " K"]
    fastest: Float[Array, " K"]
    slowest: Float[Array, " K"] | float = 0.0

    def price(self, rate: Float[Array, " K"]) -> tuple[Float[Array, " K"], Float[Array, " K"]]:
        """Power with ``extra`` counted, and its derivative."""
        g = jnp.expm1(rate)
        left = jnp.maximum(1 - self.bend * g, 1e-12)
        steep = self.extra * self.slope
        return self.base + steep * g / left, steep * (g + 1) / left**2


class Pace(NamedTuple):
    """Share and rate of each terminal at a price of the server's capacity.

    ``each`` is each terminal's minimal Lagrangian; ``value``, their sum less the price of the capacity, is what no
    decision on these curves undercuts (where ``extra`` is 1). ``scarcity`` is at least 1: the value of a watt over the
    energy it costs.
    """

    share: Float[Array, " K"]
    rate: Float[Array, " K"]
    scarcity: Float[Array, " K"]
    value: Float[Array, ""]
    each: Float[Array, " K"]


class Split(NamedTuple):
    """Shares, energy of each terminal, price of the capacity, and which terminals can be served together."""

    share: Float[Array, " K"]
    energy: Float[Array, " K"]
    price: Float[Array, ""]
    served: Bool[Array, " K"]


def lowest_share(
    cycles: Float[Array, " K"], deadline: Float[Array, " K"], max_frequency: Float[Array, " K"]
) -> Float[Array, " K"]:
    """Share that the terminal's own processor cannot do in time."""
    own = max_frequency * deadline
    return jnp.where(cycles > own, 1 - own / jnp.where(cycles > 0, cycles, 1.0), 0.0)


def split(work: Work, upload: Float[Array, " K"], power: Float[Array, " K"]) -> Split:
    """Best shares where power and rate are given; exact to rounding.

    Parameters
    ----------
    upload : (K,)
        Time on the air of the whole task, s; infinite without a link.
    power : (K,)
        Radiated while sending, W.

    Returns
    -------
    Split
        Where not all terminals can be served, those of least demand for the server are, and the shares of the others
        are the lowest.
    """
    upload = jnp.minimum(upload, 1e30)
    ceiling = _ceiling(work, upload)
    possible = work.lowest <= ceiling
    least = jnp.where(possible, work.remote_frequency(work.lowest, upload), jnp.inf)
    order = jnp.argsort(least)
    within = jnp.cumsum(least[order]) <= work.capacity * (1 + 1e-12)
    served = possible & jnp.zeros_like(possible).at[order].set(within)

    def best(price: Float[Array, ""]) -> Float[Array, " K"]:
        share = _best_share(work, upload, upload * power, price, work.lowest, ceiling, (work.lowest + ceiling) / 2, 40)
        return jnp.where(served, share, work.lowest)

    def load(share: Float[Array, " K"]) -> Float[Array, ""]:
        return jnp.sum(jnp.where(served, work.remote_frequency(share, upload), 0.0))

    scale = jnp.max(work.remote_weight) * work.capacity + 1e-30

    class Search(NamedTuple):
        low: Float[Array, ""]
        high: Float[Array, ""]
        share: Float[Array, " K"]  # at the high price
        bracketed: Bool[Array, ""]
        step: Float[Array, ""]

    def one(s: Search) -> Search:
        # free first, then upwards until it fits, then inwards
        inwards = jnp.where(s.low > 0, jnp.sqrt(s.low * s.high), s.high / 16)
        middle = jnp.where(s.step == 0, 0.0, jnp.where(s.bracketed, inwards, s.high))
        share = best(middle)
        fits = load(share) <= work.capacity
        low = jnp.where(fits, s.low, middle)
        high = jnp.where(fits, middle, jnp.where(s.bracketed | (s.step == 0), s.high, 16 * s.high))
        return Search(low, high, jnp.where(fits, share, s.share), s.bracketed | fits, s.step + 1)

    def going(s: Search) -> Bool[Array, ""]:
        return (s.step < 90) & ~(s.bracketed & (s.high <= s.low * (1 + 1e-13)))

    zero = jnp.asarray(0.0)
    last = while_loop(going, one, Search(zero, scale, work.lowest, jnp.asarray(False), zero))
    energy = work.energy(last.share, upload, power)
    return Split(last.share, energy, jnp.where(last.bracketed, last.high, 0.0), served)


def pace(work: Work, curve: Curve, price: Float[Array, ""], inner: int = INNER) -> Pace:
    """Best share and rate of each terminal where the server's capacity has a price.

    At a given rate the best share is the root of an increasing function; along the rates the value is quasi-convex
    (a jointly convex function on rays), so the sign of its slope at the best share leads to the best rate. ``inner``
    steps look for the share at a rate on the way; the values hold whatever they leave open.
    """
    top = curve.fastest
    floor = curve.nats * work.lowest / work.deadline * (1 + 1e-12)
    bottom = jnp.minimum(jnp.maximum(jnp.maximum(floor, curve.slowest), 1e-9 * top), top)

    def at(rate: Float[Array, " K"], guess: Float[Array, " K"], steps: int) -> tuple[Float[Array, " K"], ...]:
        upload = curve.nats / jnp.where(rate > 0, rate, 1e-300)
        power, rise = curve.price(rate)
        ceiling = jnp.maximum(_ceiling(work, upload), work.lowest)
        share = _best_share(work, upload, upload * power, price, work.lowest, ceiling, guess, steps)
        left = jnp.maximum(work.deadline - share * upload, 1e-300)
        haste = work.cycles * share * (2 * work.remote_weight * (work.cycles * share) ** 2 / left + price) / left**2
        return share, rise * rate - power - haste, power, rise * rate, haste

    def one(_, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        low, high, guess = state
        middle = (low + high) / 2
        share, slope, *_ = at(middle, guess, inner)
        return jnp.where(slope < 0, middle, low), jnp.where(slope < 0, high, middle), share

    start = (work.lowest + work.highest) / 2
    _, high, guess = lax.fori_loop(0, OUTER, one, (bottom, top, start))
    rate = jnp.where(high >= top, top, high)
    share, _, power, steep, haste = at(rate, guess, 30)
    upload = curve.nats / jnp.where(rate > 0, rate, 1e-300)
    value = work.energy(share, upload, power) + price * work.remote_frequency(share, upload)
    # what the search may have missed: the value is convex in share and time on the air, so above its tangent plane,
    # which rises by `late` per second that the upload takes longer than the share does at this rate
    late = power + haste - steep
    sooner = work.highest * (upload - curve.nats / jnp.where(top > 0, top, 1e-300))
    longest = curve.nats / jnp.where(bottom > 0, bottom, 1e-300)
    turn = jnp.clip(work.deadline / longest, work.lowest, work.highest)  # where the deadline becomes the limit
    later = jnp.minimum(work.deadline, turn * longest) - turn * upload
    missed = jnp.maximum(late, 0.0) * jnp.maximum(sooner, 0.0) + jnp.maximum(-late, 0.0) * jnp.maximum(later, 0.0)
    value = value - jnp.where((share > 0) & jnp.isfinite(value), missed, 0.0)
    scarcity = jnp.maximum(1.0, (haste + power) / jnp.where(steep > 0, steep, 1.0))
    return Pace(share, rate, scarcity, jnp.sum(value) - price * work.capacity, value)


def _ceiling(work: Work, upload: Float[Array, " K"]) -> Float[Array, " K"]:
    """Largest share whose upload leaves time to compute."""
    return jnp.minimum(work.highest, (1 - 1e-9) * work.deadline / jnp.where(upload > 0, upload, 1e-300))


def _best_share(
    work: Work,
    upload: Float[Array, " K"],
    energy: Float[Array, " K"],
    price: Float[Array, ""],
    lowest: Float[Array, " K"],
    highest: Float[Array, " K"],
    guess: Float[Array, " K"],
    steps: int,
) -> Float[Array, " K"]:
    """Root of the derivative in the share, by Newton's method within a shrinking bracket."""
    tau = work.deadline
    local = 3 * work.local_weight * work.cycles**3 / tau**2
    remote = work.remote_weight * work.cycles**3
    load = price * work.cycles * tau

    def slopes(a: Float[Array, " K"]) -> tuple[Float[Array, " K"], Float[Array, " K"]]:
        left = jnp.maximum(tau - a * upload, 1e-300)
        away = a / left
        slope = energy - local * (1 - a) ** 2 + remote * away**2 * (3 * tau - a * upload) / left + load / left**2
        bend = 2 * local * (1 - a) + (6 * remote * away * (tau / left) ** 2 + 2 * load * upload / left**2) / left
        return slope, bend

    def one(_, state: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        low, high, a = state
        slope, bend = slopes(a)
        low = jnp.where(slope < 0, a, low)
        high = jnp.where(slope < 0, high, a)
        newton = a - slope / jnp.where(bend > 0, bend, 1e-300)
        inside = (newton > low) & (newton < high)
        return low, high, jnp.where(inside, newton, (low + high) / 2)

    # near the ceiling the derivative is so steep that steps from there are tiny: not begun within a tenth of it
    first = (lowest, highest, jnp.clip(jnp.minimum(guess, lowest + 0.9 * (highest - lowest)), lowest, highest))
    _, _, inner = lax.fori_loop(0, steps, one, first)
    at_low, at_high = slopes(lowest)[0] >= 0, slopes(highest)[0] <= 0
    return jnp.where(at_low, lowest, jnp.where(at_high, highest, inner))
