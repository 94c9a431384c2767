"""What a model is written in: units, shapes, printing, and one clear error each for what cannot be meant."""

import sys

import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
from trinode.compose.relaxation import Limits
from trinode.compose.units import Unit
from trinode.errors import InputError
from trinode.experiments.bench.problem_twins import gaussian
from trinode.solving import bounds, rounds
from trinode.solving.answer import Answer


@pytest.fixture(scope="module")
def air():
    return tn.Downlink(1e-6 * gaussian(np.random.default_rng(0), 4, 3, 2), 1e-13, [0.1, 0.2, 0.3], bandwidth_hz=20e6)


def test_units_multiply_and_are_read_as_people_write_them():
    assert Unit.of("bit/s") * Unit.of("s") == Unit.of("bit")
    assert Unit.of("J") / Unit.of("W") == Unit.of("s")
    assert str(Unit.of("W") * Unit.of("s")) == "J"
    assert str(Unit.of("1/W")) == "s/J"
    assert str(Unit.of("1/W^2")) == "1/W^2"
    assert Unit.of("bit/s/Hz") == Unit.of("bit")
    with pytest.raises(InputError, match="parsec"):
        Unit.of("parsec/s")


@pytest.mark.parametrize(
    ("state", "field"),
    [
        (lambda air: tn.total(air.rate) + tn.total(air.power_w), "bit \\+ W"),
        (lambda air: tn.Problem(tn.Maximize(air.sinr)), "a single number"),
        (lambda air: tn.Problem(air.sinr), "Minimize"),
        (lambda air: tn.Problem(tn.Maximize(tn.smallest(air.sinr)), [True]), "constraints\\[0\\]"),
        (lambda air: tn.Problem(tn.Maximize(tn.number(3.0, "s"))), "a decision changes"),
        (lambda air: air.speed, "one of sinr, rate"),
        (lambda air: air.sinr >= np.ones(5), "\\(5,\\)"),
        (lambda air: air.power_w <= tn.number(1.0, "s"), "s >= W"),
        (lambda air: 0.1 <= air.rate <= 3.0, "truth value"),
        (lambda air: tn.log(air.power_w), "a mere number"),
        (lambda air: air.sinr[7], "\\[7\\]"),
        (lambda air: tn.largest(air.sinr, axis=1), "axis 1"),
        (lambda air: air.sinr * np.nan, "finite"),
        (lambda air: tn.Downlink(np.zeros((2, 3, 2)), 1.0), "user 0"),
        (lambda air: tn.Downlink(np.ones((2, 3, 2)), 0.0), "noise_w"),
        (lambda air: tn.Downlink(np.ones((2, 3, 2)), np.ones(3)), "noise_w"),
        (lambda air: tn.Downlink(np.full((2, 3, 2), np.nan), 1.0), "channel"),
        (lambda air: tn.Downlink(np.ones((2, 3, 2)), 1.0, np.ones(2)), "max_power_w"),
        (lambda air: tn.Downlink(np.ones((2, 3, 2)), 1.0, -1.0), "max_power_w"),
        (lambda air: tn.Downlink(np.ones((2, 3, 2)), 1.0, 1.0, streams=2), "streams"),
        (lambda air: tn.Downlink(np.ones((2, 3, 2)), 1.0, axes="ap user"), "axes"),
        (lambda air: tn.Illumination(air, np.ones((1, 2, 2))), "target"),
        (lambda air: tn.Illumination(air, np.zeros((1, 3, 2))), "target"),
        (lambda air: tn.TargetEcho(air, np.ones((1, 3, 2)), np.ones((1, 3, 2)), 1.0), "one transmitter"),
    ],
)
def test_what_cannot_be_meant_is_refused_where_it_is_stated(air, state, field):
    with pytest.raises(InputError, match=field):
        state(air)


def test_a_problem_prints_as_it_was_written(air):
    rate, power = tn.smallest(air.rate_bps), tn.total(air.power_w)
    text = str(tn.Problem(tn.Maximize(rate - tn.number(1e6, "bit/J") * power), [air.rate[1:] >= 0.5]))
    assert "maximize smallest(air.rate_bps) + -1 * 1e+06 bit/J * total(air.power_w)" in text
    assert "subject to  air.rate[:] >= 0.5 bit" in text
    assert "3 access points of 2 antennas to 4 users" in text


def test_the_nearest_point_of_the_simplex_is_that_of_its_conditions():
    point = np.array([0.3, -2.0, 0.9, 0.85])
    found = np.asarray(rounds.on_simplex(jnp.asarray(point)))
    assert found.sum() == pytest.approx(1.0)
    assert np.all(found >= 0)
    level = (point - found)[found > 0]
    assert np.allclose(level, level[0])
    assert np.all(point[found == 0] <= level[0])


@pytest.fixture(scope="module")
def network():
    return 1e-6 * gaussian(np.random.default_rng(1), 4, 3, 2), np.array([0.2, 0.1, 0.3])


