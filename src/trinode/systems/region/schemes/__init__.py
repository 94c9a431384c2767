"""Schemes of the region system: one file each (the closed forms share one)."""

from trinode.systems.region.schemes.bcd import BlockDescent
from trinode.systems.region.schemes.bcd_sca import BlockConvex
from trinode.systems.region.schemes.communication import Communication
from trinode.systems.region.schemes.isac import Isac
from trinode.systems.region.schemes.sensing import Sensing
from trinode.systems.region.schemes.simple import MaximumRatio, ZeroForcing

_ALL = (Isac(), Communication(), Sensing(), BlockDescent(), BlockConvex(), ZeroForcing(), MaximumRatio())
SCHEMES = {scheme.name: scheme for scheme in _ALL}
"""By name; the first is the default."""
