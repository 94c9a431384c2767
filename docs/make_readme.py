"""Write the table of ``README.md`` from ``docs/overview.md``: ``python docs/make_readme.py``."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BEGIN, END = "<!-- begin of docs/overview.md, shortened -->", "<!-- end -->"


def tables(page: str) -> dict[str, list[dict[str, str]]]:
    """Rows of each table of a page by the word that its title begins with."""
    found: dict[str, list[dict[str, str]]] = {}
    for block in page.split("\n## ")[1:]:
        lines = [[cell.strip() for cell in line[1:-1].split("|")] for line in block.splitlines() if line[:1] == "|"]
        found[block.partition(",")[0]] = [dict(zip(lines[0], cells)) for cells in lines[2:]]
    return found


def number(text: str) -> str:
    """Two significant digits, or none where there is no number."""
    if text in ("", "-"):
        return ""
    value = float(text)
    return "below 1e-6" if abs(value) < 1e-6 else f"{float(f'{value:.2g}'):,g}"


def table(page: str) -> str:
    """What a reader asks first: the default scheme of every system and what CVXPY does beside it."""
    columns = ("system, default", "served", "gap to the bound (%): median", "95 % below", "worst")
    columns += ("ms per network", "times faster than CVXPY", "networks on which CVXPY is worse, alike, better")
    lines = ["| " + " | ".join(columns) + " |", "|" + " --- |" * len(columns)]
    for system, rows in tables(page).items():
        first = rows[0]
        slow = next((row for row in rows if row["scheme"].partition(",")[0].endswith("on CVXPY")), None)
        own = number(first["median gap of its kind (%)"])
        cells = [f"[{system}](docs/systems/{system}.md), `{first['scheme']}`"]
        cells += [f"{first['served']} of {first['networks']}"]
        cells += [number(first[name]) for name in ("median gap (%)", "95th percentile (%)", "worst gap (%)")]
        cells[2] += f"; {own} of its kind" if own else ""
        cells += [number(first["ms per network"]), number(slow["times the default's"]) if slow else ""]
        cells += [", ".join(slow[name] for name in ("default better", "alike", "worse")) if slow else ""]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def readme() -> str:
    """The README with a fresh table."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    page = (ROOT / "docs" / "overview.md").read_text(encoding="utf-8")
    return f"{head}{BEGIN}\n{table(page)}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")
