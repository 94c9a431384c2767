"""How a controller decides for networks of one kind: what it repairs, what it improves, what it decides anew.

A plan of a system runs compiled programs, each of which ends with the system's judge; a plan of a stated problem runs
the general engine for a limited number of evaluations, judged in plain NumPy.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from typing import Any, NamedTuple, Protocol, runtime_checkable

import jax
import jax.numpy as jnp
import numpy as np

from trinode import _programs, _sizes, api
from trinode._words import one_of
from trinode.compose.problem import Problem
from trinode.errors import InputError
from trinode.solving import drive
from trinode.solving.answer import Answer
from trinode.solving.rounds import Settings
from trinode.systems import doors as _doors
from trinode.systems.contract import System
from trinode.systems.registry import system as find_system
from trinode.systems.report import FEASIBILITY_TOLERANCE

SYSTEMS = ("energy", "fairness", "latency", "region", "threetier")
"""Systems whose decisions can be carried from slot to slot: each has a file beside this one."""
EVALUATIONS = 120
"""Of the general engine in one step of improvement."""


class Choice(NamedTuple):
    """A decision and the judge's word on it.

    Attributes
    ----------
    solution : Solution or Answer
    value : float
        Its objective, small is good; infinite where a constraint is violated.
    rest : bool
        Whether more of the same way would change nothing.
    aid : any
        What the repair knows and improvements need.
    gain : (K, M)
        Of the links, see :func:`link_gain`; of nothing where there are none.
    """

    solution: Any
    value: float
    rest: bool = False
    aid: Any = ()
    gain: Any = np.zeros(0)

    @property
    def feasible(self) -> bool:
        """Whether every constraint is met."""
        return np.isfinite(self.value)


@runtime_checkable
class Plan(Protocol):
    """What a controller asks of networks of a kind."""

    name: str
    sense: str

    def admitted(self, network: Any, present: np.ndarray | None) -> Any:
        """The network, checked, those who are not there silent."""
        ...

    def ways(self, network: Any) -> int:
        """How many ways of improvement there are."""
        ...

    def lengths(self) -> tuple[int, ...]:
        """Rounds that one improvement may have, the fewest first."""
        ...

    def exact(self, network: Any) -> bool:
        """Whether an improvement at rest is the best there is."""
        ...

    def anew(self, network: Any) -> Choice:
        """Decided from nothing."""
        ...

    def repaired(self, network: Any, carried: Any) -> Choice:
        """An earlier decision made feasible."""
        ...

    def improved(self, network: Any, had: Choice, way: int, rounds: int) -> Choice:
        """One step of one way; never worse."""
        ...

    def shown(self, network: Any, choice: Choice) -> Any:
        """The decision as a person gets it."""
        ...

    def reason(self, network: Any, choice: Choice) -> str:
        """Which constraint is violated."""
        ...

    def bound(self, network: Any, choice: Choice) -> float:
        """What no decision beats; NaN where unknown."""
        ...

    def arrays(self, network: Any) -> dict[str, np.ndarray]:
        """A network as named arrays."""
        ...

    def decided(self, choice: Choice) -> dict[str, np.ndarray]:
        """A decision as named arrays."""
        ...


def plan_of(given: Any, scheme: str = "") -> Plan:
    """The plan of a system (its name, or itself) or of a function that states a network's problem.

    Raises
    ------
    InputError
        A system whose decisions cannot be carried.
    """
    if isinstance(given, Problem):
        return Stated(lambda problem: problem)
    if isinstance(given, str | System):
        system = find_system(given) if isinstance(given, str) else given
        if system.problem is not None:
            return Stated(system.problem)
        if system.name not in SYSTEMS:
            raise InputError("system", system.name, one_of(system.name, SYSTEMS))
        return OfSystem(system, scheme)
    if callable(given):
        stated: Callable[[Any], Any] = given
        return Stated(stated)
    raise InputError("system", given, "a system, its name, or a function that states a network's problem")


class OfSystem:
    """A plan of one of trinode's systems."""

    def __init__(self, system: System, scheme: str = "") -> None:
        self.system, self.name, self.sense = system, system.name, system.sense
        self.scheme, self.scheme_name = system.scheme(scheme), scheme
        self.module = import_module(f"trinode.online.{system.name}")

    def admitted(self, network: Any, present: np.ndarray | None) -> Any:
        """The network, checked, those who are not there silent."""
        system, network = _doors.network(network)
        if system.name != self.name:
            raise InputError("network", f"one of {system.name}", f"one of {self.name}")
        if present is None:
            return network
        return _doors.trusted(silenced(network, present))

    def ways(self, network: Any) -> int:
        """How many ways of improvement there are."""
        return self.module.ways(network)

    def lengths(self) -> tuple[int, ...]:
        """Rounds that one improvement may have."""
        return self.module.LENGTHS

    def exact(self, network: Any) -> bool:
        """Where there is a single way, it ends at the optimum."""
        return self.module.ways(network) == 1

    @_programs.long_runs()
    def anew(self, network: Any) -> Choice:
        """Decided from nothing, by the system's scheme."""
        return self.repaired(network, api.solve(network, self.scheme))

    def repaired(self, network: Any, carried: Any) -> Choice:
        """An earlier decision made feasible."""
        wide, begin = (_sizes.rounded(self.system, one) for one in (network, light(carried)))
        with _programs.one_thread():
            solution, value, aid, gain = _programs.call(_repaired, self.name, wide, begin)
        return Choice(solution, float(value), False, aid, np.asarray(gain))

    def improved(self, network: Any, had: Choice, way: int, rounds: int) -> Choice:
        """One step of one way; never worse by the judge."""
        wide = _sizes.rounded(self.system, network)
        numbers = np.asarray(way), np.asarray(rounds), np.asarray(had.value)
        given = self.name, wide, light(had.solution), had.aid, *numbers
        with _programs.one_thread():
            solution, value, rest = _programs.call(_improved, *given)
        if float(value) < had.value:
            return had._replace(solution=solution, value=float(value), rest=bool(rest))
        return had._replace(rest=bool(rest))

    def shown(self, network: Any, choice: Choice) -> Any:
        """The decision in the sizes of its network."""
        return _sizes.cropped(self.system, choice.solution, network)

    def reason(self, network: Any, choice: Choice) -> str:
        """The constraint that is violated most, and who is not served."""
        report = api.evaluate(network, self.shown(network, choice), bound=False)
        who = np.flatnonzero(~np.asarray(choice.solution.terminal_feasible)).tolist()
        served = f"; terminals that cannot be served: {', '.join(map(str, who))}" if who else ""
        return f"{report.worst_constraint}: exceeded by {float(report.worst_residual):.3g}{served}"

    @_programs.long_runs()
    def bound(self, network: Any, choice: Choice) -> float:
        """What no decision beats."""
        return float(api.bound(network))

    def arrays(self, network: Any) -> dict[str, np.ndarray]:
        """By the names of its file."""
        return {name: np.asarray(value) for name, value in _fields(network).items()}

    def decided(self, choice: Choice) -> dict[str, np.ndarray]:
        """By the names of its file."""
        return {name: np.asarray(value) for name, value in _fields(light(choice.solution)).items()}


