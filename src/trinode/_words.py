"""What people type: numbers as they write them, and the names that they may have meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import SequenceMatcher

SYNONYMS = {
    "user": "terminal",
    "users": "terminals",
    "ue": "terminal",
    "ues": "terminals",
    "equipment": "terminal",
    "device": "terminal",
    "devices": "terminals",
    "mobile": "terminal",
    "bs": "ap",
    "station": "ap",
    "aps": "access_points",
    "bss": "access_points",
    "stations": "access_points",
    "cells": "access_points",
    "cluster": "serving",
    "cpu": "frequency",
    "clock": "frequency",
    "rate": "bps",
    "deadline": "latency_max",
    "delay": "latency",
    "snr": "sinr",
    "rcs": "cross_section",
    "workload": "cycles",
    "kappa": "capacitance",
    "tones": "subcarriers",
    "carriers": "subcarriers",
    "backhaul": "fronthaul",
    "fronthaul": "backhaul",
    "mse": "pattern_mse",
}
"""Words of the field, as parts of a name, and what trinode calls them; `docs/glossary.md` says more."""

LETTERS = {"k": "terminals", "m": "access_points", "l": "access_points", "s": "subcarriers", "n": "ap_antennas"}
"""What papers call sizes by one letter."""

CLOSE = 0.6
"""Likeness from which on a name may be meant."""


def number(text: str) -> int | float | None:
    """A number as people write it: ``20e6``, ``1.0e6``, ``1_000``, ``.5``, ``010`` is ten; None where it is none.

    Without a decimal point a whole number is an integer, ``1e3`` too.
    """
    plain = text.strip().lower().replace(".inf", "inf").replace(".nan", "nan")
    try:
        value = float(plain)
    except ValueError:
        return None
    return int(value) if "." not in plain and value.is_integer() and abs(value) < 2**53 else value


def nearest(name: object, known: Iterable[str], most: int = 3) -> list[str]:
    """The known names that a wrong one may stand for, the likeliest first."""
    asked = str(name).strip().lower().replace("-", "_").replace(" ", "_")
    for prefix in ("number_of_", "num_", "n_"):
        if asked.startswith(prefix):
            asked = asked.removeprefix(prefix).rstrip("s") + "s"
    forms = {asked, LETTERS.get(asked, asked), "_".join(SYNONYMS.get(word, word) for word in asked.split("_"))}
    likeness = {one: max(_likeness(form, one.lower().replace("-", "_")) for form in forms) for one in known}
    least = max(CLOSE, max(likeness.values(), default=0.0) - 0.15)
    close = [one for one in likeness if likeness[one] >= least]
    return sorted(close, key=lambda one: -likeness[one])[:most]


def one_of(name: object, known: Iterable[str]) -> str:
    """What is allowed in place of an unknown name, after what may have been meant."""
    names = list(known)
    near = nearest(name, names)
    return (f"did you mean {' or '.join(near)}? else " if near else "") + "one of " + ", ".join(names)


def _likeness(asked: str, known: str) -> float:
    """From 0 to 1: by letters, or by how many of the words that were asked for are in the known name."""
    words, others = set(asked.split("_")) - {""}, set(known.split("_"))
    shared = len(words & others) / len(words) if words else 0.0
    by_words = 0.8 * shared - 0.01 * len(others)
    return max(SequenceMatcher(None, asked, known).ratio(), by_words)
