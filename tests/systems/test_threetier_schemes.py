"""What the three-tier schemes promise beyond the contract."""

import itertools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode import api
from trinode.errors import InputError
from trinode.sensing import cones
from trinode.systems.contract import EFFORTS
from trinode.systems.decision import Status
from trinode.systems.reason import verdict
from trinode.systems.threetier import optimise, search, system
from trinode.systems.threetier.params import ThreetierParams
from trinode.systems.threetier.schemes.joint import Joint
from trinode.systems.threetier.tiers import CLOUD, EDGE, KINDS, LOCAL, tiers

SHAPE = {
    "terminals": 3,
    "access_points": 2,
    "ap_antennas": 5,
    "terminal_antennas": 4,
    "radar_antennas": 6,
    "bandwidth_hz": 8e6,
    "edge_capacity_hz": 4e9,
    "sensing_sinr_min_db": 0.0,
}


def drawn(seed=0, **changes):
    return jax.jit(system.draw)(ThreetierParams(**(SHAPE | changes)), jax.random.key(seed))


@pytest.fixture(scope="module")
def few():
    return api.stack([drawn(seed) for seed in range(4)])


def change(scenario, **arrays):
    return eqx.tree_at(lambda s: [getattr(s, name) for name in arrays], scenario, list(arrays.values()))


def objective(scenarios, scheme):
    solution = api.solve_batch(scenarios, scheme)
    return np.asarray(api.evaluate_batch(scenarios, solution, bound=False).objective), solution


def test_joint_equals_every_decision_descended(few):
    """Brute force over who offloads where, two starts each, more descent than the default's."""
    joint, _ = objective(few, "joint")
    stages = optimise.Stages(rounds=8, evaluations=60, tolerance=1e-5)

    @jax.jit
    @jax.vmap
    def views(s):
        return search.prepare(tiers(s), tiers(s).alone(), (LOCAL, EDGE, CLOUD))[2]

    view = views(few)

    @jax.jit
    def forced(scenarios, view, mode, target, senses):
        def one(s, view):
            t = tiers(s)
            safe = search.safe_beams(t, mode, view)
            w = jnp.where(senses, safe, optimise.starting_beams(t, mode, target, safe))
            return optimise.decide(t, mode, target, w, safe, stages).latency

        return jax.vmap(one)(scenarios, view)

    best = np.full(len(joint), np.inf)
    places = [(EDGE, 0), (EDGE, 1), (CLOUD, 0), (CLOUD, 1), (LOCAL, 0)]
    for way in itertools.product(places, repeat=3):
        if any(way.count((EDGE, m)) > 1 for m in range(2)) or (LOCAL, 0) in way:
            continue  # a server of 4 GHz holds one task of 3; computing itself takes five times as long
        mode, target = (jnp.asarray(part) for part in zip(*way))
        for senses in (False, True):
            best = np.minimum(best, np.asarray(forced(few, view, mode, target, jnp.asarray(senses))))
    assert np.all(joint <= best * (1 + 2e-4))


def test_joint_is_close_to_the_bound(few):
    joint, _ = objective(few, "joint")
    limit = np.asarray(api.bound_batch(few))
    assert np.all(joint >= limit * (1 - 1e-9))
    assert np.all(joint <= limit * 1.02)
    assert np.all(joint <= objective(few, "local")[0])


def strict(scenarios, share):
    """The same with requirements at a share of the largest that any beams meet."""
    s = eqx.tree_at(lambda s: s.sensing_sinr_min, scenarios, 1e9 * scenarios.sensing_sinr_min)
    most = np.asarray(objective(s, "joint")[1].sensing_margin_max)
    return eqx.tree_at(lambda x: x.sensing_sinr_min, s, s.sensing_sinr_min * (share * most)[:, None])


def test_more_effort_is_never_worse_and_no_scheme_better(few):
    """Where echoes leave hardly any room, too, where prices that are not known yet cost the more."""
    tight = strict(few, 0.98)
    mixed = jax.tree.map(lambda a, b: jnp.concatenate([a[:2], b[2:]]), few, tight)
    quick, default, thorough = (objective(mixed, Joint(effort=name))[0] for name in EFFORTS)
    assert np.all(thorough <= default)
    assert np.all(default <= quick)
    assert np.all(thorough >= np.asarray(api.bound_batch(mixed)) * (1 - 1e-9))
    assert np.all(default <= objective(mixed, "centralised")[0] * (1 + 1e-6))
    with pytest.raises(InputError, match="effort"):
        Joint(effort="none")


