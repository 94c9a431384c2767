"""What the energy schemes promise beyond the contract."""

import dataclasses
import importlib
import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
from trinode.channels.traced import TracedChannels
from trinode.errors import InputError
from trinode.radio import reduced
from trinode.systems.contract import EFFORTS
from trinode.systems.decision import Status
from trinode.systems.declared import to_arrays
from trinode.systems.energy import air as air_of
from trinode.systems.energy import crowding, system
from trinode.systems.energy import problem as problems
from trinode.systems.energy.margin import largest_margin
from trinode.systems.energy.params import EnergyParams
from trinode.systems.energy.scenario import EnergyScenario
from trinode.systems.reason import NO_POINT, verdict

bounds = importlib.import_module("trinode.systems.energy.bound")  # the package has a function of the name

SHAPE = {
    "terminals": 3,
    "ap_antennas": 5,
    "terminal_antennas": 7,
    "radar_antennas": 4,
    "task_bits": 7e5,
    "bandwidth_hz": 8e6,
    "latency_max_s": 0.9,
    "sensing_sinr_min_db": -18.0,
    "terminal_distance_max_m": 15.0,
}


def drawn(seed=0, **changes):
    return jax.jit(system.draw)(EnergyParams(**(SHAPE | changes)), jax.random.key(seed))


def batch(*scenarios):
    return jax.tree.map(lambda *leaves: jnp.asarray(np.stack(leaves)), *scenarios)


def solved(scenario, scheme="joint"):
    """By the program that batches have compiled."""
    return tn.unstack(tn.solve_batch(batch(scenario), scheme))[0]


def changed(scenario, **values):
    for name, value in values.items():
        scenario = eqx.tree_at(lambda s, name=name: getattr(s, name), scenario, value)
    return scenario


@pytest.fixture(scope="module")
def few():
    return batch(*(drawn(seed) for seed in range(3)))


@pytest.fixture(scope="module")
def variants(few):
    """One scenario in several lights, solved together: a compiled program serves all."""
    one, k = tn.unstack(few)[0], 3
    cases = {
        "plain": one,
        "equal weights": changed(one, ap_energy_weight=jnp.ones(k)),
        "no weight": changed(one, ap_energy_weight=one.ap_energy_weight.at[1].set(0.0)),
        "no bits": changed(one, task_bits=one.task_bits.at[2].set(0.0)),
        "hurried": changed(one, latency_max_s=one.latency_max_s.at[1].set(1e-3)),
        "crowded": changed(one, ap_max_frequency_hz=jnp.asarray(6e8), latency_max_s=jnp.full(k, 0.5)),
        "loud": changed(one, sensing_sinr_min=one.sensing_sinr_min * 1e4),
        "wide": changed(one, bandwidth_hz=jnp.asarray(1e14), terminal_max_power_w=one.terminal_max_power_w),
    }
    scenarios = batch(*cases.values())
    solutions = tn.solve_batch(scenarios, "joint")
    reports = jax.jit(jax.vmap(system.evaluate))(scenarios, solutions)
    return dict(zip(cases, zip(*map(tn.unstack, (scenarios, solutions, reports)))))


def test_without_delay_the_share_is_the_one_of_theory(variants):
    s, x, _ = variants["wide"]
    lowest = 1 - np.asarray(s.terminal_max_frequency_hz * s.latency_max_s / (s.cycles_per_bit * s.task_bits))
    expected = np.maximum(lowest, 1 / (1 + np.sqrt(np.asarray(s.ap_energy_weight))))
    np.testing.assert_allclose(x.offload_fraction, expected, rtol=1e-5)


def test_joint_is_near_the_bound_and_never_below(few):
    x = tn.solve_batch(few, "joint")
    value = np.asarray(tn.evaluate_batch(few, x, bound=False).objective)
    limit = np.asarray(tn.bound_batch(few))
    assert np.all(value >= limit * (1 - 1e-9))
    assert np.all(value <= 1.12 * limit)


