"""Pictures and tables of the fairness system."""

import dataclasses

import jax
import numpy as np
import pytest

from trinode.cli import present_fairness
from trinode.plots import fairness, pictures
from trinode.systems.fairness import model
from trinode.systems.fairness.params import FairnessParams
from trinode.systems.fairness.scenario import draw
from trinode.systems.fairness.schemes import SCHEMES

judge = jax.jit(model.evaluate)


def texts(figure):
    return {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))}


def made(layout):
    params = FairnessParams(terminals=4, access_points=6, ap_antennas=2, subcarriers=3, layout=layout)
    scenario = jax.jit(draw)(params, jax.random.key(2))
    solution = jax.jit(SCHEMES["full-power"].solve)(scenario)
    report = judge(scenario, solution)
    return scenario, solution, dataclasses.replace(report, bound=0.5 * report.objective)


@pytest.fixture(scope="module")
def case():
    return made("cell-free")


def test_both_pictures_are_written(case, tmp_path):
    files = pictures("fairness", *case, tmp_path, "a title", np.zeros((2, 2, 2)))
    names = ["fairness-map.pdf", "fairness-map.png", "fairness-bars.pdf", "fairness-bars.png"]
    assert [file.name for file in files] == names
    assert all(file.stat().st_size > 3000 for file in files)
    assert fairness.draw_map(dataclasses.replace(case[0], ap_position_m=None), *case[1:]) is None


def test_the_longer_bar_is_the_latency(case):
    figure = fairness.draw_bars(*case, "here")
    own, upload, server = (np.array([bar.get_width() for bar in part]) for part in figure.axes[0].containers)
    latency = 1e3 * np.asarray(case[2].metrics["latency_s"])
    np.testing.assert_allclose(np.maximum(own, upload + server), latency)
    assert any(text.startswith(f"largest {latency.max():.4g} ms") for text in texts(figure))


def test_two_layouts_on_one_scale(case):
    figure = fairness.draw_pair({"cell-free": case, "BS-centred": made("bs-centred")})
    assert {"cell-free", "BS-centred"} <= texts(figure)
    maps = figure.axes[:2]
    assert maps[0].get_xlim() == maps[1].get_xlim()


def test_the_table_is_the_report(case):
    table = present_fairness.terminal_table(*case)
    np.testing.assert_allclose([row["latency_s"] for row in table.rows], np.asarray(case[2].metrics["latency_s"]))
    assert [row["subcarriers"] for row in table.rows] == [3] * 4
    assert {column.key for column in table.columns} <= set(table.rows[0])
