"""Tables of the energy system."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from trinode.cli._show import Column, Table
from trinode.systems.report import Report

DEMO = {"terminals": 3, "latency_max_s": 0.5, "ap_energy_weight_step": 0.9}
"""Terminals to which the energy of the access point matters less, as much, and more than their own."""


def terminal_table(scenario: Any, solution: Any, report: Report) -> Table:
    """What each terminal offloads, what that costs where, how long it takes, its echo and power."""
    m = {name: np.asarray(value) for name, value in report.metrics.items()}
    with np.errstate(divide="ignore"):
        echo = 10 * np.log10(m["echo_sinr"])
        wanted = 10 * np.log10(np.asarray(scenario.sensing_sinr_min))
    weighted = np.asarray(scenario.ap_energy_weight) * m["ap_j"]
    rows = []
    for k in range(len(m["energy_j"])):
        row: dict[str, Any] = {"terminal": k, "offload_fraction": float(m["offload_fraction"][k])}
        row |= {name: float(m[name][k]) for name in ("energy_j", "local_j", "radio_j", "latency_s", "upload_s")}
        row |= {"ap_weighted_j": float(weighted[k]), "latency_max_s": float(scenario.latency_max_s[k])}
        row |= {"late_s": max(row["latency_s"] - row["latency_max_s"], 0.0)}
        row |= {"echo_sinr_db": float(echo[k]), "sensing_sinr_min_db": float(wanted[k])}
        row |= {"power_w": float(m["power_w"][k]), "rate_bps": float(m["rate_bps"][k])}
        row |= {"feasible": bool(solution.terminal_feasible[k])}
        row |= {"percent": 100 * row["offload_fraction"], "power_mw": 1e3 * row["power_w"]}
        row |= {f"{part}_mj": 1e3 * row[f"{part}_j"] for part in ("energy", "local", "radio", "ap_weighted")}
        row |= {f"{part}_ms": 1e3 * row[f"{part}_s"] for part in ("latency", "upload", "latency_max")}
        row |= {"rate_mbps": 1e-6 * row["rate_bps"]}
        rows.append(row)
    columns = [
        Column("terminal", "ter-\nminal"),
        Column("percent", "off-\nloads %", "{:.1f}"),
        Column("energy_mj", "weighted\nmJ", "{:.4g}"),
        Column("local_mj", "own CPU\nmJ", "{:.4g}"),
        Column("radio_mj", "radio\nmJ", "{:.4g}"),
        Column("ap_weighted_mj", "AP CPU\nx weight mJ", "{:.4g}"),
        Column("latency_ms", "latency\nms", "{:.1f}"),
        Column("latency_max_ms", "deadline\nms", "{:.1f}"),
        Column("upload_ms", "on the\nair ms", "{:.2f}"),
        Column("rate_mbps", "rate\nMbit/s", "{:.0f}"),
        Column("echo_sinr_db", "echo\ndB", "{:.2f}"),
        Column("sensing_sinr_min_db", "need\ndB", "{:.2f}"),
        Column("power_mw", "power\nmW", "{:.2f}"),
        Column("feasible", "served"),
    ]
    return Table("Terminals", columns, rows)


def demo(out: Path) -> tuple[list[Table], list[Path]]:
    """Where the joules go, per terminal, with ``joint`` and with the six baselines."""
    from trinode import api
    from trinode.cli._work import answers as solve_all
    from trinode.cli._work import drawing
    from trinode.plots import pictures
    from trinode.plots._style import save_figure
    from trinode.plots.energy import draw_schemes, parts_j
    from trinode.systems.registry import system as find_system

    scenario = api.draw("energy", **DEMO)
    names = ("joint", "sca-admm", "unweighted", "ofdma", "full-local", "full-offload", "half-offload")
    answers = solve_all(find_system("energy"), scenario, names)
    default = answers["joint"]
    title = "energy: where the joules go"
    with drawing:
        files = pictures("energy", scenario, default[0], default[1], out, f"{title}, joint")
        files += save_figure(draw_schemes(scenario, answers, title), out, "energy-schemes")
    rows = []
    for name, (solution, report) in answers.items():
        parts = parts_j(scenario, report)
        for k, served in enumerate(np.asarray(solution.terminal_feasible)):
            row: dict[str, Any] = {"scheme": name, "terminal": k, "served": bool(served)}
            row |= {"percent": 100 * float(solution.offload_fraction[k])}
            row |= {f"{part}_mj": 1e3 * float(value[k]) for part, value in parts.items()}
            row |= {"total_mj": sum(row[f"{part}_mj"] for part in parts)}
            rows.append(row)
    columns = [
        Column("scheme", "scheme", left=True),
        Column("terminal", "terminal"),
        Column("percent", "offloads\n%", "{:.1f}"),
        Column("local_mj", "own CPU\nmJ", "{:.3g}"),
        Column("radio_mj", "radio\nmJ", "{:.3g}"),
        Column("ap_mj", "AP CPU\nx weight mJ", "{:.3g}"),
        Column("total_mj", "weighted\nmJ", "{:.3g}"),
        Column("served", "served"),
    ]
    joules = Table("Where the joules go", columns, rows)
    return [terminal_table(scenario, default[0], default[1]), joules], files
