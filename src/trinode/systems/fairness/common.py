"""What all schemes share: tasks, who takes part, the best offloading ratio, and the solution's form."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Complex, Float, Int

from trinode.computing.split import SplitTasks, split_tasks
from trinode.radio.interference import Air
from trinode.systems.decision import Status
from trinode.systems.fairness.scenario import FairnessScenario
from trinode.systems.fairness.solution import FairnessSolution

SILENT = 1e-12
"""Powers below this part of a terminal's largest count as none: epsilon of (14)."""


def tasks_of(scenario: FairnessScenario, local: bool | Bool[Array, ""] = True) -> SplitTasks:
    """The tasks; ``local=False`` where terminals must not compute."""
    s = scenario
    return split_tasks(s.task_bits, s.cycles_per_bit, s.terminal_frequency_hz, s.server_frequency_hz, local)


def active(air: Air, tasks: SplitTasks) -> Bool[Array, " K"]:
    """Terminals that have a task and are heard."""
    return jnp.any(air.usable, axis=0) & ~tasks.idle


def inversion(air: Air, tasks: SplitTasks) -> Float[Array, "S K"]:
    """Channel inversion: all active terminals arrive equally strong, the weakest at full power.

    With several subcarriers every terminal spreads its power evenly over those that carry it.
    """
    on = active(air, tasks) & air.usable
    share = on / jnp.maximum(on.sum(axis=0), 1)
    gain = jnp.sum(share / air.noise, axis=0)  # SNR at full power, spread evenly
    weakest = jnp.where(gain > 0, gain, jnp.inf).min()
    return share * jnp.where(gain > 0, weakest / jnp.where(gain > 0, gain, 1.0), 0.0)


def rates(scenario: FairnessScenario, air: Air, power: Float[Array, "S K"]) -> Float[Array, " K"]:
    """Rates (4), bit/s."""
    return scenario.subcarrier_bandwidth_hz * jnp.sum(jnp.log1p(air.sinr(power)), axis=0) / jnp.log(2.0)


def finish(
    scenario: FairnessScenario,
    tasks: SplitTasks,
    rate: Float[Array, " K"],
    power: Float[Array, "S K"],
    *,
    converged: Bool[Array, ""] | bool = True,
    iterations: Int[Array, ""] | int = 0,
    history: Float[Array, " H"] | None = None,
    combiner: Complex[Array, "S K M A"] | None = None,
    share: Float[Array, " K"] | None = None,
) -> FairnessSolution:
    """The solution with the best offloading ratio for these powers (or a given one).

    A terminal is infeasible where it neither computes itself nor is heard.
    """
    feasible = tasks.idle | (tasks.speed(rate) > 0)
    ended = jnp.where(jnp.asarray(converged), int(Status.CONVERGED), int(Status.ITERATION_LIMIT))
    slowest = jnp.where(tasks.idle, jnp.inf, tasks.speed(rate)).min()
    return FairnessSolution(
        status=jnp.where(jnp.all(feasible), ended, int(Status.INFEASIBLE)),
        terminal_feasible=feasible,
        iterations=jnp.asarray(iterations),
        history=(1 / slowest)[None] if history is None else history,
        power_fraction=power,
        subcarrier_use=power > SILENT * power.max(axis=0),
        offload_fraction=tasks.share(rate) if share is None else share,
        combiner=combiner,
    )
