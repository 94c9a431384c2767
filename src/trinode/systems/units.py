"""Units by the ending of a name, and numbers with their unit so that they read well."""

from __future__ import annotations

import math
from collections.abc import Sequence

UNITS = {
    "cycles_per_bit": "cycle/bit",
    "bits_per_hz": "bit/Hz",
    "bps_hz": "bit/s/Hz",
    "dbm_hz": "dBm/Hz",
    "spacing": "wavelengths",
    "bits": "bit",
    "bps": "bit/s",
    "deg": "degrees",
    "dbm": "dBm",
    "rad": "rad",
    "hz": "Hz",
    "db": "dB",
    "m2": "m^2",
    "j": "J",
    "k": "K",
    "m": "m",
    "s": "s",
    "w": "W",
}
"""What a name ends in, the longer endings first."""

_UP = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""))
_DOWN = ((1.0, ""), (1e-3, "m"), (1e-6, "µ"))
_PREFIXES = {"Hz": _UP, "bit/s": _UP, "bit": _UP, "s": _DOWN, "J": _DOWN, "W": (*_DOWN, (1e-9, "n"), (1e-12, "p"))}


def unit_of(name: str) -> str:
    """The unit that a name ends in; empty where it has none."""
    return next((unit for ending, unit in UNITS.items() if name == ending or name.endswith(f"_{ending}")), "")


def readable(value: float, unit: str) -> str:
    """A number with its unit, scaled so that it reads well."""
    return listed([value], unit)


def listed(values: Sequence[float], unit: str, between: str = ", ") -> str:
    """Numbers with one unit behind the last, scaled so that the largest reads well; one where all read alike."""
    largest = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
    factor, prefix = next(((f, p) for f, p in _PREFIXES.get(unit, ()) if largest >= f), (1.0, ""))
    texts = ["-" if math.isnan(value) else f"{value / factor:.4g}" for value in values]
    texts = texts[:1] if len(set(texts)) == 1 else texts
    return f"{between.join(texts)} {prefix}{unit}".rstrip() if any(text != "-" for text in texts) else "-"
