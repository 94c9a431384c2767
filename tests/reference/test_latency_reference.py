"""The slow twins of the latency system: against brute force, each other and the model's judgement."""

from __future__ import annotations

import dataclasses
from itertools import product

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

pytest.importorskip("cvxpy")

from trinode.errors import InputError
from trinode.reference import latency as reference
from trinode.reference.latency import _network as physics
from trinode.reference.latency.sensing import sensing_slack
from trinode.reference.latency.steps import Run
from trinode.systems.decision import Status
from trinode.systems.latency import model, system
from trinode.systems.latency import scenario as latency
from trinode.systems.latency.params import LatencyParams

draw = eqx.filter_jit(latency.draw)
judge, link_rates, echo_sinr = jax.jit(model.evaluate), jax.jit(model.link_rates), jax.jit(model.echo_sinr)

SMALL = LatencyParams(
    terminals=3,
    access_points=4,
    ap_antennas=5,
    terminal_antennas=3,
    radar_antennas=2,
    serving=2,
    area_m=300.0,
)


def with_arrays(scenario, **arrays):
    return dataclasses.replace(
        scenario,
        **{name: value if name == "cluster_size" else jnp.asarray(value) for name, value in arrays.items()},
    )


def part(scenario, terminals, access_points):
    """The first terminals and access points of a network, each serving all."""
    size = {"K": terminals, "M": access_points}
    arrays = {}
    for name, field in system.scenario_schema.items():
        value = getattr(scenario, name)
        arrays[name] = value[tuple(slice(size.get(letter)) for letter in field.dims)]
    arrays["serving"] = np.ones((terminals, access_points), bool)
    return with_arrays(scenario, **arrays, cluster_size=access_points)


def uneven(seed):
    """A small network whose noises, tasks and limits all differ, in units far from those of the paper."""
    s, rng = draw(SMALL, jax.random.key(seed)), np.random.default_rng(seed)
    k, m = s.terminals, s.access_points
    return with_arrays(
        s,
        ap_noise_w=np.asarray(s.ap_noise_w) * rng.uniform(0.3, 3, m),
        radar_noise_w=np.asarray(s.radar_noise_w) * rng.uniform(0.3, 3, k),
        bandwidth_hz=37.0,
        task_bits=rng.uniform(1, 20, k),
        edge_cycles_per_bit=rng.uniform(200, 900, m),
        cloud_cycles_per_bit=700.0,
        edge_max_frequency_hz=rng.uniform(1e4, 3e4, m),
        edge_capacitance=rng.uniform(0.5, 2, m) * 1e-14,
        ap_max_power_w=rng.uniform(0.01, 0.1, m),
        cloud_max_frequency_hz=3e4,
        fronthaul_max_bps=rng.uniform(30, 300, m),
        terminal_max_frequency_hz=rng.uniform(500, 900, k),
        terminal_capacitance=np.full(k, 1e-12),
        terminal_max_power_w=rng.uniform(0.05, 0.3, k),
    )


@pytest.fixture(scope="module")
def networks():
    return [draw(SMALL, jax.random.key(0)), uneven(1), uneven(2)]


@pytest.fixture(scope="module")
def solutions(networks):
    methods = [
        reference.mec_alternating,
        reference.cloud_alternating,
        reference.alternating,
        lambda s, **k: reference.alternating(s, literal=True, **k),
    ]
    return [[method(s, max_outer=8) for method in methods] for s in networks]


def some_rates(scenario, seed=0):
    rng = np.random.default_rng(seed)
    shape = np.asarray(scenario.serving).shape
    return np.where(scenario.serving, rng.uniform(0.3, 8.0, shape), 0.0) * float(scenario.bandwidth_hz)


def check_limits(scenario, found, tolerance=1e-9):
    s = jax.tree.map(np.asarray, scenario)
    assert np.all(found.edge_frequency_hz.sum(axis=0) <= s.edge_max_frequency_hz * (1 + tolerance))
    power = (s.edge_capacitance * found.edge_frequency_hz**3).sum(axis=0)
    assert np.all(power <= s.ap_max_power_w * (1 + tolerance))
    assert np.all(found.fronthaul_bps.sum(axis=0) <= s.fronthaul_max_bps * (1 + tolerance))
    assert found.cloud_frequency_hz.sum() <= s.cloud_max_frequency_hz * (1 + tolerance)


