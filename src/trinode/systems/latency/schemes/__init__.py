"""Schemes of the latency system: one file each (the uniform benchmarks share one)."""

from trinode.systems.latency.schemes.alternating import Alternating
from trinode.systems.latency.schemes.joint import Joint
from trinode.systems.latency.schemes.uniform import Cloud, Local, Mec

SCHEMES = {scheme.name: scheme for scheme in (Joint(), Alternating(), Mec(), Cloud(), Local())}
"""By name; the first is the default."""
