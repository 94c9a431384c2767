"""A system with nothing to do with radio: terminals share one line so that the slowest is served soonest.

It has what the floors above systems may rely on and nothing more: a static and two swept parameters, a scheme
that iterates, one that does not and is bound to a family, and networks that cannot be served.
"""

from __future__ import annotations

from typing import ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from trinode.errors import InputError
from trinode.radio import draws
from trinode.systems.contract import Scheme, System
from trinode.systems.decision import Solution, Status
from trinode.systems.declared import NONNEGATIVE, POSITIVE
from trinode.systems.figure import FigureSpec, Measure, Panel, Sweep
from trinode.systems.metric import Metric
from trinode.systems.network import Scenario
from trinode.systems.report import Report

STEPS = 12


class ToyParams(eqx.Module):
    terminals: int = eqx.field(static=True, default=3)
    line_bps: float = 10.0
    quality_min: float = 0.05

    def __check_init__(self):
        if not isinstance(self.terminals, int) or self.terminals < 1:
            raise InputError("terminals", self.terminals, "an integer of at least 1")


class ToyScenario(Scenario):
    load: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE | {"unit": "bit"})
    line_bps: Float[Array, ""] = eqx.field(metadata=POSITIVE)
    quality: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)
    quality_min: Float[Array, ""] = eqx.field(metadata=NONNEGATIVE)


class ToySolution(Solution):
    share: Float[Array, " K"] = eqx.field(metadata=NONNEGATIVE)


def draw(params, key):
    count = (params.terminals,)
    return ToyScenario(
        load=1 + draws.uniform(key, "load", count),
        line_bps=jnp.asarray(params.line_bps, dtype=float),
        quality=draws.uniform(key, "quality", count),
        quality_min=jnp.asarray(params.quality_min, dtype=float),
    )


def from_channels(channels, params, key):
    drawn = draw(params, key)
    strength = jnp.sum(jnp.abs(channels.uplink_channel) ** 2, axis=(1, 2, 3))
    return eqx.tree_at(lambda s: (s.load, s.quality), drawn, (1 + strength, jnp.ones_like(strength)))


def times(scenario, share):
    return scenario.load / jnp.maximum(share * scenario.line_bps, 1e-300)


def evaluate(scenario, solution):
    time = times(scenario, solution.share)
    infeasible = solution.status == Status.INFEASIBLE
    return Report(
        objective=jnp.where(infeasible, jnp.nan, time.max()),
        metrics={"latency_s": time, "share": solution.share},
        residuals={
            "1 line": solution.share.sum() - 1,
            "2 quality": 1 - scenario.quality / jnp.maximum(scenario.quality_min, 1e-300),
        },
    )


def bound(scenario, family=""):
    return jnp.sum(scenario.load) / scenario.line_bps if not family else times(scenario, _even(scenario)).max()


def _even(scenario):
    return jnp.full(scenario.load.shape, 1 / scenario.load.shape[0])


def _answer(scenario, share, iterations, history):
    served = scenario.quality >= scenario.quality_min
    return ToySolution(
        status=jnp.where(served.all(), Status.CONVERGED, Status.INFEASIBLE),
        terminal_feasible=served,
        iterations=jnp.asarray(iterations),
        history=history,
        share=share,
    )


class Balance(Scheme):
    name: ClassVar[str] = "balance"
    summary: ClassVar[str] = "Shares moved towards the slowest terminal."
    rate: float = 0.5

    def solve(self, scenario, start=None):
        share = _even(scenario) if start is None else start.share

        def step(share, _):
            wanted = share * times(scenario, share) ** self.rate
            share = wanted / wanted.sum()
            return share, times(scenario, share).max()

        share, history = jax.lax.scan(step, share, length=STEPS)
        return _answer(scenario, share, STEPS, history)


class Even(Scheme):
    name: ClassVar[str] = "even"
    summary: ClassVar[str] = "Equal shares."
    iterates: ClassVar[bool] = False
    family: ClassVar[str] = "even"

    def solve(self, scenario, start=None):
        share = _even(scenario)
        return _answer(scenario, share, 0, times(scenario, share).max()[None])


SWEEP = Sweep(
    system="toy",
    schemes=("balance", "even"),
    parameter="line_bps",
    values=(5.0, 10.0, 20.0),
    trials=12,
    block=5,
    measures=(Measure("slowest", "latency_s", "max"), Measure("total_share", "share")),
)

system = System(
    name="toy",
    title="Terminals on one line",
    paper="none",
    sense="min",
    objective_name="largest latency",
    objective_unit="s",
    Params=ToyParams,
    Scenario=ToyScenario,
    Solution=ToySolution,
    draw=draw,
    evaluate=evaluate,
    bound=bound,
    schemes={"balance": Balance(), "even": Even()},
    metrics={
        "latency_s": Metric("time on the line", ("K",)),
        "share": Metric("share of the line", ("K",)),
    },
    from_channels=from_channels,
    figures={
        "line": FigureSpec(
            name="line",
            title="Latency against the line",
            sweep=SWEEP,
            x_label="Line (bit/s)",
            panels=(Panel("objective", "Mean largest latency (ms)", 1e3, bound=True),),
            claims="A faster line is better.",
        )
    },
)
