"""Tables of the three-tier system, and its part of the demonstration."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from trinode.cli._show import Column, Table
from trinode.systems.report import Report


def terminal_table(scenario: Any, solution: Any, report: Report) -> Table:
    """Where each terminal computes, through which access point, how long it takes, its echo and power."""
    metrics = {name: np.asarray(value) for name, value in report.metrics.items()}
    choice = np.asarray(solution.edge_choice) | np.asarray(solution.cloud_choice)
    with np.errstate(divide="ignore"):
        echo = 10 * np.log10(metrics["echo_sinr"])
        wanted = 10 * np.log10(np.asarray(scenario.sensing_sinr_min))
    parts = ("latency", "upload", "backhaul", "compute")
    rows = []
    for k in range(choice.shape[0]):
        over = [int(m) for m in np.flatnonzero(choice[k])]
        rows.append(
            {
                "terminal": k,
                "computes": where(metrics, k),
                "access_points": over,
                "over": ", ".join(f"AP{m}" for m in over) or "-",
                **{f"{part}_s": float(metrics[f"{part}_s"][k]) for part in parts},
                **{f"{part}_ms": 1e3 * metrics[f"{part}_s"][k] for part in parts},
                "rate_mbps": 1e-6 * float(metrics["rate_bps"][k]),
                "echo_sinr_db": float(echo[k]),
                "sensing_sinr_min_db": float(wanted[k]),
                "terminal_power_w": float(metrics["terminal_power_w"][k]),
                "power_mw": 1e3 * metrics["terminal_power_w"][k],
                "energy_mj": 1e3 * metrics["energy_j"][k],
                "terminal_max_power_w": float(scenario.terminal_max_power_w[k]),
                "feasible": bool(solution.terminal_feasible[k]),
            }
        )
    columns = [
        Column("terminal", "ter-\nminal"),
        Column("computes", "computes", left=True),
        Column("over", "over", left=True),
        Column("latency_ms", "latency\nms", "{:.2f}"),
        Column("upload_ms", "upload\nms", "{:.3f}"),
        Column("backhaul_ms", "back-\nhaul ms", "{:.1f}"),
        Column("compute_ms", "compute\nms", "{:.1f}"),
        Column("rate_mbps", "rate\nMbit/s", "{:.1f}"),
        Column("echo_sinr_db", "echo\ndB", "{:.2f}"),
        Column("sensing_sinr_min_db", "need\ndB", "{:.2f}"),
        Column("power_mw", "power\nmW", "{:.1f}"),
        Column("energy_mj", "energy\nmJ", "{:.1f}"),
    ]
    return Table("Terminals", columns, rows)


def where(metrics: Any, terminal: int) -> str:
    """Where a terminal computes: ``itself``, ``edge`` or ``cloud``."""
    if metrics["cloud_terminal"][terminal] > 0.5:
        return "cloud"
    return "edge" if metrics["edge_terminal"][terminal] > 0.5 else "itself"


def traffic_table(runs: dict[str, Any]) -> Table:
    """Steps, messages, bytes and processor time of distributed runs by name."""
    rows = []
    for name, run in runs.items():
        traffic = run.traffic
        rows.append(
            {
                "scheme": name,
                "offloading_steps": sum(step["algorithm"] == "1" for step in run.steps),
                "beam_steps": sum(step["algorithm"] == "2" for step in run.steps),
                "messages": traffic.total_messages,
                "kilobytes": traffic.total_bytes / 1e3,
                "largest": max(traffic.nbytes, key=traffic.nbytes.__getitem__),
                "station_ms": 1e3 * max(traffic.station_seconds),
                "ended": run.ended,
            }
        )
    columns = [
        Column("scheme", "scheme", left=True),
        Column("offloading_steps", "steps of\nAlg. 1"),
        Column("beam_steps", "steps of\nAlg. 2"),
        Column("messages", "messages"),
        Column("kilobytes", "kB", "{:.0f}"),
        Column("largest", "most bytes\nin", left=True),
        Column("station_ms", "busiest\nstation ms", "{:.0f}"),
        Column("ended", "ended", left=True),
    ]
    return Table("Base stations and cloud: what they say to each other", columns, rows)


def demo(out: Path) -> tuple[list[Table], list[Path]]:
    """One network by the default and by agents at the base stations: who computes on which tier, and what was said."""
    from trinode import api
    from trinode.cli._work import answers, drawing
    from trinode.plots import pictures
    from trinode.systems.registry import system as find_system
    from trinode.systems.threetier.agents import Rules
    from trinode.systems.threetier.schemes.distributed import converse

    scenario = api.draw("threetier", 0, edge_capacity_hz=6e9)
    solution, report = answers(find_system("threetier"), scenario, ["joint"])["joint"]
    runs = {}
    for name, rules in (("distributed", Rules()), ("distributed-plus", Rules(exact_offloading=True, priced=True))):
        _, run = converse(scenario, rules)
        if run is not None:
            runs[name] = run
    out.mkdir(parents=True, exist_ok=True)
    title = "three tiers: who computes where"
    with drawing:
        files = pictures("threetier", scenario, solution, report, out, title)
    return [terminal_table(scenario, solution, report), traffic_table(runs)], files
