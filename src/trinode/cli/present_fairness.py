"""Tables of the fairness system, and its share of the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from trinode.cli._show import Column, Table
from trinode.systems.report import Report


def terminal_table(scenario: Any, solution: Any, report: Report) -> Table:
    """Latency of each terminal in its parts, what it offloads, its SINR, rate and power."""
    metrics = {name: np.asarray(value) for name, value in report.metrics.items()}
    sinr, most = metrics["sinr"], np.asarray(scenario.terminal_max_power_w)
    tones = np.asarray(solution.subcarrier_use).sum(axis=0)
    with np.errstate(divide="ignore"):
        best_db = 10 * np.log10(sinr.max(axis=0))
    rows = [
        {
            "terminal": k,
            "latency_s": float(metrics["latency_s"][k]),
            "latency_ms": 1e3 * metrics["latency_s"][k],
            "offload_fraction": float(metrics["offload_fraction"][k]),
            "local_ms": 1e3 * metrics["local_s"][k],
            "upload_ms": 1e3 * metrics["upload_s"][k],
            "server_ms": 1e3 * metrics["server_s"][k],
            "rate_bps": float(metrics["rate_bps"][k]),
            "rate_mbps": 1e-6 * metrics["rate_bps"][k],
            "best_sinr_db": float(best_db[k]),
            "subcarriers": int(tones[k]),
            "power_w": float(metrics["power_w"][k]),
            "terminal_max_power_w": float(most[k]),
            "power_mw": 1e3 * metrics["power_w"][k],
            "feasible": bool(solution.terminal_feasible[k]),
        }
        for k in range(len(most))
    ]
    columns = [
        Column("terminal", "ter-\nminal"),
        Column("latency_ms", "latency\nms", "{:.4f}"),
        Column("offload_fraction", "off-\nloaded", "{:.1%}"),
        Column("local_ms", "at the\nterminal ms", "{:.4f}"),
        Column("upload_ms", "upload\nms", "{:.4f}"),
        Column("server_ms", "at the\nserver ms", "{:.4f}"),
        Column("rate_mbps", "rate\nMbit/s", "{:.2f}"),
        Column("best_sinr_db", "best\nSINR dB", "{:.2f}"),
        Column("subcarriers", "sub-\ncarriers"),
        Column("power_mw", "power\nmW", "{:.5f}"),
    ]
    gini, largest = float(metrics["gini"]), 1e3 * float(metrics["largest_latency_s"])
    return Table(f"Terminals (largest latency {largest:.4f} ms, Gini index {gini:.4f})", columns, rows)


def demo(out: Path) -> tuple[list[Table], list[Path]]:
    """The same ten terminals before a cell-free network and before one base station in the middle."""
    from trinode import api
    from trinode.cli._work import answers, drawing
    from trinode.plots import fairness as pictures
    from trinode.plots._style import save_figure
    from trinode.systems.registry import system as find_system

    drops, rows = {}, []
    for label, layout in (("cell-free", "cell-free"), ("BS-centred", "bs-centred")):
        scenario = api.draw("fairness", seed=1, layout=layout)
        words = {"exact": "optimal powers", "full-power": "full power"}
        for scheme, (solution, report) in answers(find_system("fairness"), scenario, list(words)).items():
            if scheme == "exact":
                drops[label] = (scenario, solution, report)
            rows.append(
                {
                    "layout": label,
                    "powers": words[scheme],
                    "largest_ms": 1e3 * float(report.objective),
                    "bound_ms": 1e3 * float(report.bound),
                    "gini": float(report.metrics["gini"]),
                    "local_ms": 1e3
                    * float(np.max(scenario.task_bits * scenario.cycles_per_bit / scenario.terminal_frequency_hz)),
                }
            )
    columns = [
        Column("layout", "network", left=True),
        Column("powers", "powers", left=True),
        Column("largest_ms", "largest\nlatency ms", "{:.4f}"),
        Column("bound_ms", "nobody is\nbelow ms", "{:.4f}"),
        Column("gini", "Gini\nindex", "{:.4f}"),
        Column("local_ms", "without any\nserver ms", "{:.4f}"),
    ]
    title = "Fairness: ten terminals, 64 antennas all over the disc or all in its middle"
    with drawing:
        files = save_figure(pictures.draw_pair(drops), out, "fairness-layouts")
    return [Table(title, columns, rows)], files
