"""The fairness paper's own algorithm on CVXPY and Clarabel: slow, plain, an oracle and a yardstick.

Equation numbers are those of Nguyen et al., "Latency Fairness for MEC-Enabled Cell-free massive MIMO: ICA- and AI-based
Approaches". Needs the extra ``reference``.
"""

from trinode.reference.fairness._ica import IcaResult, ica

__all__ = ["IcaResult", "ica"]
