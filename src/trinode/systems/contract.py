"""What every system and scheme offers: the way ``Params -> Scenario -> Solution -> Report``.

A system is one :class:`System` object. A scheme is a final frozen class with one method, ``solve``, pure and
traceable unless it declares ``host = True``. Everything a person is shown comes from the system's own
``evaluate``, never from inside a scheme.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from typing import Any, ClassVar, Literal, TypeVar

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool

from trinode import _runtime  # noqa: F401  (double precision before the first array)
from trinode._words import one_of
from trinode.channels.files import Schema, check_arrays, read_file, write_file
from trinode.channels.rounding import Repair, RoundingWarning
from trinode.errors import InputError
from trinode.systems.decision import SOLUTION_FIELDS, Solution, Status
from trinode.systems.declared import schema_of, to_arrays
from trinode.systems.metric import Metric
from trinode.systems.report import Report, array_module
from trinode.systems.schedule import Schedule

EFFORTS = ("quick", "default", "thorough")
"""How much a scheme tries, where it has a setting ``effort``."""


One = TypeVar("One", bound="Scheme")


class Scheme(eqx.Module):
    """A way to decide. Subclasses are final and frozen; their fields are settings.

    ``host`` says that ``solve`` leaves JAX (a MILP, an assignment) and is mapped over scenarios by processes;
    ``iterates`` that it can begin at an earlier solution. ``family`` names the restriction of the decision space
    (for ``scheme_bound``), or is empty where there is none; ``evenness`` by how much, relatively, its objective may
    differ between equivalent scenarios: more for methods that round near-ties; ``ordered`` says that it knows
    terminals by their places, so that another order of them gives another objective; ``part`` how many scenarios of a
    batch go through one program together on a CPU: 1 where some take several times longer than others and would hold
    up their part, hundreds where each takes microseconds.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    host: ClassVar[bool] = False
    iterates: ClassVar[bool] = True
    family: ClassVar[str] = ""
    evenness: ClassVar[float] = 5e-3
    ordered: ClassVar[bool] = False
    part: ClassVar[int] = 1

    def with_effort(self: One, effort: str) -> One:
        """The same scheme, trying as much as is asked; as it is where that is empty.

        Parameters
        ----------
        effort : str
            One of :data:`EFFORTS`.

        Raises
        ------
        InputError
            An unknown effort, or a scheme that has no such setting.
        """
        if not effort:
            return self
        if effort not in EFFORTS:
            raise InputError("effort", effort, one_of(effort, EFFORTS))
        if not isinstance(getattr(self, "effort", None), str):
            raise InputError("effort", effort, f"nothing: {self.name} has no such setting")
        return replace(self, effort=effort)  # type: ignore[call-arg]

    def worker(self) -> Scheme:
        """The scheme that does the work: schemes that differ in numbers only give one kind, which is compiled once."""
        return self

    def of_worker(self, solution: Any) -> Any:
        """This scheme's solution from its worker's; leaves out what only others of the worker's schemes have.

        Parameters
        ----------
        solution : Solution
            Of :meth:`worker`.
        """
        return solution

    def met(self, system: System, scenario: Any, solution: Any) -> Bool[Array, ""]:
        """Whether the judge finds a solution of this scheme feasible; a worker's are those of its schemes.

        Parameters
        ----------
        system, scenario, solution
            What was solved, and how.
        """
        return system.judge(scenario, solution).feasible

    def solve(self, scenario: Any, start: Any = None) -> Any:
        """Return a :class:`Solution` of the scenario, begun at ``start`` where one is given.

        Parameters
        ----------
        scenario : Scenario
            One network.
        start : Solution, optional
            An earlier decision, from which a scheme that iterates ends no worse.
        """
        worker = self.worker()
        if worker is self:
            raise TypeError(f"{type(self).__name__} does not define solve")
        return self.of_worker(worker.solve(scenario, start))

    def solve_each(self, scenarios: Sequence[Any], starts: Sequence[Any]) -> list[Any]:
        """Solutions of networks of equal shapes by a scheme of the host: one after the other, or as it knows better.

        Parameters
        ----------
        scenarios, starts : sequence
            As :meth:`solve` takes them, in the same order.
        """
        return [self.solve(scenario, start) for scenario, start in zip(scenarios, starts, strict=True)]


