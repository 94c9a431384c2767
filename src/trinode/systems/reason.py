"""Why a decision is infeasible, in words."""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode.systems.contract import System
from trinode.systems.report import FEASIBILITY_TOLERANCE, Report


def reason(system: System, report: Report) -> str:
    """What an infeasible decision breaks most, and where along that constraint."""
    if report.worst_residual <= FEASIBILITY_TOLERANCE:
        return f"the {system.objective_name} is not finite"
    name = str(report.worst_constraint)
    values = np.asarray(report.residuals[name])
    place = f" [{int(np.argmax(values))}]" if values.ndim else ""
    return f"{name}{place} is broken by {float(np.max(values)):.3g}, relatively"


NO_POINT = "no feasible point found, and nothing proves that there is none"


def proved(system: System, bound: Any) -> bool:
    """Whether a bound says that no decision meets all constraints."""
    return bool(bound == (np.inf if system.sense == "min" else -np.inf))


def verdict(system: System, scenario: Any, report: Report) -> str:
    """Of an infeasible answer, what proves that there is no other, or that nothing does.

    Empty where the bound of a system does not know everything that is asked for: its answers then say themselves what
    is out of reach.
    """
    if proved(system, report.bound):
        return f"proved: {system.bound_reason(scenario)}" if system.bound_reason else "proved: the bound is infinite"
    if proved(system, report.scheme_bound):
        return "proved for decisions of this kind: their bound is infinite"
    return NO_POINT if system.bound_reason else ""


def echoes(alone: Any, margin: Any) -> str:
    """What proves that echo requirements cannot be met, in words; empty where nothing does.

    Parameters
    ----------
    alone : (K,)
        Largest factor on the requirement of each terminal with the others silent.
    margin : float
        Largest factor on all of them.
    """
    if (lost := np.flatnonzero(alone < 1 - FEASIBILITY_TOLERANCE)).size:
        return f"{terminals(lost)} cannot meet the echo requirement, whatever the others do"
    if margin < 1 - FEASIBILITY_TOLERANCE:
        return f"all echo requirements together are met at no more than {float(margin):.6g} of what is asked for"
    return ""


def terminals(which: Any) -> str:
    """The terminals of some indices, in words."""
    return ("terminal " if len(which) == 1 else "terminals ") + ", ".join(map(str, which))
