"""Figures from datasets."""

import csv
import dataclasses

import matplotlib
import numpy as np
import pytest
import xarray

import toy
from trinode.experiments import gather, run
from trinode.experiments.runner import Summary
from trinode.plots import figures, report
from trinode.systems.figure import Panel

SPEC = toy.system.figures["line"]
SPEC = dataclasses.replace(SPEC, sweep=dataclasses.replace(toy.SWEEP, trials=4))


def made(folder, spec):
    run(spec.sweep, folder)
    return gather(spec.sweep, folder)


def test_files_beside_the_picture(tmp_path):
    before = dict(matplotlib.rcParams)
    data = made(tmp_path, SPEC)
    files = figures.save(SPEC, data, tmp_path)
    assert [file.name for file in files] == ["line.pdf", "line.png", "line.csv", "line.nc"]
    assert all(file.stat().st_size > 500 for file in files)
    assert dict(matplotlib.rcParams) == before
    with open(tmp_path / "line.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert len(rows) == 3 * (2 + 1)
    kept = data.isel(trial=np.flatnonzero(data["kept"].values))
    expected = float(kept["objective"].sel(line_bps=5.0, scheme="even").mean())
    row = next(row for row in rows if row["scheme"] == "even" and row["x"] == "5.0")
    assert float(row["mean"]) == pytest.approx(expected)
    with xarray.open_dataset(tmp_path / "line.nc") as whole:
        assert np.allclose(whole["objective"], data["objective"], equal_nan=True)
        assert whole.attrs["trials_kept"] == data.attrs["trials_kept"]


def test_the_picture_says_what_it_averages(tmp_path):
    data = made(tmp_path, SPEC)
    figure = figures.draw(SPEC, data)
    (ax,) = figure.axes
    assert ax.get_xlabel() == "Line (bit/s)"
    assert ax.get_ylabel() == "Mean largest latency (ms)"
    assert [line.get_label() for line in ax.lines] == ["balance", "even", "bound"]
    caption = figure._supxlabel.get_text().replace("\n", " ")
    assert f"{data.attrs['trials_kept']} of 4 trials" in caption
    # milliseconds on the axis, seconds in the numbers
    assert ax.lines[0].get_ydata()[0] == pytest.approx(1e3 * figures.lines(SPEC, data)[0]["mean"])


def test_series_panels_and_logarithms(tmp_path):
    sweep = dataclasses.replace(SPEC.sweep, series={"3": {}, "4": {"terminals": 4}}, values=(5.0, 10.0))
    panels = (Panel("objective", "a", bound=True), Panel("slowest", "b", scale="log"))
    spec = dataclasses.replace(SPEC, sweep=sweep, panels=panels, x_scale="log")
    figure = figures.draw(spec, made(tmp_path, spec))
    assert len(figure.axes) == 2
    assert {line.get_label() for line in figure.axes[1].lines} == {
        f"{scheme}, {series}" for scheme in ("balance", "even") for series in ("3", "4")
    }


def test_shares_of_trials_grow_with_the_value(tmp_path):
    sweep = dataclasses.replace(SPEC.sweep, parameter="", values=())
    spec = dataclasses.replace(SPEC, sweep=sweep, panels=(Panel("objective", "v (ms)", 1e3, "log", kind="shares"),))
    data = made(tmp_path, spec)
    rows = [row for row in figures.lines(spec, data) if row["scheme"] == "even"]
    kept = data.isel(trial=np.flatnonzero(data["kept"].values))["objective"].sel(scheme="even").values
    assert (rows[0]["x"], rows[-1]["x"]) == (kept.min(), kept.max())
    assert next(row["x"] for row in rows if row["mean"] == 0.5) == pytest.approx(np.median(kept))
    (ax,) = figures.draw(spec, data).axes
    assert ax.get_xlabel() == "v (ms)"
    assert np.all(np.diff(ax.lines[0].get_xdata()) >= 0)
    assert ax.lines[0].get_ydata()[-1] == 1


def test_histories_stay_where_they_stopped(tmp_path):
    sweep = dataclasses.replace(SPEC.sweep, parameter="", values=(), history=True)
    spec = dataclasses.replace(SPEC, sweep=sweep, panels=(Panel("history", "s"),))
    rows = [row for row in figures.lines(spec, made(tmp_path, spec)) if row["scheme"] == "even"]
    assert [row["x"] for row in rows] == list(range(1, toy.STEPS + 1))
    assert len({row["mean"] for row in rows}) == 1


def test_a_dataset_without_a_kept_trial_is_still_drawn(tmp_path):
    sweep = dataclasses.replace(SPEC.sweep, fixed={"quality_min": 2.0})
    spec = dataclasses.replace(SPEC, sweep=sweep)
    data = made(tmp_path, spec)
    assert data.attrs["trials_kept"] == 0
    assert "0 of 4 trials" not in figures.counts(data.attrs, spec=spec)
    assert figures.save(spec, data, tmp_path)
    (ax,) = figures.draw(spec, data).axes
    assert [text.get_text() for text in ax.texts] == ["no network is served here"]
    assert _chapter(spec, data).drawn == "nothing: none served"


def _chapter(spec, data):
    summary = Summary(1, 0, 1, (), 0.0)
    return report.Chapter("toy", spec, data.attrs, figures.lines(spec, data), [], summary, 0.0)


def test_where_no_trial_is_kept_each_scheme_is_drawn_over_its_own(tmp_path):
    data = made(tmp_path, SPEC)
    assert figures.trials_of(SPEC.panels[0], data.attrs) == "kept"
    assert _chapter(SPEC, data).drawn == "kept"
    served = data["feasible"].values.copy()
    served[0] = False  # nobody at the first point
    data["feasible"][...] = served
    data["kept"][...] = False
    data.attrs["trials_kept"] = 0
    rows = {(row["scheme"], row["x"]): row for row in figures.lines(SPEC, data)}
    assert np.isnan(rows["even", 5.0]["mean"])
    at = data.sel(scheme="even", line_bps=10.0)
    assert rows["even", 10.0]["count"] == int(at["feasible"].sum()) > 0
    assert rows["even", 10.0]["mean"] == pytest.approx(float(at["objective"].where(at["feasible"]).mean()))
    said = figures.counts(data.attrs, spec=SPEC)
    assert (
        "those that the scheme meets at the point, since there is none that every scheme meets at every point" in said
    )
    chapter = _chapter(SPEC, data)
    assert chapter.drawn == "own (none kept)"
    assert "own (none kept)" in report._contents([chapter])
    (ax,) = figures.draw(SPEC, data).axes
    assert not ax.texts
    assert np.isfinite(ax.lines[1].get_ydata()[1:]).all()


def test_intervals_hold_the_mean_with_95_percent():
    """By Student's t: of four values 3.182 standard errors to either side."""
    assert figures._half_width(2.0, 4) == pytest.approx(2 * 3.18245, rel=1e-5)
    assert figures._half_width(1.0, 10**6) == pytest.approx(1.95996, rel=1e-4)
    assert np.isnan(figures._half_width(np.nan, 1))


def test_values_that_are_texts_are_places_with_names(tmp_path):
    data = made(tmp_path, SPEC).assign_coords(line_bps=["slow", "middle", "fast"])
    sweep = dataclasses.replace(SPEC.sweep, values=("slow", "middle", "fast"))
    spec = dataclasses.replace(SPEC, sweep=sweep, spread=True)
    assert [row["x"] for row in figures.lines(spec, data)[:3]] == ["slow", "middle", "fast"]
    (ax,) = figures.draw(spec, data).axes
    assert [label.get_text() for label in ax.get_xticklabels()] == ["slow", "middle", "fast"]
    assert list(ax.lines[0].get_xdata()) == [0, 1, 2]


def test_trials_that_some_scheme_meets(tmp_path):
    """A scheme that misses a requirement counts in them; a network that nobody can serve does not."""
    panels = (Panel("objective", "latency", over="possible"),)
    spec = dataclasses.replace(SPEC, panels=panels)
    data = made(tmp_path, dataclasses.replace(spec, sweep=dataclasses.replace(SPEC.sweep, trials=6)))
    assert data["possible"].equals(data["feasible"].any("scheme").all("line_bps"))
    assert 0 < data.attrs["trials_possible"] == data["possible"].values.sum() < 6
    kept = data["possible"].values.copy()
    kept[np.flatnonzero(kept)[0]] = False  # as if one scheme missed it
    data["kept"] = ("trial", kept)
    rows = [row for row in figures.lines(spec, data) if row["scheme"] == "even"]
    assert {row["count"] for row in rows} == {data.attrs["trials_possible"]}
    assert f"{data.attrs['trials_possible']} of 6 trials: those that some" in figures.counts(data.attrs, spec=spec)


def test_an_infinite_mean_has_no_error_and_warns_of_nothing(tmp_path, recwarn):
    data = made(tmp_path, SPEC)
    data["objective"][...] = np.inf
    row = next(row for row in figures.lines(SPEC, data) if row["scheme"] == "even")
    assert row["mean"] == np.inf
    assert np.isnan(row["standard_error"])
    assert not recwarn.list
