"""Prices of the echo requirements: the dual of the coupled beam step, by a projected Newton method."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

FLAT = 1e-200
"""Bend of the dual over the largest from which on it is scaled: what rounding leaves of none must not overflow."""


class Dual(NamedTuple):
    """Value of the dual function, its gradient (the violations) and its Hessian, summed over the stations."""

    value: float
    violation: Any
    slope: Any


def maximise(
    ask: Callable[[Any], Dual], start: Any, asked: Any, tolerance: float, max_rounds: int = 60
) -> tuple[Any, bool]:
    """Maximise a concave dual function over prices of at least 0; every call of ``ask`` is a round of messages.

    Parameters
    ----------
    asked : (K,) bool
        Radars that require anything; the others cost nothing.
    tolerance : float
        On the violations, and on the slack of what has a price.

    Returns
    -------
    prices, met
        ``met`` says whether the last prices that were asked for are optimal to the tolerance.
    """
    price = np.where(asked, np.maximum(start, 0.0), 0.0)
    now = ask(price)
    for _ in range(max_rounds):
        free = asked & ((price > 0) | (now.violation > 0))
        off = np.where(price > 0, np.abs(now.violation), np.maximum(now.violation, 0.0))
        if not np.any(off[asked] > tolerance):
            return price, True
        bend = now.slope[np.ix_(free, free)]
        scale = np.sqrt(np.maximum(-np.diagonal(bend), FLAT * np.max(np.abs(bend), initial=0.0)))
        scale = np.where(scale > 0, scale, 1.0)
        damped = -bend / scale[:, None] / scale[None, :] + 1e-12 * np.eye(len(bend))
        step = np.zeros_like(price)
        step[free] = np.linalg.lstsq(damped, now.violation[free] / scale, rcond=None)[0] / scale
        length, taken = 1.0, False
        for _ in range(30):
            ahead = np.where(free, np.maximum(price + length * step, 0.0), 0.0)
            then = ask(ahead)
            gained = then.value - now.value
            if gained >= 1e-4 * float(now.violation @ (ahead - price)) - 1e-13 * abs(now.value):
                price, now, taken = ahead, then, True
                break
            length *= 0.3
        if not taken:
            break
    if np.any(now.violation[asked] > tolerance):
        return price, False
    ask(price)
    return price, True
