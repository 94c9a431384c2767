"""What rounding leaves in files of other people: entries a little below 0, shares a little above 1, matrices that are
not quite Hermitian. Within a tolerance relative to their size they are repaired, and every repair is told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from trinode.channels.files import Field

ROUNDING = 1e-9
"""How much is forgiven: part of an array's largest entry, of 1 for shares, of a matrix' largest entry."""
NOTHING = 1e-14
"""What any sum of doubles may be off by; it is left as it is."""


class RoundingWarning(UserWarning):
    """A file was read whose rounding had to be repaired."""


@dataclass(frozen=True)
class Repair:
    """What was repaired in an array.

    Attributes
    ----------
    array, what : str
        Its name, and what was done.
    count : int
        How many entries, sums or matrices.
    size : float
        By how much the worst was off, relatively.
    """

    array: str
    what: str
    count: int
    size: float

    def __str__(self) -> str:
        return f"{self.array}: {self.count} {self.what}, off by at most {self.size:.2g}, relatively"


def repaired(name: str, field: Field, array: np.ndarray) -> tuple[np.ndarray, list[Repair]]:
    """The array without what rounding left, as far as it is within the tolerance; the rest is for others to refuse."""
    made: list[Repair] = []
    if array.size and np.all(np.isfinite(array)):
        array = array.copy()
        with np.errstate(over="ignore", invalid="ignore"):  # what is that large is refused afterwards
            each = (*_signs(field, array), *_sums(field, array), *_matrices(field, array))
        made = [Repair(name, *one) for one in each]
    return array, made


def _signs(field: Field, array: np.ndarray) -> Iterator[tuple[str, int, float]]:
    """Negative entries of what may not be negative become 0."""
    share = field.share is not None
    if not share and field.sign != "nonnegative":
        return
    scale = 1.0 if share else np.abs(array).max()
    low = (array < (-NOTHING if share else 0.0)) & (array >= -ROUNDING * scale)
    if low.any():
        size = -array[low].min() / scale
        array[low] = 0.0
        yield "entries below 0 set to 0", int(low.sum()), float(size)


def _sums(field: Field, array: np.ndarray) -> Iterator[tuple[str, int, float]]:
    """Shares that add up to more than 1 are divided by their sum."""
    if field.share is None:
        return
    axes = tuple(field.dims.index(letter) for letter in field.share)
    total = array.sum(axis=axes, keepdims=True)
    high = (total > 1 + NOTHING) & (total <= 1 + ROUNDING)
    if high.any():
        array /= np.where(high, total, 1.0)
        what = "sums above 1 brought to 1" if axes else "entries above 1 set to 1"
        yield what, int(high.sum()), float(total[high].max() - 1)


def _matrices(field: Field, array: np.ndarray) -> Iterator[tuple[str, int, float]]:
    """Matrices become their Hermitian part."""
    if not field.hermitian:
        return
    mirror: Any = array.conj().transpose(field.hermitian)
    axes = tuple(axis for axis, other in enumerate(field.hermitian) if axis != other)
    scale = np.abs(array).max(axis=axes, keepdims=True)
    off = np.abs(array - mirror).max(axis=axes, keepdims=True) / np.where(scale > 0, scale, 1.0)
    skew = (off > NOTHING) & (off <= ROUNDING)
    if skew.any():
        np.copyto(array, (array + mirror) / 2, where=skew)
        yield "matrices made Hermitian", int(skew.sum()), float(off[skew].max())
