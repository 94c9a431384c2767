"""Convex limits on what any decision reaches, in CVXPY, compiled once per structure.

Each part states in :meth:`~trinode.compose.part.Part.relax` a convex set that holds all its decisions, and for its
quantities concave limits from above, convex ones from below, or exact sets where a quantity is compared with a number.
The rules of CVXPY check that what is put together is convex, and that numbers enter so that nothing is compiled twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import cvxpy as cp
import numpy as np

from trinode.compose import expression as ex
from trinode.compose.expression import Expression
from trinode.compose.problem import Program


class NoBound(Exception):
    """Why there is none."""


@dataclass(frozen=True)
class Data:
    """What numbers are computed from.

    Attributes
    ----------
    program : Program
    at : Scope, optional
        A decision, good or not: it tells how large quantities are, so that solvers see numbers of order one.
    level : float
        What is asked of the objective.
    """

    program: Program
    at: Any = None
    level: float = np.nan


Number = Callable[[Data], Any]


@dataclass
class Limits:
    """What is known of a quantity, whatever is decided.

    Attributes
    ----------
    upper, lower : CVXPY expression, optional
        Concave and never below it; convex and never above it; both in units of ``scale``. Or what builds it, where it
        needs variables or constraints of its own.
    scale : callable
        ``scale(data)``, a number or an array.
    at_least, at_most : callable, optional
        ``at_least(number)`` gives convex constraints that hold wherever the quantity is at least the number (of its
        shape, above 0); ``at_most(number)`` where it is at most the number.
    """

    upper: Any = None
    lower: Any = None
    scale: Number = lambda data: 1.0
    at_least: Callable[[Number], list[Any]] | None = None
    at_most: Callable[[Number], list[Any]] | None = None


@dataclass
class View:
    """What parts write their relaxations into.

    Attributes
    ----------
    program : Program
        For sizes and structure alone; numbers enter through :meth:`number`.
    covariances : bool
        Whether beams are to be seen through their covariances, which have more limits and cost more.
    stretch : CVXPY expression
        Factor on all power limits.
    """

    program: Program
    covariances: bool
    stretch: Any
    constraints: list[Any] = field(default_factory=list)
    _stated: dict[tuple[int, str], Callable[[], Limits]] = field(default_factory=dict)
    _built: dict[tuple[int, str], Limits] = field(default_factory=dict)
    _bared: dict[tuple[int, str], tuple[Any, Any]] = field(default_factory=dict)
    numbers: list[tuple[Any, Number]] = field(default_factory=list)
    place: int = 0
    shared: dict[tuple[int, str], Any] = field(default_factory=dict)

    def number(self, shape: tuple[int, ...], compute: Number, **kind: Any) -> Any:
        """A CVXPY parameter whose value is ``compute(data)``."""
        parameter = cp.Parameter(shape, **kind)
        self.numbers.append((parameter, compute))
        return parameter

    @property
    def own(self) -> Callable[[Data], Any]:
        """``own(data)`` is the part that is stating its limits now, with the numbers of ``data``."""
        place = self.place
        return lambda data: data.program.parts[place]

    def state(self, name: str, build: Callable[[], Limits]) -> None:
        """What is known of a quantity of the part that is stating its limits; built where a problem speaks of it."""
        self._stated[self.place, name] = build

    def known(self, quantity: ex.Quantity) -> Limits:
        """What is known of a quantity."""
        key = (quantity.part, quantity.name)
        if key not in self._built:
            self._built[key] = self._stated[key]() if key in self._stated else Limits()
        return self._built[key]

    def limit(self, quantity: ex.Quantity, side: int) -> Any:
        """Its limit from above (1) or from below (-1), without numbers; None where none is known."""
        key = (quantity.part, quantity.name)
        if key not in self._bared:  # not before it is asked for: a variable that nothing needs still costs accuracy
            found = self.known(quantity)
            built = [one() if callable(one) else one for one in (found.upper, found.lower)]
            above, below = self.bare(built[0], -1), self.bare(built[1], 1)
            if found.upper is found.lower and above is not None:
                self.constraints.append(above == below)
            self._bared[key] = above, below
        return self._bared[key][side < 0]

    def bare(self, limit: Any, side: int) -> Any:
        """A variable in place of an expression with numbers: numbers of the objective come on top."""
        if limit is None or not limit.parameters():
            return limit
        bare = cp.Variable(limit.shape)
        self.constraints.append(bare >= limit if side > 0 else bare <= limit)
        return bare

    def share(self, name: str, value: Any) -> None:
        """Hand something to parts that build on this one."""
        self.shared[self.place, name] = value

    def of(self, place: Any, name: str) -> Any:
        """What a part handed over.

        Raises
        ------
        NoBound
            It did not.
        """
        if (place.index, name) not in self.shared:
            raise NoBound(f"the {self.program.parts[place.index].word} states no {name}")
        return self.shared[place.index, name]

    def fill(self, data: Data) -> None:
        """Give all parameters their values."""
        for parameter, compute in self.numbers:
            parameter.value = compute(data)


def stated(program: Program, covariances: bool) -> View:
    """The limits of all parts."""
    view = View(program, covariances, cp.Variable(nonneg=True))
    for place, part in enumerate(program.parts):
        view.place = place
        part.relax(view)
    return view


def upper(node: Expression, view: View, times: Number) -> Any:
    """A concave expression that is nowhere below ``times`` an expression; ``times`` is above 0."""
    return _limit(node, view, 1, times)


def lower(node: Expression, view: View, times: Number) -> Any:
    """A convex expression that is nowhere above ``times`` an expression."""
    return _limit(node, view, -1, times)


def _limit(node: Expression, view: View, side: int, times: Number) -> Any:
    """Numbers are gathered in ``times`` on the way down and meet the variables once, at the leaves."""
    shape = node.shape

    def factor(compute: Number, positive: bool = True) -> Any:
        kind = {"nonneg": True} if positive else {}
        return view.number(shape, lambda data: np.broadcast_to(compute(data), shape), **kind)

    match node:
        case _ if _fixed(node):
            return factor(lambda data: times(data) * _number(node, data), False)
        case ex.Quantity():
            known, found = view.known(node), view.limit(node, side)
            if found is None:
                raise NoBound(f"nothing convex is known that {node} is never {'above' if side > 0 else 'below'}")
            return cp.multiply(factor(lambda data: times(data) * known.scale(data)), found)
        case ex.Sum():
            return sum(
                (_limit(term, view, side, times) for term in node.terms[1:]), _limit(node.terms[0], view, side, times)
            )
        case ex.Product() if _fixed(node.left) or _fixed(node.right):
            number, other = (node.left, node.right) if _fixed(node.left) else (node.right, node.left)
            sign = _sign(number)
            if not sign:
                raise NoBound(f"{node} has a number that may be of either sign")
            if other.shape != shape:
                raise NoBound(f"{node} spreads {other} over another shape")
            return sign * _limit(other, view, side * sign, lambda data: times(data) * np.abs(_number(number, data)))
        case ex.Ratio() if _fixed(node.bottom) and _sign(node.bottom) > 0 and node.top.shape == shape:
            return _limit(node.top, view, side, lambda data: times(data) / _number(node.bottom, data))
        case ex.Ratio() if _fixed(node.top) and _sign(node.top) > 0 and side < 0 and node.bottom.shape == shape:
            size = size_of(node.bottom)
            below = view.bare(_limit(node.bottom, view, 1, lambda data: 1 / size(data)), -1)
            return cp.multiply(
                factor(lambda data: times(data) * _number(node.top, data) / size(data)), cp.inv_pos(below)
            )
        case ex.Entry():

            def spread(data: Data) -> Any:
                whole = np.ones(node.of.shape)
                whole[node.index] = times(data)
                return whole

            return _limit(node.of, view, side, spread)[node.index]
        case ex.Total():
            return cp.sum(_limit(node.of, view, side, times))
        case ex.Largest():
            return cp.max(_limit(node.of, view, side, _along(node, times)), axis=node.axis)
        case ex.Smallest():
            return cp.min(_limit(node.of, view, side, _along(node, times)), axis=node.axis)
        case ex.Log() if node.plus_one:
            inner = view.bare(_limit(node.of, view, side, lambda data: 1.0), -side)
            return cp.multiply(factor(times), cp.log1p(inner))
        case ex.Log():
            size = size_of(node.of)
            inner = view.bare(_limit(node.of, view, side, lambda data: 1 / size(data)), -side)
            return cp.multiply(factor(times), cp.log(inner)) + factor(
                lambda data: times(data) * np.log(size(data)), False
            )
    raise NoBound(f"no convex limit of {node} is known")


def _along(node: Any, number: Number) -> Number:
    """A number per extreme, for all that it is taken of."""

    def spread(data: Data) -> Any:
        value = np.asarray(number(data))
        value = value if node.axis is None or not value.ndim else np.expand_dims(value, node.axis)
        return np.broadcast_to(value, node.of.shape)

    return spread


def size_of(node: Expression) -> Number:
    """How large the entries of an expression are, by the decision at hand; never 0."""

    def measure(data: Data) -> Any:
        value = np.abs(np.asarray(node.value(data.at)))
        top = np.max(value)
        return np.maximum(value, 1e-9 * top) if top > 0 else np.ones_like(value)

    return measure


def _fixed(node: Expression) -> bool:
    return not any(isinstance(one, ex.Quantity) for one in node.walk())


def _sign(node: Expression) -> int:
    if isinstance(node, ex.Constant):
        return node.sign
    return 1 if node.positive else 0


class _Numbers:
    """Where expressions without quantities get their numbers."""

    xp = np

    def __init__(self, data: Data) -> None:
        self.data = data

    def constant(self, place: int) -> Any:
        return np.asarray(self.data.program.constants[place])

    def quantity(self, part: Any, name: str) -> Any:
        raise NoBound("a number that depends on the decision")

    def extreme(self, node: Any, values: Any, axis: int | None, *, smallest: bool, positive: bool) -> Any:
        return np.min(values, axis=axis) if smallest else np.max(values, axis=axis)


def _number(node: Expression, data: Data) -> Any:
    return np.asarray(node.value(_Numbers(data)))


def at_least(node: Expression, number: Number, view: View) -> list[Any]:
    """Convex constraints that hold wherever an expression is at least a number; increasing functions are undone."""
    match node:
        case ex.Smallest():
            return at_least(node.of, _along(node, number), view)
        case ex.Product() if _fixed(node.left) and _sign(node.left) > 0:
            return at_least(
                node.right, lambda d: np.broadcast_to(number(d) / _number(node.left, d), node.right.shape), view
            )
        case ex.Product() if _fixed(node.right) and _sign(node.right) > 0:
            return at_least(
                node.left, lambda d: np.broadcast_to(number(d) / _number(node.right, d), node.left.shape), view
            )
        case ex.Ratio() if _fixed(node.bottom) and _sign(node.bottom) > 0:
            return at_least(
                node.top, lambda d: np.broadcast_to(number(d) * _number(node.bottom, d), node.top.shape), view
            )
        case ex.Ratio() if is_ratio(node) and node.top.shape == node.bottom.shape:
            return [beyond(node, number, view) >= 0]
        case ex.Log():
            return at_least(node.of, lambda d: np.exp(number(d)) - (1.0 if node.plus_one else 0.0), view)
        case ex.Quantity():
            known = view.known(node)
            if known.at_least is not None:
                return known.at_least(number)

    def scaled(data: Data) -> Any:
        return np.where(number(data) == 0, 1.0, np.abs(number(data)))

    sign = view.number(node.shape, lambda data: np.broadcast_to(np.sign(number(data)), node.shape))
    return [upper(node, view, lambda data: 1 / scaled(data)) >= sign]


def at_most(node: Expression, number: Number, view: View) -> list[Any]:
    """Convex constraints that hold wherever an expression is at most a number; increasing functions are undone."""
    match node:
        case ex.Largest():
            return at_most(node.of, _along(node, number), view)
        case ex.Product() if (factor := _factor(node)) is not None:
            scale, other = factor
            return at_most(other, lambda d: np.broadcast_to(number(d) / _number(scale, d), other.shape), view)
        case ex.Ratio() if _fixed(node.bottom) and _sign(node.bottom) > 0:
            return at_most(
                node.top, lambda d: np.broadcast_to(number(d) * _number(node.bottom, d), node.top.shape), view
            )
        case ex.Quantity():
            known = view.known(node)
            if known.at_most is not None:
                return known.at_most(number)
    raise NoBound(f"nothing convex is known of where {node} is small")


def exact_from_above(node: Expression, view: View) -> bool:
    """Whether it is known by sets where an expression is at most a level."""
    match node:
        case ex.Largest():
            return exact_from_above(node.of, view)
        case ex.Product() if (factor := _factor(node)) is not None:
            return exact_from_above(factor[1], view)
        case ex.Ratio():
            return _fixed(node.bottom) and _sign(node.bottom) > 0 and exact_from_above(node.top, view)
        case ex.Quantity():
            return view.known(node).at_most is not None
    return False


def _factor(node: ex.Product) -> tuple[Expression, Expression] | None:
    """The positive number in a product, and what it is multiplied with."""
    for number, other in ((node.left, node.right), (node.right, node.left)):
        if _fixed(number) and _sign(number) > 0:
            return number, other
    return None


def is_ratio(node: Expression) -> bool:
    """Whether what is decided stands below the line, and both sides are positive."""
    return isinstance(node, ex.Ratio) and not _fixed(node.bottom) and node.top.positive and node.bottom.positive


def beyond(node: Any, level: Number, view: View) -> Any:
    """By how much at most the top of a ratio exceeds so many times its bottom, in units of the top (Dinkelbach)."""
    size = size_of(node.top)
    most = upper(node.top, view, lambda data: 1 / size(data))
    return most - lower(node.bottom, view, lambda data: np.maximum(level(data), 0.0) / size(data))


def exact_from_below(node: Expression, view: View) -> bool:
    """Whether the level of an expression is compared by the sets of its quantities and not by looser limits."""
    match node:
        case ex.Smallest():
            return exact_from_below(node.of, view)
        case ex.Product():
            return any(
                _fixed(one) and _sign(one) > 0 and exact_from_below(other, view)
                for one, other in ((node.left, node.right), (node.right, node.left))
            )
        case ex.Ratio():
            return _fixed(node.bottom) and _sign(node.bottom) > 0 and exact_from_below(node.top, view)
        case ex.Log():
            return exact_from_below(node.of, view)
        case ex.Quantity():
            return view.known(node).at_least is not None
    return False


def constraint(one: ex.Constraint, view: View) -> list[Any]:
    """Convex constraints that hold wherever a constraint of the problem does."""
    left, right = one.left, one.right
    if _fixed(left) and exact_from_above(right, view):
        return at_most(right, lambda data: np.broadcast_to(_number(left, data), one.shape), view)
    if _fixed(right):
        return at_least(left, lambda data: np.broadcast_to(_number(right, data), one.shape), view)
    sizes = [size_of(side) for side in (left, right)]

    def times(data: Data) -> Any:
        return 1 / np.max([np.max(size(data)) for size in sizes])

    return [upper(left, view, times) >= lower(right, view, times)]