@pytest.mark.parametrize(("size", "loose"), [(2, 1.1), (4, np.inf)])
def test_no_receiver_is_quieter_than_its_cell_says(size, loose):
    """The least noise in each cell against unit vectors at random; in the plane these find the least."""
    rng = np.random.default_rng(3)
    half = rng.standard_normal((size, size)) + 1j * rng.standard_normal((size, size))
    gram, toward = 0.7 * half @ half.conj().T, 2.5 * (rng.standard_normal(size) + 1j * rng.standard_normal(size))
    floor = np.asarray(jax.jit(bounds._least_noise)(jnp.asarray(gram), jnp.asarray(toward)))
    y = rng.standard_normal((40000, size)) + 1j * rng.standard_normal((40000, size))
    y /= np.linalg.norm(y, axis=1, keepdims=True)
    noise = np.einsum("nd,de,ne->n", y.conj(), np.linalg.inv(gram), y).real
    along = np.abs(y @ toward.conj()) ** 2 / np.linalg.norm(toward) ** 2
    cell = np.searchsorted(bounds.ANGLES, along) - 1
    assert np.all(noise >= floor[cell] * (1 - 1e-6))
    common = np.flatnonzero(np.bincount(cell, minlength=len(floor)) > 400)
    least = np.array([noise[cell == c].min() for c in common])
    assert np.median(least / floor[common]) < loose


def test_two_terminals_are_never_louder_together_than_said():
    """Random beams of two terminals that the access point sees almost in one direction."""
    rng = np.random.default_rng(5)
    common = rng.standard_normal((6, 2)) + 1j * rng.standard_normal((6, 2))
    right = rng.standard_normal((2, 2, 3)) + 1j * rng.standard_normal((2, 2, 3))
    turn = 0.2 * rng.standard_normal((2, 6, 2))
    channel = np.stack([(common + turn[k]) * np.array([9.0, 0.7]) @ right[k] for k in range(2)])
    air = jax.tree.map(jnp.asarray, air_of.reduce(drawn(0, terminals=2, terminal_antennas=3)))
    air = eqx.tree_at(lambda a: a.uplink, air, jnp.einsum("jad,kaf->jkdf", channel.conj(), channel))
    power = np.array([0.7, 0.4])
    main = np.stack([np.linalg.svd(one)[2][0].conj() for one in channel])
    size = 10 ** rng.uniform(-2, 0, (20000, 2, 1))
    beams = main + size * (rng.standard_normal((20000, 2, 3)) + 1j * rng.standard_normal((20000, 2, 3)))
    beams *= np.sqrt(power * rng.uniform(0.1, 1, (20000, 2)))[..., None] / np.linalg.norm(beams, axis=2, keepdims=True)
    heard = np.einsum("kad,nkd->nka", channel, beams)
    strength = np.linalg.norm(heard, axis=2) ** 2
    cross = np.abs(np.sum(heard[:, 0].conj() * heard[:, 1], axis=1)) ** 2
    sinr = strength - cross[:, None] / (1 + strength[:, ::-1])
    most = np.asarray(jax.jit(crowding.loudest_beside)(air, jnp.asarray(power), jnp.asarray(sinr)))
    beside = np.stack([most[0, 1], most[1, 0]], axis=1)
    assert np.all(sinr <= beside)
    alone = power * np.linalg.norm(channel, ord=2, axis=(1, 2)) ** 2
    assert np.min(beside / alone) < 0.5  # it says something
    assert np.max(sinr / beside) > 0.3  # and not far too much


def test_unweighted_is_joint_at_equal_weights(variants):
    s, _, report = variants["equal weights"]
    same = changed(s, ap_energy_weight=0.3 * jnp.ones(3))
    jax.tree.map(np.testing.assert_array_equal, problems.build(same, weight=jnp.ones(3)), problems.build(s))
    other = solved(same, "unweighted")
    assert float(tn.evaluate(s, other, bound=False).objective) == pytest.approx(float(report.objective), rel=1e-9)
    priced = tn.evaluate(same, other, bound=False)
    weighted = priced.metrics["local_j"] + priced.metrics["radio_j"] + 0.3 * priced.metrics["ap_j"]
    assert float(priced.objective) == pytest.approx(float(jnp.sum(weighted)), rel=1e-9)


