"""Pictures of a decision of the latency system, made by hand."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.cli import present_latency
from trinode.plots import _map, latency, pictures
from trinode.radio.propagation import steering
from trinode.systems.latency import model
from trinode.systems.latency import scenario as networks
from trinode.systems.latency.params import LatencyParams
from trinode.systems.latency.solution import LatencySolution

draw, judge = jax.jit(networks.draw), jax.jit(model.evaluate)


def decide(scenario, infeasible=False):
    """Terminals take turns: edge, cloud, itself; equal shares over what serves."""
    count, _, _, antennas = scenario.uplink_channel.shape
    serving = np.asarray(scenario.serving, float)
    share = serving / serving.sum(1, keepdims=True)
    turn = np.arange(count) % 3
    edge, cloud = share * (turn == 0)[:, None], share * (turn == 1)[:, None]
    towards = np.asarray(scenario.transmit_steering) * 0.1
    feasible = np.arange(count) != 1 if infeasible else np.ones(count, bool)
    return LatencySolution(
        status=jnp.asarray(2 if infeasible else 0),
        terminal_feasible=jnp.asarray(feasible),
        iterations=jnp.asarray(1),
        history=jnp.ones(1),
        edge_share=jnp.asarray(edge),
        cloud_share=jnp.asarray(cloud),
        precoder=jnp.asarray(serving[..., None] * 0.02 * np.ones(antennas) + 0j),
        sensing_precoder=jnp.asarray(towards),
        terminal_frequency_hz=scenario.terminal_max_frequency_hz,
        edge_frequency_hz=jnp.asarray((edge > 0) * 1e9),
        cloud_frequency_hz=jnp.asarray((turn == 1) * 3e9),
        fronthaul_bps=jnp.asarray((cloud > 0) * 1e8),
        sensing_margin_max=jnp.asarray(1.0),
        sensing_sinr_max=jnp.asarray(1.0),
    )


@pytest.fixture(scope="module")
def case():
    scenario = draw(LatencyParams(), jax.random.key(0))
    solution = decide(scenario)
    report = judge(scenario, solution)
    return scenario, solution, dataclasses.replace(report, bound=0.97 * report.objective)


def texts(figure):
    return {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))}


def test_both_pictures_are_written(case, tmp_path):
    files = pictures("latency", *case, tmp_path, "a title", np.zeros((2, 2, 2)))
    names = ["latency-map.pdf", "latency-map.png", "latency-bars.pdf", "latency-bars.png"]
    assert [file.name for file in files] == names
    assert all(file.stat().st_size > 3000 for file in files)


def test_systems_without_pictures_have_bars_of_what_they_say_of_terminals(case, tmp_path):
    scenario, solution, report = case
    files = pictures("toy", scenario, solution, dataclasses.replace(report, system="toy"), tmp_path)
    assert [file.name for file in files] == ["toy-terminals.pdf", "toy-terminals.png"]
    without = dataclasses.replace(report, system="toy", metrics={})
    assert pictures("toy", scenario, solution, without, tmp_path) == []


def test_the_map_names_everything(case):
    shown = texts(latency.draw_map(*case, title="a title"))
    assert {f"AP{m}" for m in range(6)} | {str(k) for k in range(6)} <= shown
    assert set(latency.TIER_LABELS.values()) <= shown
    assert {"a title", "serves, unused"} <= shown
    assert any(text.endswith(" m") for text in shown)


def test_the_bars_add_up_to_the_latency(case):
    scenario, solution, report = case
    ax = latency.draw_bars(scenario, solution, report).axes[0]
    ends = np.max([[bar.get_x() + bar.get_width() for bar in part] for part in ax.containers], axis=0)
    assert np.allclose(ends, 1e3 * np.asarray(report.metrics["latency_s"]) / (1 if ends.max() > 100 else 1e3))
    shown = texts(ax.figure)
    assert any(text.startswith("edge over AP") for text in shown)
    assert any(text.startswith("cloud over AP") for text in shown)
    assert any(text.startswith("bound ") for text in shown)
    assert any(text.startswith("largest ") for text in shown)


def test_a_beam_at_the_target_peaks_there():
    for angle in (-1.2, 0.0, 0.7):
        vector = np.asarray(steering(jnp.asarray(angle), 8, 0.5))
        assert _map.target_angle(vector) == pytest.approx(angle, abs=1e-9)
        grid = np.linspace(-np.pi / 2, np.pi / 2, 1801)
        power = _map.radiated_pattern(np.outer(vector, vector.conj()), grid)
        assert grid[power.argmax()] == pytest.approx(angle, abs=2e-3)
        assert power.max() == pytest.approx(64, rel=1e-3)


def test_directions_that_no_linear_array_has_are_left_out(case):
    scenario, solution, report = case
    assert _map.target_angle(np.ones(1)) is None
    assert _map.target_angle(np.exp(1j * np.array([0.0, 1.0, 0.5]))) is None
    assert _map.target_angle(np.array([1.0, 2.0])) is None
    odd = eqx.tree_at(lambda s: s.transmit_steering, scenario, 2 * scenario.transmit_steering)
    assert "radiated power\nover the angle" not in texts(latency.draw_map(odd, solution, report))


def test_infeasible_decisions_and_missing_positions(case):
    scenario = case[0]
    solution = decide(scenario, infeasible=True)
    report = judge(scenario, solution)
    assert "cannot be served" in texts(latency.draw_map(scenario, solution, report))
    assert any("cannot be served" in text for text in texts(latency.draw_bars(scenario, solution, report)))
    placeless = eqx.tree_at(lambda s: s.ap_position_m, scenario, None)
    assert latency.draw_map(placeless, solution, report) is None


def test_a_link_without_rate_is_drawn_without_a_bar(case):
    scenario, solution, _ = case
    silent = eqx.tree_at(lambda x: x.precoder, solution, jnp.zeros_like(solution.precoder))
    report = judge(scenario, silent)
    assert not np.isfinite(report.objective)
    assert latency.draw_bars(scenario, silent, report).axes[0].get_xlim()[1] > 0
    assert latency.draw_map(scenario, silent, report) is not None


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 2, 1), (12, 50, 3)])
def test_other_sizes(sizes):
    terminals, aps, serving = sizes
    antennas = 1 if aps == 1 else 4
    scenario = draw(
        LatencyParams(terminals=terminals, access_points=aps, serving=serving, terminal_antennas=antennas),
        jax.random.key(1),
    )
    solution = decide(scenario)
    report = judge(scenario, solution)
    for draw_one in latency.PICTURES.values():
        figure = draw_one(scenario, solution, report)
        figure.draw_without_rendering()


def test_the_table_says_where_and_over_what(case):
    table = present_latency.terminal_table(*case)
    assert [row["computes"] for row in table.rows] == ["edge", "cloud", "itself"] * 2
    assert table.rows[2]["over"] == "-"
    np.testing.assert_allclose([row["latency_s"] for row in table.rows], case[2].metrics["latency_s"])
    assert {column.key for column in table.columns} <= set(table.rows[0])
