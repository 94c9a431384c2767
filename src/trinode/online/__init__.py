"""Slot after slot: channels that move, and a decision for each within a budget of time."""

from trinode.online.controller import Controller, Slot
from trinode.online.log import replay
from trinode.online.motion import aged, ageing, correlation, walking, way_points
from trinode.online.plans import SYSTEMS, silenced
from trinode.online.tracks import Track, along, read_track, write_track

__all__ = [
    "SYSTEMS",
    "Controller",
    "Slot",
    "Track",
    "aged",
    "ageing",
    "along",
    "correlation",
    "read_track",
    "replay",
    "silenced",
    "walking",
    "way_points",
    "write_track",
]
