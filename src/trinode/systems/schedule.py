"""How networks go through compiled programs. Nothing here changes a decision, only how soon it comes."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field, fields
from math import inf
from typing import Any


def static_fields(params: Any) -> Hashable:
    """The parameters that are no numbers to a program."""
    return tuple(getattr(params, entry.name) for entry in fields(params) if entry.metadata.get("static"))


@dataclass(frozen=True)
class Schedule:
    """Of one system.

    Attributes
    ----------
    judged, bounded : int
        How many networks are drawn and judged, or bounded, by one program together on a CPU.
    fewer : mapping
        Scheme to ``fewer(part, scenarios)``: how many of these shapes go through its program together, where the
        scheme's own ``part`` is the most.
    repaid : mapping
        Scheme to ``repaid(params)``: from how many networks on it is worth compiling its program well even in a sweep
        that is asked to compile quickly; never where absent.
    multiples : mapping
        Letters of the schemas whose sizes are rounded up to a multiple before a scheme or bound sees a network, so that
        sizes that people sweep share programs. The places that are added hold zeros: antennas that hear and send
        nothing. Schemes of the host see the network as it is.
    sizes : callable
        ``sizes(params)``: equal for parameters whose networks a scheme solves by the same program.
    """

    judged: int = 4
    bounded: int = 1
    fewer: Mapping[str, Callable[[int, Any], int]] = field(default_factory=dict)
    repaid: Mapping[str, Callable[[Any], float]] = field(default_factory=dict)
    multiples: Mapping[str, int] = field(default_factory=dict)
    sizes: Callable[[Any], Hashable] = static_fields

    def part(self, scheme: Any, scenarios: Any) -> int:
        """How many of these networks go through a scheme's program together on a CPU."""
        return self.fewer[scheme.name](scheme.part, scenarios) if scheme.name in self.fewer else scheme.part

    def repaid_at(self, scheme: str, params: Any) -> float:
        """From how many networks of these parameters on a scheme's program is worth compiling well."""
        return self.repaid[scheme](params) if scheme in self.repaid else inf