class TestResources:
    def test_edge_against_a_grid(self, networks):
        """Two terminals at two access points: the best of all grid points, refined, is never better."""
        s = part(networks[0], 2, 2)
        rate = some_rates(s, 3)
        found = reference.resource_step(s, rate, [1, 1])
        task, density = np.asarray(s.task_bits), float(s.edge_cycles_per_bit[0])
        most = min(float(s.edge_max_frequency_hz[0]), 1e300)
        capacitance, power = float(s.edge_capacitance[0]), float(s.ap_max_power_w[0])

        def best(low, high):
            share = [np.linspace(a, b, 161) for a, b in zip(low, high)]
            grid = np.stack(np.meshgrid(*share, indexing="ij"), axis=-1)  # share of terminal 0 at each AP
            total = np.minimum(most, np.cbrt(power / capacitance / (grid**3 + (1 - grid) ** 3)))
            f = np.stack([grid * total, (1 - grid) * total])
            through = np.sum(1 / (1 / rate[:, None, None] + density / np.maximum(f, 1e-3)), axis=-1)
            slow = np.max(task[:, None, None] / through, axis=0)
            at = np.unravel_index(np.argmin(slow), slow.shape)
            return slow.min(), grid[at]

        width, where = 0.5, np.array([0.5, 0.5])
        while width > 1e-5:
            value, where = best(np.maximum(where - width, 0), np.minimum(where + width, 1))
            assert value >= found.latency_s * (1 - 1e-9)
            width /= 4
        assert value <= found.latency_s * (1 + 1e-6)
        check_limits(s, found)

    def test_cloud_of_one_terminal_by_hand(self, networks):
        """A lone terminal has all fronthaul and the whole cloud."""
        s = part(networks[1], 1, 3)
        rate = some_rates(s, 4)
        found = reference.resource_step(s, rate, [2])
        d, on = float(s.task_bits[0]), np.asarray(s.serving)[0]
        through = np.sum(1 / (1 / rate[0, on] + 1 / np.asarray(s.fronthaul_max_bps)[on]))
        compute = float(s.cloud_cycles_per_bit) * d / float(s.cloud_max_frequency_hz)
        assert found.latency_s == pytest.approx(d / through + compute, rel=1e-10)

    def test_cloud_stationarity(self, networks):
        """At the optimum no terminal gains by trading fronthaul or cloud speed with another."""
        for s in networks:
            rate = some_rates(s, 5)
            found = reference.resource_step(s, rate, [2, 2, 2])
            check_limits(s, found)
            np.testing.assert_allclose(found.terminal_latency_s, found.latency_s, rtol=1e-9)
            d, g = np.asarray(s.task_bits), found.cloud_frequency_hz
            r = np.where(found.cloud_share > 0, found.fronthaul_bps, np.nan)
            through = np.nansum(rate * r / (rate + r), axis=1)
            weight = g**2 / (float(s.cloud_cycles_per_bit) * d)  # prices of the latencies, up to a factor
            gain = (weight * d / through**2)[:, None] * (rate / (rate + r)) ** 2
            for m in range(gain.shape[1]):
                shared = gain[~np.isnan(gain[:, m]), m]
                assert len(shared) == 0 or np.ptp(shared) <= 1e-3 * shared.max()

    def test_paper_step_agrees_at_the_best_split(self, networks):
        """Problem (47) with the exact shares gives the exact latency; with others it is slower."""
        for s, modes in product(networks, ([1, 1, 1], [2, 2, 2], [1, 2, 1], [0, 1, 2])):
            rate = some_rates(s, 6)
            exact = reference.resource_step(s, rate, modes)
            same = reference.paper_frequency_step(s, rate, exact.edge_share, exact.cloud_share)
            assert exact.solved
            assert same.latency_s == pytest.approx(exact.latency_s, rel=1e-7)
            check_limits(s, same)
            even = np.asarray(s.serving) / 2.0
            b, c = (np.where((np.array(modes) == mode)[:, None], even, 0) for mode in (1, 2))
            assert reference.paper_frequency_step(s, rate, b, c).latency_s >= exact.latency_s * (1 - 1e-8)

    def test_result_satisfies_the_judge(self, networks):
        """The model gives the same latency to a decision with these resources."""
        for s in networks:
            start = reference.feasible_start(s)
            rate = np.asarray(link_rates(s, *map(jnp.asarray, start)))
            found = reference.resource_step(s, rate, [1, 2, 1])
            x = dataclasses.replace(
                reference.mec_alternating(s, max_outer=1),
                edge_share=jnp.asarray(found.edge_share),
                cloud_share=jnp.asarray(found.cloud_share),
                precoder=jnp.asarray(start[0]),
                sensing_precoder=jnp.asarray(start[1]),
                edge_frequency_hz=jnp.asarray(found.edge_frequency_hz),
                cloud_frequency_hz=jnp.asarray(found.cloud_frequency_hz),
                fronthaul_bps=jnp.asarray(found.fronthaul_bps),
            )
            report = judge(s, x)
            np.testing.assert_allclose(report.metrics["latency_s"], found.terminal_latency_s, rtol=1e-9)
            assert report.feasible

    def test_limits_that_close_a_route(self, networks):
        s = networks[0]
        rate = some_rates(s)
        closed = with_arrays(s, fronthaul_max_bps=np.zeros(4))
        assert reference.resource_step(closed, rate, [2, 1, 1]).latency_s == np.inf
        free = with_arrays(s, cloud_cycles_per_bit=0.0, edge_cycles_per_bit=np.zeros(4))
        found = reference.resource_step(free, rate, [1, 1, 1])
        np.testing.assert_allclose(found.terminal_latency_s, np.asarray(s.task_bits) / rate.sum(axis=1))
        quick = reference.resource_step(free, rate, [2, 2, 2])
        assert quick.latency_s < reference.resource_step(s, rate, [2, 2, 2]).latency_s
        with pytest.raises(InputError, match="modes"):
            reference.resource_step(s, rate, [1, 1, 3])


