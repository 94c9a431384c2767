"""How networks of this system go through compiled programs."""

from __future__ import annotations

from trinode.systems.latency.params import LatencyParams
from trinode.systems.latency.scenario import cluster_size
from trinode.systems.schedule import Schedule

MULTIPLES = {"T": 8}
"""Terminals are given antennas that do nothing up to a multiple of eight, so that sizes share programs."""


def sizes(p: LatencyParams) -> tuple[int, ...]:
    """Sizes that a scheme's program depends on."""
    antennas = -(-p.terminal_antennas // MULTIPLES["T"]) * MULTIPLES["T"]
    links = cluster_size(p.serving, p.access_points)
    return p.terminals, p.access_points, p.ap_antennas, antennas, p.radar_antennas, links


def descent_time(p: LatencyParams) -> float:
    """About how long a descent takes, over what it takes at the paper's sizes: by the square of the links."""
    return (p.terminals * cluster_size(p.serving, p.access_points) / 18) ** 2


def _descended(p: LatencyParams) -> float:
    """Fewer where descents take longer, compiling as long whatever the sizes."""
    return 55 / descent_time(p)


SCHEDULE = Schedule(
    repaid={
        **dict.fromkeys(("joint", "mec", "cloud"), _descended),
        "alternating": lambda p: 25 / descent_time(p),
    },
    multiples=MULTIPLES,
    sizes=sizes,
)
