"""A decision every slot: feasible, never worse than the carried one, still on a still channel, replayed to the bit."""

import numpy as np
import pytest

import trinode as tn
from trinode import _programs, online
from trinode.errors import FileFormatError, InputError
from trinode.online.plans import Choice

SIZES = {"terminals": 5, "access_points": 7, "ap_antennas": 2}


@pytest.fixture(scope="module")
def network():
    return tn.draw("fairness", seed=3, **SIZES)


@pytest.fixture(scope="module")
def run(network):
    controller = online.Controller("fairness", budget_s=5.0, log=True)
    controller.prepare(network)
    return controller, [controller.step(one) for one in online.ageing(network, 4, speed_m_s=0.8)]


def test_every_slot_has_a_decision_no_worse_than_the_carried_one(run):
    _, slots = run
    for slot in slots[1:]:
        report = tn.evaluate(slot.network, slot.solution)
        assert report.feasible
        np.testing.assert_allclose(report.objective, slot.objective, rtol=1e-12)
        assert slot.objective <= slot.carried
        assert slot.objective < slot.carried, "the channel moved, and nothing was made of it"
        assert slot.freshness == 0
        assert -1e-9 < slot.gap < 1e-4, "one subcarrier is solved exactly"
        assert slot.rest
        assert slot.within


def test_a_still_channel_changes_nothing(run):
    controller, slots = run
    again = controller.step(slots[-1].network)
    assert again.iterations == 0
    assert again.moves == ()
    assert again.solution is not None
    np.testing.assert_array_equal(again.solution.power_fraction, slots[-1].solution.power_fraction)
    assert again.freshness == 1


def test_a_jump_is_made_up_for_at_once(run, network):
    controller, _ = run
    elsewhere = tn.draw("fairness", seed=4, **SIZES)
    slot = controller.step(elsewhere)
    anew = tn.evaluate(elsewhere, tn.solve(elsewhere), bound=False).objective
    np.testing.assert_allclose(slot.objective, anew, rtol=1e-6)


@pytest.mark.parametrize("overrun", [True, False])
def test_a_jump_takes_what_it_takes_where_it_may(run, network, overrun):
    controller = online.Controller("fairness", budget_s=1e-9, overrun=overrun)
    controller.step(network)
    slots = [controller.step(one) for one in (tn.draw("fairness", seed=5, **SIZES), network)]
    assert all(("anew" in slot.moves) == overrun for slot in slots)
    assert all(slot.feasible and not slot.within for slot in slots)


def test_terminals_come_and_go_without_a_new_program(run):
    controller, slots = run
    network = slots[-1].network
    everyone = np.ones(SIZES["terminals"], bool)
    controller.step(network)
    controller.step(network, present=np.arange(everyone.size) != 2)  # programs may have been forgotten
    before = len(_programs._ready)
    gone = np.array([True, False, True, True, False])
    left = controller.step(network, present=gone)
    assert left.feasible
    assert not np.any(np.asarray(left.solution.power_fraction)[:, ~gone])
    back = controller.step(network, present=everyone)
    assert back.feasible
    assert np.all(np.asarray(back.solution.power_fraction)[:, ~gone] > 0)
    assert len(_programs._ready) == before
    np.testing.assert_allclose(back.objective, slots[-1].objective, rtol=1e-6)


def test_a_log_is_replayed_to_the_bit(run, tmp_path):
    controller, _ = run
    controller.save_log(tmp_path / "slots.npz")
    again = online.replay(tmp_path / "slots.npz")
    assert [slot.moves for slot in again] == [slot.moves for slot in controller.slots]
    assert [slot.objective for slot in again] == [slot.objective for slot in controller.slots]
    with np.load(tmp_path / "slots.npz") as file:
        held = dict(file)
    held["0/decision/power_fraction"] = held["0/decision/power_fraction"] * 0.5
    np.savez(tmp_path / "other.npz", **held)
    with pytest.raises(FileFormatError, match="power_fraction"):
        online.replay(tmp_path / "other.npz")


def test_a_problem_of_ones_own_is_carried_too():
    rng = np.random.default_rng(0)
    shape = (3, 2, 4)
    h = rng.normal(size=shape) + 1j * rng.normal(size=shape)

    def stated(channel):
        return tn.problems.max_min_sinr(channel, 0.1, [0.3, 0.2])

    controller = online.Controller(stated, budget_s=5.0)
    for _ in range(2):
        h = 0.9 * h + 0.3 * (rng.normal(size=shape) + 1j * rng.normal(size=shape))
        slot = controller.step(h)
        assert slot.feasible
        np.testing.assert_allclose(slot.objective, tn.solve(stated(h)).value, rtol=1e-3)
    assert slot.objective >= slot.carried
    assert controller.step(h).iterations == 0


class Timed:
    """A plan of three ways whose moves take stated times on a clock of its own; only the first way ever gains."""

    name, sense = "timed", "min"

    def __init__(self):
        self.now = 0.0

    def admitted(self, network, present):
        return network

    def ways(self, network):
        return 3

    def lengths(self):
        return 1, 2, 4

    def exact(self, network):
        return False

    def anew(self, network):
        self.now += 100.0
        return Choice(None, 1.0)

    def repaired(self, network, carried):
        self.now += 1.0
        return Choice(None, 1.0)

    def improved(self, network, had, way, rounds):
        self.now += 2.0 + rounds
        return had._replace(value=had.value * (0.99 if way == 0 else 1.0))

    def shown(self, network, choice):
        return None


def test_as_many_rounds_as_fit_and_every_way_has_its_turn():
    controller = online.Controller("fairness", budget_s=10.5)
    plan = controller.plan = Timed()
    controller.clock = lambda: plan.now
    slots = [controller.step(np.full(2, number)) for number in range(29)][1:]
    assert all(slot.within and slot.moves[0] == "repair" for slot in slots)
    usual = [slot.moves[1:] for slot in slots if slot.number % 7]
    assert set(usual) == {((0, 4), (0, 1))}, "the longest first, then what still fits"
    curious = [slot.moves[1:] for slot in slots if slot.number % 7 == 0]
    assert curious == [((0, 4), (1, 1)), ((0, 4), (2, 1))] * 2, "the way that has waited longest"


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda network: online.Controller("fairness", budget_s=0), "budget_s"),
        (lambda network: online.Controller("fair"), "system"),
        (lambda network: online.Controller(3), "system"),
        (lambda network: online.Controller("energy").step(network), "network"),
        (lambda network: online.silenced(network, [True, False]), "present"),
        (lambda network: online.Controller("fairness").save_log("x"), "log"),
    ],
)
def test_what_cannot_be_is_refused_by_name(network, make, field):
    with pytest.raises(InputError, match=field):
        make(network)