class TestSensing:
    def test_margin_is_where_the_semidefinite_program_turns(self, networks):
        for s in networks:
            net = physics.network(s)
            found = reference.sensing_margin(s)
            for factor, sign in ((1 - 1e-5, 1), (1 + 1e-5, -1)):
                raised = dataclasses.replace(net, requirement=net.requirement * found.margin_max * factor)
                assert sign * (sensing_slack(raised) - 1) > 0
            assert found.sinr_max == pytest.approx(found.margin_max * float(s.sensing_sinr_min[0]), rel=1e-7)

    def test_without_interference_by_hand(self, networks):
        s = with_arrays(networks[0], terminal_channel=np.zeros((3, 3, 2, 3)))
        best = np.asarray(s.echo_gain**2 * 3 * s.terminal_max_power_w / s.radar_noise_w)
        found = reference.sensing_margin(s)
        assert found.sinr_max == pytest.approx(best.min(), rel=1e-9)
        some = with_arrays(s, sensing_sinr_min=np.array([0.0, 2.0, 1.0]))
        assert reference.sensing_margin(some).margin_max == pytest.approx(min(best[1] / 2, best[2]), rel=1e-9)

    def test_no_requirement_and_no_power(self, networks):
        none = with_arrays(networks[0], sensing_sinr_min=np.zeros(3))
        assert reference.sensing_margin(none).margin_max == np.inf
        assert reference.sensing_feasible(none)
        dark = with_arrays(networks[0], terminal_max_power_w=np.array([0.2, 0.0, 0.2]))
        assert reference.sensing_margin(dark) == (0.0, 0.0)
        assert not reference.sensing_feasible(dark)

    def test_start_is_feasible(self, networks):
        for s, beams in product(networks, ("matched", "random")):
            precoder, sensing = map(jnp.asarray, reference.feasible_start(s, beams, 1))
            assert np.all(echo_sinr(s, precoder, sensing) >= s.sensing_sinr_min)
            assert np.all(model.transmit_power(precoder, sensing) <= s.terminal_max_power_w * (1 + 1e-6))
            assert np.all(np.any(np.asarray(precoder) != 0, axis=2) == np.asarray(s.serving))


