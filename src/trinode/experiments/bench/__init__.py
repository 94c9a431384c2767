"""Benchmarks of the systems, one module each with ``SECTIONS``: name to ``section(trials, say)``, a list of tables.

A result is plain data: ``tables`` (title, columns, rows, note), the ``machine`` it ran on, the ``command``.
"""

from __future__ import annotations

import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from itertools import pairwise
from typing import Any

import numpy as np

from trinode import _pool
from trinode._words import one_of
from trinode.errors import InputError

Say = Callable[[str], None]
Section = Callable[["int | None", Say], list[dict[str, Any]]]


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]], note: str = "") -> dict[str, Any]:
    """One table of a result; entries are numbers, texts or None."""
    return {"title": title, "columns": list(columns), "rows": [list(row) for row in rows], "note": note}


def run_sections(
    system: str,
    sections: Mapping[str, Section],
    trials: int | None,
    only: Sequence[str],
    say: Say,
    options: Sequence[str] = (),
) -> Iterator[dict[str, Any]]:
    """Run the named sections, or all; yields the result so far after each.

    Parameters
    ----------
    system : str
        Whose sections they are; empty where each is of a system.
    trials : int or None
        Networks of each measurement; each one's own number where None.
    only : sequence of str
        Names of sections; all where empty.
    say : callable
        Told of progress.
    options : sequence of str
        What else the command was told.

    Raises
    ------
    InputError
        There is no section of a name.
    """
    for name in only:
        if name not in sections:
            raise InputError("only", name, one_of(name, sections))
    if trials is not None and trials < 1:
        raise InputError("trials", trials, "at least 1")
    words = ["trinode bench", *([system] if system else []), *(f"--only {name}" for name in only)]
    more = [*([f"{_count(system)} {trials}"] if trials is not None else []), *options]
    about = {"system": system, "command": " ".join([*words, *more]), "options": more, "machine": machine()}
    tables: list[dict[str, Any]] = []
    seconds: dict[str, float] = {}
    for name in only or sections:
        say(f"{name} ...")
        began = time.perf_counter()
        tables += [entry | {"section": name} for entry in sections[name](trials, say)]
        seconds[name] = time.perf_counter() - began
        say(f"{name}: {seconds[name]:.0f} s")
        yield about | {"seconds": dict(seconds), "tables": list(tables)}


def machine() -> dict[str, str]:
    """What a measurement depends on: processor, cores, versions."""
    found = {"processor": _processor(), "cores": str(_pool.cores()), "system": platform.platform()}
    found["python"] = platform.python_version()
    for package in ("trinode", "jax", "jaxlib", "numpy", "equinox", "cvxpy", "clarabel", "moreau"):
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


def markdown(result: Mapping[str, Any], page: str = "") -> str:
    """A page of results, each section with its command and machine.

    Parameters
    ----------
    result : mapping
        Of :func:`run_sections`.
    page : str
        An earlier page of the system: what it says of other sections stays.
    """
    named = ", ".join(f"{key} {value}" for key, value in result["machine"].items())
    of = result["system"]
    heading = (
        f"# {of.removeprefix('--').capitalize()}{'' if of in OVER else ' system'}: measurements"
        if of
        else "# All systems: measurements"
    )
    older = page.split(_BEGIN)
    blocks = {_sections(block): _BEGIN + block.rstrip() for block in older[1:]}
    for name in result["seconds"]:
        words = ["trinode bench", of, f"--only {name}", *result["options"]]
        command = " ".join(word for word in words if word)
        parts = [f"{_BEGIN}{command}` on: {named}."]
        for entry in result["tables"]:
            if entry["section"] != name:
                continue
            lines = ["| " + " | ".join(entry["columns"]) + " |", "|" + " --- |" * len(entry["columns"])]
            lines += ["| " + " | ".join(_text(value) for value in row) + " |" for row in entry["rows"]]
            parts += [f"## {entry['title']}", "\n".join(lines)] + ([entry["note"]] if entry["note"] else [])
        blocks[(name,)] = "\n\n".join(parts)
    fresh = {name for key in blocks for name in key if len(key) == 1}
    kept = [block for key, block in blocks.items() if len(key) == 1 or not set(key) <= fresh]
    return "\n\n".join([older[0].strip() or heading, *kept]) + "\n"


_BEGIN = "Made by `"

OVER = ("problems", "--cities")
"""What sections are of that are of no system."""


def _count(system: str) -> str:
    """The option that says of how many networks."""
    return "--layouts" if system == "--cities" else "--trials"


def _sections(block: str) -> tuple[str, ...]:
    """Which sections a block of a page is of, from the command that it begins with."""
    words = block.partition("`")[0].split()
    return tuple(name for word, name in pairwise(words) if word == "--only")


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
