"""Feasibility is the judge's alone: what a decision or a scheme says of itself changes nothing."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import toy
import trinode as tn
from trinode.channels.rounding import RoundingWarning
from trinode.experiments import execute, items
from trinode.systems import checks, registry
from trinode.systems.decision import Status
from trinode.systems.report import Report


@pytest.fixture(autouse=True)
def toy_system(monkeypatch):
    monkeypatch.setitem(registry._loaded, "toy", toy.system)


class Claims(toy.Even):
    """Says the same of every network, and decides badly where the line is slow."""

    name = "claims"
    status: int = int(Status.CONVERGED)

    def solve(self, scenario, start=None):
        even = super().solve(scenario)
        share = jnp.where(scenario.line_bps < 8, 0.5, even.share) * jnp.where(scenario.line_bps > 15, jnp.nan, 1.0)
        return dataclasses.replace(
            even, status=jnp.asarray(self.status), terminal_feasible=jnp.ones(3, bool), share=share
        )


class HostClaims(Claims):
    host = True


LINES = (5.0, 10.0, 20.0)


def networks():
    """A broken line, a decision that holds, one that is not a number."""
    return tn.stack([tn.draw("toy", 0, 2, line_bps=line, quality_min=0.0) for line in LINES])


@pytest.mark.parametrize("kind", [Claims, HostClaims])
@pytest.mark.parametrize("claimed", list(Status))
def test_no_scheme_says_of_itself_what_is_not_so(kind, claimed):
    held = Status.ITERATION_LIMIT if claimed == Status.INFEASIBLE else claimed
    for count in (3, 1):
        part = tn.stack(tn.unstack(networks())[:count])
        solutions = tn.solve_batch(part, kind(int(claimed)))
        assert list(solutions.status) == [Status.INFEASIBLE, held, Status.INFEASIBLE][:count]
        assert np.asarray(solutions.terminal_feasible).any(axis=1).tolist() == [False, True, False][:count]
        checks.check_feasible(toy.system, part, solutions)
    for one, status in zip(tn.unstack(networks()), (Status.INFEASIBLE, held, Status.INFEASIBLE)):
        assert int(tn.solve(one, kind(int(claimed))).status) == status


def test_reports_have_a_word_for_each_network():
    scenarios, scheme = networks(), Claims()
    report = tn.evaluate_batch(scenarios, tn.solve_batch(scenarios, scheme), scheme=scheme)
    assert report.feasible.tolist() == [False, True, False]
    assert report.worst_constraint.tolist() == ["1 line"] * 3
    np.testing.assert_allclose(report.worst_residual, [0.5, 0, np.nan], atol=1e-15)
    assert np.isnan(report.objective).tolist() == [True, False, True]
    assert np.isnan(report.gap).tolist() == [True, False, True]
    for k, one in enumerate(tn.unstack(scenarios)):
        alone = tn.evaluate(one, tn.solve(one, scheme), scheme=scheme)
        assert bool(alone.feasible) == report.feasible[k]
        assert str(alone.worst_constraint) == "1 line"
        for name in ("worst_residual", "gap", "scheme_gap", "objective"):
            np.testing.assert_allclose(getattr(alone, name), getattr(report, name)[k], rtol=1e-12)


def test_what_a_decision_calls_itself_changes_nothing_of_its_report():
    scenario = tn.unstack(networks())[1]
    solution = tn.solve(scenario, "even")
    told = dataclasses.replace(solution, status=jnp.asarray(int(Status.INFEASIBLE)))
    assert tn.evaluate(scenario, told).objective == tn.evaluate(scenario, solution).objective


@pytest.mark.parametrize(("sense", "gap"), [("min", -0.2), ("max", 0.2)])
def test_gaps_have_a_sign(sense, gap):
    report = Report(jnp.asarray(8.0), {}, {"a": jnp.zeros(2), "b": jnp.zeros(())}, jnp.asarray(10.0), sense=sense)
    assert report.gap == pytest.approx(gap)
    assert np.isnan(report.scheme_gap)
    for bound in (0.0, np.inf):
        assert np.isnan(dataclasses.replace(report, bound=jnp.asarray(bound)).gap)
    assert np.isnan(dataclasses.replace(report, residuals={"a": jnp.asarray([0.0, 2e-6])}).gap)
    assert np.isnan(dataclasses.replace(report, objective=jnp.asarray(jnp.inf)).gap)


def test_files_say_what_the_judge_says(tmp_path):
    scenario = tn.unstack(networks())[0]
    solution = dataclasses.replace(
        tn.solve(scenario, "balance"), share=jnp.full(3, 0.5), history=jnp.asarray([jnp.inf, 3.0, jnp.nan, 2.0])
    )
    assert int(solution.status) == Status.CONVERGED
    tn.save(tmp_path / "x.npz", scenario, solution)
    again = tn.load(tmp_path / "x.npz")
    assert int(again.status) == Status.INFEASIBLE
    assert not np.any(again.terminal_feasible)
    assert again.history.tolist() == [3.0, 2.0]


def test_items_of_sweeps_say_what_the_judge_says(monkeypatch):
    monkeypatch.setitem(toy.system.schemes, "claims", Claims())
    sweep = dataclasses.replace(toy.SWEEP, schemes=("claims",), values=LINES, trials=3, fixed={"quality_min": 0.0})
    found = [execute.execute(item) for item in items.expand(sweep) if item.scheme]
    assert [one["feasible"].tolist() for one in found] == [[False] * 3, [True] * 3, [False] * 3]
    assert [one["status"].tolist() for one in found] == [[2] * 3, [0] * 3, [2] * 3]
    assert all(np.isnan(found[k]["objective"]).all() for k in (0, 2))


def test_rounding_below_zero_is_zero_in_decisions_of_others(tmp_path):
    """Relative to the array, whatever its unit, and told; beyond rounding, and in memory, it is refused."""
    scenario = tn.draw("toy")
    tn.save(tmp_path / "x.npz", scenario, tn.solve(scenario, "even"))
    with np.load(tmp_path / "x.npz") as archive:
        arrays = dict(archive)
    for unit in (1e-6, 1.0, 1e6):
        share = unit * np.array([0.5, -0.4e-9, 0.2])
        np.savez(tmp_path / "x.npz", **{**arrays, "share": share})
        with pytest.warns(RoundingWarning, match="share: 1 entries below 0 set to 0, off by at most 8e-10"):
            assert tn.load(tmp_path / "x.npz").share.tolist() == [share[0], 0.0, share[2]]
        np.savez(tmp_path / "x.npz", **{**arrays, "share": share - unit * 1e-9})
        with pytest.raises(tn.InputError, match="share: got a negative value"):
            tn.load(tmp_path / "x.npz")
    with pytest.raises(tn.InputError, match="load: got a negative value"):
        toy.system.scenario_from({"load": share, "line_bps": 1.0, "quality": np.ones(3), "quality_min": 0.0})
