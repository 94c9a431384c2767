"""Convex limits on what the division of tasks reaches: speeds add, and a joule computes and sends only so much."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import cvxpy as cp
import numpy as np

from trinode.compose.expression import Quantity
from trinode.compose.part import Place
from trinode.compose.relaxation import Data, Limits, View, upper

if TYPE_CHECKING:
    from trinode.compose.offloading import Offloading


def state(work: Offloading, view: View) -> None:
    """Write the limits of a work into a view."""
    own, place, links = view.own, view.place, work.links
    terminals = len(work.bits)
    shape = (terminals, links)
    found: dict[str, Any] = {}

    def now(data: Data) -> Any:
        """How long tasks take in the decision at hand: speeds are in units of one over it."""
        return np.asarray(data.at.values[place]["latency_s"])

    def divided(size: tuple[int, ...], fastest: Callable[[Data], Any]) -> Any:
        """Speeds of a stage whose processor is divided among the tasks, ``fastest`` where one has all of it."""
        share = cp.Variable(size, nonneg=True)
        view.constraints.append(cp.sum(share, axis=0) <= 1)
        return view.bare(cp.multiply(view.number(size, fastest, nonneg=True), share), -1)

    def sent(data: Data) -> Any:
        return now(data) / own(data).bits

    def computed(data: Data) -> Any:
        return sent(data) / own(data).cycles_per_bit

    def by_task(data: Data) -> Any:
        return np.broadcast_to(sent(data)[:, None], shape) if len(work.rate_bps.shape) == 2 else sent(data)

    def division() -> tuple[Any, Any]:
        """Latencies, and the shares that stay at the terminals."""
        if found:
            return found["latency"], found["local"]
        rate = upper(work.rate_bps, view, by_task)
        rate = view.bare(rate if work.rate_bps.shape == shape else cp.reshape(rate, (terminals, 1), order="C"), -1)
        here = view.number((terminals,), lambda data: computed(data) * own(data).local_hz, nonneg=True)
        ways: list[tuple[Any, ...]] = [(rate, divided(shape, lambda data: np.outer(computed(data), own(data).edge_hz)))]
        if work.has_cloud:
            far = divided((terminals,), lambda data: computed(data) * own(data).cloud_hz)
            over = divided(shape, lambda data: np.outer(sent(data), own(data).fronthaul))
            ways.append((rate, over, cp.vstack([far] * links).T))
        latency, local = cp.Variable(terminals), cp.Variable(terminals, nonneg=True)
        view.constraints += [local <= 1, cp.multiply(here, latency) >= local]
        for k in range(terminals):
            each = [cp.hstack([stage[k, m] for stage in way]) for way in ways for m in range(links)]
            speeds = [cp.harmonic_mean(stages) / stages.size for stages in each]
            away = view.bare(sum(speeds[1:], speeds[0]), -1)
            # a share s takes s / speed, and that is no less than s^2 / speed
            view.constraints += [
                latency[k] >= cp.inv_pos(here[k] + away),
                latency[k] >= cp.quad_over_lin(1 - local[k], away),
            ]
        found.update(latency=latency, local=local)
        return latency, local

    view.state("latency_s", lambda: Limits(lower=lambda: division()[0], scale=now))

    def here_j(data: Data) -> Any:
        part = own(data)
        return part.capacitance * part.local_hz**2 * part.bits * part.cycles_per_bit

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
        return cp.multiply(here, local) + cp.multiply(away, 1 - local)

    sender = _sender(work, view)
    view.state("energy_j", lambda: Limits(lower=energy, scale=least))


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