class Stated:
    """A plan of a problem of one's own; the function states it for a network."""

    def __init__(self, problem: Callable[[Any], Problem]) -> None:
        self.problem, self.name = problem, "problem"
        self.sense = "min"

    def admitted(self, network: Any, present: np.ndarray | None) -> Problem:
        """The problem of a network."""
        if present is not None:
            raise InputError("present", present, "nothing: a problem of one's own has no terminals by that name")
        stated = self.problem(network)
        if not isinstance(stated, Problem):
            raise InputError(
                "problem", f"a function that returns a {type(stated).__name__}", "one that states a Problem"
            )
        self.sense = "min" if stated.program.minimise else "max"
        return stated

    def ways(self, network: Problem) -> int:
        """Only on from the carried decision."""
        return 1

    def lengths(self) -> tuple[int, ...]:
        """Always as many evaluations."""
        return (1,)

    def exact(self, network: Problem) -> bool:
        """At rest is what the engine cannot better from there."""
        return False

    def anew(self, network: Problem) -> Choice:
        """Decided from nothing."""
        return self._judged(drive.solve(network))

    def repaired(self, network: Problem, carried: Answer) -> Choice:
        """The carried variables, each part's limits kept as its variables keep them."""
        return self._judged(drive.solve(network, carried, Settings(evaluations=1, most=1)))

    def improved(self, network: Problem, had: Choice, way: int, rounds: int) -> Choice:
        """Evaluations of the general engine; never worse."""
        ahead = self._judged(drive.solve(network, had.solution, Settings(most=EVALUATIONS)))
        return ahead if ahead.value < had.value else had._replace(rest=ahead.rest or ahead.value == had.value)

    def _judged(self, answer: Answer) -> Choice:
        value = answer.value if self.sense == "min" else -answer.value
        return Choice(answer, value if np.isfinite(value) else np.inf, answer.ended)

    def shown(self, network: Problem, choice: Choice) -> Answer:
        """The answer."""
        return choice.solution

    def reason(self, network: Problem, choice: Choice) -> str:
        """The constraint that is violated most."""
        return f"{choice.solution.worst} ({choice.solution.status})"

    def bound(self, network: Problem, choice: Choice) -> float:
        """What no decision beats."""
        return choice.solution.bound

    def arrays(self, network: Problem) -> dict[str, np.ndarray]:
        """Its leaves in their order."""
        return {f"leaf{place}": np.asarray(leaf) for place, leaf in enumerate(jax.tree.leaves(network))}

    def decided(self, choice: Choice) -> dict[str, np.ndarray]:
        """The engine's variables."""
        return {"x": np.asarray(choice.solution.x)}


