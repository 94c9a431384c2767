"""All figures in one page that needs no other file: pictures, claims, numbers, seeds, versions, machine, times."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from trinode.plots.figures import COLUMNS, counts, served, trials_of
from trinode.systems.figure import FigureSpec

if TYPE_CHECKING:
    from trinode.experiments.runner import Summary

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 3rem; border-bottom: 1px solid #ddd; }
img { max-width: 100%; } blockquote { margin: 0 0 1rem; padding-left: 1rem; border-left: 3px solid #bbb; }
table { border-collapse: collapse; font-size: 13px; } th, td { padding: 2px 10px; text-align: right; }
th { border-bottom: 1px solid #bbb; } td:first-child, th:first-child { text-align: left; }
.quiet { color: #666; font-size: 13px; } .alarm { color: #c1121f; }
"""


@dataclass(frozen=True)
class Chapter:
    """One figure as it was made.

    Attributes
    ----------
    system : str
        Name of the system.
    spec : FigureSpec
        With the trials and seed that were used.
    counts : mapping
        Attributes of the dataset.
    rows : list of dict
        The numbers that are drawn, see :func:`trinode.plots.figures.lines`.
    files : list of Path
        What was written; the report shows the one that ends in .png.
    summary : Summary
        What was computed.
    seconds : float
        Wall time, drawing included.
    """

    system: str
    spec: FigureSpec
    counts: Mapping[str, Any]
    rows: Sequence[Mapping[str, Any]]
    files: Sequence[Path]
    summary: Summary
    seconds: float

    @property
    def drawn(self) -> str:
        """Which trials the means are over, in few words."""
        fallen = any(trials_of(panel, self.counts) != panel.over for panel in self.spec.panels)
        ways = dict.fromkeys(trials_of(panel, self.counts) for panel in self.spec.panels)
        return "nothing: none served" if not served(self.rows) else ", ".join(ways) + (" (none kept)" if fallen else "")

    @property
    def failed(self) -> tuple[str, ...]:
        """What could not be computed."""
        return self.summary.failed

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "system": self.system,
            "figure": self.spec.name,
            "counts": {k: v for k, v in self.counts.items() if k.startswith(("trials", "answers"))},
            "items": {
                "total": self.summary.total,
                "reused": self.summary.reused,
                "computed": self.summary.computed,
            },
            "failed": list(self.failed),
            "means_over": self.drawn,
            "claims": self.spec.claims,
            "lines": list(self.rows),
            "files": [str(file) for file in self.files],
        }


def write(chapters: Sequence[Chapter], folder: str | Path, seconds: float) -> Path:
    """Write ``report.html`` into a folder; returns the file."""
    from trinode.experiments.bench import machine

    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    made = ", ".join(f"{escape(name)} {escape(value)}" for name, value in machine().items())
    parts = ["<h1>Figures</h1>", f"<p>{len(chapters)} figures in {seconds:.0f} s on {made}.</p>", _contents(chapters)]
    system = ""
    for chapter in chapters:
        if chapter.system != system:
            system = chapter.system
            parts.append(f"<h2>{escape(system)}</h2>")
        parts.append(_chapter(chapter))
    page = "\n".join(parts)
    file = place / "report.html"
    head = f'<meta charset="utf-8"><title>trinode figures</title><style>{STYLE}</style>'
    file.write_text(f'<!doctype html><html lang="en"><head>{head}</head><body>{page}</body></html>\n', encoding="utf-8")
    return file


def _contents(chapters: Sequence[Chapter]) -> str:
    rows = []
    for c in chapters:
        link = f'<a href="#{_anchor(c)}">{escape(c.system)} {escape(c.spec.name)}</a>'
        cells = (link, c.counts["trials"], c.counts["trials_kept"], escape(c.drawn), c.summary.total)
        cells += (f"{c.seconds:.1f}", len(c.failed))
        rows.append("".join(f"<td>{cell}</td>" for cell in cells))
    return _table(("figure", "trials", "kept", "means over", "work items", "seconds", "failed"), rows)


def _chapter(c: Chapter) -> str:
    spec = c.spec
    parts = [f'<h3 id="{_anchor(c)}">{escape(spec.name)}: {escape(spec.title)}</h3>']
    parts += [_picture(file, spec.title) for file in c.files if file.suffix == ".png"]
    if spec.claims:
        parts.append(f"<p>The paper says:</p><blockquote>{escape(spec.claims)}</blockquote>")
    made = f"{counts(c.counts, spec=spec)} {str(c.summary).splitlines()[0]}."
    parts.append(f'<p class="quiet">{escape(made)}</p>')
    parts += [f'<p class="alarm">{escape(reason)}</p>' for reason in c.failed]
    rows = ["".join(f"<td>{_cell(row[key])}</td>" for key in COLUMNS) for row in c.rows]
    parts.append(f"<details><summary>Numbers</summary>{_table(COLUMNS, rows)}</details>")
    return "\n".join(parts)


def _picture(file: Path, title: str) -> str:
    data = base64.b64encode(file.read_bytes()).decode()
    return f'<img alt="{escape(title)}" src="data:image/png;base64,{data}">'


def _table(columns: Sequence[str], rows: Sequence[str]) -> str:
    head = "".join(f"<th>{escape(column.replace('_', ' '))}</th>" for column in columns)
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def _cell(value: Any) -> str:
    return f"{value:.6g}" if isinstance(value, float) else escape(str(value))


def _anchor(c: Chapter) -> str:
    return f"{c.system}-{c.spec.name}"
