"""The progress of a run, on the standard error stream."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, runtime_checkable


@runtime_checkable
class Progress(Protocol):
    """Whoever is told of items."""

    def begin(self, label: str) -> None:
        """An item begins."""
        ...

    def end(self) -> None:
        """It is over, well or not."""
        ...


class _Silent:
    def begin(self, label: str) -> None:
        pass

    def end(self) -> None:
        pass


SILENT: Progress = _Silent()
"""Shows nothing."""


@contextmanager
def bar(total: int, done: int, title: str) -> Iterator[Progress]:
    """A bar with count, rate and time left; it is drawn on terminals only."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[label]}"),
    )
    console = Console(stderr=True)
    with RichProgress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task(title, total=total, completed=done, rate="", label="")

        class Shown:
            def begin(self, label: str) -> None:
                progress.update(task, label=label)

            def end(self) -> None:
                progress.advance(task)
                speed = progress.tasks[0].speed
                progress.update(task, rate=f"{speed:.2f} items/s" if speed else "")

        yield Shown()
