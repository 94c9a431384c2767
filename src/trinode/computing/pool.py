"""Shared pools: the exact min-max latency when terminals split tasks over links that end in shared resources.

One convex program covers an edge and a cloud tier. Terminal k splits its task over links s; link (k, s) takes
``upload + cost / share`` seconds per whole task, where ``share`` is its part of pool ``index[k, s]`` (an edge
server's frequency, an access point's fronthaul). The best split equalises the links, so the parallel part takes
``1 / sum_s 1 / (upload + cost / share)``; a serial part (the cloud's computing) follows on one common resource:

    minimise t   subject to   1 / sum_s 1 / (upload_ks + cost_ks / u_ks) + serial_k / y_k <= t,
                              sum over a pool of u <= 1,  sum over a pool of cubic_ks u_ks^3 <= 1,  sum_k y_k <= 1.

The upload is a constant (rates given), or may itself be bought with power: ``upload = load / ln(1 + snr p)`` with
``sum_s p_ks <= 1``, which is jointly convex too and gives the interference-free bound.

Source: (9)-(21) of the latency paper with the split eliminated; the interior-point method certifies the value.
"""

from __future__ import annotations

from functools import partial
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from trinode.numerics import interior


class Pool(eqx.Module):
    """A tier as seen by the terminals that use it. Times in seconds for a whole task.

    Attributes
    ----------
    index : (K, S) int
        Pool in which link (k, s) ends.
    usable : (K, S) bool
        Links that exist and belong to a terminal that uses this tier.
    upload : (K, S)
        Seconds of upload; with ``snr`` given, the load: seconds times ln(1 + snr p).
    cost : (K, S)
        Seconds that the task takes on the whole pool.
    cubic : (K, S)
        Share of the pool's power budget taken by a share of 1, the power growing with its cube; 0 without a budget.
    serial : (K,)
        Seconds that the serial part takes on the whole common resource; 0 without one.
    snr : (K, S) or None
        Signal-to-noise ratio at full power, where power is to be decided as well.
    delay : (K, S) or None
        Further seconds per whole task on a link, whatever its power; only beside ``snr``.
    pools : int
        Static number of pools.
    common : int, optional
        Static number of a pool that is a part of the common resource: its links and the serial parts share it.
    """

    index: Int[Array, "K S"]
    usable: Bool[Array, "K S"]
    upload: Float[Array, "K S"]
    cost: Float[Array, "K S"]
    cubic: Float[Array, "K S"]
    serial: Float[Array, " K"]
    snr: Float[Array, "K S"] | None = None
    delay: Float[Array, "K S"] | None = None
    pools: int = eqx.field(static=True, default=1)
    common: int | None = eqx.field(static=True, default=None)


class PoolDecision(NamedTuple):
    """The best use of a pool.

    Attributes
    ----------
    latency : float
        Largest latency over the terminals that use the tier, s; 0 without any.
    lower : float
        Certified lower bound of it.
    share, power : (K, S)
        Share of the pool, share of the terminal's power (zero where rates were given), per link.
    serial_share : (K,)
        Share of the common resource.
    price : (K,)
        Weight of each terminal in the min-max: derivative of the value by the terminal's own latency; sums to 1.
    steps : int
        Newton steps taken.
    """

    latency: Float[Array, "*n"]
    lower: Float[Array, "*n"]
    share: Float[Array, "*n K S"]
    power: Float[Array, "*n K S"]
    serial_share: Float[Array, "*n K"]
    price: Float[Array, "*n K"]
    steps: Int[Array, "*n"]


def latencies(
    pool: Pool, share: Float[Array, "K S"], power: Float[Array, "K S"], serial_share: Float[Array, " K"]
) -> Float[Array, " K"]:
    """Latency of each terminal, s, for given shares; 0 for terminals without a usable link."""
    time = jnp.where(pool.usable, _upload(pool, power)[0] + _over(pool.cost, share), 1.0)
    speed = jnp.sum(jnp.where(pool.usable, 1 / time, 0.0), axis=1)
    used = speed > 0
    parallel = jnp.where(used, 1 / jnp.where(used, speed, 1.0), 0.0)
    return parallel + jnp.where(used, _over(pool.serial, serial_share), 0.0)


