"""What a model is written in: named quantities of parts, numbers, and what is made of them.

An expression is a tree. While a person writes it, its leaves hold the parts and the numbers themselves; a problem
replaces them by places in its own lists (:meth:`Expression.placed`), so that what is left is structure: it can be
compared, and programs are found by it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, ClassVar, Protocol, runtime_checkable

import jax
import numpy as np

from trinode.compose.units import NUMBER, Unit
from trinode.errors import InputError

Shape = tuple[int, ...]


@runtime_checkable
class At(Protocol):
    """Where expressions are evaluated: numbers by the places that a problem gave them."""

    xp: Any

    def quantity(self, part: Any, name: str) -> Any:
        """A quantity of a part."""
        ...

    def constant(self, place: Any) -> Any:
        """A number."""
        ...

    def extreme(self, node: Any, values: Any, axis: int | None, *, smallest: bool, positive: bool) -> Any:
        """The largest or smallest of values, exactly or by a smooth stand-in."""
        ...


class Expression:
    """A number or an array of numbers that a decision determines; see :class:`Quantity` for where they come from.

    Written with ``+``, ``-``, ``*``, ``/``, ``[...]`` and the functions of this module. ``<=`` and ``>=`` give a
    :class:`Constraint`.
    """

    __array_ufunc__: ClassVar[None] = None  # arrays leave the arithmetic to this class

    def __init_subclass__(cls) -> None:
        jax.tree_util.register_static(cls)

    @property
    @abstractmethod
    def shape(self) -> Shape:
        """Shape of the array."""

    @property
    @abstractmethod
    def unit(self) -> Unit:
        """Its unit."""

    @property
    def positive(self) -> bool:
        """Whether it is never below zero, whatever is decided."""
        return False

    @abstractmethod
    def value(self, at: At) -> Any:
        """The numbers.

        Parameters
        ----------
        at : At
            Where quantities and constants are looked up.
        """

    def magnitude(self, at: At) -> Any:
        """How large the numbers are that it is made of, in its shape: of a difference, as large as its terms.

        Parameters
        ----------
        at : At
            As in :meth:`value`.
        """
        return at.xp.abs(self.value(at))

    def parts(self) -> tuple[Expression, ...]:
        """The expressions that this one is made of."""
        found = [getattr(self, entry.name) for entry in fields(self)]  # type: ignore[arg-type]
        return tuple(one for entry in found for one in (entry if isinstance(entry, tuple) else (entry,)) if _is(one))

    def walk(self) -> Iterator[Expression]:
        """This expression and all below it, those below first."""
        for part in self.parts():
            yield from part.walk()
        yield self

    def placed(self, leaf: Callable[[Expression], Expression]) -> Expression:
        """The same tree with other leaves.

        Parameters
        ----------
        leaf : callable
            From a leaf to the one in its place.
        """
        changed = {}
        for entry in fields(self):  # type: ignore[arg-type]
            value = getattr(self, entry.name)
            if isinstance(value, Expression):
                changed[entry.name] = value.placed(leaf)
            elif isinstance(value, tuple) and any(map(_is, value)):
                changed[entry.name] = tuple(one.placed(leaf) for one in value)
        return replace(self, **changed) if changed else leaf(self)  # type: ignore[type-var]

    def __add__(self, other: Any) -> Expression:
        return Sum((self, expression(other)))

    def __radd__(self, other: Any) -> Expression:
        return Sum((expression(other), self))

    def __sub__(self, other: Any) -> Expression:
        return self + -1 * expression(other)

    def __rsub__(self, other: Any) -> Expression:
        return expression(other) + -1 * self

    def __neg__(self) -> Expression:
        return -1 * self

    def __mul__(self, other: Any) -> Expression:
        return Product(self, expression(other))

    def __rmul__(self, other: Any) -> Expression:
        return Product(expression(other), self)

    def __truediv__(self, other: Any) -> Expression:
        return Ratio(self, expression(other))

    def __rtruediv__(self, other: Any) -> Expression:
        return Ratio(expression(other), self)

    def __getitem__(self, index: Any) -> Expression:
        return Entry(self, index if isinstance(index, tuple) else (index,))

    def __ge__(self, other: Any) -> Constraint:
        return Constraint(self, _compared(other, self))

    def __le__(self, other: Any) -> Constraint:
        return Constraint(_compared(other, self), self)

    def __bool__(self) -> bool:
        raise InputError(
            "constraint", "a comparison used as a truth value", "a list of constraints, one comparison each"
        )

    def __iter__(self) -> Iterator[Expression]:
        if not self.shape:
            raise InputError(str(self), "a single number taken apart", "an expression with an axis")
        return (self[index] for index in range(self.shape[0]))


def _compared(value: Any, other: Expression) -> Expression:
    """What an expression is compared with; mere numbers are in its unit."""
    return value if isinstance(value, Expression) else expression(value, str(other.unit))


def _is(value: Any) -> bool:
    return isinstance(value, Expression)


@dataclass(frozen=True)
class Quantity(Expression):
    """A quantity of a part, by its name.

    Attributes
    ----------
    part : object
        The part, or its place in the problem.
    name : str
        Its name, as in ``answer[name]``.
    """

    part: Any
    name: str
    size: Shape
    measure: Unit
    owner: str = ""

    @property
    def shape(self) -> Shape:
        return self.size

    @property
    def unit(self) -> Unit:
        return self.measure

    @property
    def positive(self) -> bool:
        return True

    def value(self, at: At) -> Any:
        return at.quantity(self.part, self.name)

    def __str__(self) -> str:
        return f"{self.owner}.{self.name}"


@dataclass(frozen=True)
class Constant(Expression):
    """Numbers that the model gives; a problem keeps them, so that other values need no compilation.

    ``sign`` is 1 where none is below zero, -1 where none is above, else 0, and part of the structure.
    """

    number: Any
    size: Shape
    measure: Unit = NUMBER
    sign: int = 0
    text: str = ""

    @property
    def shape(self) -> Shape:
        return self.size

    @property
    def unit(self) -> Unit:
        return self.measure

    @property
    def positive(self) -> bool:
        return self.sign > 0

    def value(self, at: At) -> Any:
        return at.constant(self.number)

    def __str__(self) -> str:
        return self.text


def expression(value: Any, unit: str = "1") -> Expression:
    """Numbers as an expression; what is one already stays.

    Raises
    ------
    InputError
        It is neither, or not finite.
    """
    if isinstance(value, Expression):
        return value
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        raise InputError("expression", value, "a quantity of a part, or numbers") from None
    if not np.all(np.isfinite(array)):
        raise InputError("number", value, "finite numbers")
    measure = Unit.of(unit)
    text = f"{array:.6g}" if array.ndim == 0 else f"numbers{list(array.shape)}"
    text += "" if measure.plain else f" {measure}"
    sign = 1 if np.all(array >= 0) else -1 if np.all(array <= 0) else 0
    return Constant(array, array.shape, measure, sign, text)


def number(value: Any, unit: str) -> Expression:
    """Numbers with a unit: ``number(0.1, "s/J")`` is a weight that turns joules into seconds.

    Parameters
    ----------
    value : array_like
        Finite numbers.
    unit : str
        As in :meth:`trinode.compose.units.Unit.of`.

    Raises
    ------
    InputError
        No number, or no unit.
    """
    return expression(value, unit)


@dataclass(frozen=True)
class Sum(Expression):
    """Terms of one unit added up."""

    terms: tuple[Expression, ...]

    def __post_init__(self) -> None:
        same_unit("+", *self.terms)
        _broadcast("+", *self.terms)

    @property
    def shape(self) -> Shape:
        return _broadcast("+", *self.terms)

    @property
    def unit(self) -> Unit:
        return self.terms[0].unit

    @property
    def positive(self) -> bool:
        return all(term.positive for term in self.terms)

    def value(self, at: At) -> Any:
        total = self.terms[0].value(at)
        for term in self.terms[1:]:
            total = total + term.value(at)
        return total

    def magnitude(self, at: At) -> Any:
        total = self.terms[0].magnitude(at)
        for term in self.terms[1:]:
            total = total + term.magnitude(at)
        return total

    def __str__(self) -> str:
        return " + ".join(map(str, self.terms))


@dataclass(frozen=True)
class Product(Expression):
    """Two factors."""

    left: Expression
    right: Expression

    def __post_init__(self) -> None:
        _broadcast("*", self.left, self.right)

    @property
    def shape(self) -> Shape:
        return _broadcast("*", self.left, self.right)

    @property
    def unit(self) -> Unit:
        return self.left.unit * self.right.unit

    @property
    def positive(self) -> bool:
        return self.left.positive and self.right.positive

    def value(self, at: At) -> Any:
        return self.left.value(at) * self.right.value(at)

    def magnitude(self, at: At) -> Any:
        return self.left.magnitude(at) * self.right.magnitude(at)

    def __str__(self) -> str:
        return f"{_inner(self.left)} * {_inner(self.right)}"


@dataclass(frozen=True)
class Ratio(Expression):
    """One over the other."""

    top: Expression
    bottom: Expression

    def __post_init__(self) -> None:
        _broadcast("/", self.top, self.bottom)

    @property
    def shape(self) -> Shape:
        return _broadcast("/", self.top, self.bottom)

    @property
    def unit(self) -> Unit:
        return self.top.unit / self.bottom.unit

    @property
    def positive(self) -> bool:
        return self.top.positive and self.bottom.positive

    def value(self, at: At) -> Any:
        return self.top.value(at) / self.bottom.value(at)

    def magnitude(self, at: At) -> Any:
        return self.top.magnitude(at) / at.xp.abs(self.bottom.value(at))

    def __str__(self) -> str:
        return f"{_inner(self.top)} / {_inner(self.bottom)}"


@dataclass(frozen=True)
class Entry(Expression):
    """Some of the numbers."""

    of: Expression
    index: tuple[Any, ...]

    def __post_init__(self) -> None:
        try:
            np.empty(self.of.shape)[self.index]
        except (IndexError, TypeError, ValueError):
            raise InputError(
                str(self.of), f"the index {list(self.index)}", f"an index of shape {self.of.shape}"
            ) from None
        if not all(isinstance(one, int | np.integer | slice) or one is None or one is Ellipsis for one in self.index):
            raise InputError(str(self.of), f"the index {list(self.index)}", "integers and slices")

    def __hash__(self) -> int:  # slices have a hash from Python 3.12 on only
        return hash((self.of, repr(self.index)))

    @property
    def shape(self) -> Shape:
        return np.empty(self.of.shape)[self.index].shape

    @property
    def unit(self) -> Unit:
        return self.of.unit

    @property
    def positive(self) -> bool:
        return self.of.positive

    def value(self, at: At) -> Any:
        return self.of.value(at)[self.index]

    def magnitude(self, at: At) -> Any:
        return self.of.magnitude(at)[self.index]

    def __str__(self) -> str:
        shown = ", ".join(str(one) if not isinstance(one, slice) else ":" for one in self.index)
        return f"{_inner(self.of)}[{shown}]"


@dataclass(frozen=True)
class Total(Expression):
    """All numbers added up."""

    of: Expression

    @property
    def shape(self) -> Shape:
        return ()

    @property
    def unit(self) -> Unit:
        return self.of.unit

    @property
    def positive(self) -> bool:
        return self.of.positive

    def value(self, at: At) -> Any:
        return at.xp.sum(self.of.value(at))

    def magnitude(self, at: At) -> Any:
        return at.xp.sum(self.of.magnitude(at))

    def __str__(self) -> str:
        return f"total({self.of})"


@dataclass(frozen=True)
class _Extreme(Expression):
    """The largest or smallest of the numbers, of all of them or along an axis."""

    of: Expression
    axis: int | None = None

    def __post_init__(self) -> None:
        if self.axis is not None and not 0 <= self.axis < len(self.of.shape):
            raise InputError(str(self.of), f"axis {self.axis}", f"None, or an axis of shape {self.of.shape}")

    @property
    def shape(self) -> Shape:
        return () if self.axis is None else tuple(np.delete(self.of.shape, self.axis).tolist())

    @property
    def unit(self) -> Unit:
        return self.of.unit

    @property
    def positive(self) -> bool:
        return self.of.positive

    def value(self, at: At) -> Any:
        smallest = isinstance(self, Smallest)
        return at.extreme(self, self.of.value(at), self.axis, smallest=smallest, positive=self.of.positive)

    def magnitude(self, at: At) -> Any:
        return at.xp.max(self.of.magnitude(at), axis=self.axis)

    def __str__(self) -> str:
        along = "" if self.axis is None else f", axis={self.axis}"
        return f"{type(self).__name__.lower()}({self.of}{along})"


@dataclass(frozen=True)
class Largest(_Extreme):
    """The largest of the numbers."""


@dataclass(frozen=True)
class Smallest(_Extreme):
    """The smallest of the numbers."""


@dataclass(frozen=True)
class Log(Expression):
    """The natural logarithm, of a mere number; ``log1p`` is ``ln(1 + x)``."""

    of: Expression
    plus_one: bool = False

    def __post_init__(self) -> None:
        if not self.of.unit.plain:
            raise InputError("log", f"{self.of} in {self.of.unit}", "a mere number: divide by a number of that unit")

    @property
    def shape(self) -> Shape:
        return self.of.shape

    @property
    def unit(self) -> Unit:
        return NUMBER

    @property
    def positive(self) -> bool:
        return self.plus_one and self.of.positive

    def value(self, at: At) -> Any:
        return (at.xp.log1p if self.plus_one else at.xp.log)(self.of.value(at))

    def magnitude(self, at: At) -> Any:
        size = at.xp.abs(self.value(at))  # a logarithm tells by how much its number changes, relatively
        return size if self.plus_one else at.xp.maximum(size, 1.0)

    def __str__(self) -> str:
        return f"ln(1 + {self.of})" if self.plus_one else f"ln({self.of})"


def total(of: Any, weights: Any = None) -> Expression:
    """The (weighted) sum of an expression's numbers.

    Parameters
    ----------
    of : Expression
        Its numbers are added up, whatever their shape.
    weights : array_like or Expression, optional
        One for each number, or for all; 1 if absent.

    Returns
    -------
    Expression
        One number.
    """
    of = expression(of)
    return Total(of if weights is None else expression(weights) * of)


def largest(of: Any, axis: int | None = None) -> Expression:
    """The largest of an expression's numbers, of all or along an axis.

    Parameters
    ----------
    of : Expression
    axis : int, optional
        Along which it is taken; over everything if absent.

    Returns
    -------
    Expression
    """
    return Largest(expression(of), axis)


def smallest(of: Any, axis: int | None = None) -> Expression:
    """The smallest of an expression's numbers, of all or along an axis.

    Parameters
    ----------
    of : Expression
    axis : int, optional
        Along which it is taken; over everything if absent.

    Returns
    -------
    Expression
    """
    return Smallest(expression(of), axis)


def log(of: Any) -> Expression:
    """Natural logarithm; ``total(log(rate))`` is proportional fairness.

    Parameters
    ----------
    of : Expression
        Numbers above 0, entry by entry.

    Returns
    -------
    Expression
        Without a unit: that of its argument only shifts it.
    """
    return Log(expression(of))


def log1p(of: Any) -> Expression:
    """Natural logarithm of one more, ``ln(1 + x)``.

    Parameters
    ----------
    of : Expression
        Numbers without a unit, entry by entry.

    Returns
    -------
    Expression
    """
    return Log(expression(of), plus_one=True)


def db(value: Any) -> np.ndarray:
    """The linear value of a number of decibels.

    Parameters
    ----------
    value : array_like
        dB.

    Returns
    -------
    ndarray
    """
    return 10.0 ** (np.asarray(value, dtype=float) / 10)


@dataclass(frozen=True)
class Constraint:
    """``left >= right``, entry by entry."""

    left: Expression
    right: Expression
    name: str = ""
    __array_ufunc__: ClassVar[None] = None

    def __post_init__(self) -> None:
        same_unit(">=", self.left, self.right)
        _broadcast(">=", self.left, self.right)

    @property
    def shape(self) -> Shape:
        return _broadcast(">=", self.left, self.right)

    def named(self, name: str) -> Constraint:
        """The same under a name of one's own."""
        return replace(self, name=name)

    def __bool__(self) -> bool:
        raise InputError(
            "constraint", "a comparison used as a truth value", "one comparison per constraint, without `and` or chains"
        )

    def __str__(self) -> str:
        if isinstance(self.left, Constant):
            return f"{self.right} <= {self.left}"
        return f"{self.left} >= {self.right}"