class TestRates:
    def test_identities_and_lower_bound(self, networks):
        """R = B log2(1/MSE) (58); the surrogate touches it there and stays below elsewhere."""
        for seed, s in enumerate(networks):
            net, rng = physics.network(s), np.random.default_rng(seed)

            def beams(net=net, rng=rng):
                shape = (*net.serving.shape, net.antennas)
                data = rng.standard_normal(shape) + 1j * rng.standard_normal(shape)
                sensing = rng.standard_normal(net.echo.shape) + 1j * rng.standard_normal(net.echo.shape)
                return 0.3 * data * net.serving[..., None], 0.3 * sensing

            data, sensing = beams()
            combiner, error = physics.receivers(net, data, sensing)
            watts = (
                jnp.asarray(data * net.amplitude[:, None, None]),
                jnp.asarray(sensing * net.amplitude[:, None]),
            )
            exact = np.asarray(link_rates(s, *watts)) / float(s.bandwidth_hz)
            np.testing.assert_allclose(-np.log2(error), exact, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(physics.rates(net, data, sensing), exact, rtol=1e-9, atol=1e-12)
            np.testing.assert_allclose(physics.mean_square_error(net, data, sensing, combiner), error, rtol=1e-7)
            np.testing.assert_allclose(
                physics.surrogate_rates(net, data, sensing, combiner, 1 / error), exact, rtol=1e-7, atol=1e-9
            )
            for _ in range(20):
                other = beams()
                below = physics.surrogate_rates(net, *other, combiner, 1 / error)
                assert np.all(below <= physics.rates(net, *other) + 1e-9)

    def test_printed_base_two_is_no_lower_bound(self):
        """(41) as printed exceeds the rate by up to 0.086 B at V MSE = 1.443."""
        weight = 1 / np.log(2)  # with MSE = 1 the rate is 0
        assert np.log2(weight) - weight + 1 == pytest.approx(0.086, abs=1e-3)
        assert (np.log(weight) - weight + 1) / np.log(2) < 0

    def test_echo_is_the_models(self, networks):
        for s in networks:
            net = physics.network(s)
            precoder, sensing = reference.feasible_start(s)
            data = precoder / net.amplitude[:, None, None], sensing / net.amplitude[:, None]
            expected = echo_sinr(s, jnp.asarray(precoder), jnp.asarray(sensing))
            np.testing.assert_allclose(physics.echo_sinr(net, *data), expected, rtol=1e-10)


class TestMethod:
    def test_feasible_monotone_and_above_the_bound(self, networks, solutions):
        for s, found in zip(networks, solutions):
            bounds = [reference.bound(s, family) for family in ("mec", "cloud", "", "")]
            assert bounds[2] <= min(bounds) + 1e-12
            for x, least, falls in zip(found, bounds, (True, True, True, False)):
                report, history = judge(s, x), np.asarray(x.history)
                assert report.feasible, report.residuals
                assert int(x.status) != Status.INFEASIBLE
                assert np.all(x.terminal_feasible)
                assert float(report.objective) == pytest.approx(history.min(), rel=1e-9)
                assert least <= float(report.objective)
                assert len(history) == int(x.iterations)
                if falls:
                    assert np.all(np.diff(history) <= 1e-12 * history[0])

    def test_beam_step_lowers_the_latency(self, networks):
        for s in networks:
            precoder, sensing = reference.feasible_start(s)
            rate = link_rates(s, jnp.asarray(precoder), jnp.asarray(sensing))
            r = reference.resource_step(s, rate, [1, 2, 1])
            found = reference.algorithm2(
                s, precoder, sensing, r.edge_share, r.cloud_share, r.edge_frequency_hz,
                r.cloud_frequency_hz, r.fronthaul_bps, r.terminal_frequency_hz, tolerance=1e-2,
            )  # fmt: skip
            assert found.history[0] == pytest.approx(max(r.terminal_latency_s), rel=1e-7)
            assert np.all(np.diff(found.history) < 0)
            beams = jnp.asarray(found.data), jnp.asarray(found.sensing)
            assert np.all(echo_sinr(s, *beams) >= s.sensing_sinr_min)
            assert np.all(model.transmit_power(*beams) <= s.terminal_max_power_w * (1 + 1e-9))

    def test_received_power_that_counts(self, networks):
        """Strong channels and strong noise: (35c) is a limit that the start breaks and the beams keep."""
        s = networks[0]
        loud = with_arrays(
            s, uplink_channel=np.asarray(s.uplink_channel) * 3e3, ap_noise_w=np.asarray(s.ap_noise_w) * 9e6
        )
        free = judge(loud, reference.cloud_alternating(loud, max_outer=4))
        heard = float(free.metrics["ap_power_w"].max())
        tight = with_arrays(loud, ap_max_power_w=np.full(4, heard / 2))
        assert Run(tight, 1e-3, 5).limits_received
        report = judge(tight, reference.cloud_alternating(tight, max_outer=4))
        assert report.feasible
        assert float(report.metrics["ap_power_w"].max()) <= heard / 2 * (1 + 1e-6)
        assert float(report.objective) > float(free.objective)

    def test_offloading_is_whole_and_in_the_cluster(self, networks):
        for s, start in product(networks, ("half", "better", "literal")):
            run = Run(s, 1e-3, 5)
            plan = run.begin(np.ones(3, int), "matched", 0)
            found = reference.algorithm1(
                s,
                physics.rates(run.net, plan.data, plan.sensing) * run.net.rate_unit,
                plan.edge_frequency_hz,
                plan.fronthaul_bps,
                plan.cloud_frequency_hz,
                plan.terminal_frequency_hz,
                start=start,
            )
            edge, cloud = found.edge_share.sum(axis=1), found.cloud_share.sum(axis=1)
            np.testing.assert_allclose(edge, found.modes == 1, atol=1e-12)
            np.testing.assert_allclose(cloud, found.modes == 2, atol=1e-12)
            assert not np.any((found.edge_share + found.cloud_share)[~np.asarray(s.serving)])

    def test_what_cannot_be_sensed_is_infeasible(self, networks):
        s = with_arrays(networks[0], sensing_sinr_min=np.array([1.0, 1e6, 1.0]))
        assert not reference.sensing_feasible(s)
        x = reference.alternating(s)
        assert int(x.status) == Status.INFEASIBLE
        assert not np.all(x.terminal_feasible)
        assert float(x.sensing_margin_max) == pytest.approx(reference.sensing_margin(s).margin_max, rel=1e-9)
        assert not judge(s, x).feasible

    def test_nearly_impossible_sensing_still_offloads(self, networks):
        s = networks[0]
        margin = reference.sensing_margin(s).margin_max
        tight = with_arrays(s, sensing_sinr_min=np.asarray(s.sensing_sinr_min) * margin * (1 - 1e-4))
        x = reference.mec_alternating(tight, max_outer=3)
        report = judge(tight, x)
        assert report.feasible
        assert float(report.objective) < 3 * reference.bound(s, "mec")

    def test_local_where_nothing_serves(self, networks):
        s = with_arrays(networks[0], serving=np.asarray(networks[0].serving) & (np.arange(3) != 1)[:, None])
        x = reference.alternating(s, max_outer=3)
        report = judge(s, x)
        assert report.feasible
        assert float(report.metrics["edge_terminal"][1] + report.metrics["cloud_terminal"][1]) == 0
        x = reference.mec_alternating(s, max_outer=3)
        assert int(x.status) == Status.INFEASIBLE
        assert list(np.asarray(x.terminal_feasible)) == [True, False, True]
        assert reference.bound(s) == pytest.approx(reference.bound(s, "local"))


def test_bound_by_hand(networks):
    """One terminal at one access point: all power on one stream, the whole CPU within both limits."""
    s = part(networks[2], 1, 1)
    snr = np.linalg.norm(np.asarray(s.uplink_channel)[0, 0], 2) ** 2 * float(s.terminal_max_power_w[0])
    rate = float(s.bandwidth_hz) * np.log2(1 + snr / float(s.ap_noise_w[0]))
    f = min(float(s.edge_max_frequency_hz[0]), np.cbrt(float(s.ap_max_power_w[0]) / float(s.edge_capacitance[0])))
    d = float(s.task_bits[0])
    assert reference.bound(s, "mec") == pytest.approx(d / rate + float(s.edge_cycles_per_bit[0]) * d / f, rel=1e-7)
    compute = float(s.cloud_cycles_per_bit) * d / float(s.cloud_max_frequency_hz)
    cloud = d / rate + d / float(s.fronthaul_max_bps[0]) + compute
    assert reference.bound(s, "cloud") == pytest.approx(cloud, rel=1e-7)
    assert reference.bound(s) == pytest.approx(min(reference.bound(s, f) for f in ("mec", "cloud")), rel=1e-12)
    with pytest.raises(InputError, match="family"):
        reference.bound(networks[0], "both")


def test_bound_enumerates_every_assignment(networks):
    """The pruned search finds what all assignments to edge, cloud and terminal give."""
    from trinode.reference.latency.relaxation import _Relaxation

    quick = with_arrays(networks[0], terminal_max_frequency_hz=np.array([0.3e9, 4e9, 2e9]))
    for s in (*networks, quick):
        net = physics.network(s)
        relaxed = _Relaxation(net)
        best = np.inf
        for modes in product((0, 1, 2), repeat=3):
            edge, cloud = (tuple(k for k in range(3) if modes[k] == mode) for mode in (1, 2))
            alone = max((net.local_time[k] for k in range(3) if modes[k] == 0), default=0.0)
            best = min(best, max(alone, relaxed.edge(edge), relaxed.cloud(cloud)))
        assert reference.bound(s) == pytest.approx(best * net.time_unit, rel=1e-12)
