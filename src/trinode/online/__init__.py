"""Slot after slot: channels that move, and a decision for each within a budget of time."""

from trinode.online.controller import Controller, Slot
from trinode.online.log import replay
from trinode.online.motion import CARRIER_HZ, aged, ageing, check_walks, correlation, walking, way_points
from trinode.online.plans import SYSTEMS, link_gain, silenced
from trinode.online.quotas import Quotas, acted, action_shape, quotas
from trinode.online.tracks import Track, along, read_track, write_track

__all__ = [
    "CARRIER_HZ",
    "SYSTEMS",
    "Controller",
    "Quotas",
    "Slot",
    "Track",
    "acted",
    "action_shape",
    "aged",
    "ageing",
    "along",
    "check_walks",
    "correlation",
    "link_gain",
    "quotas",
    "read_track",
    "replay",
    "silenced",
    "walking",
    "way_points",
    "write_track",
]
