"""Pictures of the region system, of decisions and regions made by hand."""

import dataclasses

import jax
import numpy as np
import pytest

from trinode.plots import pictures
from trinode.plots import region as drawings
from trinode.systems.region import model
from trinode.systems.region.front import Region
from trinode.systems.region.params import RegionParams
from trinode.systems.region.scenario import draw
from trinode.systems.region.schemes import SCHEMES

judge = jax.jit(model.evaluate)
SHAPE = {"terminals": 4, "access_points": 3, "ap_antennas": 5, "targets": 2, "pilots": 3, "directions": 37}


@pytest.fixture(scope="module")
def case():
    scenario = jax.jit(draw)(RegionParams(pattern_mse_max=3.0, **SHAPE), jax.random.key(0))
    solution = jax.jit(SCHEMES["mrt"].solve)(scenario)
    return scenario, solution, judge(scenario, solution)


def texts(figure):
    return {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))}


def test_both_pictures_are_written(case, tmp_path):
    files = pictures("region", *case, tmp_path, "a title", np.zeros((2, 2, 2)))
    names = ["region-map.pdf", "region-map.png", "region-beams.pdf", "region-beams.png"]
    assert [file.name for file in files] == names
    assert all(file.stat().st_size > 3000 for file in files)


def test_the_map_names_everybody_with_the_rate(case):
    shown = texts(drawings.draw_map(*case, "here"))
    rate = np.asarray(case[2].metrics["rate_bps_hz"])
    assert {f"{k}: {rate[k]:.1f}" for k in range(4)} | {"AP0", "AP1", "AP2"} <= shown


def test_beams_are_of_those_that_sense(case):
    figure = drawings.draw_beams(*case)
    sensing = np.flatnonzero(np.asarray(case[0].sensing_ap))
    assert [ax.get_ylabel() for ax in figure.axes] == [f"AP{m}" for m in sensing]
    drawn = figure.axes[0].lines[0].get_ydata()
    radiated = model.radiated(case[0], case[1].precoder, case[1].sensing_covariance)
    np.testing.assert_allclose(drawn, np.asarray(radiated)[sensing[0]])


def test_nothing_to_draw(case):
    scenario = dataclasses.replace(case[0], terminal_position_m=None)
    assert drawings.draw_map(scenario, *case[1:]) is None
    deaf = dataclasses.replace(case[0], sensing_ap=np.zeros(3, bool))
    assert drawings.draw_beams(deaf, *case[1:]) is None


def test_a_region_and_fronts(case):
    one = Region(case[0], "error", np.array([0.3, 0.5, 0.9]), np.array([7.0, 8.0, 8.5]), [], 0.3, 7.0, 0.9, 8.5, 9.25)
    figure = drawings.draw_region(one, "a region", {"zf": (0.5, 4.0)})
    shown = texts(figure)
    assert {"a region", "bound", "front", "zf"} <= shown
    assert any("(0.300, 7.0)" in text for text in shown)
    assert any("(0.900, 8.5)" in text for text in shown)
    assert {"M = 4", "M = 6"} <= texts(drawings.draw_fronts([(4, one), (6, one)]))
    np.testing.assert_allclose(one.rate_at([0.2, 0.3, 0.6, 2.0]), [np.nan, 7.0, 8.0, 8.5])
