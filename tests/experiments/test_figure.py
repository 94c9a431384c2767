"""From a figure's name to its dataset."""

import pytest

from trinode.errors import InputError
from trinode.experiments.figure import reproduce


def test_a_figure_is_computed_once(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    spec, data, summary = reproduce("toy", "line", trials=3)
    assert summary.computed == summary.total
    assert ("bound" in data, "scheme_bound" in data) == (any(panel.bound for panel in spec.panels), False)
    assert (spec.sweep.trials, data.sizes["trial"]) == (3, 3)
    assert (tmp_path / "out" / "toy-line" / "items").is_dir()
    assert reproduce("toy", "line", trials=3)[2].computed == 0
    assert reproduce("toy", "line", trials=3, seed=1)[2].reused == 0


def test_unknown_figures_are_refused():
    with pytest.raises(InputError, match="line"):
        reproduce("toy", "nothing")
