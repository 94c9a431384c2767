"""What no decision of a scenario can beat: no interference, no sensing, every assignment.

Dropping interference and sensing raises every rate to ``B log2(1 + p sigma_max^2)`` at most, with the powers of a
terminal's links summing to its limit, and leaves one jointly convex program per assignment; the smallest certified
value over all assignments is the bound. Certified means the dual value of the interior-point method, so its
tolerance (1e-7 of the value, rounding aside) is on the safe side. The assignments are searched by branch and bound
(:func:`~.assignments.least`): to the end for as many terminals as its limit on parts lets it, and a little less tight
beyond. Where all the power is not enough for the echoes, nothing is feasible and the bound is infinite.
"""

from __future__ import annotations

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from trinode.sensing import echo
from trinode.systems.latency import assignments
from trinode.systems.latency.scenario import LatencyScenario
from trinode.systems.latency.tiers import CLOUD, EDGE, LOCAL, Tiers, tiers
from trinode.systems.report import FEASIBILITY_TOLERANCE

FAMILIES = {"": None, "mec": EDGE, "cloud": CLOUD, "local": LOCAL}
"""By family: where all terminals compute; None where each may be anywhere."""


def bound(scenario: LatencyScenario, place: int | Int[Array, ""] | None = None) -> Float[Array, ""]:
    """Lower bound of the largest latency, s; infinite where no decision is feasible for certain.

    Parameters
    ----------
    place : int, optional
        Of decisions with every terminal at the edge, in the cloud, or by itself only; of all where absent.
    """
    t = tiers(scenario)
    heard = echo_limit(t) >= 1 - FEASIBILITY_TOLERANCE
    return jnp.where(heard, _without_echoes(t, place), jnp.inf)


def echo_limit(t: Tiers) -> Float[Array, ""]:
    """Factor on all echo requirements (23h) that none exceeds; below 1 they cannot be met together."""
    return echo.largest_margin(t.echo, t.scenario.sensing_sinr_min, verdict_only=True, max_rounds=0).upper


def _without_echoes(t: Tiers, place: int | Int[Array, ""] | None) -> Float[Array, ""]:
    at_limit = eqx.tree_at(lambda t: t.local_s, t, t.local_limit_s)
    if place is not None:
        return assignments.value_of(at_limit, jnp.full(t.scenario.terminals, place), 1e-7)[0]
    return assignments.lowest(t, lambda local: assignments.least(at_limit, local, 1e-7)[0])
