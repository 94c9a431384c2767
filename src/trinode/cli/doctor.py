"""``trinode doctor``"""

from __future__ import annotations

import time
from typing import Any

import typer

from trinode.cli._network import AsJson
from trinode.cli._show import Column, Table, print_json, working

CHECKED = "fairness"
"""The system of the self-check: the quickest to compile, with an exact default."""


def doctor(as_json: AsJson = False) -> None:
    """Show versions, devices and the cache, and check that solving works; the exit code is 1 where it does not.

    \b
    Examples:
      trinode doctor
      trinode doctor --json
    """
    with working("checking", as_json):
        found = {"versions": _versions(), "devices": _devices(), "cache": _cache(), "check": _check()}
    if as_json:
        print_json(found)
    else:
        for title, values in found.items():
            rows = [{"what": key.replace("_", " "), "found": value} for key, value in values.items()]
            Table(title.capitalize(), [Column("what", "", left=True), Column("found", "", left=True)], rows).print()
    if not found["check"]["passed"]:
        raise typer.Exit(1)


def _versions() -> dict[str, Any]:
    from trinode.experiments.bench import machine

    return machine()


def _devices() -> dict[str, Any]:
    import jax

    return {f"device_{i}": f"{d.device_kind} ({d.platform})" for i, d in enumerate(jax.devices())}


def _cache() -> dict[str, Any]:
    from trinode import _cache

    folders = [folder for folder in map(_cache.part, _cache.PARTS) if folder is not None]
    files = [path for folder in folders for path in folder.iterdir()]
    size = sum(path.stat().st_size for path in files)
    found = {"folder": str(folders[0].parent) if folders else "none", "programs": len(files)}
    return found | {"size_mb": round(size / 2**20, 1), "note": _cache.reason()}


def _check() -> dict[str, Any]:
    """Solve a small network and have it judged."""
    import trinode as tn

    began = time.perf_counter()
    scenario = tn.draw(CHECKED, seed=0, terminals=3, access_points=5)
    solution = tn.solve(scenario)
    report = tn.evaluate(scenario, solution)
    residual, gap = float(report.worst_residual), float(report.gap)
    return {
        "solved": f"a {CHECKED} network of 3 terminals",
        "worst_residual": residual,
        "gap_to_the_bound": gap,
        "seconds": round(time.perf_counter() - began, 2),
        "passed": residual <= 1e-6 and abs(gap) <= 1e-4,
    }
