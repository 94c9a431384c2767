"""What systems say of themselves: parameters, metrics, and the texts of networks, decisions and reports."""

import dataclasses
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import toy
import trinode as tn
from trinode.errors import InputError
from trinode.systems import registry
from trinode.systems.describe import parameters_of
from trinode.systems.metric import there
from trinode.systems.units import readable, unit_of

SIZES = {
    "latency": {"terminals": 2, "access_points": 3, "ap_antennas": 4, "terminal_antennas": 5, "radar_antennas": 6},
    "threetier": {"terminals": 2, "access_points": 4, "ap_antennas": 3, "terminal_antennas": 5, "radar_antennas": 6},
    "region": {"terminals": 4, "access_points": 3, "ap_antennas": 5, "targets": 2, "pilots": 3, "directions": 7},
    "fairness": {"terminals": 2, "access_points": 3, "ap_antennas": 4, "subcarriers": 5},
    "energy": {"terminals": 2, "ap_antennas": 3, "terminal_antennas": 4, "radar_antennas": 5},
}
MORE = {"energy": {"channel_error": 0.1}, "region": {"detection_probability_min": 0.9}}
"""What metrics need that are not always there."""


@pytest.fixture(autouse=True)
def toy_system(monkeypatch):
    monkeypatch.setitem(registry._loaded, "toy", toy.system)


@pytest.mark.parametrize("name", SIZES)
def test_every_parameter_is_described_and_its_choices_are_those_that_are_taken(name):
    system = tn.system(name)
    doc = system.Params.__doc__
    for one in parameters_of(system):
        assert len(one.meaning) > 3, one.name
        assert "``" not in one.meaning
        default = getattr(system.Params(), one.name)
        if isinstance(default, str):
            choices = re.search(rf"\b{one.name} : {{(.*)}}", doc)[1].replace('"', "")
            assert one.allowed == choices
            for choice in one.allowed.split(", "):
                assert getattr(system.Params(**{one.name: choice}), one.name) == choice
        elif isinstance(default, float) and one.allowed != "a number":
            with pytest.raises(InputError, match=one.name):
                system.Params(**{one.name: -1.0})


@pytest.mark.parametrize(("name", "more"), [(name, {}) for name in SIZES] + list(MORE.items()))
def test_metrics_are_those_of_the_judge(name, more):
    """Names, shapes, and which of them need a parameter; by shapes alone, so that nothing is compiled."""
    system = tn.system(name)
    params = tn.parameters(name, SIZES[name] | more)
    sizes = {"*": 1}
    kinds = {"complex": complex, "float": float, "int": int, "bool": bool}
    schema = {key: field for key, field in system.solution_schema.items() if key != "status" and not field.optional}

    def judged(params, key):
        scenario = system.draw(params, key)
        for key, field in system.scenario_schema.items():
            if (value := getattr(scenario, key)) is not None:
                sizes.update(zip(field.dims, value.shape))
        arrays = {key: np.zeros([sizes[d] for d in field.dims], kinds[field.kind]) for key, field in schema.items()}
        return system.evaluate(scenario, system.Solution.from_arrays({"status": np.asarray("converged"), **arrays}))

    report = jax.eval_shape(judged, params, jax.random.key(0))
    assert set(report.metrics) == set(there(system.metrics, params))
    sizes["T"] = SIZES[name].get("targets")
    for key, value in report.metrics.items():
        assert value.shape == tuple(sizes[letter] for letter in system.metrics[key].dims), key


def test_units_are_what_names_end_in():
    names = ("rate_bps_hz", "rate_bps", "task_bits_per_hz", "cycles_per_bit", "noise_density_dbm_hz", "element_spacing")
    assert [unit_of(name) for name in names] == ["bit/s/Hz", "bit/s", "bit/Hz", "cycle/bit", "dBm/Hz", "wavelengths"]
    assert unit_of("gini") == unit_of("terminals") == ""
    shown = [readable(*one) for one in ((0.1334, "s"), (2e7, "Hz"), (3e-13, "W"), (0.0, "J"), (float("nan"), "s"))]
    assert shown == ["133.4 ms", "20 MHz", "3e-13 W", "0 J", "-"]
    assert readable(4.2e-7, "s") == "4.2e-07 s"
    assert readable(float("inf"), "s") == "inf s"


def lines(thing):
    """The text of a thing by the first word of each line, and its title."""
    title, *rows = str(thing).splitlines()
    assert all(len(row) <= 100 for row in rows)
    return title, {row.split()[0]: " ".join(row.split()[1:]) for row in rows}


