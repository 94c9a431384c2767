"""Convex limits on what the division of tasks reaches: speeds add, and a joule computes and sends only so much."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cvxpy as cp
import numpy as np

from trinode.compose.expression import Quantity
from trinode.compose.part import Place
from trinode.compose.relaxation import Data, Limits, Number, View, at_least, exact_from_below, upper

if TYPE_CHECKING:
    from trinode.compose.offloading import Offloading


LEAST = 1e-6
"""What stands still may move that fast, over how fast tasks are done: a convex set without inside is none to solve."""


def state(work: Offloading, view: View) -> None:
    """Write the limits of a work into a view."""
    own, place, links = view.own, view.place, work.links
    terminals = len(work.bits)
    shape = (terminals, links)
    found: dict[str, Any] = {}

    def now(data: Data) -> Any:
        """How long tasks take in the decision at hand: speeds are in units of one over it."""
        return np.asarray(data.at.values[place]["latency_s"])

    def divided(size: tuple[int, ...], fastest: Callable[[Data], Any], name: str = "") -> Any:
        """Speeds of a stage whose processor is divided among the tasks, ``fastest`` where one has all of it."""
        share = cp.Variable(size, nonneg=True)
        view.constraints.append((share if name == "edge" and work.dedicated else cp.sum(share, axis=0)) <= 1)
        found[name] = share
        most = view.number(size, fastest, nonneg=True)
        return view.bare(cp.multiply(most, share) + LEAST, -1)

    def sent(data: Data) -> Any:
        return now(data) / own(data).bits

    def computed(data: Data) -> Any:
        return sent(data) / own(data).cycles_per_bit

    def by_task(data: Data) -> Any:
        return np.broadcast_to(sent(data)[:, None], shape) if len(work.rate_bps.shape) == 2 else sent(data)

    def cloud() -> tuple[Any, Any]:
        """Speeds of its processor and of the links to it."""
        far = divided((terminals,), lambda data: computed(data) * own(data).cloud_hz * own(data).places[:, 2])
        return far, divided(shape, lambda data: np.outer(sent(data), own(data).fronthaul))

    def division() -> tuple[Any, Any]:
        """Latencies, and the shares that stay at the terminals."""
        if "latency" in found:
            return found["latency"], found["local"]
        rate = upper(work.rate_bps, view, by_task)
        rate = rate if work.rate_bps.shape == shape else cp.reshape(rate, (terminals, 1), order="C")
        rate = view.bare(rate + LEAST, -1)
        here = view.number(
            (terminals,), lambda data: computed(data) * own(data).local_hz * own(data).places[:, 0], nonneg=True
        )
        edge = divided(
            shape, lambda data: np.outer(computed(data), own(data).edge_hz) * own(data).places[:, 1:2], "edge"
        )
        way = cloud() if work.has_cloud else None

        def series(*stages: Any) -> Any:
            return cp.harmonic_mean(cp.hstack(stages)) / len(stages)

        latency, local = cp.Variable(terminals), cp.Variable(terminals, nonneg=True)
        view.constraints += [local <= 1, cp.multiply(here, latency) + LEAST >= local]
        for k in range(terminals):
            speeds = [series(rate[k, m], edge[k, m]) for m in range(links)]
            if way is not None:
                far, over = way
                arrive = view.bare(sum(series(rate[k, m], over[k, m]) for m in range(links)), -1)
                speeds.append(series(arrive, far[k]))
            away = view.bare(sum(speeds[1:], speeds[0]), -1)
            # a share s takes s / speed, and that is no less than s^2 / speed
            view.constraints += [
                latency[k] >= cp.inv_pos(here[k] + away),
                latency[k] >= cp.quad_over_lin(1 - local[k], away),
            ]
        found.update(latency=latency, local=local)
        return latency, local

    def in_time(number: Number) -> list[Any]:
        """Servers of their own are used in full, so that a latency asks for a rate, whatever the others do."""

        def rate(data: Data) -> np.ndarray:
            part = own(data)
            cycles = part.bits * part.cycles_per_bit
            short = 1 / np.maximum(number(data), 1e-9 * now(data)) - part.local_hz * part.places[:, 0] / cycles
            left = 1 - short * cycles / np.maximum(part.edge_hz * part.places[:, 1], 1e-300)
            asked = np.where(left > 0, part.bits * short / np.where(left > 0, left, 1.0), 1e300)  # or out of reach
            return np.where(short > 0, asked, 0.0)

        return at_least(work.rate_bps, rate, view)

    alone = work.dedicated and not work.has_cloud and work.links == 1 and exact_from_below(work.rate_bps, view)
    view.state(
        "latency_s",
        lambda: Limits(lower=lambda: division()[0], scale=now, at_most=in_time if alone else None),
    )

    def here_j(data: Data) -> Any:
        part = own(data)
        cycles = part.bits * part.cycles_per_bit
        hz = cycles / now(data) if work.throttled else part.local_hz
        return part.capacitance * hz**2 * cycles

    def cubed(share: Any) -> Any:
        """A share in the third power over the latency squared: who has long may compute slowly."""
        low = cp.Variable(terminals)
        latency = division()[0]
        view.constraints += [low[k] >= cp.quad_over_lin(share[k], latency[k]) for k in range(terminals)]
        return cp.hstack([cp.quad_over_lin(low[k], share[k]) for k in range(terminals)])

    def away_j(data: Data) -> Any:
        if sender is None:
            return np.zeros(terminals)
        return own(data).bits / view.of(sender, "bit_per_j")(data)

    def least(data: Data) -> Any:
        most = np.maximum(here_j(data), away_j(data))
        return np.where(most > 0, most, 1.0)

    def energy() -> Any:
        """Computing here costs so much, and sending at least that of a bit with vanishing power."""
        here = view.number((terminals,), lambda data: here_j(data) / least(data), nonneg=True)
        away = view.number((terminals,), lambda data: away_j(data) / least(data), nonneg=True)
        local = division()[1]
        return cp.multiply(here, view.bare(cubed(local), 1) if work.throttled else local) + cp.multiply(away, 1 - local)

    sender = _sender(work, view)
    view.state("energy_j", lambda: Limits(lower=energy, scale=least))

    def edge_j(data: Data) -> Any:
        """Of a task that is computed at the edge all the while, spread evenly over the thriftiest servers."""
        part = own(data)
        return np.min(part.edge_capacitance, axis=1) * (part.bits * part.cycles_per_bit) ** 3 / (now(data) * links) ** 2

    def at_edge() -> Any:
        return cp.Constant(np.zeros(terminals)) if work.has_cloud else cubed(1 - division()[1])

    view.state("edge_energy_j", lambda: Limits(lower=at_edge, scale=edge_j))

    def full_w(data: Data) -> Any:
        part = own(data)
        return part.edge_capacitance * part.edge_hz**3

    def most_w(data: Data) -> Any:
        most = np.max(full_w(data), axis=0)
        return np.where(most > 0, most, 1.0)

    def edge_power() -> Any:
        division()
        each = view.number(shape, lambda data: full_w(data) / most_w(data), nonneg=True)
        return cp.sum(cp.multiply(each, cp.power(found["edge"], 3)), axis=0)

    view.state("edge_power_w", lambda: Limits(lower=edge_power, scale=most_w))
    view.state("local_power_w", lambda: Limits(lower=cp.Constant(np.zeros(terminals))))


def _sender(work: Offloading, view: View) -> Any:
    """The air whose rates carry the tasks with the power that is counted, if it knows what a joule carries."""
    rate, power = work.rate_bps, work.power_w
    plain = isinstance(rate, Quantity) and isinstance(power, Quantity) and power.name == "power_w"
    if not plain:
        return None
    carrier = rate.part
    if hasattr(view.program.parts[carrier], "air"):  # what is secret is no more than what is sent
        carrier = view.program.parts[carrier].air.index
    known = carrier == power.part and (carrier, "bit_per_j") in view.shared
    return Place(carrier) if known else None