def test_a_weight_of_zero_sends_everything(variants):
    _, x, report = variants["no weight"]
    assert bool(report.feasible)
    assert float(x.offload_fraction[1]) > 0.95
    assert float(x.offload_fraction[0]) < 0.9


def test_who_has_nothing_to_do_spends_nothing(variants):
    _, x, report = variants["no bits"]
    assert bool(report.feasible)
    assert float(report.metrics["energy_j"][2]) == 0
    assert float(x.offload_fraction[2]) == 0
    assert float(jnp.sum(jnp.abs(x.precoder[2]))) == 0


def test_a_deadline_that_no_split_meets_names_the_terminal_and_by_how_much(variants):
    _, x, report = variants["hurried"]
    assert int(x.status) == Status.INFEASIBLE
    np.testing.assert_array_equal(x.terminal_feasible, [True, False, True])
    late = np.asarray(jnp.maximum(report.residuals["17c local latency"], report.residuals["17c offloading latency"]))
    np.testing.assert_array_equal(late > 1e-6, [False, True, False])
    # both of its chains end together: as quick as what is left of the access point allows
    local, remote = report.metrics["local_s"][1], report.metrics["upload_s"][1] + report.metrics["ap_s"][1]
    assert float(local) == pytest.approx(float(remote), rel=1e-6)
    assert float(report.residuals["17e access point frequency"]) <= 1e-9


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("hurried", "terminal 1 cannot meet the deadline, whatever the others do"),
        ("crowded", "cycle/s of the access point, which has 6e+08"),
        ("loud", "terminals 0, 1, 2 cannot meet the echo requirement, whatever the others do"),
    ],
)
def test_infeasible_is_proved_in_words(variants, name, words):
    s = variants[name][0]
    report = tn.evaluate(s, variants[name][1])
    assert np.isposinf(report.bound)
    assert words in verdict(system, s, report)
    assert verdict(system, s, report).startswith("proved: ")
    unproved = eqx.tree_at(lambda r: r.bound, report, jnp.asarray(1.0))
    assert verdict(system, s, unproved) == NO_POINT


def test_random_starts_serve_whom_no_chosen_one_does():
    """Bundled Munich, layout 20: every chosen start ends with somebody unserved, 6 of 64 random ones with nobody."""
    s = tn.bundled("munich", 20, "energy")
    report = tn.evaluate(s, tn.solve(s))
    assert bool(report.feasible)
    assert float(report.bound) <= float(report.objective) <= 1.02 * float(report.bound)


def test_terminals_that_the_access_point_does_not_hear_do_not_make_a_network_infeasible(variants):
    """They compute themselves; the bound once took them for proof that nobody can be served."""
    s = changed(variants["plain"][0], latency_max_s=jnp.ones(3), terminal_max_frequency_hz=jnp.full(3, 2e9))
    s = changed(s, uplink_channel=s.uplink_channel.at[1].set(0.0))
    report = tn.evaluate(s, solved(s))
    assert bool(report.feasible)
    assert float(report.metrics["offload_fraction"][1]) == 0
    assert float(report.bound) <= float(report.objective) <= 1.2 * float(report.bound)


