"""Slots of the other systems: repaired, improved, terminals masked, quotas acted on; all by the system's judge."""

import numpy as np
import pytest

import trinode as tn
from trinode import _programs, online
from trinode.online.plans import plan_of

SYSTEMS = {
    "threetier": {
        "terminals": 4,
        "access_points": 3,
        "ap_antennas": 5,
        "terminal_antennas": 6,
        "radar_antennas": 2,
        "sensing_sinr_min_db": -10.0,
    },
    "energy": {
        "terminals": 2,
        "ap_antennas": 9,
        "terminal_antennas": 8,
        "radar_antennas": 7,
        "terminal_max_frequency_hz": 1e10,
        "sensing_sinr_min_db": -60.0,
    },
    "latency": {
        "terminals": 3,
        "access_points": 4,
        "ap_antennas": 2,
        "terminal_antennas": 5,
        "radar_antennas": 6,
        "serving": 2,
        "sensing_sinr_min_db": -10.0,
    },
}


@pytest.fixture(scope="module", params=SYSTEMS)
def run(request):
    """Some slots, begun at a decision that is far from the best: that of even quotas."""
    system = request.param
    network = tn.draw(system, seed=1, **SYSTEMS[system])
    controller = online.Controller(system, budget_s=60.0, period=10**9, log=True)
    plan = controller.plan

    def anew(network):
        return plan.repaired(network, online.acted(network, np.full(online.action_shape(network), 0.5))[0])

    plan.anew = anew
    controller.prepare(network)
    return controller, [controller.step(one) for one in online.ageing(network, 3, speed_m_s=1.0)]


def test_slots_are_feasible_and_improve(run):
    controller, slots = run
    sign = 1 if slots[0].sense == "min" else -1
    for slot in slots:
        report = tn.evaluate(slot.network, slot.solution, bound=False)
        assert report.feasible, report.worst_constraint
        np.testing.assert_allclose(slot.objective, report.objective, rtol=1e-9)
        assert int(slot.solution.status) != tn.Status.INFEASIBLE
    for slot in slots[1:]:
        assert sign * (slot.carried - slot.objective) >= 0
    assert sign * (slots[1].carried - slots[1].objective) > 1e-3 * abs(slots[1].objective), "nothing was made better"
    again = controller.step(slots[-1].network)
    assert again.rest
    assert again.moves == ()


def test_who_is_not_there_does_nothing(run):
    controller, slots = run
    everyone = np.ones(len(slots[0].solution.terminal_feasible), bool)
    _programs.forget()  # as the tests do where memory is short: at any time, so not by chance
    controller._ready.clear()
    controller.prepare(slots[-1].network)
    tn.evaluate(slots[-1].network, slots[-1].solution, bound=False)
    before = set(_programs._ready)
    gone = np.arange(everyone.size) == 1
    left = controller.step(slots[-1].network, present=~gone)
    assert left.feasible
    report = tn.evaluate(left.network, left.solution, bound=False)
    for name in ("transmit_power_w", "power_w", "latency_s", "energy_j", "rate_bps_hz"):
        if name in report.metrics:
            np.testing.assert_allclose(np.asarray(report.metrics[name])[gone], 0, atol=1e-15, err_msg=name)
    back = controller.step(slots[-1].network, present=everyone)
    assert back.feasible
    compiled = [function.__qualname__ for function, *_ in set(_programs._ready) - before]
    assert not compiled


def test_quotas_become_decisions(run):
    _, slots = run
    network = slots[0].network
    shape = online.action_shape(network)
    for action in (np.full(shape, 0.5), np.random.default_rng(0).random(shape)):
        solution, report = online.acted(network, action)
        judged = tn.evaluate(network, solution, bound=False)
        assert judged.feasible == report.feasible
        if report.feasible:
            np.testing.assert_allclose(judged.objective, report.objective, rtol=1e-9)


def test_region_repairs_what_quotas_give():
    """Its descents are those of its scheme and take long to compile."""
    network = tn.draw("region", seed=1, terminals=3, pilots=2, access_points=4, ap_antennas=5, pattern_mse_max=10.0)
    plan = plan_of("region")
    solution, report = online.acted(network, np.full(online.action_shape(network), 0.5))
    assert report.feasible
    for moved in online.ageing(network, 2, speed_m_s=1.0):
        choice = plan.repaired(moved, solution)
        judged = tn.evaluate(moved, plan.shown(moved, choice), bound=False)
        assert judged.feasible
        np.testing.assert_allclose(-choice.value, judged.objective, rtol=1e-9)
