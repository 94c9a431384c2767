"""Schemes of the energy system: one file each (the benchmarks of one fixed share are together)."""

from trinode.systems.energy.schemes.fixed import FullLocal, FullOffload, HalfOffload
from trinode.systems.energy.schemes.joint import Joint
from trinode.systems.energy.schemes.ofdma import Ofdma
from trinode.systems.energy.schemes.robust import Robust
from trinode.systems.energy.schemes.sca_admm import ScaAdmm
from trinode.systems.energy.schemes.unweighted import Unweighted

SCHEMES = {
    scheme.name: scheme
    for scheme in (Joint(), ScaAdmm(), Unweighted(), FullLocal(), FullOffload(), HalfOffload(), Ofdma(), Robust())
}
"""By name; the first is the default."""