@pytest.fixture(scope="module")
def plain(network):
    return tn.solve(tn.problems.max_min_sinr(network[0], 1e-13, network[1]))


@pytest.mark.parametrize("scale", [1e-3, 1e3])
def test_another_scale_of_channels_and_powers_changes_nothing(network, plain, scale):
    h, power = network
    other = tn.solve(tn.problems.max_min_sinr(h * scale, 1e-13, power / scale**2))
    assert other.value == pytest.approx(plain.value, rel=1e-6)
    assert other.bound == pytest.approx(plain.bound, rel=1e-5)


def test_noise_of_one_order_and_phases_change_nothing(network, plain):
    h, power = network
    order, phase = np.array([2, 0, 3, 1]), np.exp(1j * np.arange(4))[:, None, None]
    other = tn.solve(tn.problems.max_min_sinr((h * phase)[order] / np.sqrt(1e-13), 1.0, power))
    assert other.value == pytest.approx(plain.value, rel=1e-6)
    np.testing.assert_allclose(other["sinr"], plain["sinr"][order], rtol=1e-4)


def test_more_power_is_never_worse_and_helps_the_bound_too(network, plain):
    more = tn.solve(tn.problems.max_min_sinr(network[0], 1e-13, 2 * network[1]))
    assert more.value > plain.value * 1.01
    assert more.bound > plain.bound


def test_a_start_is_kept_or_bettered(network, plain):
    again = tn.solve(tn.problems.max_min_sinr(network[0], 1e-13, network[1]), start=plain)
    assert again.value >= plain.value * (1 - 1e-9)
    assert again.evaluations < plain.evaluations


def test_what_cannot_be_met_is_proved_by_the_power_that_it_would_take(network):
    h, power = network
    air = tn.Downlink(h, 1e-13, power)
    asked = tn.Problem(tn.Maximize(tn.total(air.rate)), [air.sinr >= 1e4])
    answer = tn.solve(asked)
    assert answer.status == "infeasible"
    assert np.isnan(answer.value)
    assert np.isnan(answer.bound)
    assert "air.sinr" in answer.worst
    assert "times the power" in answer.bound_reason or "no power" in answer.bound_reason


def test_a_limit_that_is_not_convex_is_caught_by_rule(air):
    import cvxpy as cp

    class Wrong(tn.Part):
        """Says that it is never above a convex function."""

        word = "wrong"
        air: object

        def quantities(self):
            return {"power_w": ((), "W")}

        def values(self, decision, scope):
            return {"power_w": jnp.sum(scope.quantity(self.air, "power_w"))}

        def judged(self, decision, scope):
            return {"power_w": np.sum(scope.quantity(self.air, "power_w"))}

        def relax(self, view):
            view.state("power_w", lambda: Limits(upper=cp.square(cp.Variable())))

    problem = tn.Problem(tn.Maximize(Wrong(air).power_w))
    found = bounds.bound(problem, tn.solve(problem)._scope)
    assert np.isnan(found.value)
    assert "not convex" in found.reason


def test_without_cvxpy_there_is_a_decision_and_a_reason(network, monkeypatch):
    monkeypatch.setitem(sys.modules, "cvxpy", None)
    monkeypatch.delitem(sys.modules, "trinode.solving.bounds")
    answer = tn.solve(tn.problems.max_min_sinr(network[0], 1e-13, network[1]))
    assert answer.status == "converged"
    assert np.isnan(answer.bound)
    assert "trinode[reference]" in answer.bound_reason


def test_levels_are_looked_for_step_by_step_where_power_rises_ever_faster():
    """A secant through two points far below goes to where no power can be told any more."""
    known = [(0.0, -1.2), (1.2, -1.0)]
    assert bounds.Relaxed._next(known, 1.2, np.inf) == pytest.approx(2.2)
    assert bounds.Relaxed._next([(0.0, -1.2), (1.2, 0.6)], 0.0, 1.2) == pytest.approx(0.8, abs=1e-3)


def test_what_is_no_number_is_not_met():
    channel = np.ones((2, 3, 1), complex)
    airs = [tn.Downlink(channel * (1 + np.eye(3)[:2, :, None]), 1.0, each) for each in (1.0, 2.0)]
    problem = tn.Problem(tn.Maximize(tn.smallest(airs[0].sinr) + tn.smallest(airs[1].sinr)), [airs[0].rate >= 0.01])
    good = tn.solve(problem)
    assert good.feasible
    broken = [{name: value * scale for name, value in one.items()} for one, scale in zip(good.decisions, (2.0, 1.0))]
    answer = Answer(problem, broken, True, good.x, 1, 1)
    assert answer.residuals["air: power"] > 1  # of the first of two parts of one word
    answer = Answer(problem, [{"precoder": np.full_like(broken[0]["precoder"], np.nan)}, broken[1]], True, good.x, 1, 1)
    assert not answer.feasible
    assert np.isnan(answer.value)
