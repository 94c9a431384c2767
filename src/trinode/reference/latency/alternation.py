"""The paper's whole method, offloading, beams and frequencies in turn, and its two one-route variants."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

from trinode.reference.latency.resources import CLOUD, EDGE, LOCAL
from trinode.reference.latency.steps import Plan, Run
from trinode.systems.latency.solution import LatencySolution


def alternating(
    scenario: Any,
    *,
    literal: bool = False,
    beams: Literal["matched", "random"] = "matched",
    seed: int = 0,
    max_outer: int = 50,
    tolerance: float = 1e-4,
    beam_tolerance: float = 1e-3,
    max_beam_iterations: int = 20,
    **offloading: Any,
) -> LatencySolution:
    """The paper's algorithm: Algorithm 1, Algorithm 2 and problem (47) in turn.

    Ends when the largest latency changes by less than ``tolerance``, relative. The offloading step is not
    sure to lower the latency, since (30) is no majoriser, and can collapse to all tasks at home: an
    offloading that raises the latency is dropped, so that the history falls, and the first one yields to all
    at the edge or all in the cloud where it is slower than both. Beams begin with as much equal power on
    ``beams`` as the echo requirements leave, frequencies with equal shares.

    Parameters
    ----------
    literal : bool
        Begin Algorithm 1 with the solutions of (33) and (34) together, as printed, though they violate (27a),
        and keep whatever offloading it finds; the best iterate is returned. Otherwise it begins with half of
        each.
    beams : {"matched", "random"}
        Directions of the first data beams: maximum ratio transmission, or random as in Algorithm 2.
    seed : int
        Of the random directions.
    **offloading
        Further settings of :func:`~trinode.reference.latency.offloading.algorithm1`.

    Returns
    -------
    LatencySolution
        ``history`` holds the largest latency after each turn. Infeasible where the echo requirements cannot
        be met.
    """
    offloading.setdefault("start", "literal" if literal else "half")
    run = Run(scenario, beam_tolerance, max_beam_iterations)
    modes = np.where(run.net.serving.any(axis=1), EDGE, LOCAL)
    plan = run.begin(modes, beams, seed)
    if plan is None:
        return run.infeasible()
    held: Plan | None = None  # the modes of the plan are a placeholder until the first offloading step

    def turn(plan: Plan) -> Plan:
        nonlocal held
        candidate = run.offload(plan, offloading)
        if not literal:
            candidate = run.guard(candidate, plan, held)
        held = candidate
        return run.frequencies(run.beamform(candidate))

    return run.loop(plan, turn, max_outer, tolerance)


def mec_alternating(scenario: Any, **settings: Any) -> LatencySolution:
    """All terminals at the edge: split, Algorithm 2 and (47) in turn; settings as :func:`alternating`."""
    return _one_route(scenario, EDGE, **settings)


def cloud_alternating(scenario: Any, **settings: Any) -> LatencySolution:
    """All terminals in the cloud: split, Algorithm 2 and (47) in turn; settings as :func:`alternating`."""
    return _one_route(scenario, CLOUD, **settings)


def _one_route(
    scenario: Any,
    mode: int,
    *,
    beams: Literal["matched", "random"] = "matched",
    seed: int = 0,
    max_outer: int = 50,
    tolerance: float = 1e-4,
    beam_tolerance: float = 1e-3,
    max_beam_iterations: int = 20,
) -> LatencySolution:
    run = Run(scenario, beam_tolerance, max_beam_iterations)
    reachable = run.net.serving.any(axis=1) | (run.net.task == 0)
    plan = run.begin(np.full(run.net.terminals, mode), beams, seed)
    if plan is None or not reachable.all():
        return run.infeasible(reachable)
    return run.loop(plan, lambda plan: run.frequencies(run.beamform(run.split(plan))), max_outer, tolerance)
