"""Ways to decide in the three-tier system; the first is the default."""

from trinode.systems.contract import Scheme
from trinode.systems.threetier.schemes.centralised import Centralised
from trinode.systems.threetier.schemes.distributed import Distributed, DistributedPlus
from trinode.systems.threetier.schemes.joint import Edge, Joint
from trinode.systems.threetier.schemes.local import Local
from trinode.systems.threetier.schemes.ratio import MaximumRatioSensing, MaximumRatioTransmission

_ALL = (
    Joint(),
    Edge(),
    Local(),
    MaximumRatioTransmission(),
    MaximumRatioSensing(),
    Centralised(),
    Distributed(),
    DistributedPlus(),
)
SCHEMES: dict[str, Scheme] = {scheme.name: scheme for scheme in _ALL}