def test_barriers_and_prices_end_alike_where_echoes_are_tight(few):
    """Two ways to the same beams; on the way each is feasible and none above its start."""
    tight = strict(few, 0.9)

    @jax.jit
    @jax.vmap
    def both(s):
        t = tiers(s)
        view = search.prepare(t, t.alone(), KINDS[""])[2]
        mode, target = jnp.full(3, CLOUD), jnp.asarray([0, 1, 1])
        safe = search.safe_beams(t, mode, view)
        stages = optimise.Stages(rounds=40)

        def one(within):
            return optimise.decide(t, mode, target, safe, safe, stages, within)

        return jax.vmap(one)(jnp.asarray([False, True]))

    found = both(tight)
    latency, history = np.asarray(found.latency), np.asarray(found.history)
    np.testing.assert_allclose(latency[:, 0], latency[:, 1], rtol=2e-3)
    assert np.all(latency < history[..., 0] * (1 - 1e-3))


def test_joint_is_never_worse_than_what_takes_no_descent(few):
    """The candidates it ends with are the other schemes' decisions, where these are feasible."""
    weak = eqx.tree_at(
        lambda s: s.uplink_channel, few, few.uplink_channel * jnp.asarray([1.0, 1e-6, 1.0])[:, None, None, None]
    )

    @jax.jit
    @jax.vmap
    def simple(s):
        t = tiers(s)
        view = search.prepare(t, t.alone(), KINDS[""])[2]
        return search.simple(t, view, KINDS[""], 3).latency

    others = [objective(weak, scheme)[0] for scheme in ("mrt", "local")]
    best = np.nanmin(others, axis=0)
    assert np.isfinite(best).all()
    assert np.all(np.asarray(simple(weak)) <= best * (1 + 1e-9))
    assert np.all(objective(weak, "joint")[0] <= best * (1 + 1e-9))


def test_local_takes_no_more_power_than_any_beams_need(few):
    """The least total power is a dual value: no feasible beams radiate less, scaled-down ones included."""
    _, solution = objective(few, "local")
    report = api.evaluate_batch(few, solution, bound=False)
    np.testing.assert_allclose(np.asarray(report.metrics["echo_sinr"]), np.asarray(few.sensing_sinr_min), rtol=1e-6)
    least = np.asarray(report.metrics["transmit_power_w"]).sum(axis=1)

    @jax.jit
    @jax.vmap
    def scaled(s):
        t = tiers(s)
        w = search.look(t, t.budget(jnp.full(3, EDGE))).beam
        signal, heard = t.echo.parts(w[:, None])
        factor = jnp.max(s.sensing_sinr_min * t.echo.noise_w / (signal - s.sensing_sinr_min * heard))
        return factor * jnp.sum(jnp.abs(w) ** 2)

    assert np.all(least <= np.asarray(scaled(few)) * (1 + 1e-9))


def test_repair_meets_every_echo_by_a_step():
    s = drawn(1)
    t = jax.jit(tiers)(s)
    view = jax.jit(lambda t: search.look(t, t.budget(jnp.full(3, EDGE))))(t)
    rng = np.random.default_rng(0)
    w = rng.normal(size=(3, 4)) + 1j * rng.normal(size=(3, 4))
    w *= np.sqrt(np.asarray(s.terminal_max_power_w) / np.sum(np.abs(w) ** 2, axis=1))[:, None]
    need = jnp.full(3, 0.9 * jnp.min(t.echo.sinr(view.beam[:, None])))
    assert np.any(np.asarray(t.echo.sinr(jnp.asarray(w)[:, None])) < np.asarray(need))
    fixed = cones.repair(t.echo, need, jnp.asarray(w), view.beam)
    assert np.all(np.asarray(t.echo.sinr(fixed[:, None])) >= np.asarray(need) * (1 - 1e-9))
    assert np.all(np.sum(np.abs(fixed) ** 2, axis=1) <= np.asarray(s.terminal_max_power_w) * (1 + 1e-9))
    kept = cones.repair(t.echo, need, fixed, view.beam)
    np.testing.assert_allclose(np.asarray(kept), np.asarray(fixed), atol=1e-6 * float(jnp.abs(fixed).max()))


def test_unreachable_echo_is_infeasible_and_says_what_could_be_met(few):
    """A target's two-way echo, as (6) is printed, is tens of decibels below the interference."""
    far = api.stack([drawn(seed, echo_path_exponent=6.0) for seed in range(4)])
    value, solution = objective(far, "joint")
    assert np.all(np.isnan(value))
    assert np.all(np.asarray(solution.status) == Status.INFEASIBLE)
    margin = np.asarray(solution.sensing_margin_max)
    assert np.all((margin > 0) & (margin < 1))
    sinr = np.asarray(solution.sensing_sinr_max)
    np.testing.assert_allclose(sinr, margin * np.asarray(far.sensing_sinr_min)[:, 0], rtol=1e-9)
    lowered = eqx.tree_at(lambda s: s.sensing_sinr_min, far, far.sensing_sinr_min * (0.95 * margin)[:, None])
    assert np.all(np.isfinite(objective(lowered, "joint")[0]))


