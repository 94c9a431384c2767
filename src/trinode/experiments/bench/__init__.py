"""Benchmarks of the systems, one module each with ``SECTIONS``: name to ``section(trials, say)``, a list of tables.

A result is plain data: ``tables`` (title, columns, rows, note), the ``machine`` it ran on, the ``command``.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from trinode import _pool
from trinode.errors import InputError

Say = Callable[[str], None]
Section = Callable[["int | None", Say], list[dict[str, Any]]]


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], note: str = "") -> dict[str, Any]:
    """One table of a result; entries are numbers, texts or None."""
    return {"title": title, "columns": list(columns), "rows": [list(row) for row in rows], "note": note}


def run_sections(
    system: str, sections: Mapping[str, Section], trials: int | None, only: Sequence[str], say: Say
) -> dict[str, Any]:
    """Run the named sections, or all.

    Parameters
    ----------
    trials : int or None
        Networks of each measurement; each one's own number where None.
    only : sequence of str
        Names of sections; all where empty.
    say : callable
        Told of progress.

    Raises
    ------
    InputError
        There is no section of a name.
    """
    for name in only:
        if name not in sections:
            raise InputError("only", name, "one of " + ", ".join(sections))
    if trials is not None and trials < 1:
        raise InputError("trials", trials, "at least 1")
    tables: list[dict[str, Any]] = []
    seconds: dict[str, float] = {}
    for name in only or sections:
        say(f"{name} ...")
        began = time.perf_counter()
        tables += sections[name](trials, say)
        seconds[name] = time.perf_counter() - began
        say(f"{name}: {seconds[name]:.0f} s")
    words = ["trinode bench", system, *(f"--only {name}" for name in only)]
    words += [f"--trials {trials}"] if trials is not None else []
    return {
        "system": system,
        "command": " ".join(words),
        "machine": machine(),
        "seconds": seconds,
        "tables": tables,
    }


def machine() -> dict[str, str]:
    """What a measurement depends on: processor, cores, versions."""
    found = {"processor": _processor(), "cores": str(_pool.cores()), "system": platform.platform()}
    found["python"] = platform.python_version()
    for package in ("trinode", "jax", "jaxlib", "numpy", "equinox", "cvxpy", "clarabel"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def markdown(result: Mapping[str, Any]) -> str:
    """A result as a page with the command and the machine named."""
    named = ", ".join(f"{key} {value}" for key, value in result["machine"].items())
    parts = [f"# {result['system'].capitalize()} system: measurements", f"Made by `{result['command']}` on: {named}."]
    for entry in result["tables"]:
        parts.append(f"## {entry['title']}")
        lines = ["| " + " | ".join(entry["columns"]) + " |", "|" + " --- |" * len(entry["columns"])]
        lines += ["| " + " | ".join(_text(value) for value in row) + " |" for row in entry["rows"]]
        parts.append("\n".join(lines))
        if entry["note"]:
            parts.append(entry["note"])
    return "\n\n".join(parts) + "\n"


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool | np.bool_):
        return "yes" if value else "no"
    if isinstance(value, int | float | np.number):
        return "-" if np.isnan(value) else f"{value:.4g}"
    return str(value).replace("|", "\\|")


def median_seconds(program: Callable[[], Any], repeats: int) -> tuple[float, Any]:
    """Median wall time of a few runs, and the last one's result."""
    import jax

    times, result = [], None
    for _ in range(repeats):
        began = time.perf_counter()
        result = jax.block_until_ready(program())
        times.append(time.perf_counter() - began)
    return float(np.median(times)), result
