"""Tables for people and JSON for programs, from the same values."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import typer

from trinode._json import strict

NARROW = 100
"""Terminals of fewer columns show lists in two of them."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its key in JSON, its heading, and how a number is written."""

    key: str
    heading: str
    number: str = "{:g}"
    left: bool = False


@dataclass(frozen=True)
class Table:
    """Rows of plain values by column key; keys without a column are for JSON only."""

    title: str
    columns: Sequence[Column]
    rows: Sequence[Mapping[str, Any]] = field(default_factory=list)

    def print(self, two_columns: bool = False) -> None:
        """Write the table to the standard output; on narrow terminals in two columns where asked for."""
        from rich.box import SIMPLE_HEAD
        from rich.console import Console
        from rich.table import Table as RichTable

        console = Console(highlight=False, markup=False, emoji=False)
        room = console.width if console.is_terminal else 200
        if two_columns and room < NARROW and len(self.columns) > 2:
            self.folded().print()
            return
        cells = [[_cell(row.get(column.key), column.number) for column in self.columns] for row in self.rows]
        columns = list(zip(*cells)) if cells else [()] * len(self.columns)
        widths = [_least_width(column, texts) for column, texts in zip(self.columns, columns)]
        gap = 1 if sum(widths) + 2 * len(widths) + 2 <= room else 0  # beside the one that the frame makes
        drawn = RichTable(
            title=self.title,
            title_justify="left",
            title_style="bold",
            box=SIMPLE_HEAD,
            padding=(0, gap, 0, 0),
        )
        for column, width in zip(self.columns, widths):
            justify = "left" if column.left else "right"
            drawn.add_column(column.heading, justify=justify, no_wrap=not column.left, min_width=width)
        for row in cells:
            drawn.add_row(*row)
        # never so narrow that something is left out; a terminal wraps the lines then
        console.width = max(room, sum(widths) + len(widths) + 2)
        console.print(drawn)

    def folded(self) -> Table:
        """The same in two columns: the first, and the second with the others below it."""
        first, second, *others = self.columns
        rows = []
        for row in self.rows:
            text = {column.key: _cell(row.get(column.key), column.number) for column in self.columns}
            lines = [text[second.key], *(f"{one.heading}: {text[one.key]}" for one in others if text[one.key])]
            rows.append({first.key: text[first.key], second.key: "\n".join(lines)})
        return Table(self.title, [first, Column(second.key, second.heading, left=True)], rows)


def _least_width(column: Column, texts: Sequence[str]) -> int:
    """Width of the longest piece of a column that is not broken over lines."""
    lines = [line for text in (column.heading, *texts) for line in text.split("\n")]
    return max(len(word) for line in lines for word in (line.split(" ") if column.left else [line]))


def _cell(value: Any, number: str) -> str:
    if value is None:
        return ""
    value = value.item() if hasattr(value, "item") else value  # NumPy's and JAX's scalars
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        return "-" if math.isnan(value) else number.format(value)
    return str(value)


def print_json(value: Any) -> None:
    """Write strict JSON to the standard output; NaN and infinity become null."""
    typer.echo(json.dumps(strict(value), indent=2, allow_nan=False))


def to_json(value: Any) -> str:
    """Strict JSON as a text."""
    return json.dumps(strict(value), indent=2, allow_nan=False)


@contextmanager
def working(text: str, quiet: bool = False) -> Iterator[None]:
    """Say on the standard error stream what is being done, while it is done; on terminals only."""
    from rich.console import Console

    console = Console(stderr=True)
    if quiet or not console.is_terminal:
        yield
        return
    with console.status(text):
        yield
