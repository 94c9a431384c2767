"""A look at a network or at channels before anything is solved: what they are like, and what is likely a slip."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from trinode._words import one_of
from trinode.channels.files import Schema
from trinode.channels.look.seen import Seen, seen
from trinode.channels.look.slips import SLIPS, db, found, phase_alignment
from trinode.errors import InputError

__all__ = ["SLIPS", "Look", "Slip", "look"]

WORDS = {"S": "subcarrier", "K": "terminal", "M": "access point", "A": "antenna each", "T": "antenna of a terminal"}
PLURALS = {"A": "antennas each", "T": "antennas of a terminal"}
Quartiles = tuple[float, float, float]


@dataclass(frozen=True)
class Slip:
    """What is likely not meant: its name, by which it is silenced, and a sentence with the number that tells."""

    name: str
    text: str

    def __str__(self) -> str:
        return f"{self.name}: {self.text}"


@dataclass(frozen=True)
class Look:
    """What a network or channels are like; its text is what commands print.

    Attributes
    ----------
    sizes : dict
        Letters and sizes: S subcarriers, K terminals, M access points, A antennas of one, T antennas of a terminal.
    gain_db : tuple of float
        Quartiles of the gain of links that are not blocked, the mean over pairs of antennas; NaN where all are.
    snr_db : tuple of float or None
        Quartiles of the SNR at full power, over terminals, at their strongest access point, from one antenna to one.
    blocked : float
        Share of links that are zero.
    alignment : float
        Length of the mean of the links' phases: 1 where all are alike, one over the root of their number where they are
        independent.
    plane : float or None
        Median over the links of the share of power in their strongest pair of directions: near 1 in line of sight, and
        less the more a link is scattered; None of single antennas.
    filled : tuple of str
        Arrays of a network that were left open.
    slips : tuple of Slip
        What is likely not meant.
    """

    sizes: dict[str, int]
    gain_db: Quartiles
    snr_db: Quartiles | None
    blocked: float
    alignment: float
    plane: float | None
    filled: tuple[str, ...]
    slips: tuple[Slip, ...]

    def __str__(self) -> str:
        counts = [f"{n} {_word(letter, n)}" for letter, n in self.sizes.items() if letter != "S" or n > 1]
        links = self.sizes["K"] * self.sizes["M"]
        lines = [
            ", ".join(counts),
            f"gain of links: {_spread(self.gain_db)}; {self.blocked:.0%} blocked",
            "SNR at full power, strongest access point: "
            + (_spread(self.snr_db) if self.snr_db else "power or noise open"),
            f"phases of links: mean of length {self.alignment:.2f} ({links**-0.5:.2f} where they are independent)",
        ]
        if self.plane is not None:
            lines.append(f"strongest pair of directions: {self.plane:.0%} of a link's power")
        lines += [f"left open, and filled: {', '.join(self.filled)}"] if self.filled else []
        lines += [f"likely a slip, {slip}" for slip in self.slips] or ["no slips seen"]
        return "\n".join(lines)


def look(thing: Any, schema: Schema | None = None, silence: Iterable[str] = ()) -> Look:
    """Look at a network or at channels.

    Parameters
    ----------
    thing : Channels, TracedChannels or Scenario
        What :func:`trinode.channels.read` or a ray tracer hands out; a network goes with its schema.
    schema : mapping, optional
        The system's ``scenario_schema``, of a network.
    silence : iterable of str
        Names of slips that are none here.

    Raises
    ------
    InputError
        An unknown name of a slip, or a network without channels.
    """
    hushed = (silence,) if isinstance(silence, str) else tuple(silence)
    for name in hushed:
        if name not in SLIPS:
            raise InputError("silence", name, one_of(name, SLIPS))
    s = seen(thing, schema)
    snr = None if s.snr is None else s.snr.max(axis=1)[s.linked.any(axis=1)]
    return Look(
        sizes=s.letters,
        gain_db=_quartiles(s.gain[s.linked]),
        snr_db=None if snr is None else _quartiles(snr),
        blocked=float(1 - s.linked.mean()),
        alignment=phase_alignment(s)[0],
        plane=_plane(s),
        filled=tuple(s.filled),
        slips=tuple(Slip(*one) for one in found(s, hushed)),
    )


def _quartiles(values: np.ndarray) -> Quartiles:
    if not values.size:
        return (np.nan, np.nan, np.nan)
    low, middle, high = np.percentile(db(values), (25, 50, 75))
    return float(low), float(middle), float(high)


def _plane(s: Seen) -> float | None:
    """Power in the strongest pair of directions, over all; of one subcarrier."""
    if 1 in s.channel.shape[3:] or not s.linked.any():
        return None
    size = np.linalg.svd(s.channel[0][s.linked], compute_uv=False) ** 2
    whole = size.sum(axis=1)
    return float(np.median(size[whole > 0, 0] / whole[whole > 0])) if np.any(whole > 0) else None


def _spread(quartiles: Quartiles) -> str:
    low, middle, high = quartiles
    return f"{middle:.1f} dB ({low:.1f} to {high:.1f} dB in the middle half)"


def _word(letter: str, count: int) -> str:
    return WORDS[letter] if count == 1 else PLURALS.get(letter, f"{WORDS[letter]}s")