def test_networks_decisions_and_reports_say_what_they_are():
    scenario = tn.draw("toy", terminals=4)
    title, rows = lines(scenario)
    assert title == "toy: network"
    assert rows["line_bps"] == "10 bit/s"
    assert rows["load"].endswith("bit 4 terminals")
    solution = tn.solve(scenario, "even")
    title, rows = lines(solution)
    assert (title, rows["status"]) == ("toy: decision", "converged")
    assert rows["share"] == "0.25 4 terminals"
    report = tn.evaluate(scenario, solution)
    title, rows = lines(report)
    assert title == "toy: report"
    assert f"{1e3 * float(report.objective):.4g} ms" in str(report)
    assert rows["bound"].endswith(f"gap {100 * float(report.gap):.4g} %")
    assert rows["feasible"].startswith("yes")
    assert rows["latency_s"].endswith("ms 4 terminals")
    assert repr(report) == str(report)


def test_stacks_say_how_many_they_are_and_show_ranges():
    scenarios = tn.draw_batch("toy", trials=7)
    solutions = tn.solve_batch(scenarios, "even")
    reports = tn.evaluate_batch(scenarios, solutions)
    for thing, what in ((scenarios, "network"), (solutions, "decision"), (reports, "report")):
        assert lines(thing)[0].startswith(f"toy: {what}: 7 of them")
    loads = np.asarray(scenarios.load)
    assert lines(scenarios)[1]["load"] == f"{loads.min():.4g} to {loads.max():.4g} bit 3 terminals"
    count = int((solutions.status == tn.Status.CONVERGED).sum())
    assert 0 < count < 7
    assert lines(solutions)[1]["status"] == f"{count} converged, {7 - count} infeasible"


def test_parameters_say_what_differs_from_the_default():
    title, rows = lines(tn.parameters("fairness", {"bandwidth_hz": 5e6, "layout": "bs-centred"}))
    assert title == "FairnessParams"
    assert rows["bandwidth_hz"] == "5 MHz default 20 MHz"
    assert rows["layout"] == "bs-centred default cell-free"
    assert rows["terminals"] == "10"
    assert rows["noise_density_dbm_hz"] == "-174 dBm/Hz"


def test_sinrs_are_shown_in_decibels_and_channels_by_magnitude():
    arrays = {
        "uplink_channel": np.full((2, 3, 4), 3e-6 + 4e-6j),
        "echo_channel": np.ones((2, 2, 5, 4), complex),
        **dict.fromkeys(("ap_noise_w", "bandwidth_hz", "ap_max_frequency_hz"), 1e6),
        **{key: [1.0, 10.0] for key, field in tn.system("energy").scenario_schema.items() if field.dims == ("K",)},
    }
    _, rows = lines(tn.from_arrays("energy", **arrays))
    assert rows["sensing_sinr_min"] == "0, 10 dB 2 terminals"
    assert rows["uplink_channel"] == "magnitude 5e-06 2 x 3 x 4"


def test_what_is_traced_has_a_plain_text():
    seen = []
    scenario = tn.draw("toy")
    jax.jit(lambda s: seen.append(repr(s)) or s.load)(scenario)
    assert "ToyScenario(" in seen[0]


def test_reports_become_data_frames():
    scenarios = tn.draw_batch("toy", trials=7)
    reports = tn.evaluate_batch(scenarios, tn.solve_batch(scenarios, "even"))
    frame = reports.to_pandas()
    assert frame.index.names == ["network", "terminal"]
    assert frame.loc[(5, 2), "latency_s"] == float(reports.metrics["latency_s"][5, 2])
    networks = reports.to_pandas("network")
    assert list(networks["bound"]) == reports.bound.tolist()
    one = tn.evaluate(*(jax.tree.map(lambda leaf: leaf[0], x) for x in (scenarios, tn.solve_batch(scenarios, "even"))))
    assert list(one.to_pandas().index) == [0, 1, 2]
    assert one.to_pandas()["share"].tolist() == [1 / 3] * 3
    with pytest.raises(InputError, match="per: got terminals; allowed: did you mean terminal"):
        reports.to_pandas("terminals")
    with pytest.raises(InputError, match="report: got a report whose"):
        dataclasses.replace(one, system="").to_pandas()


def test_a_missing_pandas_is_named(monkeypatch):
    scenario = tn.draw("toy")
    report = tn.evaluate(scenario, tn.solve(scenario, "even"), bound=False)
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(tn.MissingExtraError, match="pip install pandas"):
        report.to_pandas()


def test_a_report_without_a_name_has_a_text():
    report = toy.evaluate(tn.draw("toy"), tn.solve(tn.draw("toy"), "even"))
    title, rows = lines(report)
    assert title == "report"
    assert "objective" in rows
    assert jnp.isnan(report.bound)
    assert "bound" not in rows
