"""A decision every slot: the last one repaired on the new channel, then improved until the time is up."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import jax
import numpy as np

from trinode.errors import InputError
from trinode.online.plans import Choice, Plan, plan_of

ANEW, REPAIR = "anew", "repair"
"""Moves of a slot; an improvement is the number of its way."""
REMEMBERED = 32
"""Times of a kind of move by whose second largest it is judged whether another one fits."""
GAIN = 1e-4
"""Relative gain of an improvement below which its way counts as tried to the end."""
FORGETTING = 0.98
"""What is left of a remembered time where it has kept a step from being made."""
FAR_DB = 3.0
"""Median change of the gains of the links from which on a network counts as another one."""
JUMP = 0.05
"""Relative rise of the repaired objective over the one before that counts as a jump."""


@dataclass(frozen=True)
class Slot:
    """What a controller says of one slot.

    Attributes
    ----------
    number : int
        Of the slot, from 0.
    network : Scenario or Problem
        What was decided for: those who are not there silent.
    solution : Solution or Answer
        The decision.
    objective : float
        Its value by the plain judge; NaN where it is not feasible.
    carried : float
        The value that the decision before has on this network after its repair; NaN where it has none.
    reason : str
        Which constraint is violated and who cannot be served; empty where the decision is feasible.
    moves : tuple
        What was done: ``"repair"``, ``"anew"``, or the number of a way of improvement.
    made : int
        The slot in which the decision was last more than repaired.
    seconds, cpu_seconds : float
        Time of the whole step, on the wall and of this process.
    spent_s : float
        The same by the controller's clock.
    budget_s : float
        What it should have taken.
    rest : bool
        Whether nothing was left to try.
    """

    number: int
    network: Any
    solution: Any
    objective: float
    carried: float
    reason: str
    moves: tuple[Any, ...]
    made: int
    seconds: float
    cpu_seconds: float
    spent_s: float
    budget_s: float
    rest: bool
    sense: str
    _plan: Plan = field(repr=False)
    _choice: Choice = field(repr=False)

    @property
    def feasible(self) -> bool:
        """Whether every constraint is met."""
        return self._choice.feasible

    @property
    def iterations(self) -> int:
        """Improvements that were tried; 0 where the network is what it was and the decision at rest."""
        return sum(move != REPAIR for move in self.moves)

    @property
    def freshness(self) -> int:
        """Slots since the decision was last more than repaired; 0 for one of this slot."""
        return self.number - self.made

    @property
    def within(self) -> bool:
        """Whether it took no longer than the budget."""
        return self.spent_s <= self.budget_s

    @cached_property
    def bound(self) -> float:
        """What no decision beats, computed when it is asked for; NaN where unknown."""
        return self._plan.bound(self.network, self._choice)

    @property
    def gap(self) -> float:
        """How far the objective is from the bound, relative to the bound."""
        worse = self.objective - self.bound if self.sense == "min" else self.bound - self.objective
        return worse / abs(self.bound) if self.bound else float("nan")


class Controller:
    """Decides slot after slot.

    A step repairs the decision before exactly, so that there is a feasible one at once, and then improves it while
    another step of improvement fits into the budget, judged by what the last ones took. Every candidate is judged
    by the system's plain model; a worse one is never taken. A network that is what it was, with a decision at rest,
    gets that decision again.

    Parameters
    ----------
    system : str, System, Problem or callable
        A system of trinode, or what states the problem of a network: ``problem(network) -> Problem``, always of the
        same parts. A :class:`Problem` stands for networks that are problems of its structure.
    budget_s : float
        Of one step, s. The first step of each size of networks also compiles (see :meth:`prepare`).
    scheme : str
        How to decide anew; the system's default where empty.
    period : int
        Slots after which a decision is made anew although nothing jumped, where there is time for it.
    overrun : bool
        Whether a jump may take longer than the budget: where the gains of half of the links have changed by 3 dB the
        network is decided anew; an objective that has risen by more than a twentieth is improved at least once, and
        decided anew where that does not bring it back. Where the repair finds nothing feasible, deciding anew takes
        what it takes, anyway.
    clock : callable
        What the budget is measured by: of the wall, or :func:`time.process_time` where a machine is shared with others.
    log : bool
        Whether to remember networks and decisions for :meth:`save_log`.

    Raises
    ------
    InputError
        A system whose decisions cannot be carried, or a budget that is no positive number.
    """

    def __init__(
        self,
        system: Any,
        *,
        budget_s: float = 0.01,
        scheme: str = "",
        period: int = 50,
        overrun: bool = True,
        clock: Callable[[], float] = time.perf_counter,
        log: bool = False,
    ) -> None:
        if isinstance(budget_s, bool) or not isinstance(budget_s, int | float) or not budget_s > 0:
            raise InputError("budget_s", budget_s, "seconds above 0")
        self.plan, self.budget_s, self.period = plan_of(system, scheme), float(budget_s), period
        self.overrun, self.clock = overrun, clock
        self.logging, self.slots = log, []
        self.number = 0
        self._choice: Choice | None = None
        self._kind: Any = None
        self._network: Any = None
        self._arrays: dict[str, np.ndarray] = {}
        self._made = self._last_anew = 0
        self._value = float("nan")
        self._tried: list[int] = []
        self._ready: set[Any] = set()
        self._times: dict[Any, deque[float]] = defaultdict(lambda: deque(maxlen=REMEMBERED))
        self._wins: dict[int, float] = defaultdict(float)

    def prepare(self, network: Any, present: Any = None) -> None:
        """Compile everything for networks of this size, so that no step waits for it."""
        self._prepared(self.plan.admitted(network, _mask(present)))

    def step(self, network: Any, present: Any = None) -> Slot:
        """Decide for the network of the next slot.

        Parameters
        ----------
        network : Scenario, Problem or what a function takes
            In the size of the ones before, or of another: then the decision is made anew.
        present : (K,) bool, optional
            Which terminals are there; no size changes where they come and go. Everyone where absent.

        Returns
        -------
        Slot
            A decision that is feasible on this network, or the reason why there is none.
        """
        begun = self._now()
        admitted = self.plan.admitted(network, _mask(present))
        self._prepared(admitted)
        return self._decided(admitted, begun, None)

    def replayed(self, network: Any, moves: tuple[Any, ...]) -> Slot:
        """A step of exactly these moves, whatever they take; the network as :attr:`Slot.network` has it."""
        return self._decided(network, self._now(), moves)

    def _now(self) -> tuple[float, float, float]:
        return time.perf_counter(), time.process_time(), self.clock()

    def _prepared(self, network: Any) -> None:
        kind = _kind(network)
        if kind in self._ready:
            return
        fresh = self.plan.anew(network)
        again = self.plan.repaired(network, fresh.solution)
        for way in (0, min(1, self.plan.ways(network) - 1)):
            self.plan.improved(network, again, way)
        for move, work in (
            (ANEW, lambda: self.plan.anew(network)),
            (REPAIR, lambda: self.plan.repaired(network, fresh.solution)),
            ("improve", lambda: self.plan.improved(network, again, 0)),
        ):
            begun = self.clock()
            work()
            self._times[kind, move].append(self.clock() - begun)
        self._ready.add(kind)

    def _decided(self, network: Any, begun: tuple[float, float, float], moves: tuple[Any, ...] | None) -> Slot:
        kind, arrays, before = _kind(network), self.plan.arrays(network), self._choice
        same = before is not None and _same(arrays, self._arrays)
        if not same:
            self._tried = []
        turn = _Turn(self, network, kind, begun[2], moves)
        choice = turn.kept(before) if same and before is not None else turn.opened(before)
        carried = choice.value if turn.carried else np.nan
        moved = not same and turn.carried
        far = moved and self.plan.apart_db(self._network, network) > FAR_DB
        choice = turn.go(choice, far, jumped=moved and self._jumped(choice.value))
        if turn.changed:
            self._made = self.number
        sign = 1 if self.plan.sense == "min" else -1
        shown = self.plan.shown(network, choice)
        reason = "" if choice.feasible else self.plan.reason(network, choice)
        wall, own, spent = self._now()
        slot = Slot(
            self.number,
            network,
            shown,
            sign * choice.value if choice.feasible else float("nan"),
            sign * carried if np.isfinite(carried) else float("nan"),
            reason,
            tuple(turn.made),
            self._made,
            wall - begun[0],
            own - begun[1],
            spent - begun[2],
            self.budget_s,
            turn.rest,
            self.plan.sense,
            self.plan,
            choice,
        )
        self._choice, self._arrays, self._value, self._kind = choice, arrays, choice.value, kind
        self._network = network
        self.number += 1
        if self.logging:
            self.slots.append(slot)
        return slot

    def _jumped(self, value: float) -> bool:
        return not value <= self._value + JUMP * abs(self._value)

    def save_log(self, path: Any) -> None:
        """Write networks, moves and decisions of all slots, for :func:`trinode.online.replay`."""
        from trinode.online.log import save

        save(path, self)


class _Turn:
    """One slot's work: moves by the clock, or given ones."""

    def __init__(self, owner: Controller, network: Any, kind: Any, begun: float, moves: Any) -> None:
        self.owner, self.network, self.kind, self.begun = owner, network, kind, begun
        self.given = None if moves is None else deque(moves)
        self.made: list[Any] = []
        self.carried = self.changed = False
        self.rest = False

    def timed(self, move: Any, work: Any) -> Choice:
        begun = self.owner.clock()
        found = work()
        name = "improve" if isinstance(move, int) else move
        self.owner._times[self.kind, name].append(self.owner.clock() - begun)
        self.made.append(move)
        return found

    def fits(self, name: str) -> bool:
        spent, known = self.owner.clock() - self.begun, sorted(self.owner._times[self.kind, name])
        return spent + (known[-2:] or [0.0])[0] <= self.owner.budget_s

    def forget(self) -> None:
        """What one step took on a busy machine says ever less of the next one."""
        times = self.owner._times[self.kind, "improve"]
        for place, value in enumerate(times):
            times[place] = FORGETTING * value

    def kept(self, before: Choice) -> Choice:
        """The decision of the same network."""
        self.carried = True
        return before

    def opened(self, before: Choice | None) -> Choice:
        """The decision before, repaired, or one made anew where there is none of this size."""
        plan, network = self.owner.plan, self.network
        if before is None or self.kind != self.owner._kind:
            return self.anew(None)
        self.carried = True
        return self.timed(REPAIR, lambda: plan.repaired(network, before.solution))

    def anew(self, had: Choice | None) -> Choice:
        found = self.timed(ANEW, lambda: self.owner.plan.anew(self.network))
        self.owner._last_anew = self.owner.number
        self.owner._tried = list(range(self.owner.plan.ways(self.network)))
        return self.taken(had, found)

    def taken(self, had: Choice | None, found: Choice) -> Choice:
        if had is not None and not found.value < had.value:
            return had._replace(rest=found.rest)
        self.changed = True
        return found

    def go(self, choice: Choice, far: bool, jumped: bool) -> Choice:
        owner = self.owner
        if self.given is not None:
            return self.follow(choice)
        if self.made == [ANEW]:
            self.rest = True
            return choice
        known = not self.made and owner._tried  # the same network, which was decided anew
        if (not choice.feasible and not known) or (far and owner.overrun):  # whatever it takes
            choice = self.anew(choice)
        elif jumped and owner.overrun:
            choice = self.improved(choice, 0)
            if owner._jumped(choice.value):
                choice = self.anew(choice)
        due = jumped or (bool(self.made) and owner.number - owner._last_anew >= owner.period)
        if due and ANEW not in self.made and self.fits(ANEW):
            choice = self.anew(choice)
        while True:
            way = self.next_way() if choice.feasible else None
            if way is None:
                self.rest = True
                break
            if not self.fits("improve"):
                self.forget()
                break
            choice = self.improved(choice, way)
        return choice

    def improved(self, choice: Choice, way: int) -> Choice:
        owner = self.owner
        found = self.timed(way, lambda: owner.plan.improved(self.network, choice, way))
        gain = (choice.value - found.value) / max(abs(found.value), 1e-300)
        owner._wins[way] = 0.9 * owner._wins[way] + 0.1 * gain
        if gain > 0:
            self.changed = True
        if found.rest or not gain > GAIN:
            owner._tried.append(way)
        if gain > GAIN and way != 0:  # from better beams the way on is open again
            owner._tried = [one for one in owner._tried if one != 0]
        return found

    def next_way(self) -> int | None:
        """The way that gained most of late among those that were not tried to their end on this network."""
        owner = self.owner
        left = [way for way in range(owner.plan.ways(self.network)) if way not in owner._tried]
        return max(left, key=lambda way: (owner._wins[way], -way), default=None)

    def follow(self, choice: Choice) -> Choice:
        """The moves of a log."""
        assert self.given is not None
        for move in list(self.given)[len(self.made) :]:
            choice = self.anew(choice) if move == ANEW else self.improved(choice, int(move))
        return choice


def _mask(present: Any) -> np.ndarray | None:
    return None if present is None else np.asarray(present)


def _kind(network: Any) -> Any:
    leaves, structure = jax.tree.flatten(network)
    return structure, tuple((np.shape(leaf), getattr(leaf, "dtype", type(leaf))) for leaf in leaves)


def _same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)
