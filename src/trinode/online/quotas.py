"""Quotas in place of beams: what radio controllers set, and what policies learn to set."""

from __future__ import annotations

from importlib import import_module
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from trinode import _programs, _sizes, api
from trinode.errors import InputError
from trinode.online.plans import SYSTEMS, light, link_gain
from trinode.systems import doors as _doors
from trinode.systems.registry import system as find_system
from trinode.systems.report import Report


class Quotas(NamedTuple):
    """What a scheduler of resource blocks is told.

    Attributes
    ----------
    share : (K,)
        Of the resource blocks; 1 together where anybody sends.
    blocks : (K,) int
        The same in whole blocks.
    power_w : (K,)
        Radiated by each terminal, W.
    rate_bps : (K,)
        That the decision gives it, bit/s.
    """

    share: np.ndarray
    blocks: np.ndarray
    power_w: np.ndarray
    rate_bps: np.ndarray


def quotas(network: Any, solution: Any, blocks: int = 100) -> Quotas:
    """Shares of resource blocks and powers that stand for a decision whose terminals share the band by beams.

    A terminal's share is in proportion to the part of the band on which it would reach the rate of the decision alone,
    with its power and all antennas of its strongest access point.

    Parameters
    ----------
    network, solution : Scenario, Solution
        Of a system with an uplink.
    blocks : int
        How many there are; shares are rounded by largest remainders.

    Raises
    ------
    InputError
        Region, whose powers are no watts of terminals.
    """
    system, network = _doors.network(network)
    if system.name not in SYSTEMS or system.name == "region":
        raise InputError("network", f"one of {system.name}", "one of a system in which terminals send")
    if isinstance(blocks, bool) or not isinstance(blocks, int) or blocks < 1:
        raise InputError("blocks", blocks, "an integer of at least 1")
    metrics = api.evaluate(network, solution, bound=False).metrics
    rate = np.asarray(metrics["rate_bps"])
    rate = rate.sum(axis=1) if rate.ndim == 2 else rate
    power = np.asarray(metrics["power_w" if "power_w" in metrics else "transmit_power_w"])
    band = float(network.bandwidth_hz) if hasattr(network, "bandwidth_hz") else _band(network)
    alone = np.log2(1 + power * link_gain(system.name, network).max(axis=1))
    part = np.where(rate > 0, rate / np.where(alone > 0, band * alone, 1.0), 0.0)
    share = part / part.sum() if part.sum() > 0 else part
    return Quotas(share, _whole(share, blocks), power, rate)


def acted(network: Any, action: Any) -> tuple[Any, Report]:
    """The decision that quotas stand for, with beams in fixed directions, and the judge's report.

    Parameters
    ----------
    action : array
        Of the shape of :func:`action_shape`, entries from 0 to 1: latency and threetier (K, 4), scores of computing at
        the terminal, at the edge and in the cloud, and the share of power; energy (K, 2), the share of the task that is
        sent and the share of power for data; fairness (K, S + 1), powers on the subcarriers and the share that is sent;
        region (K, 1), weights of the streams.
    """
    system, network = _doors.network(network)
    wanted, given = action_shape(network), np.asarray(action, float)
    if given.shape != wanted or not np.all(np.isfinite(given)):
        raise InputError("action", action, f"finite numbers of shape {wanted}")
    wide = _sizes.rounded(system, network)
    solution, report = _programs.call(_acted, system.name, wide, given)
    return _sizes.cropped(system, system.marked(solution, report.feasible), network), report


def action_shape(network: Any) -> tuple[int, ...]:
    """Shape of an action for networks of this size.

    Parameters
    ----------
    network : Scenario
        One of the size.

    Returns
    -------
    tuple of int
    """
    system, network = _doors.network(network)
    if system.name not in SYSTEMS:
        raise InputError("network", f"one of {system.name}", f"one of {', '.join(SYSTEMS)}")
    return import_module(f"trinode.online.{system.name}").quotas(network)


def _band(network: Any) -> float:
    return float(network.subcarrier_bandwidth_hz) * network.subcarriers


def _whole(share: np.ndarray, blocks: int) -> np.ndarray:
    """Largest remainders."""
    exact = share * blocks
    whole = np.floor(exact + 1e-12).astype(int)
    left = round(exact.sum()) - whole.sum()
    whole[np.argsort(whole - exact, kind="stable")[:left]] += 1
    return whole


def _acted(name: str, scenario: Any, action: Any) -> tuple[Any, Report]:
    solution = import_module(f"trinode.online.{name}").acted(scenario, jnp.asarray(action))
    solution = jax.lax.optimization_barrier(light(solution))
    return solution, find_system(name).judge(scenario, solution)
