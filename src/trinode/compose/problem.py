"""A problem: an objective, constraints, and the parts that they speak of."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

import equinox as eqx
import jax
import numpy as np

from trinode.compose.expression import (
    Constant,
    Constraint,
    Expression,
    Largest,
    Product,
    Quantity,
    Smallest,
    Sum,
    expression,
)
from trinode.compose.part import Part, Place, with_fields
from trinode.errors import InputError


class Minimize:
    """The objective is to be small.

    Parameters
    ----------
    objective : Expression
        A single number.
    """

    minimise = True

    def __init__(self, objective: Any) -> None:
        self.expression = expression(objective)
        if self.expression.shape:
            raise InputError(
                "objective",
                f"{self.expression} of shape {self.expression.shape}",
                "a single number: largest, smallest or total of it",
            )

    def __str__(self) -> str:
        return f"{type(self).__name__.lower()} {self.expression}"


class Maximize(Minimize):
    """The objective is to be large.

    Parameters
    ----------
    objective : Expression
        One number.
    """

    minimise = False


class Program(eqx.Module):
    """A problem as programs see it: arrays, and a structure that can be compared.

    Attributes
    ----------
    parts : tuple of Part
        Each after those that it builds on, which its fields name by their places.
    constants : tuple of arrays
        The numbers of objective and constraints.
    objective : Expression
    minimise : bool
    constraints : tuple of Constraint
    """

    parts: tuple[Part, ...]
    constants: tuple[Any, ...]
    objective: Expression = eqx.field(static=True)
    minimise: bool = eqx.field(static=True)
    constraints: tuple[Constraint, ...] = eqx.field(static=True)

    @property
    def size(self) -> int:
        """Number of real variables."""
        return sum(part.size for part in self.parts)

    def decide(self, x: Any) -> list[dict[str, Any]]:
        """The decisions of all parts that variables stand for."""
        ends = np.cumsum([part.size for part in self.parts])[:-1]
        return [part.decide(own) for part, own in zip(self.parts, jax.numpy.split(x, ends))]


class _Origins:
    """The parts as a person wrote them, so that an answer can be asked in their words; no part of the structure."""

    def __init__(self, parts: Sequence[Part], objective: Minimize, constraints: Sequence[Constraint]) -> None:
        self.parts, self.objective, self.constraints = tuple(parts), objective, tuple(constraints)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Origins)

    def __hash__(self) -> int:
        return 0

    def __repr__(self) -> str:
        return ""


@jax.tree_util.register_pytree_node_class
class Problem:
    """An objective under constraints.

    Parameters
    ----------
    objective : Minimize or Maximize
        What is wanted.
    constraints : iterable of Constraint
        Comparisons of expressions.

    Raises
    ------
    InputError
        An objective that nothing can change, or what is no constraint.
    """

    def __init__(self, objective: Minimize, constraints: Iterable[Constraint] = ()) -> None:
        if not isinstance(objective, Minimize):
            raise InputError("objective", objective, "Minimize(...) or Maximize(...) of an expression")
        if isinstance(constraints, Constraint):
            constraints = [constraints]
        constraints = list(constraints)
        for index, one in enumerate(constraints):
            if not isinstance(one, Constraint):
                raise InputError(f"constraints[{index}]", one, "a comparison of expressions with <= or >=")
        builder = _Builder()
        wanted = builder.place(objective.expression)
        stated = tuple(dataclasses.replace(_taken_apart(one), name="") for one in constraints)
        stated = tuple(
            dataclasses.replace(one, left=builder.place(one.left), right=builder.place(one.right)) for one in stated
        )
        if not any(isinstance(node, Quantity) for node in wanted.walk()):
            raise InputError("objective", objective.expression, "an expression of quantities that a decision changes")
        if not sum(part.size for part in builder.parts):
            raise InputError("objective", objective.expression, "quantities of parts that have something to decide")
        asked = _asked(builder.parts, [wanted, *(side for one in stated for side in (one.left, one.right))])
        parts = tuple(part.asked(names) for part, names in zip(builder.parts, asked, strict=True))
        self.program = Program(parts, tuple(builder.constants), wanted, objective.minimise, stated)
        self.origins = _Origins(builder.origins, objective, constraints)

    def tree_flatten(self) -> tuple[tuple[Program], _Origins]:
        """For JAX: the program is what holds arrays."""
        return (self.program,), self.origins

    @classmethod
    def tree_unflatten(cls, origins: _Origins, children: tuple[Program]) -> Problem:
        """For JAX."""
        made = object.__new__(cls)
        made.program, made.origins = children[0], origins
        return made

    def placed(self, asked: Expression) -> Expression:
        """An expression in this problem's places.

        Parameters
        ----------
        asked : Expression
            Of parts that the problem was stated with.

        Returns
        -------
        Expression

        Raises
        ------
        InputError
            A part of it does not stand in this problem.
        """

        def leaf(node: Expression) -> Expression:
            if not isinstance(node, Quantity):
                raise InputError(
                    str(asked), "numbers of its own", "quantities of the problem's parts and what is made of them"
                )
            for index, part in enumerate(self.origins.parts):
                if part is node.part:
                    return dataclasses.replace(node, part=index)
            alike = [index for index, part in enumerate(self.program.parts) if type(part) is type(node.part)]
            if len(alike) == 1:  # of another problem of the same structure
                return dataclasses.replace(node, part=alike[0])
            raise InputError(str(node), "a part that does not stand in this problem", "parts of the problem")

        return asked.placed(leaf)

    def __str__(self) -> str:
        lines = [str(self.origins.objective)]
        for place, one in enumerate(self.origins.constraints):
            lines.append(("  subject to  " if not place else "              ") + str(one))
        for part in self.origins.parts:
            lines.append(f"  {part.word}: {part}")
        return "\n".join(lines)

    __repr__ = __str__


def _taken_apart(one: Constraint) -> Constraint:
    """The largest below a limit is all below it, and the smallest above one all above it."""
    left, right = one.left, one.right
    if isinstance(left, Smallest) and left.axis is None:
        left = left.of
    if isinstance(right, Largest) and right.axis is None:
        right = right.of
    if left.shape and right.shape and (left is not one.left) + (right is not one.right) == 2:
        return one  # every pair would have to be compared
    return _without_differences(dataclasses.replace(one, left=left, right=right))


def _without_differences(one: Constraint) -> Constraint:
    """What is subtracted stands on the other side, so that both are positive and may be compared by their ratio."""
    if one.left.positive and one.right.positive:
        return one
    sides = _terms(one.left), _terms(one.right)
    if sides[0] is None or sides[1] is None:
        return one
    (more, less), (other_less, other_more) = sides[0], sides[1]
    left, right = more + other_more, less + other_less
    return dataclasses.replace(one, left=_sum(left), right=_sum(right)) if left and right else one


def _terms(node: Expression) -> tuple[list[Expression], list[Expression]] | None:
    """What is added and what is subtracted, each never negative; None where that is not known."""
    if node.positive:
        return [node], []
    if isinstance(node, Constant):
        return ([], [_negative(node)]) if node.sign < 0 else None
    if isinstance(node, Sum):
        each = [_terms(term) for term in node.terms]
        known = [one for one in each if one is not None]
        if len(known) < len(each):
            return None
        return [term for one in known for term in one[0]], [term for one in known for term in one[1]]
    if isinstance(node, Product):
        for number, other in ((node.left, node.right), (node.right, node.left)):
            found = _terms(other) if isinstance(number, Constant) and number.sign else None
            if found is not None and isinstance(number, Constant):
                size = number if number.sign > 0 else _negative(number)
                more: list[Expression] = [Product(size, term) for term in found[0]]
                less: list[Expression] = [Product(size, term) for term in found[1]]
                return (more, less) if number.sign > 0 else (less, more)
    return None


def _negative(number: Constant) -> Constant:
    return dataclasses.replace(number, number=-number.number, sign=-number.sign)


def _sum(terms: list[Expression]) -> Expression:
    return terms[0] if len(terms) == 1 else Sum(tuple(terms))


def _asked(parts: Sequence[Part], stated: Sequence[Expression]) -> list[frozenset[str]]:
    """Names of the quantities of each part that a problem or another part speaks of."""
    fields = [getattr(part, entry.name) for part in parts for entry in dataclasses.fields(part)]
    trees = [*stated, *(one for one in fields if isinstance(one, Expression))]
    named = [node for tree in trees for node in tree.walk() if isinstance(node, Quantity)]
    return [frozenset(node.name for node in named if node.part == place) for place in range(len(parts))]


class _Builder:
    """Puts parts and numbers in their places."""

    def __init__(self) -> None:
        self.origins: list[Part] = []
        self.parts: list[Part] = []
        self.constants: list[Any] = []

    def place(self, tree: Expression) -> Expression:
        def leaf(node: Expression) -> Expression:
            if isinstance(node, Constant):
                self.constants.append(np.asarray(node.number, float))
                return dataclasses.replace(node, number=len(self.constants) - 1, text="")
            if isinstance(node, Quantity):
                return dataclasses.replace(node, part=self.part(node.part))
            raise InputError("expression", node, "quantities of parts, numbers, and what is made of them")

        return tree.placed(leaf)

    def part(self, part: Part) -> int:
        for index, known in enumerate(self.origins):
            if known is part:
                return index
        changed: dict[str, Any] = {}
        for entry in dataclasses.fields(part):
            value = getattr(part, entry.name)
            if isinstance(value, Part):
                changed[entry.name] = Place(self.part(value))
            elif isinstance(value, Expression):
                changed[entry.name] = self.place(value)
        self.origins.append(part)
        self.parts.append(with_fields(part, changed))
        return len(self.parts) - 1
