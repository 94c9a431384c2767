"""Slots of the energy system: the carried beams settled exactly, then rounds of the fixed point.

Ways: the carried beams; beams that avoid each other's purpose; matched beams; modest beams.
"""

from __future__ import annotations

from typing import Any

import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from trinode.radio import beams
from trinode.systems.energy import optimise, search
from trinode.systems.energy.optimise import Decision, Outcome, Problem
from trinode.systems.energy.problem import build
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.energy.search import Echoes
from trinode.systems.energy.solution import EnergySolution

ABSENT = ("task_bits", "sensing_sinr_min", "terminal_max_power_w")
"""What a terminal that is not there has none of."""
LENGTHS = (1, 3)
"""Rounds that one improvement may have."""


def ways(scenario: EnergyScenario) -> int:
    """How many there are."""
    return 4


def repaired(s: EnergyScenario, carried: EnergySolution) -> tuple[EnergySolution, Any]:
    """The carried beams within the powers, echoes met exactly, the exact compute step."""
    problem = build(s)
    return _finished(s, problem, Outcome(_settled(problem, carried), jnp.asarray(True), jnp.zeros(0), jnp.asarray(0)))


def improved(
    s: EnergyScenario,
    had: EnergySolution,
    aid: Any,
    way: Int[Array, ""],
    rounds: Int[Array, ""],
    value: Float[Array, ""],
) -> tuple[EnergySolution, Bool[Array, ""]]:
    """Rounds from one start; another one than what was had may end worse."""
    problem = build(s)
    carried = search.as_beams(problem, had)
    assert carried is not None
    starts = (
        lambda: carried,
        lambda: optimise.starting_beams(problem.air, True),
        lambda: optimise.starting_beams(problem.air, False),
        lambda: search.modest_beams(problem),
    )
    tolerance = 1e-6 if s.terminals <= search.FEW else 1e-4
    start = lax.switch(way, starts)
    found = optimise.descend(problem, start, enough=jnp.asarray(-jnp.inf), rounds=rounds, tolerance=tolerance)
    return _finished(s, problem, found)[0], found.converged


def _settled(problem: Problem, solution: EnergySolution) -> Decision:
    carried = search.as_beams(problem, solution)
    assert carried is not None
    return optimise.settle(problem, beams.within(carried, problem.air.limit))


def _finished(s: EnergyScenario, problem: Problem, outcome: Outcome) -> tuple[EnergySolution, Any]:
    unknown = jnp.asarray(jnp.nan)
    beams = jnp.zeros_like(outcome.decision.beams)
    return search.finish(s, problem, outcome, Echoes(unknown, unknown, beams)), ()


def quotas(s: EnergyScenario) -> tuple[int, ...]:
    """Shape of what a policy may set: for each terminal the share of its task that it sends and its share of power."""
    return s.terminals, 2


def acted(s: EnergyScenario, action: Float[Array, "K 2"]) -> EnergySolution:
    """The decision of quotas: data along the strongest direction, echoes met exactly, frequencies at the deadline.

    Who cannot do what it keeps before the deadline sends so much more.
    """
    problem = build(s, share=jnp.clip(action[:, 0], 0.0, 1.0))
    beams = optimise.starting_beams(problem.air, null=True) * jnp.sqrt(2.0)
    data = jnp.clip(action[:, 1], 0.0, 1.0)
    shares = jnp.sqrt(jnp.stack([data, 1 - data], axis=1))
    decision = optimise.settle(problem, shares[..., None] * beams)
    return _finished(s, problem, Outcome(decision, jnp.asarray(True), jnp.zeros(0), jnp.asarray(0)))[0]