def test_two_terminals_of_one_direction_are_proved_not_to_be_heard_together():
    """With one antenna at the access point the SINRs of two, linearly received, have a product below 1."""
    s = drawn(2, terminals=2, ap_antennas=1, bandwidth_hz=2e5, latency_max_s=0.5, sensing_sinr_min_db=-40.0)
    gain = np.linalg.norm(np.asarray(s.uplink_channel), axis=(1, 2)) ** 2 * np.asarray(s.terminal_max_power_w)
    louder = np.sqrt(8 * float(s.ap_noise_w) / gain)
    s = changed(s, uplink_channel=s.uplink_channel * louder[:, None, None])
    away = 1 - np.asarray(s.terminal_max_frequency_hz * s.latency_max_s / (s.cycles_per_bit * s.task_bits))
    least = 2 ** (away * np.asarray(s.task_bits) / (float(s.bandwidth_hz) * np.asarray(s.latency_max_s))) - 1
    assert least.prod() > 1
    assert np.all(least < 7)  # of 8 that each reaches alone
    report = tn.evaluate(s, tn.solve(s))
    assert not bool(report.feasible)
    assert np.isposinf(report.bound)
    assert "exclude each other" in verdict(system, s, report)


def test_an_overloaded_access_point_serves_those_who_ask_least(variants):
    s, x, report = variants["crowded"]
    assert int(x.status) == Status.INFEASIBLE
    served = np.asarray(x.terminal_feasible)
    assert 0 < served.sum() < 3
    late = np.asarray(report.metrics["latency_s"]) > np.asarray(s.latency_max_s) * (1 + 1e-9)
    np.testing.assert_array_equal(late, ~served)


def test_a_fixed_share_is_kept_where_it_cannot_be_served(variants):
    """What is shown of such a decision breaks a constraint, and not the scheme's own rule."""
    scenarios = batch(*(case[0] for case in variants.values()))
    x = tn.solve_batch(scenarios, "full-offload")
    worst = np.asarray(jax.jit(jax.vmap(lambda s, x: system.evaluate(s, x).worst_residual))(scenarios, x))
    lost = np.asarray(x.status) == Status.INFEASIBLE
    assert 0 < lost.sum() < len(lost)
    np.testing.assert_array_equal(lost, worst > 1e-6)
    np.testing.assert_array_equal(x.offload_fraction, np.asarray(scenarios.task_bits) > 0)


CONTESTED = [
    {"cross_section_m2": 70.1, "task_bits": 18604.0, "bandwidth_hz": 1.276e6, "ap_energy_weight": 0.044},
    {"sensing_sinr_min_db": -6.58, "task_bits": 12108.0, "terminal_max_power_w": 0.118, "ap_capacitance": 7.4e-29},
    {"sensing_sinr_min_db": -23.8, "latency_max_s": 0.081, "task_bits": 2701.0, "ap_noise_dbm": -96.6},
    {"sensing_sinr_min_db": -8.5, "latency_max_s": 0.2, "task_bits": 9.4e5, "cycles_per_bit": 1215.0},
]
SMALL = {name: SHAPE[name] for name in ("terminals", "ap_antennas", "terminal_antennas", "radar_antennas")}


@pytest.fixture(scope="module")
def contested():
    """Small tasks on wide bands and crowded receivers: many local optima, and who is served is a choice."""
    scenarios = tn.stack([tn.draw("energy", seed, **SMALL, **changes) for changes in CONTESTED for seed in (1, 2)])
    return scenarios, tn.solve_batch(scenarios, "joint")


def test_no_other_scheme_is_better_where_terminals_crowd_each_other(contested):
    scenarios, x = contested
    value = np.asarray(tn.evaluate_batch(scenarios, x, bound=False).objective)
    feasible = np.asarray(x.status) != Status.INFEASIBLE
    assert feasible.sum() >= 3
    for scheme in ("unweighted", "full-local", "full-offload", "half-offload"):
        y = tn.solve_batch(scenarios, scheme)
        other = np.asarray(tn.evaluate_batch(scenarios, y, bound=False).objective)
        able = np.asarray(y.status) != Status.INFEASIBLE
        assert np.all(value[able] <= other[able] * (1 + 1e-6)), scheme
        assert np.all(np.sum(x.terminal_feasible, axis=1) >= np.sum(y.terminal_feasible, axis=1)), scheme