@dataclass(frozen=True, eq=False)
class System:
    """A network model with everything that belongs to it.

    Attributes
    ----------
    name, title, paper : str
        Name for files and commands, one line for people, the source.
    sense : {"min", "max"}
        Whether the objective is minimised or maximised.
    objective_name, objective_unit : str
        For tables and axes.
    Params : type
        The frozen parameters, the paper's table as defaults.
    draw : callable
        ``draw(params, key) -> Scenario``.
    places : tuple of str
        Positions that ``draw(params, key, places)`` takes in place of those it would draw, by their names in the
        scenario file; path losses follow them, all that is random besides stays.
    evaluate : callable
        ``evaluate(scenario, solution) -> Report``: what the paper's model says of a decision, whatever its status; see
        :meth:`judge`.
    bound : callable
        ``bound(scenario, family) -> float``: what no solution (of a family of schemes) beats; see :meth:`family`.
    schemes : mapping
        Name to scheme; the first is the default.
    families : mapping
        Name of a family of schemes, empty for all decisions, to what ``bound`` is given of it: families that differ in
        numbers share a program. It is given the name where there is no such mapping.
    Scenario, Solution : type
        Networks and decisions, which declare what their files hold.
    figures : mapping
        Name to figure specification.
    metrics : mapping
        Name to :class:`~trinode.systems.metric.Metric`: what a report holds, in words.
    bibtex : str
        The source once more, as an entry of a bibliography.
    from_channels : callable
        ``from_channels(channels, params, key) -> Scenario`` for channels from outside, in whose sizes the parameters
        are.
    channel_sizes : mapping
        Parameters that are sizes of channels from outside, and their letters there.
    channel_fixed : tuple of str
        Other parameters that mean nothing beside channels from outside.
    channel_places : bool
        Whether ``from_channels`` goes by the positions.
    at_most : mapping
        Parameters whose defaults may be too large for a network of fewer nodes, and the letters that limit them.
    pictures : mapping or str
        Name to ``draw(scenario, solution, report, title, building_lines) -> Figure``, or the module that has this as
        ``PICTURES``; bars over the terminals if empty.
    tables : str
        The module with ``terminal_table(scenario, solution, report) -> Table``, and perhaps ``demo(folder)``; metrics
        of the terminals if empty.
    bench : str
        The module with the benchmarks, ``SECTIONS``.
    page : str
        The module that draws on the page of ``trinode explore``: ``SLIDERS`` and
        ``drawing(scenario, solution, report)``.
    training : str
        The module that trains networks, ``MODELS``.
    host : bool
        Whether ``evaluate`` and ``bound`` leave JAX, and so take one network at a time.
    problem : callable, optional
        ``problem(scenario) -> Problem``: what is to be decided, of parts.
    bound_reason : callable, optional
        ``bound_reason(scenario) -> str``: where the bound comes from, or why there is none.
    schedule : Schedule
        How networks go through compiled programs.
    sources : tuple
        What computes beside the functions above: functions, classes and modules.
    file : str
        The file that defines it, where it is of no installed package; whoever computes elsewhere runs it first.
    """

    name: str
    title: str
    paper: str
    sense: Literal["min", "max"]
    objective_name: str
    objective_unit: str
    Params: type
    Scenario: type
    Solution: type
    draw: Callable[..., Any]
    evaluate: Callable[..., Report]
    bound: Callable[..., Array]
    schemes: Mapping[str, Scheme]
    from_channels: Callable[..., Any]
    families: Mapping[str, Any] = field(default_factory=dict)
    figures: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Metric] = field(default_factory=dict)
    bibtex: str = ""
    channel_sizes: Mapping[str, str] = field(default_factory=dict)
    channel_fixed: tuple[str, ...] = ()
    channel_places: bool = False
    at_most: Mapping[str, str] = field(default_factory=dict)
    pictures: Mapping[str, Callable[..., Any]] | str = ""
    tables: str = ""
    bench: str = ""
    page: str = ""
    training: str = ""
    host: bool = False
    places: tuple[str, ...] = ()
    problem: Callable[[Any], Any] | None = None
    bound_reason: Callable[[Any], str] | None = None
    schedule: Schedule = field(default_factory=Schedule)
    sources: tuple[Any, ...] = ()
    file: str = ""

    def beside(self, what: Literal["tables", "pictures", "bench", "page", "training"]) -> Any:
        """The module that shows or measures it in one way, imported where it is asked for; None where it names none.

        Parameters
        ----------
        what : str
            The field that names it.
        """
        name = getattr(self, what)
        return import_module(name) if name and isinstance(name, str) else None

    @property
    def scenario_schema(self) -> Schema:
        """What the file of a network holds."""
        return {**schema_of(self.Scenario), **self.Scenario.outer}

    @property
    def solution_schema(self) -> Schema:
        """What the file of a decision holds."""
        own = {name: entry for name, entry in schema_of(self.Solution).items() if name not in schema_of(Solution)}
        return SOLUTION_FIELDS | own

    @property
    def doi(self) -> str:
        """Of the source; empty where none is stated."""
        _, _, rest = self.bibtex.partition("doi = {")
        return rest.partition("}")[0]

    def scheme(self, name: str = "") -> Scheme:
        """The scheme of that name, or the default.

        Parameters
        ----------
        name : str
            Of a scheme; the default where empty.

        Raises
        ------
        InputError
            There is none of this name.
        """
        if not name:
            return next(iter(self.schemes.values()))
        if name not in self.schemes:
            from trinode.systems.registry import elsewhere  # it knows the other systems

            other = elsewhere(name, lambda system: system.schemes, self.schemes)
            value = f"{name}, which {self.name} does not have{other}" if other else name
            raise InputError("scheme", value, one_of(name, self.schemes))
        return self.schemes[name]

    def family(self, name: str = "") -> Any:
        """What ``bound`` is given of a family of schemes.

        Parameters
        ----------
        name : str
            Of the family; all decisions where empty.

        Raises
        ------
        InputError
            There is none of this name.
        """
        if not self.families:
            return name
        if name not in self.families:
            raise InputError("family", name, ", ".join([*filter(None, self.families), "or nothing"]))
        return self.families[name]

    def judge(self, scenario: Any, solution: Any) -> Report:
        """The word on a decision, whatever it says of itself: its objective is NaN where it is not feasible.

        Parameters
        ----------
        scenario, solution
            Of one network.

        Returns
        -------
        Report
        """
        asserted = replace(solution, status=jnp.full_like(solution.status, Status.CONVERGED))
        report = self.evaluate(scenario, asserted)
        objective = jnp.where(report.feasible, report.objective, jnp.nan)
        return replace(report, objective=objective, sense=self.sense)

    def marked(self, solution: Any, feasible: Any) -> Any:
        """A solution whose status and terminals say what the judge found.

        What is not feasible is ``infeasible``, and the terminals that the scheme named, or all, are not served (but
        where the objective is maximised); what is feasible and was given up is at its ``iteration_limit``.

        Parameters
        ----------
        solution : Solution
        feasible : bool
            The judge's word; an array for stacked ones.

        Returns
        -------
        Solution
        """
        xp = array_module(feasible)
        status, served = xp.asarray(solution.status), xp.asarray(solution.terminal_feasible)
        given_up = xp.where(status == Status.INFEASIBLE, Status.ITERATION_LIMIT, status)
        if self.sense == "min":
            served = xp.where(feasible, True, served & ~xp.all(served))
        marked = xp.where(feasible, given_up, Status.INFEASIBLE).astype(status.dtype)
        return replace(solution, status=jnp.asarray(marked), terminal_feasible=jnp.asarray(served))

    def scenario_from(self, arrays: Mapping[str, object]) -> Any:
        """Check arrays against the scenario schema and build the scenario.

        Parameters
        ----------
        arrays : mapping
            By the names of the file.

        Returns
        -------
        Scenario

        Raises
        ------
        InputError
            Names the array, what it holds and what is allowed.
        """
        return self.Scenario.from_arrays(check_arrays(self.scenario_schema, arrays))

    def read_scenario(self, path: Any, repairs: list[Repair] | None = None) -> Any:
        """Read a scenario file; rounding as in :meth:`read_solution`.

        Parameters
        ----------
        path : str or Path
            An ``.npz`` file.
        repairs : list of Repair, optional
            As in :meth:`read_solution`.

        Returns
        -------
        Scenario
        """
        return self.Scenario.from_arrays(self._read(path, "scenario", self.scenario_schema, repairs))

    def write_scenario(self, path: Any, scenario: Any) -> None:
        """Write a scenario file.

        Parameters
        ----------
        path : str or Path
            An ``.npz`` file.
        scenario : Scenario
            One network.
        """
        write_file(path, f"{self.name}-scenario", self.scenario_schema, to_arrays(scenario, self.scenario_schema))

    def read_solution(self, path: Any, repairs: list[Repair] | None = None) -> tuple[Any, dict[str, np.ndarray]]:
        """Read a solution file; returns the solution and all arrays of the file (with its claims).

        Rounding is repaired (:mod:`trinode.channels.rounding`); repairs are put on the list, or warned of without one.

        Parameters
        ----------
        path : str or Path
            An ``.npz`` file.
        repairs : list of Repair, optional
            Takes what was repaired.

        Returns
        -------
        solution : Solution
        arrays : dict
        """
        arrays = self._read(path, "solution", self.solution_schema, repairs)
        return self.Solution.from_arrays(arrays), arrays

    def _read(self, path: Any, kind: str, schema: Schema, repairs: list[Repair] | None) -> dict[str, np.ndarray]:
        made: list[Repair] = []
        arrays = read_file(path, f"{self.name}-{kind}", schema, made)
        if repairs is not None:
            repairs += made
        for one in made if repairs is None else ():
            warnings.warn(str(one), RoundingWarning, stacklevel=4)  # who reads, or loads, the file
        return arrays

    def write_solution(self, path: Any, solution: Any, report: Report) -> None:
        """Write a solution file, its objective, bound and feasibility taken from the report.

        The history holds the steps at which the objective was a finite number.

        Parameters
        ----------
        path : str or Path
            An ``.npz`` file.
        solution : Solution
            One decision.
        report : Report
            What the judge said of it.
        """
        arrays = self.solution_arrays(solution, report)
        write_file(path, f"{self.name}-solution", self.solution_schema, arrays)

    def solution_arrays(self, solution: Any, report: Report) -> dict[str, Any]:
        """What a solution file holds.

        Parameters
        ----------
        solution, report
            As in :meth:`write_solution`.

        Returns
        -------
        dict
            Arrays by name.
        """
        solution = self.marked(solution, report.feasible)
        history = np.asarray(solution.history)
        return to_arrays(solution, self.solution_schema) | {
            "status": np.asarray(Status(int(solution.status)).label),
            "objective": np.asarray(report.objective if report.feasible else np.nan),
            "bound": np.asarray(report.bound),
            "history": history[np.isfinite(history)],
        }
