"""Airs with requirements, objectives and works: each pair is refused by name, or solved and judged apart."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

PATH = Path(__file__).parents[2] / "benchmarks" / "pairs.py"
SPEC = importlib.util.spec_from_file_location("pairs", PATH)
assert SPEC is not None
assert SPEC.loader is not None
fuzz = importlib.util.module_from_spec(SPEC)
sys.modules["pairs"] = fuzz
SPEC.loader.exec_module(fuzz)

OF_UPLINKS, OF_DOWNLINKS = {"echo", "secrecy", "latency"}, {"illumination", "pattern", "scnr", "detection", "angle"}
OF_ONE_TRANSMITTER = {"scnr", "detection", "angle"}


def refused(air: str, requirement: str) -> bool:
    if air.startswith("powers"):
        return requirement in OF_DOWNLINKS | OF_UPLINKS - {"latency"}
    if air.startswith("uplink"):
        return requirement in OF_DOWNLINKS
    return requirement in OF_UPLINKS - {"latency"} or (air.startswith("downlink") and requirement in OF_ONE_TRANSMITTER)


@pytest.mark.parametrize("pair", [*fuzz.pairs()], ids=" | ".join)
def test_every_pair_is_stated_or_refused_by_name(pair):
    made = fuzz.stated(*pair)
    assert isinstance(made, str) == refused(*pair[:2])
    assert not isinstance(made, str) or made.partition(":")[0] in {"air", "rate_bps"}


@pytest.mark.parametrize("pair", [each for each in fuzz.pairs() if not refused(*each[:2])][::15], ids=" | ".join)
def test_a_share_of_them_is_solved_and_judged_apart(pair):
    """All of them: ``python benchmarks/pairs.py``."""
    ended, found = fuzz.outcome(*fuzz.stated(*pair), bound=False)
    assert not found
    assert ended.startswith(("converged", "iteration limit"))
