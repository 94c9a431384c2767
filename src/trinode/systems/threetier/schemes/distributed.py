"""The paper's distributed algorithm as agents that exchange messages, faithful and repaired."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, final

import equinox as eqx
import numpy as np

from trinode.errors import InputError
from trinode.systems.contract import Scheme
from trinode.systems.threetier import host
from trinode.systems.threetier.agents import Cloud, InProcess, Processes, Rules, Run, Start, Transport
from trinode.systems.threetier.scenario import ThreetierScenario
from trinode.systems.threetier.solution import ThreetierSolution
from trinode.systems.threetier.tiers import LOCAL


def converse(
    scenario: ThreetierScenario,
    rules: Rules,
    *,
    begin: str = "best",
    transport: Transport | None = None,
    start: ThreetierSolution | None = None,
    watch: Callable[[dict[str, Any]], None] | None = None,
) -> tuple[ThreetierSolution, Run | None]:
    """Let base stations and cloud work a scenario out, and say how that went.

    Parameters
    ----------
    begin : {"best", "mrs", "mrt"}
        Beams to begin with; see :data:`.host.BEGINNINGS`.
    transport : Transport, optional
        In this process where absent; :class:`~trinode.systems.threetier.agents.Processes` for one per station.
    watch : callable, optional
        Told of every step.

    Returns
    -------
    ThreetierSolution
        Where a station is lost, the best decision so far, with the status of an iteration limit.
    Run or None
        Steps, messages, bytes, times, and how it ended; None where no beams meet the echo requirements.
    """
    if begin not in host.BEGINNINGS:
        raise InputError("begin", begin, "one of " + ", ".join(host.BEGINNINGS))
    t, view = host.prepared(scenario)
    k = scenario.terminals
    length = rules.outer * rules.beam_steps * (1 + host.ESCAPES)
    if not bool(view.met):
        nothing = np.full(length, np.nan)
        mode = np.full(k, LOCAL)
        return host.answer(t, view, mode, np.zeros(k, np.int64), view.beam, 0, True, nothing, None), None
    w, home = host.starting_point(t, view, begin, start)
    carrier = transport if transport is not None else InProcess()

    def offload(nats: Any, w: Any) -> tuple[Any, Any, float]:
        found = host.offload(t, nats, w)
        return np.asarray(found.mode), np.asarray(found.target), float(found.latency)

    try:
        carrier.open(host.station_data(t, home))
        cloud = Cloud(carrier, Start(w, home), rules, offload, watch, host.Escapes(t, view))
        run = cloud.run(scenario.access_points)
    finally:
        carrier.close()
    values = [step["latency_s"] for step in run.steps if step["algorithm"] == "2"]
    history = np.full(length, np.nan)
    history[: len(values)] = values
    steps = len(run.steps)
    solution = host.answer(t, view, run.mode, run.target, run.precoder, steps, run.converged, history, start)
    return solution, run


@final
class Distributed(Scheme):
    """DCET-ISCC: Algorithm 1 (consensus ADMM, closed forms) and Algorithm 2 (fractional programming, WMMSE, SCA).

    Attributes
    ----------
    begin : {"best", "mrs", "mrt"}
        Beams to begin with; see :data:`.host.BEGINNINGS`.
    processes : bool
        Each base station in a process of its own (extra ``cluster``); the numbers are the same.
    """

    name: ClassVar[str] = "distributed"
    summary: ClassVar[str] = "agents at base stations and messages, the paper's Algorithms 1 and 2 (DCET-ISCC)"
    host: ClassVar[bool] = True
    evenness: ClassVar[float] = 5e-2
    begin: str = eqx.field(static=True, default="best")
    processes: bool = eqx.field(static=True, default=False)
    rules: Rules = eqx.field(static=True, default=Rules())

    def solve(self, scenario: ThreetierScenario, start: ThreetierSolution | None = None) -> ThreetierSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        carrier = Processes() if self.processes else None
        return converse(scenario, self.rules, begin=self.begin, transport=carrier, start=start)[0]


@final
class DistributedPlus(Scheme):
    """The distributed algorithm repaired: exact offloading in the cloud, and leakage that may rise.

    (58) bounds each leakage by its present value, so that it can only fall and what a radar could still bear is lost.
    Here each radar's requirement has a price that the cloud finds by Newton's method, from sums that the stations send:
    the beam step is then that of the centralised algorithm. Rounding the relaxed offloading loses places at the
    servers; an assignment does not.
    """

    name: ClassVar[str] = "distributed-plus"
    summary: ClassVar[str] = "the distributed algorithm with exact offloading and priced echo requirements"
    host: ClassVar[bool] = True
    begin: str = eqx.field(static=True, default="best")
    processes: bool = eqx.field(static=True, default=False)
    rules: Rules = eqx.field(static=True, default=Rules(exact_offloading=True, priced=True))

    def solve(self, scenario: ThreetierScenario, start: ThreetierSolution | None = None) -> ThreetierSolution:
        """Solve one scenario; see :class:`trinode.systems.contract.Scheme`."""
        carrier = Processes() if self.processes else None
        return converse(scenario, self.rules, begin=self.begin, transport=carrier, start=start)[0]
