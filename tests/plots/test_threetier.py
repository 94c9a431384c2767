"""Pictures and tables of a decision of the three-tier system, made by hand."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.cli import present_threetier as present
from trinode.plots import pictures, threetier
from trinode.systems.threetier import model
from trinode.systems.threetier.agents import Run, Traffic
from trinode.systems.threetier.agents.messages import Beams, Done
from trinode.systems.threetier.params import ThreetierParams
from trinode.systems.threetier.scenario import draw
from trinode.systems.threetier.solution import ThreetierSolution

judge = jax.jit(model.evaluate)


def decide(scenario, infeasible=False):
    """Terminals take turns: edge, cloud, itself."""
    count, stations = scenario.uplink_channel.shape[:2]
    turn = np.arange(count) % 3
    here = np.arange(count)[:, None] % stations == np.arange(stations)
    feasible = np.arange(count) != 1 if infeasible else np.ones(count, bool)
    return ThreetierSolution(
        status=jnp.asarray(2 if infeasible else 0),
        terminal_feasible=jnp.asarray(feasible),
        iterations=jnp.asarray(1),
        history=jnp.ones(1),
        edge_choice=jnp.asarray(here & (turn == 0)[:, None]),
        cloud_choice=jnp.asarray(here & (turn == 1)[:, None]),
        precoder=0.2 * scenario.transmit_steering,
        sensing_margin_max=jnp.asarray(jnp.nan),
        sensing_sinr_max=jnp.asarray(jnp.nan),
    )


@pytest.fixture(scope="module")
def scenario():
    return jax.jit(draw)(ThreetierParams(terminals=5, access_points=2, ap_antennas=3), jax.random.key(0))


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in [*ax.texts, *ax.get_yticklabels()]]


def test_map_names_stations_and_what_they_carry(scenario):
    x = decide(scenario)
    figure = threetier.draw_map(scenario, x, judge(scenario, x), "a title")
    assert figure is not None
    assert {"AP0: 1 edge, 1 cloud", "AP1: 1 edge, 1 cloud", "0", "4"} <= set(texts(figure))
    labels = [entry.get_text() for entry in figure.legends[0].get_texts()]
    assert "computes in the cloud (2)" in labels
    assert "cannot be served" not in labels
    assert figure.get_suptitle() == "a title"


def test_map_marks_who_cannot_be_served(scenario):
    x = decide(scenario, infeasible=True)
    figure = threetier.draw_map(scenario, x, judge(scenario, x))
    assert figure is not None
    assert "cannot be served" in [entry.get_text() for entry in figure.legends[0].get_texts()]


def test_no_positions_no_map(scenario):
    x = decide(scenario)
    blind = dataclasses.replace(scenario, terminal_position_m=None)
    assert threetier.draw_map(blind, x, judge(blind, x)) is None


def test_bars_add_up_to_the_latencies(scenario):
    x = decide(scenario)
    report = judge(scenario, x)
    figure = threetier.draw_bars(scenario, x, report)
    whole = figure.axes[0]
    ends = np.zeros(5)
    for bar in whole.patches:
        ends[round(bar.get_y() + bar.get_height() / 2)] = max(
            ends[round(bar.get_y() + bar.get_height() / 2)], bar.get_x() + bar.get_width()
        )
    np.testing.assert_allclose(ends, 1e3 * np.asarray(report.metrics["latency_s"]), rtol=1e-9)
    assert "cloud over AP1" in texts(figure)
    assert "itself" in texts(figure)


def test_files(scenario, tmp_path):
    x = decide(scenario)
    files = pictures("threetier", scenario, x, judge(scenario, x), tmp_path)
    assert {file.name for file in files} >= {"threetier-map.png", "threetier-bars.pdf"}
    assert all(file.stat().st_size > 1000 for file in files)


def test_table_of_terminals(scenario):
    x = decide(scenario)
    report = judge(scenario, x)
    rows = present.terminal_table(scenario, x, report).rows
    assert [row["computes"] for row in rows] == ["edge", "cloud", "itself", "edge", "cloud"]
    assert [row["over"] for row in rows] == ["AP0", "AP1", "-", "AP1", "AP0"]
    assert rows[1]["backhaul_ms"] == pytest.approx(80.0)
    assert rows[2]["latency_ms"] == pytest.approx(640.0)


def test_table_of_messages():
    traffic = Traffic(station_seconds=[0.02, 0.05])
    traffic.count(Beams(np.zeros((4, 2), complex)))
    traffic.count(Done())
    run = Run(
        None, None, None, [{"algorithm": "1"}, {"algorithm": "2"}, {"algorithm": "2"}], traffic, ended="converged"
    )
    row = present.traffic_table({"plus": run}).rows[0]
    assert (row["messages"], row["kilobytes"], row["largest"]) == (2, 0.128, "Beams")
    assert (row["offloading_steps"], row["beam_steps"], row["station_ms"]) == (1, 2, pytest.approx(50))
