"""Why a decision is infeasible, in words."""

from __future__ import annotations

import numpy as np

from trinode.systems.contract import FEASIBILITY_TOLERANCE, Report, System


def reason(system: System, report: Report) -> str:
    """What an infeasible decision breaks most, and where along that constraint."""
    if report.worst_residual <= FEASIBILITY_TOLERANCE:
        return f"the {system.objective_name} is not finite"
    name = str(report.worst_constraint)
    values = np.asarray(report.residuals[name])
    place = f" [{int(np.argmax(values))}]" if values.ndim else ""
    return f"{name}{place} is broken by {float(np.max(values)):.3g}, relatively"
