"""Measurements that take little: the smallest sections of the benches, on one network."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest

from trinode import api
from trinode.errors import MissingExtraError
from trinode.experiments.bench import latency, overview, threetier

pytestmark = pytest.mark.slow


def rows(tables):
    """Rows of the first table by column."""
    first = tables[0]
    return [dict(zip(first["columns"], row)) for row in first["rows"]]


def test_resource_steps_beside_cvxpy():
    measured = rows(latency.SECTIONS["resource"](1, lambda _: None))
    errors = {row["what"]: row["value"] for row in measured if "difference" in row["what"]}
    assert len(errors) == 1
    assert all(0 <= error < 1e-6 for error in errors.values())


def test_offloading_beside_an_integer_program():
    measured = rows(threetier.SECTIONS["offloading"](2, lambda _: None))
    assert measured
    assert all(0 <= row["largest difference"] < 1e-9 for row in measured)


def measured(monkeypatch, twin):
    """Rows of the overview of the toy system, beside a method of its own."""
    module = SimpleNamespace(TWIN_ON=({"terminals": 4}, "even on CVXPY"), twin=twin)
    monkeypatch.setitem(sys.modules, "trinode.experiments.bench.toy", module)
    return {row["scheme"]: row for row in rows(overview.overview("toy", 6, lambda _: None))}


def test_an_overview_of_a_system(monkeypatch, toy_system):
    def even(scenario):
        return float(api.evaluate(scenario, api.solve(scenario, "even"), bound=False).objective)

    found = measured(monkeypatch, even)
    assert list(found) == ["balance", "even", "even on CVXPY"]
    default, other, slow = found.values()
    gaps = []
    for trial in range(6):
        scenario = api.draw("toy", trial=trial)
        report = api.evaluate(scenario, api.solve(scenario, "even"))
        gaps += [100 * float(report.gap)] if np.isfinite(report.objective) else []
    assert default["served"] == other["served"] == len(gaps)
    assert other["median gap (%)"] == pytest.approx(np.median(gaps))
    assert other["worst gap (%)"] == pytest.approx(max(gaps))
    assert abs(other["median gap of its kind (%)"]) < 1e-9
    assert (default["default better"], default["alike"], default["worse"]) == (0, len(gaps), 0)
    assert (other["default better"], other["alike"], other["worse"]) == (len(gaps), 0, 0)
    assert default["worst gap (%)"] < other["median gap (%)"]
    assert (slow["networks"], slow["worse"]) == (3, 0)
    assert slow["ms per network"] > 0


def test_an_overview_without_cvxpy(monkeypatch, toy_system):
    def missing(scenario):
        raise MissingExtraError("cvxpy", "reference")

    assert list(measured(monkeypatch, missing)) == ["balance", "even"]
