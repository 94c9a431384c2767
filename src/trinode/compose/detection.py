"""How surely targets are detected at the signal-to-noise ratios of their echoes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, final

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from trinode.compose.expression import Expression, Shape
from trinode.compose.part import Numbers, Part, real
from trinode.errors import InputError
from trinode.sensing import detection

if TYPE_CHECKING:
    from trinode.compose.relaxation import View
    from trinode.compose.scope import Scope


@final
class Detection(Part):
    """Probability of detecting targets by an energy test of one decision each, false alarms being that rare.

    ``model`` says how an echo varies from one decision to the next: ``steady``, not at all,
    ``Q_1(sqrt(2 snr), sqrt(-2 ln Pfa))`` with Marcum's Q function; ``swerling-1``, its amplitude is Rayleigh
    distributed, ``Pfa^(1 / (1 + snr))`` (Swerling 1960).

    Parameters
    ----------
    snr : Expression
        Of each decision, linear: ``radar.scnr``, or ``100 * radar.scnr`` where so many pulses are added in phase.
    false_alarm : float
        Probability of a false alarm, between 0 and 1.
    model : str
        ``steady`` or ``swerling-1``.

    Raises
    ------
    InputError
        No expression of a mere number that is never negative, or another argument out of its range.

    Notes
    -----
    Quantities, of the shape of ``snr``: ``detection_probability``, and ``miss_exponent``, which is
    ``-ln(1 - detection_probability)`` and tells probabilities close to 1 apart: ``miss_exponent >= -ln(1e-9)`` is a
    target that is missed once in a thousand million decisions.
    """

    word: ClassVar[str] = "watch"
    snr: Any
    false_alarm: Float[Numbers, ""]
    model: str = eqx.field(static=True)

    def __init__(self, snr: Expression, false_alarm: Any = 1e-6, model: str = "swerling-1") -> None:
        if not isinstance(snr, Expression) or not snr.unit.plain or not snr.positive:
            raise InputError("snr", f"{snr}", "an expression of a mere number that is never negative")
        self.snr = snr
        self.false_alarm = real("false_alarm", false_alarm, (), 0.0, above=True)
        if not self.false_alarm < 1:
            raise InputError("false_alarm", false_alarm, "a probability between 0 and 1")
        if model not in detection.MODELS:
            raise InputError("model", model, "one of " + ", ".join(detection.MODELS))
        self.model = model

    def quantities(self) -> dict[str, tuple[Shape, str]]:
        return {"detection_probability": (self.snr.shape, "1"), "miss_exponent": (self.snr.shape, "1")}

    def values(self, decision: Mapping[str, Any], scope: Scope) -> dict[str, Any]:
        exponent = detection.miss_exponent(scope(self.snr), jnp.asarray(self.false_alarm), self.model)
        return {"detection_probability": -jnp.expm1(-exponent), "miss_exponent": exponent}

    def judged(self, decision: Mapping[str, np.ndarray], scope: Scope) -> dict[str, np.ndarray]:
        exponent = np.vectorize(miss_exponent, otypes=[float])(scope(self.snr), self.false_alarm, self.model)
        return {"detection_probability": -np.expm1(-exponent), "miss_exponent": exponent}

    def relax(self, view: View) -> None:
        """A probability is asked for as the ratio that it takes."""
        from trinode.compose import relaxation as rx

        own = view.own

        def reach(number: rx.Number) -> list[Any]:
            def needed(data: rx.Data) -> np.ndarray:
                part = own(data)
                each = np.vectorize(needed_snr, otypes=[float])
                return np.broadcast_to(each(number(data), part.false_alarm, part.model), self.snr.shape)

            return rx.at_least(self.snr, needed, view)

        def exponent(number: rx.Number) -> rx.Number:
            def asked(data: rx.Data) -> np.ndarray:
                with np.errstate(divide="ignore"):  # what is certain takes all there is
                    return -np.log1p(-np.minimum(number(data), 1.0))

            return asked

        view.state("miss_exponent", lambda: rx.Limits(at_least=reach))
        view.state("detection_probability", lambda: rx.Limits(at_least=lambda number: reach(exponent(number))))

    def __str__(self) -> str:
        return f"detection by {self.snr}, {self.model}, one false alarm in {1 / float(self.false_alarm):.3g}"


def miss_exponent(snr: float, false_alarm: float, model: str) -> float:
    """``-ln(1 - Pd)``, next to the formulas.

    Marcum's Q function is ``exp(-(a^2 + b^2) / 2)`` times the sum of ``(a / b)^n I_n(a b)`` over n from 0 on; one less
    it, times that of ``(b / a)^n I_n(a b)`` over n from 1 on.
    """
    threshold = -np.log(false_alarm)
    if model == "swerling-1":
        u = threshold / (1 + snr)
        return float(-np.log1p(-np.exp(-u)) if u > 1 else -np.log(-np.expm1(-u)))
    from scipy.special import ive  # a quarter of a second of imports

    a, b = np.sqrt(2 * snr), np.sqrt(2 * threshold)
    n = np.arange(60 + int(10 * np.sqrt(a * b)))
    if a < b:
        return float(-np.log1p(-np.exp(-((a - b) ** 2) / 2) * np.sum((a / b) ** n * ive(n, a * b))))
    return float((a - b) ** 2 / 2 - np.log(np.sum(((b / a) ** n * ive(n, a * b))[1:])))


def needed_snr(exponent: float, false_alarm: float, model: str) -> float:
    """The least ratio at which an exponent is reached; 0 where false alarms do, infinite for what is certain."""
    if not np.isfinite(exponent):
        return np.inf
    if exponent <= -np.log1p(-false_alarm):
        return 0.0
    if model == "swerling-1":
        detected = np.log1p(-np.exp(-exponent)) if exponent > 0.7 else np.log(-np.expm1(-exponent))
        return max(np.log(false_alarm) / detected - 1, 0.0) if detected < 0 else np.inf
    high = 1.0
    while miss_exponent(high, false_alarm, model) < exponent:
        high *= 2
    from scipy.optimize import brentq  # half a second of imports, which only those pay who need them

    found: Any = brentq(lambda snr: miss_exponent(snr, false_alarm, model) - exponent, 0.0, high, xtol=1e-14 * high)
    return float(found)