def test_no_room_at_the_edge_and_no_backhaul(few):
    full = eqx.tree_at(lambda s: s.edge_capacity_hz, few, jnp.zeros_like(few.edge_capacity_hz))
    _, in_cloud = objective(full, "joint")
    assert np.all(np.asarray(in_cloud.cloud_choice).sum(axis=(1, 2)) == 3)
    cut = eqx.tree_at(lambda s: s.backhaul_bps, full, jnp.zeros_like(few.backhaul_bps))
    value, alone = objective(cut, "joint")
    assert not np.any(np.asarray(alone.edge_choice) | np.asarray(alone.cloud_choice))
    np.testing.assert_allclose(value, objective(few, "local")[0], rtol=1e-12)


def test_a_processor_beyond_its_power_limit_never_computes_itself(few):
    hot = eqx.tree_at(lambda s: s.terminal_capacitance, few, few.terminal_capacitance.at[:, 1].set(1e-26))
    value, solution = objective(hot, "local")
    assert np.all(np.isnan(value))
    np.testing.assert_array_equal(np.asarray(solution.terminal_feasible), [[True, False, True]] * 4)
    assert np.all(np.isfinite(objective(hot, "joint")[0]))


def test_broken_echoes_of_fixed_beams_are_reported(few):
    strict = eqx.tree_at(lambda s: s.sensing_sinr_min, few, few.sensing_sinr_min * 20)
    value, solution = objective(strict, "mrt")
    report = api.evaluate_batch(strict, solution, bound=False)
    missed = np.asarray(report.metrics["echo_missed"]) > 0
    assert missed.any()
    np.testing.assert_array_equal(np.isnan(value), missed.any(axis=1))
    np.testing.assert_array_equal(np.asarray(solution.terminal_feasible), ~missed)
    assert np.all(np.isfinite(np.asarray(report.metrics["latency_s"])))


def test_unequal_edge_frequencies(few):
    """Offloading is an integer program then; the answer stays feasible and close to its bound."""
    s = drawn(2)
    arrays = {n: np.asarray(v) for n, v in vars(s).items() if v is not None and n != "even_edge"}
    arrays["edge_frequency_hz"] = np.array([2.5e9, 3.5e9, 1.4e9])
    uneven = system.scenario_from(arrays)
    assert not uneven.even_edge
    solution = api.solve(uneven)
    report = api.evaluate(uneven, solution)
    assert bool(report.feasible)
    assert float(report.bound) <= float(report.objective) <= float(report.bound) * 1.02


def test_what_cannot_be_served_has_an_infinite_bound_that_says_why(few):
    at_all, full, lost, louder = api.unstack(few)
    hot = jnp.full(3, 1e-26)  # nobody computes at home
    full = change(full, edge_capacity_hz=jnp.zeros(2), terminal_capacitance=hot)
    full = change(full, backhaul_bps=jnp.zeros_like(full.backhaul_bps))
    lost = change(lost, uplink_channel=lost.uplink_channel.at[1].set(0.0), terminal_capacitance=hot)
    louder = change(louder, sensing_sinr_min=louder.sensing_sinr_min.at[2].set(1e9))
    together = api.unstack(strict(few, 1.001))[0]
    reasons = {
        "terminal 1 can compute nowhere": lost,
        "no room": full,
        "terminal 2 cannot meet the echo requirement, whatever": louder,
        "met at no more than 0.999": together,
    }
    networks = api.stack(list(reasons.values()))
    report = api.evaluate_batch(networks, api.solve_batch(networks, "joint"))
    assert np.all(np.isposinf(report.bound))
    assert not np.any(report.feasible)
    for words, one, found in zip(reasons, reasons.values(), api.unstack(report), strict=True):
        assert verdict(system, one, found).startswith("proved: ")
        assert words in verdict(system, one, found)
    assert np.all(np.isfinite(api.bound_batch(strict(few, 0.999))))
    # one that has nothing left for its radar once it computes at home
    spent = few.terminal_max_power_w[0, 1] * (1 - 1e-9) / few.terminal_frequency_hz[0, 1] ** 3
    spent = change(at_all, terminal_capacitance=at_all.terminal_capacitance.at[1].set(spent))
    silent = change(spent, uplink_channel=spent.uplink_channel.at[1].set(0.0))
    both = api.stack([spent, silent, spent, silent])
    np.testing.assert_array_equal(np.isposinf(api.bound_batch(both)), [False, True] * 2)
    assert np.all(np.isposinf(api.bound_batch(both, "local")))
    assert "echo" in system.bound_reason(silent)


def test_latency_scales_with_the_task(few):
    double = eqx.tree_at(lambda s: s.task_bits, few, 2 * few.task_bits)
    np.testing.assert_allclose(objective(double, "joint")[0], 2 * objective(few, "joint")[0], rtol=1e-3)