def test_more_effort_is_never_worse(contested):
    """By the same program; where starts matter it pays."""
    scenarios, x = contested
    value = {}
    for effort in EFFORTS:
        y = x if effort == "default" else tn.solve_batch(scenarios, effort=effort)
        objective = np.asarray(tn.evaluate_batch(scenarios, y, bound=False).objective)
        value[effort] = np.where(np.asarray(y.status) == Status.INFEASIBLE, np.inf, objective)
    for less, more in itertools.pairwise(EFFORTS):
        assert np.all(value[more] <= value[less] * (1 + 1e-12))
    assert np.any(value["thorough"] < value["quick"] * (1 - 1e-6))
    with pytest.raises(InputError, match="effort"):
        tn.solve_batch(scenarios, "unweighted", effort="quick")


def test_who_is_said_to_be_served_is(contested, variants):
    for scenarios, x in (contested, [batch(*part) for part in list(zip(*variants.values()))[:2]]):
        report = jax.jit(jax.vmap(system.evaluate))(scenarios, x)
        each = [np.asarray(value) for value in report.residuals.values() if value.ndim == 2]
        assert np.all(np.max(each, axis=0)[np.asarray(x.terminal_feasible)] <= 1e-6)


def test_of_access_points_the_one_that_serves_most_is_taken():
    """Each is deaf to somebody: the first to two terminals, the second, which hears less of the others, to one."""
    rng = np.random.default_rng(4)
    uplink = rng.standard_normal((3, 2, 5, 7)) + 1j * rng.standard_normal((3, 2, 5, 7))
    uplink *= 1e-5 * np.array([[3.0, 0.0], [0.0, 1.0], [0.0, 1.0]])[..., None, None]
    channels = TracedChannels(uplink, np.zeros((3, 3, 4, 7), complex), rng.random((3, 3)), rng.random((2, 3)), 3e9)
    sizes = ("terminals", "ap_antennas", "terminal_antennas")  # the channels have them
    s = tn.from_channels(channels, "energy", **{name: value for name, value in SHAPE.items() if name not in sizes})
    np.testing.assert_array_equal(s.uplink_channel, uplink[:, 1])
    np.testing.assert_array_equal(s.ap_position_m[0], channels.ap_position_m[1])


def test_unreachable_echoes_say_what_could_be_met(variants):
    s, x, report = variants["loud"]
    assert int(x.status) == Status.INFEASIBLE
    margin = float(x.sensing_margin_max)
    assert 0 < margin < 1
    assert float(x.sensing_sinr_max) == pytest.approx(margin * float(s.sensing_sinr_min[0]), rel=1e-6)
    np.testing.assert_allclose(report.metrics["echo_sinr"], margin * np.asarray(s.sensing_sinr_min), rtol=1e-6)
    assert float(jnp.max(report.residuals["17g power"])) <= 1e-9


@jax.jit
def margin_of(scenario, need):
    found = largest_margin(air_of.reduce(scenario), need)
    return found.value, found.most


def test_margin_of_two_terminals_by_hand():
    """With one antenna per radar nothing can be told apart: the margin is a quadratic equation."""
    s = drawn(1, terminals=2, radar_antennas=1, terminal_antennas=1, ap_antennas=1)
    gain = np.abs(np.asarray(s.echo_channel))[:, :, 0, 0] ** 2 / np.asarray(s.radar_noise_w)[:, None]
    limit, need = np.asarray(s.terminal_max_power_w), np.asarray(s.sensing_sinr_min)
    best = 0.0
    for fixed in (0, 1):  # who is at its limit; bisection on the other's power
        low, high, sinr = 0.0, limit[1 - fixed], np.zeros(2)
        for _ in range(200):
            power = np.empty(2)
            power[fixed], power[1 - fixed] = limit[fixed], (low + high) / 2
            sinr = np.diagonal(gain) * power / (1 + gain[[0, 1], [1, 0]] * power[::-1]) / need
            low, high = (low, (low + high) / 2) if sinr[1 - fixed] > sinr[fixed] else ((low + high) / 2, high)
        best = max(best, sinr.min())
    value, most = map(float, margin_of(s, s.sensing_sinr_min))
    assert value == pytest.approx(best, rel=1e-6)
    assert best <= most <= best * (1 + 1e-6)


