"""A decision and all that follows from it: where the expressions of a problem get their numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from trinode.compose.expression import Expression
from trinode.compose.part import Place

if TYPE_CHECKING:
    from trinode.compose.problem import Program

Corner = Callable[..., Any]


class Scope:
    """The quantities of all parts at one decision.

    Parameters
    ----------
    program : Program
        The problem.
    decisions : sequence of mappings
        Of each part.
    xp : module
        ``jax.numpy`` on the fast path, ``numpy`` where the answer is judged.
    corner : callable, optional
        ``corner(node, values, axis, smallest, positive)`` stands in for the largest or smallest; exact if absent.
    """

    def __init__(
        self, program: Program, decisions: Sequence[Mapping[str, Any]], xp: Any, corner: Corner | None = None
    ) -> None:
        self.program, self.decisions, self.xp, self._corner = program, decisions, xp, corner
        self.values: list[dict[str, Any]] = []
        for part, decision in zip(program.parts, decisions, strict=True):
            # parts come after those that they build on
            self.values.append(part.judged(decision, self) if xp.__name__ == "numpy" else part.values(decision, self))

    def part(self, place: Any) -> Any:
        """The part that a field of another one stands for."""
        return self.program.parts[_index(place)]

    def decision(self, place: Any) -> Mapping[str, Any]:
        """Its decision."""
        return self.decisions[_index(place)]

    def quantity(self, part: Any, name: str) -> Any:
        """A quantity of a part."""
        return self.values[_index(part)][name]

    def constant(self, place: int) -> Any:
        """A number of the model."""
        return self.program.constants[place]

    def extreme(self, node: Any, values: Any, axis: int | None, *, smallest: bool, positive: bool) -> Any:
        """The largest or smallest of values, of all or along an axis."""
        if self._corner is not None:
            return self._corner(node, values, axis, smallest, positive)
        return self.xp.min(values, axis=axis) if smallest else self.xp.max(values, axis=axis)

    def largest(self, name: str, values: Any, axis: int | None = None) -> Any:
        """The largest of values that are never below zero, within a part: ``name`` tells its largests apart."""
        return self.extreme((len(self.values), name), values, axis, smallest=False, positive=True)

    def __call__(self, of: Expression) -> Any:
        """The numbers of an expression."""
        return of.value(self)


def _index(place: Any) -> int:
    return place.index if isinstance(place, Place) else place
