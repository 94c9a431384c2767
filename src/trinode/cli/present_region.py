"""Tables of the region system, and its share in the demo."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from trinode.cli._show import Column, Table
from trinode.systems.report import Report


def terminal_table(scenario: Any, solution: Any, report: Report) -> Table:
    """Rate and SINR of each terminal, what limits it, and which access points it hears most."""
    metrics = {name: np.asarray(value) for name, value in report.metrics.items()}
    heard = np.einsum("mka,mka->mk", np.asarray(scenario.channel_estimate).conj(), np.asarray(solution.precoder))
    power = np.abs(heard) * np.sqrt(np.asarray(scenario.ap_power))[:, None]
    share = power / np.maximum(power.sum(axis=0), 1e-300)
    sensing = np.asarray(scenario.sensing_ap)
    rows = []
    for k in range(share.shape[1]):
        order = [int(m) for m in np.argsort(-share[:, k]) if share[m, k] >= 0.005]
        names = (f"AP{m}{'*' if sensing[m] else ''}:{share[m, k]:.0%}" for m in order[:4])
        with np.errstate(divide="ignore"):
            sinr_db = 10 * np.log10(metrics["sinr"][k])
        rows.append(
            {
                "terminal": k,
                "rate_bps_hz": float(metrics["rate_bps_hz"][k]),
                "sinr_db": float(sinr_db),
                "interference": float(metrics["interference"][k]),
                "error_noise": float(metrics["error_noise"][k]),
                "sensing_noise": float(metrics["sensing_noise"][k]),
                "access_points": {m: float(share[m, k]) for m in order},
                "over": ", ".join(names) or "-",
                "feasible": bool(solution.terminal_feasible[k]),
            }
        )
    columns = [
        Column("terminal", "ter-\nminal"),
        Column("rate_bps_hz", "rate\nbit/s/Hz", "{:.3f}"),
        Column("sinr_db", "SINR\ndB", "{:.2f}"),
        Column("interference", "inter-\nference", "{:.3g}"),
        Column("error_noise", "noise of\nestimates", "{:.3g}"),
        Column("sensing_noise", "noise of\nsensing", "{:.3g}"),
        Column("over", "hears (* senses)", left=True),
    ]
    limit = float(scenario.pattern_mse_max)
    title = f"Terminals (noise 1); pattern error {float(metrics['pattern_mse_best_scale']):.6g}"
    title += "" if np.isnan(limit) else f", at most {limit:g}"
    if scenario.targets is not None:
        found = ", ".join(f"{one:.4f}" for one in metrics["detection_probability"])
        title += f"; targets detected with {found}, at least {float(scenario.targets.probability_min):g} asked for"
    return Table(title, columns, rows)


def front_table(region: Any) -> Table:
    """The points of a region, its ends marked."""
    rows = []
    for index, (error, rate) in enumerate(zip(region.pattern_mse, region.sum_rate)):
        mark = "(S_min, R_T)" if index == 0 else "(S_I, R_max)" if index == len(region.sum_rate) - 1 else ""
        share = float(rate) / region.bound
        rows.append({"pattern_mse": float(error), "sum_rate": float(rate), "of_bound": share, "mark": mark})
    columns = [
        Column("pattern_mse", "pattern\nerror", "{:.5f}"),
        Column("sum_rate", "sum rate\nbit/s/Hz", "{:.4f}"),
        Column("of_bound", "of the\nbound", "{:.2%}"),
        Column("mark", "", left=True),
    ]
    return Table(f"Front by {region.by}; no decision reaches more than {region.bound:.4f} bit/s/Hz", columns, rows)


def demo(out: Path) -> tuple[list[Table], list[Path]]:
    """A region with its ends and its bound, the closed forms beside it, and what the sensing access points radiate."""
    from trinode import api
    from trinode.cli._work import drawing
    from trinode.plots import region as drawings
    from trinode.plots._style import save_figure
    from trinode.systems.region.front import region

    scenario = api.draw("region")
    walked = region(scenario, 20)
    points = {}
    for name in ("zf", "mrt"):
        solution = api.solve(scenario, name)
        report = api.evaluate(scenario, solution, bound=False)
        points[name] = (float(solution.pattern_mse), float(report.objective))
    middle = len(walked.solutions) // 2
    solution = walked.solutions[middle]
    report = api.evaluate(scenario, solution, bound=False)
    title = "region, seed 0"
    with drawing:
        files = save_figure(drawings.draw_region(walked, title, points), out, "region-front")
        beams = drawings.draw_beams(scenario, solution, report, f"{title}, {walked.sum_rate[middle]:.1f} bit/s/Hz")
        if beams is not None:
            files += save_figure(beams, out, "region-beams")
    return [front_table(walked)], files
