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
from jaxtyping import Array, Bool, Float, Int

from trinode.numerics.loops import while_loop

TRIPS = 60
"""Most steps of the searches for a rate and for a share."""


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

    def price(self, rate: Float[Array, " K"]) -> tuple[Float[Array, " K"], Float[Array, " K"], Float[Array, " K"]]:
        """Power with ``extra`` counted, and its first two derivatives."""
        g = jnp.expm1(rate)
        left = jnp.maximum(1 - self.bend * g, 1e-12)
        steep = self.extra * self.slope
        rise = steep * (g + 1) / left**2
        return self.base + steep * g / left, rise, rise * (1 + 2 * self.bend * (g + 1) / left)


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


def least_demand(work: Work, upload: Float[Array, " K"]) -> Float[Array, " K"]:
    """Server frequency that each terminal needs at least, cycle/s; infinite where its deadline cannot be met.

    Parameters
    ----------
    upload : (K,)
        Time on the air of the whole task, s.
    """
    possible = work.lowest <= _ceiling(work, upload)
    return jnp.where(possible, work.remote_frequency(work.lowest, upload), jnp.inf)


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
    least = least_demand(work, upload)
    order = jnp.argsort(least)
    within = jnp.cumsum(least[order]) <= work.capacity * (1 + 1e-12)
    served = jnp.zeros_like(within).at[order].set(within)

    def best(price: Float[Array, ""]) -> Float[Array, " K"]:
        share = _best_share(work, upload, upload * power, price, work.lowest, ceiling, (work.lowest + ceiling) / 2)
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


def pace(work: Work, curve: Curve, price: Float[Array, ""], trips: int = TRIPS) -> Pace:
    """Best share and rate of each terminal where the server's capacity has a price.

    At a given rate the best share is the root of an increasing function; along the rates the value is quasi-convex
    (a jointly convex function on rays), so the sign of its slope at the best share leads to the best rate: Newton's
    method on the logarithms of its two parts, within a shrinking bracket. The values hold whatever ``trips`` leaves
    open.
    """
    top = curve.fastest
    floor = curve.nats * work.lowest / work.deadline * (1 + 1e-12)
    bottom = jnp.minimum(jnp.maximum(jnp.maximum(floor, curve.slowest), 1e-9 * top), top)

    class Point(NamedTuple):
        rate: Float[Array, " K"]
        share: Float[Array, " K"]
        upload: Float[Array, " K"]
        left: Float[Array, " K"]
        power: Float[Array, " K"]
        rise: Float[Array, " K"]
        haste: Float[Array, " K"]
        curvature: Float[Array, " K"]

    def at(rate: Float[Array, " K"], guess: Float[Array, " K"]) -> Point:
        upload = curve.nats / jnp.where(rate > 0, rate, 1e-300)
        power, rise, curvature = curve.price(rate)
        ceiling = jnp.maximum(_ceiling(work, upload), work.lowest)
        share = _best_share(work, upload, upload * power, price, work.lowest, ceiling, guess)
        left = jnp.maximum(work.deadline - share * upload, 1e-300)
        haste = work.cycles * share * (2 * work.remote_weight * (work.cycles * share) ** 2 / left + price) / left**2
        return Point(rate, share, upload, left, power, rise, haste, curvature)

    class Hunt(NamedTuple):
        low: Float[Array, " K"]
        high: Float[Array, " K"]
        known: Bool[Array, " K"]  # whether the low end was looked at
        rate: Float[Array, " K"]
        guess: Float[Array, " K"]
        moving: Bool[Array, " K"]
        made: Int[Array, ""]

    def follow(h: Hunt, x: Point) -> Hunt:
        rate = x.rate
        slope = x.rise * rate - x.power - x.haste
        low, high = jnp.where(slope < 0, rate, h.low), jnp.where(slope < 0, h.high, rate)
        known = h.known | (slope < 0)
        # how the share and with it the haste follow the rate
        cube = work.remote_weight * (work.cycles * x.share) ** 2 * work.cycles / x.left**2
        load = price * work.cycles / x.left**2
        by_left = (6 * cube / x.left + 2 * load) * x.share / x.left
        by_share = 6 * cube / x.left + load + by_left * x.upload
        bend = _slopes(work, x.upload, x.upload * x.power, price, x.share)[1]
        faster = x.upload / jnp.where(rate > 0, rate, 1e-300)
        free = (x.share > work.lowest) & (x.share < jnp.minimum(work.highest, _ceiling(work, x.upload)))
        turn = jnp.where(free, faster * (x.share * by_share - slope) / jnp.where(bend > 0, bend, 1e-300), 0.0)
        drop = by_share * turn - by_left * x.share * faster
        # rise * rate - (power - base) against haste + base
        gain, cost = x.rise * rate - x.power + curve.base, x.haste + curve.base
        both = (gain > 0) & (cost > 0)
        ratio = jnp.log(jnp.where(both, gain, 1.0) / jnp.where(both, cost, 1.0))
        steep = x.curvature * rate / jnp.where(both, gain, 1.0) - drop / jnp.where(both, cost, 1.0)
        newton = rate - ratio / jnp.where(steep > 0, steep, 1e-300)
        usable = both & (steep > 0) & (ratio > -3)  # far below, at the deadline, haste is too steep for its tangent
        middle = (low + high) / 2
        # the next step would be below rounding; where haste is steep a small step alone says nothing
        near = usable & (jnp.abs(newton - rate) <= 1e-9 * rate) & (jnp.abs(ratio) <= 1e-6)
        wanted = jnp.where(usable & (newton > low) & (newton < high), newton, middle)
        wanted = jnp.where(usable & (newton <= low) & ~known, jnp.maximum(low, 0.1 * rate), wanted)
        wanted = jnp.where(h.moving, jnp.where(near, jnp.clip(newton, low, high), wanted), rate)
        guess = x.share + turn * (wanted - rate)
        moving = h.moving & ~near & (high > low * (1 + 1e-14))
        return Hunt(low, high, known, wanted, guess, moving, h.made + 1)

    class Trip(NamedTuple):
        hunt: Hunt
        here: Point
        last: Bool[Array, ""]  # the rates looked at were those of the end
        over: Bool[Array, ""]

    def one(t: Trip) -> Trip:
        here = at(t.hunt.rate, t.hunt.guess)
        hunt = follow(t.hunt, here)
        return Trip(hunt, here, ~(jnp.any(hunt.moving) & (hunt.made < trips)), t.last)

    middle = (work.lowest + work.highest) / 2
    first = Hunt(bottom, top, bottom >= top, top, middle, top > 0, jnp.asarray(0))
    no = jnp.asarray(False)
    end = while_loop(lambda t: ~t.over, one, Trip(first, Point(*jnp.zeros((8, top.size))), no, no))
    rate, share, upload, _, power, rise, haste, _ = end.here
    steep = rise * rate
    load = jnp.where(price > 0, price * work.remote_frequency(share, upload), 0.0)  # what is free may be infinite
    value = work.energy(share, upload, power) + load
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


