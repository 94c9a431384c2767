"""The latency paper's own algorithms and exact convex pieces, on CVXPY and Clarabel.

Slow on purpose and plain: an oracle and a yardstick for the fast solvers, with which it shares no algorithm.
Equation numbers are those of Peng et al., "Latency-Aware Resource Allocation for Integrated Communications,
Computation, and Sensing in Cell-Free mMIMO Systems". Needs the extra ``reference``.
"""

from trinode.reference.latency.alternation import alternating, cloud_alternating, mec_alternating
from trinode.reference.latency.beams import BeamResult, algorithm2
from trinode.reference.latency.frequency import paper_frequency_step
from trinode.reference.latency.offloading import OffloadingResult, algorithm1
from trinode.reference.latency.relaxation import bound
from trinode.reference.latency.resources import ResourceResult, resource_step
from trinode.reference.latency.sensing import SensingMargin, sensing_feasible, sensing_margin
from trinode.reference.latency.start import feasible_start

__all__ = [
    "BeamResult",
    "OffloadingResult",
    "ResourceResult",
    "SensingMargin",
    "algorithm1",
    "algorithm2",
    "alternating",
    "bound",
    "cloud_alternating",
    "feasible_start",
    "mec_alternating",
    "paper_frequency_step",
    "resource_step",
    "sensing_feasible",
    "sensing_margin",
]
