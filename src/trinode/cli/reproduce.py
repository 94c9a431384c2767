"""``trinode reproduce``"""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trinode import _flags
from trinode.cli import _out
from trinode.cli._network import AsJson
from trinode.cli._show import Column, Table, print_json, working
from trinode.cli._where import Dask, Jobs, Memory, SchedulerFile, ShardText, where
from trinode.errors import InputError

if TYPE_CHECKING:
    from trinode.plots.report import Chapter


def reproduce(
    system: Annotated[str, typer.Argument(metavar="[SYSTEM]", help="Name of a system.")] = "",
    figure: Annotated[
        str, typer.Argument(metavar="[FIGURE]", help="Name of a figure; see `trinode list SYSTEM`.")
    ] = "",
    everything: Annotated[
        bool, typer.Option("--all", help="Every figure of the system, or of all systems, and a report of them.")
    ] = False,
    trials: Annotated[int | None, typer.Option(help="Networks per point; the figure's own number if absent.")] = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Where results and pictures go.  [default: out/SYSTEM-FIGURE or out]"),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of the random numbers.")] = None,
    jobs: Jobs = None,
    dask: Dask = None,
    scheduler_file: SchedulerFile = None,
    shard: ShardText = None,
    memory: Memory = "1G",
    quickly: Annotated[
        bool,
        typer.Option("--quickly", help="Compile quickly rather than well: for few trials. The last digits may differ."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Compute figures of a system's paper and draw them; what is there already is not computed again.

    Stopped at any time, the same command goes on where it was. Beside a picture (.pdf, .png) lie the numbers that are
    drawn (.csv) and all results (.nc). With --all a report of everything lies in FOLDER/report.html.

    \b
    Examples:
      trinode reproduce latency fig3
      trinode reproduce latency fig3 --trials 10
      trinode reproduce latency fig3 --jobs 8 --out results/fig3
      trinode reproduce latency --all
      trinode reproduce --all --trials 5 --quickly --out quick
    """
    if quickly:
        _flags.add(_flags.QUICKLY)
    with working("loading", as_json):
        chosen = _chosen(system, figure, everything)
        options: dict[str, Any] = {"trials": trials, "seed": seed, "progress": not as_json}
        options |= where(jobs, dask, scheduler_file, shard, memory)
        _out.check_folder("--out", out or Path("out"))
    began = time.perf_counter()
    folders = [((out or Path("out")) / f"{of}-{name}" if everything else out) for of, name in chosen]
    chapters = []
    for index, chapter in enumerate(_chapters(chosen, folders, options, as_json)):
        chapters.append(chapter)
        if not everything and not as_json:
            _print(chapter)
        elif not as_json:
            done = f"{chapter.system} {chapter.spec.name} ({index + 1} of {len(chosen)}) {chapter.seconds:.0f} s"
            typer.echo(done, err=True)
    files = [file for chapter in chapters for file in chapter.files]
    if everything:
        from trinode.plots import report

        files.insert(0, report.write(chapters, out or Path("out"), time.perf_counter() - began))
    failed = [reason for chapter in chapters for reason in chapter.failed]
    if as_json:
        shown = [chapter.plain() for chapter in chapters]
        print_json({"figures": shown, "report": str(files[0])} if everything else shown[0])
    else:
        if everything:
            _overview(chapters).print()
        for file in files[:1] if everything else files:
            typer.echo(f"wrote {file}")
    if failed:
        raise typer.Exit(1)


def _chosen(system: str, figure: str, everything: bool) -> list[tuple[str, str]]:
    from trinode.experiments import figure as figures
    from trinode.systems.registry import system as find_system
    from trinode.systems.registry import system_names

    if everything and figure:
        raise InputError("figure", figure, "nothing beside --all")
    if everything:
        names = [system] if system else system_names()
        return [(name, one) for name in names for one in find_system(name).figures]
    if not system:
        raise InputError("system", "nothing", "one of " + ", ".join(system_names()) + ", or --all")
    if not figure:
        raise InputError("figure", "nothing", "one of " + ", ".join(find_system(system).figures) + ", or --all")
    figures.figure(system, figure)
    return [(system, figure)]


def _chapters(
    chosen: list[tuple[str, str]], folders: list[Path | None], options: dict[str, Any], quiet: bool
) -> Iterator[Chapter]:
    from trinode.experiments import figure as figures
    from trinode.plots import figures as drawings
    from trinode.plots.report import Chapter

    places = [folder or figures.default_folder(*of) for of, folder in zip(chosen, folders)]
    work = figures.reproduce_all([(*of, place) for of, place in zip(chosen, places)], **options)
    began = time.perf_counter()
    for (system, _), place, (spec, dataset, summary) in zip(chosen, places, work, strict=True):
        with working("drawing", quiet or len(chosen) > 1):
            files = drawings.save(spec, dataset, place)
            rows = drawings.lines(spec, dataset)
        yield Chapter(system, spec, dataset.attrs, rows, files, summary, time.perf_counter() - began)
        began = time.perf_counter()


def _print(chapter: Chapter) -> None:
    from trinode.plots import figures as drawings

    spec, rows = chapter.spec, chapter.rows
    shares = all(panel.kind == "shares" for panel in spec.panels)
    if shares:  # a curve has too many points to print
        rows = [row for row in rows if round(row["mean"], 9) in (0.05, 0.25, 0.5, 0.75, 0.95)]
    columns = [Column(key, key, left=True) for key in ("quantity", "series", "scheme")]
    numbers = [Column("x", "at most" if shares else spec.sweep.parameter or "step", "{:.5g}" if shares else "{:g}")]
    numbers += [Column("mean", "share" if shares else "mean", "{:.5g}")]
    numbers += [Column("standard_error", "standard error", "{:.2g}"), Column("count", "count")]
    columns = [c for c in columns if len({row[c.key] for row in rows}) > 1 or c.key == "scheme"]
    Table(spec.title, columns + numbers, rows).print()
    typer.echo(drawings.counts(chapter.counts, spec=spec))
    if spec.claims:
        typer.echo(f"The paper says: {spec.claims}")
    typer.echo(str(chapter.summary))


def _overview(chapters: list[Chapter]) -> Table:
    columns = [
        Column("system", "system", left=True),
        Column("figure", "figure", left=True),
        Column("trials", "trials"),
        Column("kept", "kept"),
        Column("drawn", "means over", left=True),
        Column("computed", "items\ncomputed"),
        Column("reused", "items\nreused"),
        Column("failed", "failed"),
        Column("seconds", "seconds", "{:.1f}"),
    ]
    rows = [
        {
            "system": c.system,
            "figure": c.spec.name,
            "trials": c.counts["trials"],
            "kept": c.counts["trials_kept"],
            "drawn": c.drawn,
            "computed": c.summary.computed,
            "reused": c.summary.reused,
            "failed": len(c.failed),
            "seconds": c.seconds,
        }
        for c in chapters
    ]
    return Table("Figures", columns, rows)