def _slopes(
    work: Work,
    upload: Float[Array, " K"],
    energy: Float[Array, " K"],
    price: Float[Array, ""],
    a: Float[Array, "*n K"],
) -> tuple[Float[Array, "*n K"], Float[Array, "*n K"]]:
    """First two derivatives of the Lagrangian in the share."""
    tau = work.deadline
    local = 3 * work.local_weight * work.cycles**3 / tau**2
    remote = work.remote_weight * work.cycles**3
    load = price * work.cycles * tau
    left = jnp.maximum(tau - a * upload, 1e-300)
    away = a / left
    slope = energy - local * (1 - a) ** 2 + remote * away**2 * (3 * tau - a * upload) / left + load / left**2
    bend = 2 * local * (1 - a) + (6 * remote * away * (tau / left) ** 2 + 2 * load * upload / left**2) / left
    return slope, bend


def _best_share(
    work: Work,
    upload: Float[Array, " K"],
    energy: Float[Array, " K"],
    price: Float[Array, ""],
    lowest: Float[Array, " K"],
    highest: Float[Array, " K"],
    guess: Float[Array, " K"],
) -> Float[Array, " K"]:
    """Root of the derivative in the share, by Newton's method within a shrinking bracket."""

    class Hunt(NamedTuple):
        low: Float[Array, " K"]
        high: Float[Array, " K"]
        a: Float[Array, " K"]
        moving: Bool[Array, " K"]
        made: Int[Array, ""]

    def one(h: Hunt) -> Hunt:
        slope, bend = _slopes(work, upload, energy, price, h.a)
        low = jnp.where(slope < 0, h.a, h.low)
        high = jnp.where(slope < 0, h.high, h.a)
        newton = h.a - slope / jnp.where(bend > 0, bend, 1e-300)
        near = jnp.abs(newton - h.a) <= 1e-9 * h.a  # the next step would be below rounding
        wanted = jnp.where((newton > low) & (newton < high), newton, (low + high) / 2)
        wanted = jnp.where(h.moving, jnp.where(near, jnp.clip(newton, low, high), wanted), h.a)
        return Hunt(low, high, wanted, h.moving & ~near & (high > low), h.made + 1)

    ends = _slopes(work, upload, energy, price, jnp.stack([lowest, highest]))[0]
    at_low, at_high = ends[0] >= 0, ends[1] <= 0
    # near the ceiling the derivative is so steep that steps from there are tiny: not begun within a tenth of it
    a = jnp.clip(jnp.minimum(guess, lowest + 0.9 * (highest - lowest)), lowest, highest)
    first = Hunt(lowest, highest, a, ~at_low & ~at_high, jnp.asarray(0))
    last = while_loop(lambda h: jnp.any(h.moving) & (h.made < TRIPS), one, first)
    return jnp.where(at_low, lowest, jnp.where(at_high, highest, last.a))
