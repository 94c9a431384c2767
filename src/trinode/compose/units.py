"""Units of quantities, so that seconds are not added to joules."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

from trinode.errors import InputError

_BASES = {
    "s": {"s": 1},
    "Hz": {"s": -1},
    "W": {"W": 1},
    "J": {"W": 1, "s": 1},
    "bit": {"bit": 1},
    "cycle": {"cycle": 1},
    "rad": {"rad": 1},
    "m": {"m": 1},
    "1": {},
}
_USUAL = (
    "1",
    "s",
    "Hz",
    "W",
    "J",
    "bit",
    "bit/s",
    "bit/J",
    "cycle",
    "cycle/s",
    "cycle/bit",
    "rad",
    "rad^2",
    "m",
    "s/J",
)


@dataclass(frozen=True)
class Unit:
    """A product of powers of base units (second, watt, bit, cycle, radian, metre); compared as such.

    Attributes
    ----------
    powers : tuple of (str, int)
        Base units with their exponents, sorted, none of them zero.
    """

    powers: tuple[tuple[str, int], ...] = ()

    @staticmethod
    def of(text: str) -> Unit:
        """Read a unit as people write it: ``bit/s``, ``s/J``, ``bit/s/Hz``, ``rad^2``, ``1``.

        Raises
        ------
        InputError
            A word in it is no unit.
        """
        found: Counter[str] = Counter()
        for place, part in enumerate(text.split("/")):
            for factor in part.split("*"):
                word, _, exponent = factor.strip().partition("^")
                if word not in _BASES or not (exponent.lstrip("-").isdigit() or not exponent):
                    raise InputError("unit", text, "products and ratios of " + ", ".join(_BASES))
                for base, power in _BASES[word].items():
                    found[base] += power * int(exponent or 1) * (1 if place == 0 else -1)
        return Unit._sorted(found)

    @staticmethod
    def _sorted(found: Counter[str]) -> Unit:
        return Unit(tuple(sorted((base, power) for base, power in found.items() if power)))

    def __mul__(self, other: Unit) -> Unit:
        found = Counter(dict(self.powers))
        for base, power in other.powers:
            found[base] += power
        return Unit._sorted(found)

    def __pow__(self, exponent: int) -> Unit:
        return Unit(tuple((base, power * exponent) for base, power in self.powers if exponent))

    def __truediv__(self, other: Unit) -> Unit:
        return self * other**-1

    @property
    def plain(self) -> bool:
        """Whether it is a mere number."""
        return not self.powers

    def __str__(self) -> str:
        usual = _usual().get(self)
        if usual is not None:
            return usual
        above = "*".join(_power(base, power) for base, power in self.powers if power > 0) or "1"
        return "/".join([above, *(_power(base, -power) for base, power in self.powers if power < 0)])


def _power(base: str, exponent: int) -> str:
    return base if exponent == 1 else f"{base}^{exponent}"


@cache
def _usual() -> dict[Unit, str]:
    return {Unit.of(text): text for text in reversed(_USUAL)}


NUMBER = Unit()
