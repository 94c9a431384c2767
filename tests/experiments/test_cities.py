"""The bench on cities, with a system that compiles in no time."""

import json

import numpy as np
import pytest

from trinode import api
from trinode.errors import InputError
from trinode.experiments.bench import cities
from trinode.experiments.bench.cities import Contest, Place


@pytest.fixture
def contest(monkeypatch, toy_system):
    """Name a contest that is there for one test."""

    def add(default, **given):
        monkeypatch.setitem(cities.CONTESTS, "toy", Contest("toy", default, (), given))
        return "toy"

    return add


def columns(made, which=0):
    return [dict(zip(made[which]["columns"], row)) for row in made[which]["rows"]]


def test_places_are_those_of_the_package_and_of_a_folder(tmp_path):
    found = [(one.city, one.layout) for one in cities.places(layouts=2)]
    assert found == [("munich", 0), ("munich", 1), ("florence", 0), ("florence", 1)]
    with pytest.raises(InputError, match="layouts"):
        cities.places(layouts=0)
    with pytest.raises(InputError, match="make_cities"):
        cities.places(tmp_path)


def test_losses_are_those_to_the_best_scheme(contest, tmp_path):
    records = list(cities.run(contest("even"), cities.places(layouts=2), tmp_path, lambda _: None))
    expected = []
    for place, record in zip(cities.places(layouts=2), records, strict=True):
        network = api.from_channels(place.load(), "toy", 0, place.layout)
        even, best = (
            float(api.evaluate(network, api.solve(network, name), bound=False).objective)
            for name in ("even", "balance")
        )
        assert record["alone"]["even"]["value"] == even
        expected.append(even / best - 1)
    made = cities.tables("toy", records)
    *each, whole = columns(made)
    assert [row["networks"] for row in each] == [2, 2]
    beaten = sorted((100 * one for one in expected if one > cities.BEATEN), reverse=True)
    assert len(beaten) >= 2
    assert (whole["served"], whole["beaten by a scheme"], whole["beaten by a restart"]) == (4, len(beaten), 0)
    assert whole["median loss (%)"] == pytest.approx(100 * np.median(expected))
    assert whole["worst loss (%)"] == pytest.approx(100 * max(expected))
    worst = columns(made, 1)
    assert [row["loss (%)"] for row in worst] == pytest.approx(beaten)
    assert {row["by"] for row in worst} == {"balance"}


def test_nobody_is_served_and_nothing_is_proved(contest, tmp_path):
    records = list(cities.run(contest("balance", quality_min=2.0), cities.places(layouts=1), tmp_path, lambda _: None))
    (*_, whole) = columns(cities.tables("toy", records))
    assert (whole["served"], whole["infeasible"], whole["open"], whole["missed"]) == (0, 0, 2, 0)


def test_what_only_others_serve_is_missed():
    found = {"value": 3.0, "status": "converged", "seconds": 1.0}
    nothing = {"value": None, "status": "infeasible", "seconds": 1.0}
    record = {
        "city": "munich",
        "layout": 0,
        "sizes": [1, 2],
        "alone": {"joint": nothing, "mec": found},
        "restarts": {"mec": found | {"value": 2.5}},
        "bound": 2.0,
        "proved": False,
    }
    made = cities.tables("latency", [record, record | {"layout": 1, "alone": {"joint": nothing}, "restarts": {}}])
    (row,) = columns(made)
    assert (row["missed"], row["open"], row["served"], row["beaten by a scheme"]) == (1, 1, 0, 0)
    (worst,) = columns(made, 1)
    assert (worst["best known (s)"], worst["by"], worst["loss (%)"]) == (2.5, "joint from mec", "missed")


def test_what_is_kept_is_not_computed_again(contest, tmp_path, monkeypatch):
    name, where = contest("balance"), cities.places(layouts=1)
    first = list(cities.run(name, where[:1], tmp_path, lambda _: None))
    list(cities.run(name, where, tmp_path, lambda _: None))
    kept = sorted(tmp_path.iterdir())
    assert len(kept) == 2
    with monkeypatch.context() as patched:
        patched.setattr(api, "solve", None)
        assert list(cities.run(name, where[:1], tmp_path, lambda _: None)) == first
    for path in kept:
        path.write_text(path.read_text()[:-9])  # stopped while it was written
    again = list(cities.run(name, where[:1], tmp_path, lambda _: None))
    assert again[0]["alone"]["balance"]["value"] == first[0]["alone"]["balance"]["value"]
    assert sum(_whole(path) for path in kept) == 1
    list(cities.run(contest("even"), where[:1], tmp_path, lambda _: None))
    assert len(list(tmp_path.iterdir())) == 3  # another contest, other results


def _whole(path):
    try:
        return bool(json.loads(path.read_text()))
    except ValueError:
        return False


def test_everybody_who_plays_is_there():
    for one in cities.CONTESTS.values():
        schemes = cities.find_system(one.system).schemes
        assert {one.default, *one.apart} <= set(schemes)
        assert set(one.others) | {one.default, *one.apart} == set(schemes)
    assert isinstance(cities.places()[0], Place)
