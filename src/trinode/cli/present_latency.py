"""Tables of the latency system."""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode.cli._show import Column, Table
from trinode.systems.report import Report


def terminal_table(scenario: Any, solution: Any, report: Report) -> Table:
    """Where each terminal computes, over which access points, how long it takes, its echo and power."""
    metrics = {name: np.asarray(value) for name, value in report.metrics.items()}
    share = np.asarray(solution.edge_share) + np.asarray(solution.cloud_share)
    with np.errstate(divide="ignore"):
        echo = 10 * np.log10(metrics["echo_sinr"])
        wanted = 10 * np.log10(np.asarray(scenario.sensing_sinr_min))
    rows = []
    for k in range(share.shape[0]):
        over = {int(m): float(share[k, m]) for m in np.argsort(-share[k]) if share[k, m] > 0}
        rows.append(
            {
                "terminal": k,
                "computes": where(metrics, k),
                "access_points": over,
                "over": ", ".join(f"AP{m}:{part:.0%}" for m, part in over.items() if part >= 0.005) or "-",
                **{
                    f"{part}_s": float(metrics[f"{part}_s"][k])
                    for part in ("latency", "upload", "fronthaul", "compute")
                },
                **{
                    f"{part}_ms": 1e3 * metrics[f"{part}_s"][k]
                    for part in ("latency", "upload", "fronthaul", "compute")
                },
                "echo_sinr_db": float(echo[k]),
                "sensing_sinr_min_db": float(wanted[k]),
                "terminal_power_w": float(metrics["terminal_power_w"][k]),
                "power_mw": 1e3 * metrics["terminal_power_w"][k],
                "terminal_max_power_w": float(scenario.terminal_max_power_w[k]),
                "feasible": bool(solution.terminal_feasible[k]),
            }
        )
    columns = [
        Column("terminal", "ter-\nminal"),
        Column("computes", "computes", left=True),
        Column("over", "over (share of bits)", left=True),
        Column("latency_ms", "latency\nms", "{:.1f}"),
        Column("upload_ms", "upload\nms", "{:.1f}"),
        Column("fronthaul_ms", "front-\nhaul ms", "{:.1f}"),
        Column("compute_ms", "compute\nms", "{:.1f}"),
        Column("echo_sinr_db", "echo\ndB", "{:.2f}"),
        Column("sensing_sinr_min_db", "need\ndB", "{:.2f}"),
        Column("power_mw", "power\nmW", "{:.1f}"),
    ]
    return Table("Terminals", columns, rows)


def where(metrics: Any, terminal: int) -> str:
    """Where a terminal computes: ``itself``, ``edge`` or ``cloud``."""
    if metrics["cloud_terminal"][terminal] > 0.5:
        return "cloud"
    return "edge" if metrics["edge_terminal"][terminal] > 0.5 else "itself"
