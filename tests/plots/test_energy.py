"""Pictures and tables of the energy system."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.cli import present_energy
from trinode.plots import energy, pictures
from trinode.systems.decision import Status
from trinode.systems.energy import model
from trinode.systems.energy.params import EnergyParams
from trinode.systems.energy.scenario import draw
from trinode.systems.energy.solution import EnergySolution

judge = jax.jit(model.evaluate)
SHAPE = {"terminals": 3, "ap_antennas": 5, "terminal_antennas": 7, "radar_antennas": 4}


def texts(figure):
    return {text.get_text() for text in figure.findobj(lambda artist: hasattr(artist, "get_text"))}


@pytest.fixture(scope="module")
def case():
    """Half of everything offloaded with beams along the first antennas."""
    scenario = jax.jit(draw)(EnergyParams(**SHAPE), jax.random.key(1))
    k, a, t, r = 3, 5, 7, 4
    beam = jnp.zeros((k, t), complex).at[jnp.arange(k), jnp.arange(k)].set(0.05)
    solution = EnergySolution(
        status=jnp.asarray(int(Status.CONVERGED)),
        terminal_feasible=jnp.asarray([True, False, True]),
        iterations=jnp.asarray(1),
        history=jnp.ones(1),
        offload_fraction=jnp.asarray([0.5, 0.25, 1.0]),
        terminal_frequency_hz=jnp.full(k, 4e8),
        ap_frequency_hz=jnp.full(k, 2e9),
        precoder=beam,
        sensing_precoder=0.3 * beam[:, ::-1],
        combiner=jnp.ones((k, a), complex),
        radar_combiner=jnp.ones((k, r), complex),
        sensing_margin_max=jnp.asarray(jnp.nan),
        sensing_sinr_max=jnp.asarray(jnp.nan),
    )
    report = judge(scenario, solution)
    return scenario, solution, dataclasses.replace(report, bound=0.9 * report.objective)


def test_both_pictures_are_written(case, tmp_path):
    files = pictures("energy", *case, tmp_path, "a title")
    names = ["energy-budget.pdf", "energy-budget.png", "energy-beams.pdf", "energy-beams.png"]
    assert [file.name for file in files] == names
    assert all(file.stat().st_size > 3000 for file in files)


def test_the_budget_adds_up_to_the_energy(case):
    scenario, _, report = case
    figure = energy.draw_budget(*case, "here")
    ends = np.max([[bar.get_x() + bar.get_width() for bar in part] for part in figure.axes[0].containers], axis=0)
    factor = 1e3 if "(mJ)" in figure.axes[0].get_xlabel() else 1.0
    spent = np.asarray(report.metrics["energy_j"]) * factor
    np.testing.assert_allclose(ends, spent)
    assert {"here", "terminal 1\n25% offloaded"} <= texts(figure)
    assert sum(spent) == pytest.approx(float(report.objective) * factor)
    assert sum(v.sum() for v in energy.parts_j(scenario, report).values()) == pytest.approx(float(report.objective))


def test_schemes_side_by_side(case):
    scenario, solution, report = case
    failed = dataclasses.replace(report, objective=jnp.asarray(jnp.nan))
    figure = energy.draw_schemes(scenario, {"one": (solution, report), "two": (solution, failed)}, "both")
    assert {"one", "two", "serves 2 of 3", "both"} <= texts(figure)


def test_the_table_says_who_is_served(case):
    table = present_energy.terminal_table(*case)
    assert [row["feasible"] for row in table.rows] == [True, False, True]
    parts = [row["local_j"] + row["radio_j"] + row["ap_weighted_j"] for row in table.rows]
    np.testing.assert_allclose(parts, np.asarray(case[2].metrics["energy_j"]))
    assert {column.key for column in table.columns} <= set(table.rows[0])