@partial(jax.jit, static_argnames=("tolerance", "max_steps"))
def solve(pool: Pool, *, tolerance: float = 1e-9, max_steps: int = 60) -> PoolDecision:
    """Minimise the largest latency, and leave nothing of a pool unused.

    Terminals without a usable link are left out: whether they can be is for the caller to say.
    """
    k, s = pool.usable.shape
    powered = pool.snr is not None
    links = k * s
    used = jnp.any(pool.usable, axis=1)
    member = (pool.index.reshape(-1)[None] == jnp.arange(pool.pools)[:, None]) & pool.usable.reshape(-1)[None]
    member = member.astype(float)  # (pools, links)
    owner = jnp.repeat(jnp.eye(k), s, axis=1)  # (K, links)
    usable = pool.usable.reshape(-1)
    cubic = jnp.where(usable, pool.cubic.reshape(-1), 0.0)
    serving_serial = used & (pool.serial > 0)
    beside = jnp.zeros(links) if pool.common is None else member[pool.common]  # links on the common resource

    def split(x: Float[Array, " n"]):
        u = x[:links].reshape(k, s)
        p = x[links : 2 * links].reshape(k, s) if powered else jnp.zeros((k, s))
        return u, p, x[-1 - k : -1], x[-1]

    # a strictly feasible start: equal shares, a tenth held back
    crowd, serials = member.sum(1), serving_serial.sum()
    if pool.common is not None:
        crowd, serials = crowd.at[pool.common].add(serials), serials + crowd[pool.common]
    crowd = jnp.maximum(crowd, 1.0)
    u0 = 0.9 / (member.T @ crowd + (1 - usable))
    load = member @ (cubic * u0**3)
    u0 = u0 * (member.T @ jnp.minimum(1.0, 0.9 / jnp.cbrt(jnp.maximum(load, 1e-300))) + (1 - usable))
    p0 = jnp.repeat(0.9 / jnp.maximum(pool.usable.sum(1), 1), s)
    y0 = jnp.full((k,), 0.9) / jnp.maximum(serials, 1)
    first = latencies(pool, u0.reshape(k, s), p0.reshape(k, s), y0)
    unit = jnp.where(first.max() > 0, first.max(), 1.0)  # time unit of the program
    head = [u0, p0, y0] if powered else [u0, y0]
    start = jnp.concatenate([*head, jnp.array([1.5])])

    def rescale(q: Pool) -> tuple[Any, ...]:
        times = (q.upload, q.cost, q.serial)
        return times if q.delay is None else (*times, q.delay)

    scaled = eqx.tree_at(rescale, pool, tuple(time / unit for time in rescale(pool)))
    serial = jnp.where(serving_serial, scaled.serial, 0.0)
    idle = jnp.concatenate([~usable, ~usable, ~serving_serial] if powered else [~usable, ~serving_serial])
    # idle variables appear in no constraint; a small cost sends them to zero
    cost = jnp.concatenate([idle * 1e-3, jnp.ones(1)])
    upper = jnp.concatenate([jnp.where(idle, 0.0, 1.0), jnp.array([1.5])])

    def values(x: Float[Array, " n"]) -> Float[Array, " m"]:
        u, p, y, t = split(x)
        flat = u.reshape(-1)
        parts = [t - latencies(scaled, u, p, y), 1 - member @ flat, 1 - member @ (cubic * flat**3)]
        if powered:
            parts.append(1 - owner @ (usable * p.reshape(-1)))
        parts.append(1 - jnp.sum(serving_serial * y, keepdims=True) - beside @ flat)
        return jnp.concatenate(parts)

    def derivatives(x: Float[Array, " n"], z: Float[Array, " m"]):
        u, p, y, t = split(x)
        flat = u.reshape(-1)
        up, dup, ddup = _upload(scaled, p)
        time = jnp.where(pool.usable, up + scaled.cost / u, 1.0)
        time_u, time_uu = -scaled.cost / u**2, 2 * scaled.cost / u**3
        gate = pool.usable / time**2
        speed = jnp.where(used, jnp.sum(jnp.where(pool.usable, 1 / time, 0.0), axis=1), 1.0)
        speed_u = (-gate * time_u).reshape(-1)
        weight = z[:k] / speed**2  # of minus the speed's curvature
        wide = jnp.repeat(weight, s)
        curve_uu = wide * (gate * (time_uu - 2 * time_u**2 / time)).reshape(-1)
        bend = owner.T @ ((2 * z[:k] / speed**3)[:, None] * owner)
        hessian_uu = bend * speed_u[:, None] * speed_u[None, :] + jnp.diag(curve_uu)
        z_cubic = z[k + pool.pools : k + 2 * pool.pools]
        hessian_uu += jnp.diag(6 * cubic * flat * (member.T @ z_cubic))
        curve_y = z[:k] * 2 * serial / y**3
        gain = owner / speed[:, None] ** 2  # latency falls by gain * speed_*
        eye_k = jnp.eye(k)
        one = jnp.ones((k, 1))
        total = jnp.sum(serving_serial * y, keepdims=True) + beside @ flat
        if powered:
            speed_p = (-gate * dup).reshape(-1)
            curve_pp = wide * (gate * (ddup - 2 * dup**2 / time)).reshape(-1)
            curve_up = wide * (gate * (-2 * time_u * dup / time)).reshape(-1)
            hessian_up = bend * speed_u[:, None] * speed_p[None, :] + jnp.diag(curve_up)
            hessian_pp = bend * speed_p[:, None] * speed_p[None, :] + jnp.diag(curve_pp)
            top = jnp.concatenate([hessian_uu, hessian_up], axis=1)
            low = jnp.concatenate([hessian_up.T, hessian_pp], axis=1)
            main = jnp.concatenate([top, low], axis=0)
            into = jnp.concatenate([gain * speed_u, gain * speed_p], axis=1)
            blank = jnp.zeros((pool.pools, links))
            own_power = jnp.concatenate([jnp.zeros((k, links)), -owner * usable], axis=1)
            power_value = [1 - owner @ (usable * p.reshape(-1))]
        else:
            main, into, blank = hessian_uu, gain * speed_u, jnp.zeros((pool.pools, 0))
            own_power, power_value = jnp.zeros((0, links)), []
        width = main.shape[0]
        hessian = jnp.pad(main, (0, k + 1)) + jnp.diag(jnp.pad(curve_y, (width, 1)))
        latency_rows = jnp.concatenate([into, eye_k * serial / y**2, one], axis=1)
        rest = jnp.zeros((pool.pools, k + 1))
        pool_rows = jnp.concatenate([-member, blank, rest], axis=1)
        cubic_rows = jnp.concatenate([-member * (3 * cubic * flat**2), blank, rest], axis=1)
        rows = [latency_rows, pool_rows, cubic_rows]
        if powered:
            rows.append(jnp.concatenate([own_power, jnp.zeros((k, k + 1))], axis=1))
        shared = jnp.pad(-beside, (0, width - links))
        rows.append(jnp.concatenate([shared, -serving_serial.astype(float), jnp.zeros(1)])[None])
        value = jnp.concatenate(
            [
                t - latencies(scaled, u, p, y),
                1 - member @ flat,
                1 - member @ (cubic * flat**3),
                *power_value,
                1 - total,
            ]
        )
        return value, jnp.concatenate(rows), hessian

    best = interior.minimize_linear(cost, values, derivatives, start, upper, tolerance=tolerance, max_steps=max_steps)
    u, p, y, _ = split(best.point)
    u, p = jnp.where(pool.usable, u, 0.0), jnp.where(pool.usable, p, 0.0)
    y = jnp.where(serving_serial, y, 0.0)
    # what the slowest terminals leave over is shared out in proportion
    flat = u.reshape(-1)
    filled = jnp.maximum(member @ flat, jnp.cbrt(member @ (cubic * flat**3)))
    if pool.common is not None:
        filled = filled.at[pool.common].add(y.sum())
    u, p, y = (
        _over(u, (member.T @ filled).reshape(k, s)),
        _over(p, p.sum(axis=1, keepdims=True)),
        _over(y, y.sum() + beside @ flat),
    )
    latency = latencies(pool, u, p, y).max(initial=0.0)
    price = best.prices[:k] / jnp.maximum(best.prices[:k].sum(), 1e-300)
    none = ~jnp.any(used)
    return PoolDecision(
        jnp.where(none, 0.0, latency),
        jnp.where(none, 0.0, jnp.minimum(best.lower * unit, latency)),
        u,
        p if powered else jnp.zeros((k, s)),
        y,
        jnp.where(used, price, 0.0),
        best.steps,
    )


def _upload(pool: Pool, power: Float[Array, "K S"]):
    """Upload time and its first two derivatives by the power share."""
    if pool.snr is None:
        zero = jnp.zeros_like(pool.upload)
        return pool.upload, zero, zero
    reached = 1 + pool.snr * power
    nats = jnp.log(reached)
    nats = jnp.where(nats > 0, nats, 1.0)
    slope = pool.snr / reached
    first = -pool.upload * slope / nats**2
    second = pool.upload * slope**2 / nats**2 * (1 + 2 / nats)
    time = pool.upload / nats
    return time if pool.delay is None else time + pool.delay, first, second


def _over(amount: Float[Array, "..."], share: Float[Array, "..."]) -> Float[Array, "..."]:
    positive = share > 0
    return jnp.where(positive, amount / jnp.where(positive, share, 1.0), jnp.where(amount > 0, jnp.inf, 0.0))
