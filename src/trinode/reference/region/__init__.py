"""The region paper's convex programs on CVXPY: P1 as printed, P2.6 and P3.4 with the algorithms around them.

Slow on purpose: every program is built from the paper's own formulas, so that it shares no code with the schemes.
Needs the extra ``reference``.
"""

from trinode.reference.region.algorithms import algorithm_2, algorithm_3
from trinode.reference.region.programs import p1, p2_6, p3_4

__all__ = ["algorithm_2", "algorithm_3", "p1", "p2_6", "p3_4"]
