"""The judge of the region system against small cases worked out by hand, and against simulated errors."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.errors import InputError
from trinode.systems.decision import Status
from trinode.systems.region import model, system
from trinode.systems.region.downlink import downlink
from trinode.systems.region.params import RegionParams
from trinode.systems.region.scenario import RegionScenario, draw, pairing
from trinode.systems.region.solution import RegionSolution

judge = jax.jit(model.evaluate)

M, K, A, D = 2, 3, 4, 7


def arrays(seed=0):
    rng = np.random.default_rng(seed)

    def normal(*shape):
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)

    root = normal(K, M * A, M * A) * 0.15
    theta = (root @ root.conj().swapaxes(1, 2)).reshape(K, M, A, M, A).transpose(1, 3, 0, 2, 4)
    return {
        "channel_estimate": normal(M, K, A),
        "error_covariance": theta,
        "ap_power": np.array([2.5, 0.7]),
        "sensing_ap": np.array([False, True]),
        "direction_rad": np.linspace(-1.4, 1.2, D),
        "ideal_pattern": np.array([[0, 0, 0, 0, 0, 0, 0.0], [0, 0, 1, 1, 0, 0, 0]]),
        "element_spacing": np.asarray(0.45),
        "pattern_mse_max": np.asarray(0.9),
    }


SCENARIO = RegionScenario.from_arrays(arrays())


def decision(seed=1, scale=1.3):
    rng = np.random.default_rng(seed)
    w = (rng.normal(size=(M, K, A)) + 1j * rng.normal(size=(M, K, A))) * 0.1
    half = rng.normal(size=(A, 2)) + 1j * rng.normal(size=(A, 2))
    z = half @ half.conj().T
    z *= (1 - np.sum(np.abs(w[1]) ** 2)) / np.trace(z).real
    return RegionSolution(
        status=jnp.asarray(int(Status.CONVERGED)),
        terminal_feasible=jnp.ones(K, bool),
        iterations=jnp.asarray(0),
        history=jnp.zeros(0),
        precoder=jnp.asarray(w),
        sensing_covariance=jnp.asarray(np.stack([0 * z, z])),
        pattern_scale=jnp.asarray([0.0, scale]),
        pattern_mse=jnp.asarray(0.0),
        pattern_mse_min=jnp.asarray(jnp.nan),
    )


def test_rates_are_18_by_loops():
    x = decision()
    s = arrays()
    h, theta, p = s["channel_estimate"], s["error_covariance"], s["ap_power"]
    w, z = np.asarray(x.precoder), np.asarray(x.sensing_covariance)
    total = 0
    for k in range(K):
        signal = abs(sum(np.sqrt(p[m]) * h[m, k].conj() @ w[m, k] for m in range(M))) ** 2
        noise = 1.0
        for j in range(K):
            if j != k:
                noise += abs(sum(np.sqrt(p[m]) * h[m, k].conj() @ w[m, j] for m in range(M))) ** 2
            for m in range(M):
                for n in range(M):
                    noise += (np.sqrt(p[m] * p[n]) * w[m, j].conj() @ theta[m, n, k] @ w[n, j]).real
        for m in range(M):
            noise += p[m] * (h[m, k].conj() @ z[m] @ h[m, k] + np.trace(theta[m, m, k] @ z[m])).real
        total += np.log2(1 + signal / noise)
    assert float(judge(SCENARIO, x).objective) == pytest.approx(total, rel=1e-12)


def test_error_noise_is_that_of_simulated_errors():
    x = decision()
    rng = np.random.default_rng(5)
    s = arrays()
    _, parts = jax.jit(model.sinrs)(SCENARIO, x.precoder, x.sensing_covariance)
    w = (np.sqrt(s["ap_power"])[:, None, None] * np.asarray(x.precoder)).transpose(0, 2, 1).reshape(M * A, K)
    for k in range(K):
        whole = s["error_covariance"][:, :, k].transpose(0, 2, 1, 3).reshape(M * A, M * A)
        e = np.linalg.cholesky(whole) @ (rng.normal(size=(M * A, 40000)) + 1j * rng.normal(size=(M * A, 40000)))
        found = np.mean(np.sum(np.abs(e.conj().T @ w) ** 2, axis=1)) / 2
        assert float(parts["error_noise"][k]) == pytest.approx(found, rel=0.03)


def test_what_searches_see_is_what_the_judge_sees():
    white = np.einsum("mn,mk,ab->mnkab", np.eye(M), np.arange(1.0, 1 + M * K).reshape(M, K) / 7, np.eye(A))
    rng = np.random.default_rng(3)
    streams = jnp.asarray(rng.normal(size=(2, M, A, K + 1))) * 0.2
    for scenario, simple in (
        (SCENARIO, False),
        (RegionScenario.from_arrays(arrays() | {"error_covariance": white}), True),
    ):
        d = downlink(scenario)
        assert bool(d.simple) == simple

        def total(x, d=d):
            w = x[0] + 1j * x[1]
            return jnp.sum(d.rates(w[..., :K], w[..., K]))

        def judged(x, scenario=scenario):
            w = x[0] + 1j * x[1]
            radar = w[..., K, None] * w[..., None, :, K].conj()
            return jnp.sum(jnp.log1p(model.sinrs(scenario, w[..., :K].swapaxes(1, 2), radar)[0]))

        (value, slope), (exact, other) = (jax.jit(jax.value_and_grad(f))(streams) for f in (total, judged))
        np.testing.assert_allclose(value, exact, rtol=1e-12)
        np.testing.assert_allclose(slope, other, rtol=1e-9, atol=1e-12)


def test_pattern_and_its_error_by_loops():
    x, s = decision(), arrays()
    report = judge(SCENARIO, x)
    pattern = np.zeros(D)
    for d, angle in enumerate(s["direction_rad"]):
        a = np.exp(2j * np.pi * 0.45 * np.arange(A) * np.sin(angle))
        pattern[d] = sum(abs(a.conj() @ np.asarray(x.precoder)[1, k]) ** 2 for k in range(K))
        pattern[d] += (a.conj() @ np.asarray(x.sensing_covariance)[1] @ a).real
    ideal = s["ideal_pattern"][1]
    assert float(report.metrics["pattern_mse"]) == pytest.approx(np.mean((1.3 * ideal - pattern) ** 2), rel=1e-12)
    best = min(np.mean((c * ideal - pattern) ** 2) for c in np.linspace(0, 3, 30001))
    assert float(report.metrics["pattern_mse_best_scale"]) == pytest.approx(best, rel=1e-6)
    over = float(report.metrics["pattern_mse"]) / 0.9 - 1
    assert float(report.residuals["24b pattern error"]) == pytest.approx(over)


def test_each_residual_shows_its_violation():
    x = decision()
    report = judge(SCENARIO, x)
    assert float(report.residuals["16 full power"].max()) < 1e-12
    more = dataclasses.replace(x, precoder=x.precoder * 3)
    power = float(np.sum(np.abs(np.asarray(more.precoder)[0]) ** 2))
    assert float(judge(SCENARIO, more).residuals["14 power"][0]) == pytest.approx(power - 1)
    less = dataclasses.replace(x, sensing_covariance=0.5 * x.sensing_covariance)
    assert float(judge(SCENARIO, less).residuals["16 full power"][1]) > 0.1
    wrong = x.sensing_covariance.at[1].add(-0.6 * jnp.eye(A))
    negative = dataclasses.replace(x, sensing_covariance=wrong)
    assert float(judge(SCENARIO, negative).residuals["24c sensing covariance"][1]) > 0.1
    elsewhere = dataclasses.replace(x, sensing_covariance=x.sensing_covariance[::-1])
    assert float(judge(SCENARIO, elsewhere).residuals["24c sensing covariance"][0]) > 0.1


def test_who_does_not_sense_is_held_to_the_powers_alone():
    x = dataclasses.replace(decision(), pattern_scale=jnp.zeros(M), sensing_covariance=jnp.zeros((M, A, A), complex))
    report = judge(SCENARIO, x)
    assert bool(report.feasible)


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"pilots": 10}, "pilots"),
        ({"targets": 7}, "targets"),
        ({"terminals": 0, "pilots": 0}, "terminals"),
        ({"targets": 0}, "targets"),
        ({"pilot_rule": "random"}, "pilot_rule"),
        ({"pattern_mse_max": -0.1}, "pattern_mse_max"),
        ({"area_m": 0.0}, "area_m"),
    ],
)
def test_parameters_that_cannot_be(changes, named):
    with pytest.raises(InputError, match=named):
        RegionParams(**changes)


@pytest.mark.parametrize(
    ("name", "value", "named"),
    [
        ("channel_estimate", np.zeros((M, 0, A), complex), "channel_estimate"),
        ("sensing_ap", np.zeros(M, bool), "sensing_ap"),
        ("ideal_pattern", np.zeros((M, D)), "ideal_pattern"),
        ("ideal_pattern", np.full((M, D), 0.5), "ideal_pattern"),
        ("pattern_mse_max", np.asarray(-1.0), "pattern_mse_max"),
    ],
)
def test_scenarios_that_cannot_be(name, value, named):
    with pytest.raises(InputError, match=named):
        system.scenario_from(arrays() | {name: value})


def test_error_covariances_that_cannot_be():
    good = arrays()["error_covariance"]
    with pytest.raises(InputError, match="Hermitian"):
        RegionScenario.from_arrays(arrays() | {"error_covariance": good + 1j * np.eye(A)})
    with pytest.raises(InputError, match="eigenvalue"):
        RegionScenario.from_arrays(arrays() | {"error_covariance": -good})


def test_pairing_gives_each_target_one_access_point():
    distance = np.random.default_rng(2).uniform(size=(3, 5)) * 40
    paired = np.asarray(pairing(jnp.asarray(distance), most=2))
    assert (paired.sum(axis=0) == 1).all()
    assert paired.sum(axis=1).max() <= 2


def test_a_terminal_on_top_of_an_access_point_is_counted_at_the_least_distance():
    p = RegionParams(terminals=2, access_points=3, ap_antennas=4, targets=1, pilots=2, directions=31, area_m=1e-3)
    s = jax.jit(draw)(p, jax.random.key(0))
    most = 10 ** (12.5 - 12.81 - 3.76 * np.log10(0.01))  # power gain at 10 m, times p_m
    assert np.isfinite(np.asarray(s.channel_estimate)).all()
    power = np.asarray(s.ap_power)[:, None] * np.mean(np.abs(np.asarray(s.channel_estimate)) ** 2, axis=2)
    assert power.mean() == pytest.approx(most, rel=0.6)