jax.tree_util.register_static(Constraint)


def same_unit(sign: str, *terms: Expression) -> None:
    """Refuse terms of different units.

    Raises
    ------
    InputError
        Names the two terms and their units.
    """
    for term in terms[1:]:
        if term.unit != terms[0].unit and not _zero(term) and not _zero(terms[0]):
            first, other = terms[0], term
            raise InputError(
                f"{first} {sign} {other}",
                f"{first.unit} {sign} {other.unit}",
                f'one unit; a weight may carry one: tn.number(0.1, "{first.unit / other.unit}")',
            )


def _zero(term: Expression) -> bool:
    return isinstance(term, Constant) and isinstance(term.number, np.ndarray) and not np.any(term.number)


def _broadcast(sign: str, *terms: Expression) -> Shape:
    try:
        return np.broadcast_shapes(*(term.shape for term in terms))
    except ValueError:
        shown = f" {sign} ".join(f"{term} of shape {term.shape}" for term in terms)
        raise InputError("shapes", shown, "shapes that fit each other") from None


def _inner(of: Expression) -> str:
    return f"({of})" if isinstance(of, Sum) else str(of)


__all__: Sequence[str] = [
    "Constant",
    "Constraint",
    "Expression",
    "Quantity",
    "db",
    "expression",
    "largest",
    "log",
    "log1p",
    "number",
    "smallest",
    "total",
]
