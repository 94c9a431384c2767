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
from trinode.online.plans import Choice, Plan, apart_db, plan_of

ANEW, REPAIR, IMPROVE = "anew", "repair", "improve"
"""Moves of a slot; an improvement is told by its way and its rounds."""
REMEMBERED = 100
"""Times of a kind of move by whose second largest it is judged whether another one fits."""
FIXED = 2.0
"""What an improvement takes besides its rounds, in rounds, about."""
EXPLORED = 7
"""Slots after which some of the time is kept for the way that has waited longest."""
GAIN = 1e-4
"""Relative gain of an improvement below which its way counts as tried to the end."""
FORGETTING = 0.99
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
        What was done: ``"repair"``, ``"anew"``, or the way and the rounds of an improvement.
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
        self._made = self._last_anew = 0
        self._value = float("nan")
        self._tried: list[int] = []
        self._ready: set[Any] = set()
        self._times: dict[Any, deque[float]] = defaultdict(lambda: deque(maxlen=REMEMBERED))
        self._wins: dict[int, float] = defaultdict(float)
        self._last: dict[int, int] = defaultdict(int)

    def prepare(self, network: Any, present: Any = None) -> None:
        """Compile everything for networks of this size, so that no step waits for it.

        Parameters
        ----------
        network : Scenario, Problem or what a function takes
            One of the size.
        present : (K,) bool, optional
            As in :meth:`step`.
        """
        admitted = self.plan.admitted(network, _mask(present))
        self._prepared(admitted, _kind(admitted))

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
        kind = _kind(admitted)
        self._prepared(admitted, kind)
        return self._decided(admitted, kind, begun, None)

    def replayed(self, network: Any, moves: tuple[Any, ...]) -> Slot:
        """A step of exactly these moves, whatever they take; the network as :attr:`Slot.network` has it.

        Parameters
        ----------
        network : Scenario or Problem
            As it was decided for.
        moves : tuple
            Of :attr:`Slot.moves`.

        Returns
        -------
        Slot
        """
        return self._decided(network, _kind(network), self._now(), moves)

    def _now(self) -> tuple[float, float, float]:
        return time.perf_counter(), time.process_time(), self.clock()

    def _prepared(self, network: Any, kind: Any) -> None:
        if kind in self._ready:
            return
        fresh = self.plan.anew(network)
        again = self.plan.repaired(network, fresh.solution)
        rounds, way = self.plan.lengths()[-1], min(1, self.plan.ways(network) - 1)
        self.plan.improved(network, again, way, rounds)
        for move, parts, work in (
            (ANEW, 1.0, lambda: self.plan.anew(network)),
            (REPAIR, 1.0, lambda: self.plan.repaired(network, fresh.solution)),
            (IMPROVE, FIXED + rounds, lambda: self.plan.improved(network, again, way, rounds)),
        ):
            begun = self.clock()
            work()
            self._times[kind, move].append((self.clock() - begun) / parts)
        self._ready.add(kind)

    def _decided(
        self, network: Any, kind: Any, begun: tuple[float, float, float], moves: tuple[Any, ...] | None
    ) -> Slot:
        before = self._choice
        same = kind == self._kind and _same(network, self._network)
        if not same:
            self._tried = []
        turn = _Turn(self, network, kind, begun[2], moves)
        choice = turn.kept(before) if same and before is not None else turn.opened(before)
        carried = choice.value if turn.carried else np.nan
        moved = not same and turn.carried
        far = moved and before is not None and apart_db(before.gain, choice.gain) > FAR_DB
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
        self._choice, self._network, self._value, self._kind = choice, network, choice.value, kind
        self.number += 1
        if self.logging:
            self.slots.append(slot)
        return slot

    def _jumped(self, value: float) -> bool:
        return not value <= self._value + JUMP * abs(self._value)

    def save_log(self, path: Any) -> None:
        """Write networks, moves and decisions of all slots, for :func:`trinode.online.replay`.

        Parameters
        ----------
        path : str or Path
            An ``.npz`` file.
        """
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
        name, parts = (move, 1.0) if isinstance(move, str) else (IMPROVE, FIXED + move[1])
        self.owner._times[self.kind, name].append((self.owner.clock() - begun) / parts)
        self.made.append(move)
        return found

    def left(self) -> float:
        """Seconds of the budget."""
        return self.owner.budget_s - (self.owner.clock() - self.begun)

    def takes(self, name: str, parts: float = 1.0) -> float:
        """Seconds of a move."""
        return parts * (sorted(self.owner._times[self.kind, name])[-2:] or [0.0])[0]

    def longest(self, spare: float = 0.0) -> int | None:
        """Most rounds of an improvement that fit, with something to spare; None where none do."""
        left = self.left() - spare
        fitting = [one for one in self.owner.plan.lengths() if self.takes(IMPROVE, FIXED + one) <= left]
        return fitting[-1] if fitting else None

    def forget(self) -> None:
        """What one step took on a busy machine says ever less of the next one."""
        times = self.owner._times[self.kind, IMPROVE]
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
        owner, shortest = self.owner, self.owner.plan.lengths()[0]
        if self.given is not None:
            return self.follow(choice)
        if self.made == [ANEW]:
            self.rest = True
            return choice
        known = not self.made and owner._tried  # the same network, which was decided anew
        if (not choice.feasible and not known) or (far and owner.overrun):  # whatever it takes
            choice = self.anew(choice)
        elif jumped and owner.overrun:
            choice = self.improved(choice, 0, self.longest() or shortest)
            if owner._jumped(choice.value) and not (choice.rest and owner.plan.exact(self.network)):
                choice = self.anew(choice)
        due = jumped or (bool(self.made) and owner.number - owner._last_anew >= owner.period)
        due = due and not owner.plan.exact(self.network)
        if due and ANEW not in self.made and self.takes(ANEW) <= self.left():
            choice = self.anew(choice)
        return self.on(choice)

    def on(self, choice: Choice) -> Choice:
        """Improvements while another one fits."""
        owner, shortest = self.owner, self.owner.plan.lengths()[0]
        curious = owner.number % EXPLORED == 0
        while True:
            last = curious and self.iterations > 0
            way = self.next_way(last) if choice.feasible else None
            if way is None:
                self.rest = True
                return choice
            spare = self.takes(IMPROVE, FIXED + shortest) if curious and not last else 0.0
            rounds = self.longest(spare) or self.longest()
            if rounds is None:
                self.forget()
                return choice
            choice = self.improved(choice, way, rounds)
            curious = curious and not last

    @property
    def iterations(self) -> int:
        """Improvements that were made."""
        return sum(not isinstance(move, str) for move in self.made)

    def improved(self, choice: Choice, way: int, rounds: int) -> Choice:
        owner = self.owner
        found = self.timed((way, rounds), lambda: owner.plan.improved(self.network, choice, way, rounds))
        owner._last[way] = owner.number
        gain = (choice.value - found.value) / max(abs(found.value), 1e-300)
        owner._wins[way] = 0.9 * owner._wins[way] + 0.1 * gain
        if gain > 0:
            self.changed = True
        if found.rest or not gain > GAIN:
            owner._tried.append(way)
        if gain > GAIN and way != 0:  # from better beams the way on is open again
            owner._tried = [one for one in owner._tried if one != 0]
        return found

    def next_way(self, waiting: bool) -> int | None:
        """The way that gained most of late, or that waits longest, of those not tried to their end on this network."""
        owner = self.owner
        left = [way for way in range(owner.plan.ways(self.network)) if way not in owner._tried]
        if waiting:
            return min(left, key=lambda way: (owner._last[way], way), default=None)
        return max(left, key=lambda way: (owner._wins[way], -way), default=None)

    def follow(self, choice: Choice) -> Choice:
        """The moves of a log."""
        assert self.given is not None
        for move in list(self.given)[len(self.made) :]:
            choice = self.anew(choice) if move == ANEW else self.improved(choice, *map(int, move))
        return choice


def _mask(present: Any) -> np.ndarray | None:
    return None if present is None else np.asarray(present)


def _kind(network: Any) -> Any:
    leaves, structure = jax.tree.flatten(network)
    return structure, tuple((np.shape(leaf), getattr(leaf, "dtype", type(leaf))) for leaf in leaves)


def _same(one: Any, other: Any) -> bool:
    """Whether two networks of a kind hold the same numbers."""
    pairs = zip(jax.tree.leaves(one), jax.tree.leaves(other))
    return one is other or all(mine is its or np.array_equal(mine, its) for mine, its in pairs)
