"""A decision as tables and as JSON."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np

from trinode.cli._show import Column, Table
from trinode.systems.contract import System
from trinode.systems.decision import Status
from trinode.systems.reason import reason, verdict
from trinode.systems.report import Report
from trinode.systems.units import readable


def terminal_table(system: System, scenario: Any, solution: Any, report: Report) -> Table:
    """One row per terminal: in the words of the system where it has tables, else its metrics."""
    own = system.beside("tables")
    if own is not None:
        plain = jax.tree.map(np.asarray, (scenario, solution, report))  # JAX would compile to look an entry up
        return own.terminal_table(*plain)
    count = np.asarray(solution.terminal_feasible).shape[0]
    metrics = {k: v for k, v in report.metrics.items() if np.shape(v) == (count,)}
    columns = [
        Column("terminal", "terminal"),
        *(Column(key, key.replace("_", " "), "{:.4g}") for key in metrics),
    ]
    rows = [{"terminal": k, **{key: float(value[k]) for key, value in metrics.items()}} for k in range(count)]
    return Table("Terminals", columns, rows)


def residual_table(report: Report) -> Table:
    """Worst violation of each constraint, relative."""
    rows = [{"constraint": name, "residual": float(np.max(value))} for name, value in report.residuals.items()]
    columns = [Column("constraint", "constraint", left=True), Column("residual", "worst residual", "{:+.2e}")]
    return Table("Constraints (met where at most 1e-6)", columns, rows)


def scheme_table(system: System, answers: dict[str, tuple[Any, Report]]) -> Table:
    """One row per scheme."""
    unit = system.objective_unit
    rows = []
    for name, (solution, report) in answers.items():
        row = summary(system, name, solution, report)
        shown = {key: readable(row[key], unit) for key in ("objective", "bound", "scheme_bound")}
        rows.append(row | {f"shown_{key}": text for key, text in shown.items()})
    columns = [
        Column("scheme", "scheme", left=True),
        Column("status", "status", left=True),
        Column("shown_objective", system.objective_name),
        Column("shown_bound", "bound"),
        Column("gap", "gap", "{:.2%}"),
        Column("shown_scheme_bound", "bound\nof its kind"),
        Column("scheme_gap", "gap", "{:.2%}"),
    ]
    return Table("Schemes", columns, rows)


def summary(system: System, scheme: str, solution: Any, report: Report) -> dict[str, Any]:
    """The numbers that say how a solve ended."""
    return {
        "scheme": scheme,
        "status": Status(int(solution.status)).label,
        "objective": float(report.objective),
        "unit": system.objective_unit,
        "bound": float(report.bound),
        "gap": float(report.gap),
        "scheme_bound": float(report.scheme_bound),
        "scheme_gap": float(report.scheme_gap),
        "feasible": bool(report.feasible),
        "worst_residual": float(report.worst_residual),
        "worst_constraint": str(report.worst_constraint),
        "iterations": int(solution.iterations),
    }


def as_json(system: System, scheme: str, scenario: Any, solution: Any, report: Report) -> dict[str, Any]:
    """Everything about a decision."""
    rows = terminal_table(system, scenario, solution, report).rows
    return {
        "system": system.name,
        **summary(system, scheme, solution, report),
        "bound_reason": unbounded(system, scenario, report),
        "verdict": "" if report.feasible else verdict(system, scenario, report),
        "terminal_feasible": np.asarray(solution.terminal_feasible),
        **reachable(solution),
        "terminals": list(rows),
        "metrics": dict(report.metrics),
        "residuals": dict(report.residuals),
    }


def reachable(solution: Any) -> dict[str, np.ndarray]:
    """What an infeasible answer says could be met."""
    names = ("sensing_margin_max", "sensing_sinr_max", "pattern_mse_min", "detection_probability_max")
    found = {name: getattr(solution, name, None) for name in names}
    return {name: np.asarray(value, dtype=float) for name, value in found.items() if value is not None}


def reach_words(scenario: Any, solution: Any) -> list[str]:
    """The same beside what is asked for; echo SINRs in dB on both sides."""
    lines = []
    for name, value in reachable(solution).items():
        values = np.ravel(value)
        if np.isnan(values).all():
            continue
        if name not in ("sensing_margin_max", "sensing_sinr_max"):
            lines.append(f"{name} = " + ", ".join(f"{one:.6g}" for one in values))
            continue
        with np.errstate(divide="ignore"):
            reached = f"{10 * np.log10(values[0]):.2f} dB"
            asked = 10 * np.log10(np.unique(np.asarray(scenario.sensing_sinr_min)))
        if name == "sensing_sinr_max":
            wanted = " to ".join(f"{one:.2f}" for one in dict.fromkeys((asked[0], asked[-1])))
            lines.append(f"echo SINR: {wanted} dB asked for, at most {reached} reached by all at once ({name})")
        else:
            lines.append(f"all echo requirements could be met if changed by {reached} ({name})")
    return lines


def unbounded(system: System, scenario: Any, report: Report) -> str:
    """Why there is no bound; empty where there is one, or where the system does not say."""
    return system.bound_reason(scenario) if system.bound_reason and np.isnan(report.bound) else ""


def bound_words(system: System, bound: float) -> str:
    """What a bound says of the network, as the end of a sentence; nothing where there is none."""
    if np.isnan(bound):
        return ""
    if np.isinf(bound):
        none = (bound > 0) == (system.sense == "min")
        return f"; no solution has a finite {system.objective_name}" if none else ""
    return f"; no solution is better than {readable(bound, system.objective_unit)}"


def print_answer(system: System, title: str, scheme: str, scenario: Any, solution: Any, report: Report) -> None:
    """Write a decision as tables."""
    import typer

    row = summary(system, scheme, solution, report)
    typer.echo(f"{system.title} - {title}")
    line = f"{scheme}: {row['status']}"
    if not np.isnan(row["objective"]):
        line += f", {system.objective_name} {readable(row['objective'], row['unit'])}"
    line += bound_words(system, row["bound"])
    if not np.isnan(row["gap"]):
        line += f" (gap {row['gap']:.2%})"
    typer.echo(line)
    if why := unbounded(system, scenario, report):
        typer.echo(f"no bound: {why}")
    if not row["feasible"]:
        unserved = np.flatnonzero(~np.asarray(solution.terminal_feasible)).tolist()
        who = f"terminals {unserved} are not served" if unserved else "what is asked for is not met"
        typer.echo(f"infeasible: {who}; {reason(system, report)}; below is the best effort")
        if words := verdict(system, scenario, report):
            typer.echo(f"  {words}")
        for text in reach_words(scenario, solution):
            typer.echo(f"  {text}")
    typer.echo()
    terminal_table(system, scenario, solution, report).print()
