"""What the fairness schemes promise beyond the contract, against eigenvalues, brute force and theorems."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
from trinode.errors import InputError
from trinode.systems.decision import Status
from trinode.systems.fairness import model, system
from trinode.systems.fairness.params import FairnessParams
from trinode.systems.fairness.solution import FairnessSolution
from trinode.systems.reason import verdict

SHAPE = {"terminals": 4, "access_points": 7, "ap_antennas": 3, "task_bits": 7e2, "bandwidth_hz": 8e6}


def drawn(count=3, **changes):
    return tn.stack([tn.draw("fairness", 5, trial, **(SHAPE | changes)) for trial in range(count)])


def judged(scenarios, scheme="exact", bound=False):
    """One after the other: programs of one network are small, and no copies fill their batches."""
    each = [(s, tn.solve(s, scheme)) for s in tn.unstack(scenarios)]
    reports = [tn.evaluate(s, x, bound=bound, scheme=scheme) for s, x in each]
    return tn.stack([x for _, x in each]), jax.tree.map(lambda *leaves: np.stack(leaves), *reports)


def gains(scenario):
    """Cross gains and noise over own gain by loops over NumPy arrays."""
    h = np.asarray(scenario.uplink_channel)[0].reshape(scenario.terminals, -1)
    power, noise = np.asarray(scenario.terminal_max_power_w), float(scenario.ap_noise_w[0])
    k = len(h)
    cross, level = np.zeros((k, k)), np.zeros(k)
    for i in range(k):
        a = h[i] / np.linalg.norm(h[i])
        own = power[i] * abs(np.vdot(a, h[i])) ** 2
        level[i] = noise / own
        for j in range(k):
            cross[i, j] = 0 if i == j else power[j] * abs(np.vdot(a, h[j])) ** 2 / own
    return cross, level


def perron_sinr(cross, level):
    """Largest common SINR: over all terminals at full power the largest spectral radius decides."""
    k = len(level)
    radius = [np.abs(np.linalg.eigvals(cross + np.outer(level, np.eye(k)[j]))).max() for j in range(k)]
    return 1 / max(radius)


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"layout": "bs-centred"},
        {"terminals": 1},
        {"terminals": 12, "access_points": 3, "ap_antennas": 2},
        {"terminals": 40, "access_points": 30, "ap_antennas": 1},
    ],
    ids=["cell-free", "bs-centred", "K=1", "K > antennas", "K=40"],
)
def test_one_subcarrier_is_the_perron_optimum(changes):
    scenarios = drawn(**changes)
    solutions, report = judged(scenarios)
    for i, scenario in enumerate(tn.unstack(scenarios)):
        best = perron_sinr(*gains(scenario))
        np.testing.assert_allclose(np.asarray(report.metrics["sinr"])[i, 0], best, rtol=1e-8)
    np.testing.assert_allclose(np.asarray(solutions.power_fraction).max(axis=(1, 2)), 1, rtol=1e-12)
    assert np.all(np.asarray(report.metrics["gini"]) < 1e-6)
    limit = [tn.bound(scenario, "given") for scenario in tn.unstack(scenarios)]
    np.testing.assert_allclose(report.objective, limit, rtol=1e-9)


def test_unequal_tasks_match_a_bisection_on_the_latency():
    scenarios = drawn(task_spread=0.6)
    _, report = judged(scenarios)
    for i, s in enumerate(tn.unstack(scenarios)):
        cross, level = gains(s)
        bits, local = np.asarray(s.task_bits), np.asarray(s.task_bits * s.cycles_per_bit / s.terminal_frequency_hz)
        server = np.asarray(s.task_bits * s.cycles_per_bit) / float(s.server_frequency_hz)

        def possible(t, bits=bits, local=local, server=server, cross=cross, level=level, s=s):
            left = np.where(t < local, 1 / np.maximum(1 / t - 1 / local, 1e-300) - server, np.inf)
            if np.any(left <= 0):
                return False
            need = 2 ** (bits / left / float(s.subcarrier_bandwidth_hz)) - 1
            power = np.linalg.solve(np.eye(len(bits)) - need[:, None] * cross, need * level)
            return bool(np.all(power >= 0) and np.all(power <= 1))

        low, high = 0.0, local.max()
        for _ in range(80):
            middle = (low + high) / 2
            low, high = (low, middle) if possible(middle) else (middle, high)
        assert float(report.objective[i]) == pytest.approx(high, rel=1e-9)


def test_combiners_and_powers_together_beat_fixed_ones_and_end_at_the_bound():
    scenarios = drawn(terminals=6)
    solutions, joint = judged(scenarios, "mmse", bound=True)
    fixed = judged(scenarios)[1]
    assert np.all(joint.objective < fixed.objective)
    np.testing.assert_allclose(joint.objective, joint.bound, rtol=1e-9)
    # no other combiner raises any SINR: the least mean square error one is the best for these powers
    s, x = tn.unstack(scenarios)[0], tn.unstack(solutions)[0]
    rng = np.random.default_rng(0)
    power = x.power_fraction * s.terminal_max_power_w
    best = np.asarray(model.sinr(s, x.combiner, power))
    for _ in range(20):
        turn = 0.05 * np.abs(np.asarray(x.combiner)).max() * rng.normal(size=(2, *x.combiner.shape))
        other = model.sinr(s, x.combiner + turn[0] + 1j * turn[1], power)
        assert np.all(np.asarray(other) <= best * (1 + 1e-12))


def test_a_task_that_nobody_can_compute_has_an_infinite_bound_that_says_why():
    s = tn.unstack(drawn(1))[0]
    idle = eqx.tree_at(lambda s: s.terminal_frequency_hz, s, s.terminal_frequency_hz.at[2].set(0.0))
    lost = eqx.tree_at(lambda s: s.uplink_channel, idle, s.uplink_channel.at[:, 2].set(0.0))
    nothing = eqx.tree_at(lambda s: s.task_bits, lost, jnp.zeros(4))
    _, report = judged(tn.stack([idle, lost, nothing]), bound=True)
    for bound in (report.bound, report.scheme_bound):
        np.testing.assert_array_equal(np.isposinf(bound), [False, True, False])
        assert bound[2] == 0
    report = tn.unstack(report)[1]
    assert not bool(report.feasible)
    assert verdict(system, lost, report) == "proved: terminal 2 can neither be heard nor compute at home"


def test_two_subcarriers_and_two_terminals_match_brute_force():
    scenario = tn.draw("fairness", seed=2, terminals=2, access_points=2, ap_antennas=1, subcarriers=2, bandwidth_hz=8e6)
    found = tn.evaluate(scenario, tn.solve(scenario), bound=False)
    rng = np.random.default_rng(1)
    best = np.inf
    judge = jax.jit(jax.vmap(lambda p: model.evaluate(scenario, _with_power(scenario, p)).metrics["largest_latency_s"]))
    centre, width = None, 1.0
    for _ in range(12):
        split, total = rng.random((20000, 2)), rng.random((20000, 2)) ** 2
        point = np.stack([split, 1 - total], axis=1)
        if centre is not None:
            point = np.clip(centre + width * (rng.random(point.shape) - 0.5), 0, 1)
        power = np.stack([point[:, 0] * point[:, 1], (1 - point[:, 0]) * point[:, 1]], axis=1)
        value = np.asarray(judge(jnp.asarray(power)))
        if value.min() < best:
            best, centre = value.min(), point[value.argmin()]
        width *= 0.6
    assert float(found.objective) <= best * (1 + 1e-7)
    assert float(found.objective) >= best * (1 - 1e-3)


def _with_power(scenario, power):
    rate = jnp.sum(
        scenario.subcarrier_bandwidth_hz
        * jnp.log2(1 + model.sinr(scenario, model.receive_combiner(scenario), power * scenario.terminal_max_power_w)),
        axis=0,
    )
    cycles = scenario.task_bits * scenario.cycles_per_bit
    local, away = (
        cycles / scenario.terminal_frequency_hz,
        scenario.task_bits / rate + cycles / scenario.server_frequency_hz,
    )
    return FairnessSolution(
        status=jnp.asarray(0),
        terminal_feasible=jnp.ones(len(local), bool),
        iterations=jnp.asarray(0),
        history=jnp.zeros(0),
        power_fraction=power,
        subcarrier_use=power > 0,
        offload_fraction=local / (local + away),
    )


def test_several_subcarriers_are_never_worse_than_the_paper_s_method():
    scenarios = drawn(subcarriers=3)
    exact, ica = judged(scenarios, bound=True)[1], judged(scenarios, "ica")[1]
    assert np.all(exact.objective <= ica.objective * (1 + 1e-9))
    assert np.all(exact.objective >= exact.bound * (1 - 1e-9))


def test_the_paper_s_method_ends_near_the_optimum_on_one_subcarrier():
    scenarios = drawn(5, task_spread=0.4)
    exact, ica = judged(scenarios)[1], judged(scenarios, "ica")[1]
    excess = np.asarray(ica.objective / exact.objective) - 1
    assert np.all(excess >= -1e-9)
    assert np.all(excess < 2e-3)


def test_latency_grows_with_the_terminals_of_one_network():
    values = [np.asarray(judged(drawn(terminals=k))[1].objective) for k in (3, 4, 6)]
    assert np.all(values[0] <= values[1] * (1 + 1e-9))
    assert np.all(values[1] <= values[2] * (1 + 1e-9))


def test_a_terminal_that_nobody_hears_computes_itself_or_is_named():
    scenarios = drawn()
    deaf = eqx.tree_at(lambda s: s.uplink_channel, scenarios, scenarios.uplink_channel.at[:, :, 2].set(0))
    _, alone = judged(deaf)
    local = np.asarray(deaf.task_bits * deaf.cycles_per_bit / deaf.terminal_frequency_hz)[:, 2]
    np.testing.assert_allclose(alone.metrics["latency_s"][:, 2], local)
    # the others are as fast as if it were not there
    keep = np.array([0, 1, 3])
    rest = [_without(s, keep) for s in tn.unstack(deaf)]
    others = judged(tn.stack(rest))[1]
    np.testing.assert_allclose(np.asarray(alone.metrics["latency_s"])[:, keep].max(axis=1), others.objective, rtol=1e-8)
    for scheme in ("mmse", "ica", "inversion", "full-power"):
        assert np.all(np.asarray(judged(deaf, scheme)[0].status) != Status.INFEASIBLE)
    solutions, away = judged(deaf, "no-local")
    assert np.all(np.asarray(solutions.status) == Status.INFEASIBLE)
    np.testing.assert_array_equal(solutions.terminal_feasible, [[True, True, False, True]] * 3)
    assert np.all(np.isnan(away.objective))


def _without(scenario, keep):
    changed = {"uplink_channel": scenario.uplink_channel[:, keep]}
    for name in ("terminal_max_power_w", "task_bits", "cycles_per_bit", "terminal_frequency_hz", "terminal_position_m"):
        changed[name] = getattr(scenario, name)[keep]
    return dataclasses.replace(scenario, **changed)


@pytest.mark.parametrize("scheme", ["exact", "mmse", "ica", "no-local", "inversion", "full-power"])
def test_no_tasks_take_no_time(scheme):
    scenarios = drawn(1, task_bits=0.0)
    solutions, report = judged(scenarios, scheme)
    assert float(report.objective[0]) == 0
    assert bool(solutions.terminal_feasible.all())


def test_some_without_a_task_stay_silent():
    scenarios = drawn()
    some = eqx.tree_at(lambda s: s.task_bits, scenarios, scenarios.task_bits.at[:, 1].set(0))
    solutions, report = judged(some, bound=True)
    np.testing.assert_array_equal(np.asarray(solutions.power_fraction)[:, 0, 1], 0)
    np.testing.assert_allclose(report.objective, report.scheme_bound, rtol=1e-9)


def test_equal_channels_get_equal_powers():
    scenarios = drawn(1)
    h = jnp.broadcast_to(scenarios.uplink_channel[:, :, :1], scenarios.uplink_channel.shape)
    equal = eqx.tree_at(lambda s: s.uplink_channel, scenarios, h)
    solutions, report = judged(equal)
    np.testing.assert_allclose(solutions.power_fraction, 1, rtol=1e-9)
    assert float(report.metrics["gini"][0]) < 1e-9


def test_printed_interference_leaves_no_room():
    """With (3) to the letter all arrive equally strong, and no SINR exceeds 1 / (K - 1)."""
    scenarios = drawn(interference="printed")
    solutions, report = judged(scenarios)
    gain = np.sum(np.abs(np.asarray(scenarios.uplink_channel)) ** 2, axis=(1, 3, 4))
    received = np.asarray(solutions.power_fraction)[:, 0] * gain
    np.testing.assert_allclose(received, np.broadcast_to(gain.min(axis=1)[:, None], gain.shape), rtol=1e-9)
    assert np.all(np.asarray(report.metrics["sinr"]) < 1 / 3)


def test_printed_noise_counts_every_access_point():
    plain, printed = drawn(1), drawn(1, noise="printed")
    np.testing.assert_allclose(printed.ap_noise_w, 7 * plain.ap_noise_w)
    np.testing.assert_allclose(
        drawn(1, noise="printed", layout="bs-centred").ap_noise_w, drawn(1, layout="bs-centred").ap_noise_w
    )


@pytest.mark.parametrize(
    ("given", "word"),
    [({"layout": "ring"}, "bs-centred"), ({"terminals": 0}, "at least 1"), ({"task_spread": 1.5}, "0 to 1")],
)
def test_bad_parameters_are_named(given, word):
    with pytest.raises(InputError, match=word):
        FairnessParams(**given)


def test_a_whisper_that_is_loud_enough_counts():
    """A terminal 160 dB stronger than another one needs 1e-16 of its power, and is heard with it."""
    scenario = tn.draw("fairness", seed=5, **SHAPE)
    louder = scenario.uplink_channel.at[:, 1].multiply(1e8)
    scenario = eqx.tree_at(lambda s: s.uplink_channel, scenario, louder)
    solution = tn.solve(scenario, "inversion")
    report = tn.evaluate(scenario, solution, bound=False)
    assert 0 < float(solution.power_fraction[0, 1]) < 1e-12
    assert bool(solution.subcarrier_use[0, 1])
    assert np.isfinite(np.asarray(report.metrics["latency_s"])).all()
    assert report.metrics["rate_bps"][1] > 0
