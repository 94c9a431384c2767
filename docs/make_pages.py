"""Write what pages take from code, examples and each other: ``python docs/make_pages.py``.

Parameters and metrics of every system (``systems/*-parameters.md``), how to cite (``cite.md``, also in the README), the
errata of all papers (``errata.md``), and the files that pages show between ``<!-- begin of FILE -->`` and
``<!-- end -->``. Pages are so whole wherever they are read.
"""

from __future__ import annotations

import re
from pathlib import Path

from trinode.systems.describe import parameters_of
from trinode.systems.metric import LETTERS
from trinode.systems.registry import system, system_names
from trinode.systems.units import unit_of

ROOT = Path(__file__).resolve().parents[1]
ORDER = ("latency", "threetier", "region", "fairness", "energy")
TITLES = {"threetier": "Three-tier"}
SHOWN = re.compile(r"<!-- begin of (\S+) -->\n.*?<!-- end -->", re.DOTALL)
ERRATA = re.compile(r"<!-- begin of the errata -->\n(.*?)<!-- end of the errata -->", re.DOTALL)


def title(name: str) -> str:
    """Name of a system as a heading."""
    return TITLES.get(name, name.capitalize())


def table(columns: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table of Markdown."""
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    return "\n".join([*lines, *("| " + " | ".join(cell or "-" for cell in row) + " |" for row in rows)])


def _plain(value: object) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def parameters(name: str) -> str:
    """The page of a system's parameters and metrics."""
    found = system(name)
    given = [(f"`{one.name}`", one.meaning, one.unit, _plain(one.default), one.allowed) for one in parameters_of(found)]
    metrics = []
    for key, one in found.metrics.items():
        per = " and ".join(LETTERS[letter] for letter in one.dims) or "network"
        metrics.append((f"`{key}`", one.meaning + (f"; needs `{one.needs}`" if one.needs else ""), unit_of(key), per))
    return f"""# {title(name)}: parameters and metrics

`trinode list {name}` shows the same. How the system works: [{name}]({name}.md).

## Parameters

Given as `tn.draw("{name}", NAME=VALUE)`, as `--set NAME=VALUE`, and in [sweeps](../sweeps.md).

{table(("parameter", "meaning", "unit", "default", "allowed"), given)}

## Metrics

Entries of `report.metrics`, and what [sweeps](../sweeps.md) can keep. The objective is {found.objective_name}
({found.objective_unit}).

{table(("metric", "meaning", "unit", "one value per"), metrics)}
"""


def cite() -> str:
    """The page that says how to cite."""
    parts = [
        "# How to cite",
        "Cite trinode by its `CITATION.cff`, together with the paper whose system you use. A DOI stands where the "
        "paper states one.",
    ]
    for name in ORDER:
        found = system(name)
        doi = f"DOI [{found.doi}](https://doi.org/{found.doi})" if found.doi else "No DOI stated"
        parts += [f"## {title(name)}", f"{found.paper}. {doi}.", f"```bibtex\n{found.bibtex}```"]
    return "\n\n".join(parts) + "\n"


def papers() -> str:
    """The papers in one table, for the README."""
    rows = []
    for name in ORDER:
        found = system(name)
        doi = f"[{found.doi}](https://doi.org/{found.doi})" if found.doi else "none stated"
        rows.append((f"[{name}](docs/systems/{name}.md)", found.paper, doi))
    return table(("system", "paper", "DOI"), rows)


def errata() -> str:
    """The errata of all papers, each from the page of its system."""
    parts = [
        "# Errata of the five papers",
        "How the printed equations are read here, and why; one table per paper, each from the page of its system.",
    ]
    for name in ORDER:
        page = (ROOT / "docs" / "systems" / f"{name}.md").read_text(encoding="utf-8")
        parts += [f"## {title(name)}", "\n".join(ERRATA.findall(page)).strip()]
    return "\n\n".join(parts) + "\n"


def filled(text: str) -> str:
    """A page with the files that it shows."""

    def show(found: re.Match[str]) -> str:
        name = found[1]
        content = papers() if name == "docs/cite.md" else (ROOT / name).read_text(encoding="utf-8").strip()
        shown = content if name.endswith(".md") else f"```py\n{content}\n```"
        return f"<!-- begin of {name} -->\n{shown}\n<!-- end -->"

    return SHOWN.sub(show, text)


def pages() -> dict[Path, str]:
    """Every page that this writes."""
    docs = ROOT / "docs"
    made = {docs / "cite.md": cite(), docs / "errata.md": errata()}
    made |= {docs / "systems" / f"{name}-parameters.md": parameters(name) for name in ORDER}
    for page in (ROOT / "README.md", docs / "extend.md", docs / "compose.md"):
        made[page] = filled(page.read_text(encoding="utf-8"))
    return made


if __name__ == "__main__":
    assert set(ORDER) == set(system_names())
    for path, content in pages().items():
        path.write_text(content, encoding="utf-8")
