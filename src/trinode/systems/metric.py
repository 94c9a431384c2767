"""What the metrics of a system's reports are, in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

LETTERS = {"K": "terminal", "M": "access point", "S": "subcarrier", "T": "target", "Q": "target", "A": "antenna"}
"""What the axes of metrics go over."""


@dataclass(frozen=True)
class Metric:
    """One entry of ``Report.metrics``; its unit is what its name ends in.

    Attributes
    ----------
    meaning : str
        One line for people.
    dims : tuple of str
        A letter per axis, of :data:`LETTERS`.
    needs : str
        The parameter without which it is not there; empty where it always is.
    """

    meaning: str
    dims: tuple[str, ...] = ()
    needs: str = ""


def there(metrics: Mapping[str, Metric], params: Any) -> list[str]:
    """Names of the metrics of networks of these parameters."""
    return [name for name, one in metrics.items() if not one.needs or getattr(params, one.needs) is not None]