def test_physical_echoes_of_two_terminals_never_both_reach_0_db():
    s = drawn(0, terminals=2, cross_echo="physical", radar_antennas=6)
    value, most = map(float, margin_of(s, jnp.ones(2)))
    assert 0.5 < value <= most < 1
    literal = drawn(0, terminals=2, radar_antennas=6)
    assert float(margin_of(literal, jnp.ones(2))[0]) > 1


def test_reduction_loses_nothing_of_measured_channels(variants):
    """Full-rank echoes from a file: SINRs of random beams are the same in the reduced space."""
    arrays = to_arrays(drawn(0), system.scenario_schema)
    rng = np.random.default_rng(1)
    arrays["echo_channel"] = 1e-6 * (rng.standard_normal((3, 3, 4, 7)) + 1j * rng.standard_normal((3, 3, 4, 7)))
    s = EnergyScenario.from_arrays(arrays)
    beams = rng.standard_normal((3, 2, 7)) + 1j * rng.standard_normal((3, 2, 7))

    @jax.jit
    def decided(s, data, sensing):
        air = air_of.reduce(s)
        z = reduced.project(air, data, sensing)
        return *air_of.combiners(s, air, z), reduced.data_sinr(air, z), reduced.echo_sinr(air, z)

    w, v, data, echo = decided(s, beams[:, 0], beams[:, 1])
    x = changed(variants["plain"][1], precoder=beams[:, 0], sensing_precoder=beams[:, 1], combiner=w, radar_combiner=v)
    metrics = jax.jit(system.evaluate)(s, x).metrics
    np.testing.assert_allclose(data, metrics["uplink_sinr"], rtol=1e-8)
    np.testing.assert_allclose(echo, metrics["echo_sinr"], rtol=1e-8)


def test_robust_keeps_deadlines_for_errors_that_break_joint():
    s = drawn(0, channel_error=0.1, sensing_sinr_min_db=-25.0)
    unaware = dataclasses.replace(s, channel_error=None)
    late = {}
    for scheme, x in (("joint", solved(unaware)), ("robust", tn.solve(s, "robust"))):
        report = tn.evaluate(s, x, bound=False)
        assert bool(report.feasible)
        late[scheme] = float(jnp.max(report.metrics["worst_lateness"]))
        assert np.all(np.asarray(report.metrics["random_upload_s"]) <= np.asarray(report.metrics["worst_upload_s"]))
    assert late["joint"] > 1e-3
    assert late["robust"] <= 1e-9


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"terminals": 0}, "terminals"),
        ({"cross_echo": "both"}, "cross_echo"),
        ({"task_bits": -1.0}, "task_bits"),
        ({"latency_max_s": 0.0}, "latency_max_s"),
        ({"channel_error": -0.1}, "channel_error"),
        ({"bandwidth_hz": float("nan")}, "bandwidth_hz"),
    ],
)
def test_bad_parameters_are_named(changes, name):
    with pytest.raises(InputError, match=name):
        EnergyParams(**changes)


ONE_ANTENNA = {"ap_antennas": 1, "terminal_antennas": 1, "radar_antennas": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"terminals": 1} | ONE_ANTENNA,
        pytest.param({"terminals": 2, "ap_antennas": 1}, marks=pytest.mark.slow),  # a shape solved above
        pytest.param({"terminal_antennas": 1, "radar_antennas": 1}, marks=pytest.mark.slow),
    ],
    ids=["K=A=T=R=1", "A=1", "T=R=1"],
)
def test_small_shapes(changes):
    s = drawn(2, **changes, sensing_sinr_min_db=-30.0, latency_max_s=2.0)
    x = tn.solve(s)
    report = tn.evaluate(s, x)
    assert bool(report.feasible)
    assert float(report.objective) >= float(report.bound) * (1 - 1e-9)
