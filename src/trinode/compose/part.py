"""A part of a model: an air, a requirement, a work. One class in one file each; a person's own plays the same game."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array

from trinode.compose.expression import Expression, Quantity, Shape
from trinode.compose.units import Unit
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope

Numbers = Array | np.ndarray
"""What a part holds: NumPy's arrays where it is stated, JAX's within programs."""


@dataclass(frozen=True)
class Place:
    """Where in a problem a part stands."""

    index: int


jax.tree_util.register_static(Place)


class NoQuantity(InputError, AttributeError):
    """A part has no such quantity; to Python, no such attribute."""


class Part(eqx.Module):
    """What a model is put together from.

    A part owns variables and says what follows from them. Its fields are the numbers of the model (traced), sizes
    (static), and other parts or expressions that it builds on. Its quantities are attributes:
    ``air.rate`` is an expression.

    Attributes
    ----------
    word : str
        What it is called where it is shown.
    """

    word: ClassVar[str] = "part"

    @abstractmethod
    def quantities(self) -> Mapping[str, tuple[Shape, str]]:
        """Shape and unit of each quantity by name. A quantity is never negative."""

    @property
    def ambiguous(self) -> bool:
        """Whether problems with it have many local optima, so that several starts are worth their time."""
        return False

    @property
    def size(self) -> int:
        """Number of real variables; every value of them is a decision within the part's own limits."""
        return 0

    def decide(self, x: Any) -> dict[str, Any]:
        """The decision that variables stand for: a smooth map, in JAX.

        Parameters
        ----------
        x : (size,) float
            Its variables.

        Returns
        -------
        dict
            Arrays by name.
        """
        return {}

    def asked(self, names: frozenset[str]) -> Part:
        """The part as a problem needs it that asks for these quantities and no others.

        Parameters
        ----------
        names : frozenset of str
            Of :meth:`quantities`.

        Returns
        -------
        Part
            The same, or one that leaves out what nobody asks for.
        """
        return self

    def starts(self, aims: Any, avoided: Any) -> list[Any]:
        """Variables to begin with, in JAX, at least one; what other parts want reached and not reached, or None.

        Parameters
        ----------
        aims, avoided
            What :meth:`aims` and :meth:`avoids` of the other parts say of this air, joined; None where none does.

        Returns
        -------
        list of (size,) float
        """
        return [jax.numpy.zeros(self.size)]

    def aims(self) -> Any:
        """An air, and rows of a channel that its streams without data had better reach, (rows, antennas); or None."""
        return None

    def avoids(self) -> Any:
        """An air, and channels that its streams with data had better not reach, in its own shape; or None."""
        return None

    @abstractmethod
    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        """All quantities of a decision, smoothly, in JAX.

        Parameters
        ----------
        decision : mapping
            What :meth:`decide` gave.
        scope : Scope
            Quantities and decisions of the parts that this one builds on.

        Returns
        -------
        dict
            An array for each name of :meth:`quantities`.
        """

    @abstractmethod
    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        """The same in plain NumPy, next to the equations, for the answer that a person is shown.

        Parameters
        ----------
        decision, scope
            As in :meth:`values`, of NumPy.

        Returns
        -------
        dict
            As of :meth:`values`.
        """

    def shown(self, decision: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The decision as a person asks for it.

        Parameters
        ----------
        decision : mapping
            What :meth:`decide` gave, of NumPy.

        Returns
        -------
        dict
            Arrays by the names under which an answer is asked for them.
        """
        return dict(decision)

    def limits(self, decision: Mapping[str, np.ndarray]) -> dict[str, float]:
        """By how much, relatively, a decision exceeds each of the part's own limits; in NumPy.

        Parameters
        ----------
        decision : mapping
            What :meth:`decide` gave, of NumPy.

        Returns
        -------
        dict
            By name of the limit; at most 0 where it is met.
        """
        return {}

    def relax(self, view: View) -> None:
        """State convex limits on what any decision reaches, see :class:`trinode.compose.relaxation.View`.

        Parameters
        ----------
        view : View
            Of the relaxation that is being stated.
        """

    def __getattr__(self, name: str) -> Expression:
        if name.startswith("_") or name in {entry.name for entry in dataclasses.fields(self)}:
            raise AttributeError(name)
        known = self.quantities()
        if name not in known:
            raise NoQuantity(f"{self.word}.{name}", "a quantity that there is not", "one of " + ", ".join(known))
        shape, unit = known[name]
        return Quantity(self, name, tuple(shape), Unit.of(unit), self.word)


def with_fields(part: Part, changed: dict[str, Any]) -> Part:
    """A copy with other fields, as they are: places are no parts, which checks of fields would refuse."""
    made = object.__new__(type(part))
    for entry in dataclasses.fields(part):
        object.__setattr__(made, entry.name, changed.get(entry.name, getattr(part, entry.name)))
    return made


def real(name: str, value: Any, shape: tuple[int | str, ...], least: float = -np.inf, above: bool = False) -> Any:
    """Check an array of real numbers of a part.

    Parameters
    ----------
    shape : tuple
        Sizes, or letters where any size will do.
    least, above
        No number is lower, or with ``above`` as low.

    Raises
    ------
    InputError
        Names the array, what it is, and what it should be.
    """
    return _checked(name, value, shape, float, least, above)


def complex_(name: str, value: Any, shape: tuple[int | str, ...]) -> Any:
    """Check an array of complex numbers of a part; see :func:`real`."""
    return _checked(name, value, shape, complex, -np.inf, False)


def _checked(name: str, value: Any, shape: tuple[int | str, ...], kind: type, least: float, above: bool) -> Any:
    try:
        array = np.asarray(value)
        if array.dtype.kind not in "iufc" or (kind is float and array.dtype.kind == "c"):
            raise TypeError
        array = array.astype(kind)
    except (TypeError, ValueError):
        raise InputError(name, f"{type(value).__name__}", f"an array of {kind.__name__} numbers") from None
    sizes: dict[str, int] = {}
    fits = array.ndim == len(shape)
    for size, want in zip(array.shape, shape):
        fits &= size == (sizes.setdefault(want, size) if isinstance(want, str) else want)
    if not fits:
        raise InputError(name, f"shape {array.shape}", "shape (" + ", ".join(map(str, shape)) + ")")
    if not np.all(np.isfinite(array)):
        raise InputError(name, "NaN or infinity", "finite numbers")
    if kind is float and (np.any(array < least) or (above and np.any(array <= least))):
        raise InputError(name, float(array.min()), f"numbers {'above' if above else 'of at least'} {least:g}")
    return array