def silenced(network: Any, present: Any) -> Any:
    """The same network with only some of its terminals there: the others have no task and nothing to send with.

    Parameters
    ----------
    network : Scenario
    present : (K,) bool
        Who is there.
    """
    system, network = _doors.network(network)
    if system.name not in SYSTEMS:
        raise InputError("present", "a mask", f"nothing: terminals of {system.name} cannot be left out")
    count = next(
        np.shape(getattr(network, name))[field.dims.index("K")]
        for name, field in system.scenario_schema.items()
        if "K" in field.dims and getattr(network, name, None) is not None
    )
    mask = np.asarray(present)
    if mask.shape != (count,) or mask.dtype != bool:
        raise InputError("present", present, f"{count} truth values, one for each terminal")
    changed = {}
    for name in import_module(f"trinode.online.{system.name}").ABSENT:
        axis = system.scenario_schema[name].dims.index("K")
        value = np.asarray(getattr(network, name))
        wide = mask.reshape(-1, *[1] * (value.ndim - axis - 1))
        changed[name] = jnp.asarray(np.where(wide, value, np.zeros_like(value)))
    return replace(network, **changed)


def link_gain(system: str, s: Any) -> np.ndarray:
    """Signal-to-noise ratio of each link at 1 W, all its antennas at the access point, the mean over those that send.

    Parameters
    ----------
    system : str
        Name of its system.
    s : Scenario
        One network.

    Returns
    -------
    gain : (K, M)
        Of region, by the powers of its access points; M is 1 in the energy system.
    """
    return np.asarray(_link_gain(system, jax.tree.map(np.asarray, s)))


def _link_gain(system: str, s: Any) -> Any:
    """The same of arrays of NumPy or, in a program, of JAX."""
    if system == "region":
        return (s.ap_power[:, None] * (abs(s.channel_estimate) ** 2).sum(axis=2)).T
    h, noise = abs(s.uplink_channel) ** 2, s.ap_noise_w
    if system == "energy":
        return h.sum(axis=1).mean(axis=1)[:, None] / noise
    return (h.sum(axis=3).mean(axis=0) if system == "fairness" else h.sum(axis=2).mean(axis=2)) / noise


def apart_db(one: np.ndarray, other: np.ndarray) -> float:
    """Median change of the gains of the links, dB; 0 where there are none."""
    heard = (one > 0) & (other > 0)
    return float(np.median(np.abs(10 * np.log10(other[heard] / one[heard])))) if np.any(heard) else 0.0


def _fields(module: Any) -> dict[str, Any]:
    held = {name: getattr(module, name) for name in type(module).__dataclass_fields__}
    return {name: value for name, value in held.items() if isinstance(value, jax.Array | np.ndarray)}


def light(solution: Any) -> Any:
    """Without its history, which is as long as the scheme's and would make programs differ."""
    return replace(solution, history=np.zeros(0)) if np.size(solution.history) else solution


# the programs that are compiled


def _judged(name: str, scenario: Any, solution: Any) -> tuple[Any, Any]:
    """A decision marked with the judge's word, and its value, small is good."""
    solution, system = jax.lax.optimization_barrier(light(solution)), find_system(name)
    report = system.judge(scenario, solution)
    value = report.objective if system.sense == "min" else -report.objective
    value = jnp.where(report.worst_residual <= FEASIBILITY_TOLERANCE, jnp.nan_to_num(value, nan=jnp.inf), jnp.inf)
    return system.marked(solution, jnp.isfinite(value)), value


def _repaired(name: str, scenario: Any, carried: Any) -> tuple[Any, Any, Any, Any]:
    solution, aid = import_module(f"trinode.online.{name}").repaired(scenario, carried)
    return *_judged(name, scenario, solution), aid, _link_gain(name, scenario)


def _improved(name: str, scenario: Any, had: Any, aid: Any, way: Any, rounds: Any, value: Any) -> tuple[Any, Any, Any]:
    solution, rest = import_module(f"trinode.online.{name}").improved(scenario, had, aid, way, rounds, value)
    return *_judged(name, scenario, solution), rest
