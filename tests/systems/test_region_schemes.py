"""What the region schemes, the bound and the region itself promise beyond the contract."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
from networks import REGION
from trinode import api
from trinode.errors import InputError
from trinode.systems.decision import Status
from trinode.systems.region import front, sensing_only, stated
from trinode.systems.region.schemes import SCHEMES
from trinode.systems.region.schemes.bcd import BlockDescent
from trinode.systems.report import FEASIBILITY_TOLERANCE


@pytest.fixture(scope="module")
def few():
    return api.draw_batch("region", trials=4, **REGION)


def values(scenarios, scheme):
    solutions = tn.solve_batch(scenarios, scheme)
    return np.asarray(api.evaluate_batch(scenarios, solutions, bound=False).objective), solutions


def test_sensing_costs_rate_and_both_beat_the_closed_forms(few):
    free, _ = values(few, "communication")
    joint, solutions = values(few, "isac")
    assert np.all(joint <= free * (1 + 1e-3))
    for scheme in ("zf", "mrt"):
        assert np.all(joint > values(few, scheme)[0])
    assert np.all(values(few, "bcd")[0] <= free * (1 + 2e-3))
    assert np.all(values(few, "bcd-sca")[0] <= joint * (1 + 1e-6))
    np.testing.assert_allclose(np.sum(np.abs(solutions.precoder) ** 2, axis=(2, 3)).max(), 1, atol=1e-6)


def test_the_general_engine_decides_as_well(few):
    """The system stated in parts, which shares no code with its schemes."""
    joint, _ = values(few, "isac")
    for scenario, value in zip(api.unstack(few)[:2], joint):
        answer = tn.solve(stated.problem(scenario))
        assert answer.status == "converged"
        assert answer.value == pytest.approx(value, rel=0.02)


def test_no_closed_form_is_better_where_noise_is_little(few):
    """Regularised zero forcing at full power leaves interference there, and a descent from it ends in poor points."""
    loud = eqx.tree_at(lambda s: s.channel_estimate, few, 1e4 * few.channel_estimate)
    loud = eqx.tree_at(lambda s: s.pattern_mse_max, loud, jnp.asarray([0.85, 2.0, 5.0, jnp.nan]))
    joint, _ = values(loud, "isac")
    assert np.all(np.isfinite(joint))
    for scheme in ("zf", "mrt"):
        assert np.all(joint >= values(loud, scheme)[0] * (1 - 1e-9))


def test_no_start_is_left_far_below_another(few):
    """Descents from two starts: none of another scheme's answers leads further, and very small rates are rates, too."""
    weak = eqx.tree_at(lambda s: s.channel_estimate, few, 1e-3 * few.channel_estimate)
    for scenarios in (few, weak):
        joint, solutions = values(scenarios, "isac")
        assert np.all(np.asarray(solutions.status) == Status.CONVERGED)
        for scheme in ("bcd-sca", "zf", "mrt"):
            again = tn.solve_batch(scenarios, "isac", start=tn.solve_batch(scenarios, scheme))
            more = np.asarray(api.evaluate_batch(scenarios, again, bound=False).objective)
            assert np.all(more <= joint * (1 + 1e-3)), scheme
        assert np.all(values(scenarios, "bcd-sca")[0] <= joint * (1 + 1e-6))


def scaled(s, factor):
    """The same network with all that is proportional to a power counted in another unit; the noise stays 1."""
    return dataclasses.replace(
        s,
        channel_estimate=s.channel_estimate * factor**0.5,
        error_covariance=s.error_covariance * factor,
        ap_power=s.ap_power / factor,
    )


def test_nothing_depends_on_the_unit_of_power(few):
    """A power of two is exact, so that descents take the same steps; a million rounds, which may turn them."""
    limit = np.asarray(api.bound_batch(few))
    for factor in (2.0**20, 2.0**-20, 1e6, 1e-6):
        other, exact = scaled(few, factor), np.log2(factor) == round(np.log2(factor))
        np.testing.assert_allclose(np.asarray(api.bound_batch(other)), limit, rtol=1e-9 if exact else 1e-3)
        for scheme in SCHEMES if exact else ("zf", "mrt", "sensing", "isac"):
            value, solutions = values(few, scheme)
            same, found = values(other, scheme)
            np.testing.assert_array_equal(np.asarray(found.status), np.asarray(solutions.status))
            close = exact or scheme != "isac"
            np.testing.assert_allclose(same, value, rtol=1e-9 if close else 1e-3)


WILD = (
    {"area_m": 20.0, "ap_power_db": 165.0},
    {"area_m": 2e5, "ap_power_db": 105.0},
    {"reflection": 1e7, "steering_variance_db": 0.0, "target_variance_db": -120.0},
    {"element_spacing": 0.1, "pattern_mse_max": 1e-9},
    {"pattern_mse_max": 0.587476, "pilot_power_db": 90.0, "element_spacing": 0.5},
    {"pattern_mse_max": 30.0, "beam_width_deg": 170.0, "ap_power_budget": 1e-3},
    {"pattern_mse_max": float("nan"), "area_m": 3e4},
)


@pytest.fixture(scope="module")
def wild():
    return api.stack([api.draw("region", trial, **(REGION | more)) for trial, more in enumerate(WILD)])


@pytest.mark.parametrize("scheme", list(SCHEMES))
def test_what_is_converged_meets_its_constraints_also_on_wild_networks(wild, scheme):
    solutions = tn.solve_batch(wild, scheme)
    report = api.evaluate_batch(wild, solutions, bound=False)
    count = len(WILD)
    worst = np.max([np.asarray(each).reshape(count, -1).max(axis=1) for each in report.residuals.values()], axis=0)
    said = np.asarray(solutions.status) != Status.INFEASIBLE
    assert said.any()
    assert np.all(worst[said] <= FEASIBILITY_TOLERANCE)
    assert np.all(np.isfinite(np.asarray(report.objective)[said]))
    assert np.all(np.asarray(report.objective)[said] <= np.asarray(api.bound_batch(wild))[said] * (1 + 1e-9))


def test_the_bound_holds_and_is_near(few):
    free, _ = values(few, "communication")
    limit = np.asarray(api.bound_batch(few))
    assert np.all(free <= limit)
    assert np.median(free / limit) > 0.97
    # who senses sends at full power, which leaves less
    sensing = np.asarray(api.bound_batch(few, "sensing"))
    assert np.all(sensing <= limit * (1 + 1e-3))
    for scheme in ("isac", "bcd-sca", "zf", "mrt"):
        assert np.all(values(few, scheme)[0] <= sensing)
    with pytest.raises(InputError, match="sensing, or nothing"):
        api.bound_batch(few, "communication")


def test_the_bound_is_near_where_errors_are_all_that_disturbs(few):
    """With 40 dB more power it pays to be silent where estimates are poor."""
    loud = eqx.tree_at(lambda s: s.ap_power, few, 1e4 * few.ap_power)
    free, solutions = values(loud, "communication")
    power = np.sum(np.abs(np.asarray(solutions.precoder)) ** 2, axis=(2, 3))
    assert np.min(power) < 0.3
    limit = np.asarray(api.bound_batch(loud))
    assert np.all(free <= limit)
    assert np.median(free / limit) > 0.97
    sensing = np.asarray(api.bound_batch(loud, "sensing"))
    joint = values(loud, "isac")[0]
    assert np.all(joint <= sensing)
    assert np.median(joint / sensing) > 0.95
    # not so where nothing is asked
    free = eqx.tree_at(lambda s: s.pattern_mse_max, loud, jnp.full(4, jnp.nan))
    np.testing.assert_array_equal(np.asarray(api.bound_batch(free, "sensing")), limit)


def test_no_random_decision_is_above_the_bound(few):
    s = tn.unstack(few)[0]
    limit = float(api.bound_batch(few)[0])
    dice = np.random.default_rng(3)
    zero = jax.tree.map(lambda leaf: leaf[0], values(few, "zf")[1])
    best = 0.0
    for spread in (0.0, 0.01, 0.1, 1.0, 10.0):
        noise = dice.normal(size=(2, *zero.precoder.shape)) * np.abs(zero.precoder).max()
        beams = np.asarray(zero.precoder) + spread * (noise[0] + 1j * noise[1])
        beams *= dice.uniform(0, 1, (beams.shape[0], 1, 1)) ** 0.2 / np.sqrt(
            np.sum(np.abs(beams) ** 2, (1, 2), keepdims=True)
        )
        sent = dataclasses.replace(
            zero, precoder=beams, sensing_covariance=0 * zero.sensing_covariance, pattern_scale=0 * zero.pattern_scale
        )
        report = api.evaluate(s, sent, bound=False)
        assert bool(report.feasible)
        best = max(best, float(report.objective))
    assert 0.1 * limit < best <= limit


def test_the_bound_does_not_depend_on_the_order_of_access_points_and_terminals(few):
    limit, sensing = np.asarray(api.bound_batch(few)), np.asarray(api.bound_batch(few, "sensing"))
    points, terminals = np.asarray([2, 0, 1]), np.asarray([3, 0, 4, 2, 1])
    other = dataclasses.replace(
        few,
        channel_estimate=few.channel_estimate[:, points][:, :, terminals],
        error_covariance=few.error_covariance[:, points][:, :, points][:, :, :, terminals],
        ap_power=few.ap_power[:, points],
        sensing_ap=few.sensing_ap[:, points],
        ideal_pattern=few.ideal_pattern[:, points],
    )
    np.testing.assert_allclose(np.asarray(api.bound_batch(other)), limit, rtol=2e-3)
    np.testing.assert_allclose(np.asarray(api.bound_batch(other, "sensing")), sensing, rtol=2e-3)


def test_the_bound_holds_where_channels_are_strong(few):
    """At 160 dB, as for a terminal beside an access point, inner products cancel."""
    loud = eqx.tree_at(lambda s: s.channel_estimate, few, 1e8 * few.channel_estimate)
    limit = np.asarray(api.bound_batch(loud))
    assert np.isfinite(limit).all()
    assert np.all(values(loud, "zf")[0] <= limit)


@pytest.mark.parametrize("louder", [1.0, 1e3])
def test_the_bound_is_above_dirty_paper_coding_at_any_powers(louder):
    # for two terminals at two access points: the largest, over the powers, of the least, over the weights
    s = api.draw("region", **(REGION | {"terminals": 2, "pilots": 1, "access_points": 2}))
    s = eqx.tree_at(lambda s: s.ap_power, s, louder * s.ap_power)
    power = np.asarray(s.ap_power)
    g = np.sqrt(power)[:, None, None] * np.asarray(s.channel_estimate)
    error = power[:, None] * np.einsum("mmkaa->mk", np.asarray(s.error_covariance)).real / 6
    gram = np.einsum("mka,mja->mkj", g.conj(), g)
    weight = np.linspace(0.004, 0.996, 249)
    inner = gram[0] / weight[:, None, None] + gram[1] / (1 - weight)[:, None, None]
    det = np.linalg.det(inner).real[:, None]
    share = np.linspace(0, 1, 201)

    def capacity(sent):
        """Dirty paper coding where these powers are sent, bit/s/Hz."""
        budget = (weight * sent[0] + (1 - weight) * sent[1])[:, None] / (1 + sent @ error)
        one, two = budget[:, :1] * share, budget[:, 1:] * (1 - share)
        received = 1 + one * inner[:, :1, 0].real + two * inner[:, 1:, 1].real + one * two * det
        return np.min(np.max(np.log2(received), axis=1))

    grid = np.concatenate([[0], np.geomspace(1e-4, 1, 17)])
    most = max(capacity(np.asarray([a, b])) for a in grid for b in grid if max(a, b) == 1)
    limit, sensing = float(api.bound(s)), float(api.bound(s, "sensing"))
    assert most * (1 - 2e-3) <= limit <= most * 1.03
    assert np.asarray(s.sensing_ap).all()
    assert capacity(np.ones(2)) * (1 - 2e-3) <= sensing <= capacity(np.ones(2)) * 1.02


def test_the_bound_of_one_terminal_at_one_access_point_is_its_capacity():
    s = api.draw("region", **(REGION | {"terminals": 1, "pilots": 1, "access_points": 1, "targets": 1}))
    h = np.asarray(s.channel_estimate)[0, 0]
    theta = np.asarray(s.error_covariance)[0, 0, 0]
    p = float(s.ap_power[0])
    # full power along the channel: the error covariance is a multiple of the identity up to 1e-9 here
    rate = np.log2(1 + p * np.sum(np.abs(h) ** 2) / (1 + p * np.trace(theta).real / len(h)))
    assert float(api.bound(s)) == pytest.approx(rate, rel=1e-3)
    assert float(api.bound(s)) >= rate * (1 - 1e-9)
    assert float(tn.evaluate(s, tn.solve(s, "communication"), bound=False).objective) == pytest.approx(rate, rel=1e-4)


def test_the_bound_holds_where_errors_are_correlated_between_access_points():
    strong = api.draw_batch("region", trials=4, reflection=1e6, **REGION)
    theta = np.asarray(strong.error_covariance)
    assert np.abs(theta[:, 0, 1]).max() > 1e-3 * np.abs(theta[:, 0, 0]).max()
    assert np.all(values(strong, "communication")[0] <= np.asarray(api.bound_batch(strong)))


def test_a_requirement_below_the_smallest_error_is_infeasible_and_says_so(few):
    tight = eqx.tree_at(lambda s: s.pattern_mse_max, few, 0.3 * few.pattern_mse_max)
    for scheme in ("isac", "sensing", "zf"):
        objective, solutions = values(tight, scheme)
        assert np.all(np.asarray(solutions.status) == Status.INFEASIBLE)
        assert np.all(np.isnan(objective))
        assert np.all(np.asarray(solutions.terminal_feasible))
        least = np.asarray(solutions.pattern_mse_min)
        assert np.all(least > np.asarray(tight.pattern_mse_max))
        just = eqx.tree_at(lambda s: s.pattern_mse_max, few, jnp.asarray(least * (1 + 1e-6)))
        assert np.all(np.asarray(values(just, scheme)[1].status) != Status.INFEASIBLE)


def test_power_that_no_direction_sees_meets_any_error_and_every_scheme_says_so(few):
    """Below half a wavelength S_min falls to nothing; what any decision meets is feasible."""
    spacing = jnp.asarray([0.1, 0.25, 0.4, 1.0])
    limit = jnp.asarray([1e-9, 1e-4, 5.0, 5.0])
    apart = eqx.tree_at(lambda s: (s.element_spacing, s.pattern_mse_max), few, (spacing, limit))
    for scheme in ("isac", "bcd-sca", "zf", "sensing"):
        solutions = tn.solve_batch(apart, scheme)
        report = api.evaluate_batch(apart, solutions, bound=False)
        assert np.all(np.asarray(solutions.status) != Status.INFEASIBLE), scheme
        assert max(np.max(residual) for residual in report.residuals.values()) <= 1e-6
        assert np.all(np.asarray(solutions.pattern_scale)[np.asarray(few.sensing_ap)] > 0)
    least = np.asarray(solutions.pattern_mse_min)
    np.testing.assert_allclose(np.asarray(report.metrics["pattern_mse"]), least, rtol=1e-9, atol=1e-15)
    assert np.all(least < [1e-12, 1e-5, 5.0, 1.0])
    assert least[3] > 0.1
    # just below it nothing is feasible, and it says what is; what is left of the first is rounding in part
    below = np.asarray([1e-3, 1 - 1e-5, 1 - 1e-5, 1 - 1e-5])
    tight = eqx.tree_at(lambda s: s.pattern_mse_max, apart, jnp.asarray(least * below))
    for scheme in ("isac", "sensing"):
        solutions = tn.solve_batch(tight, scheme)
        assert np.all(np.asarray(solutions.status) == Status.INFEASIBLE)
        np.testing.assert_allclose(np.asarray(solutions.pattern_mse_min), least, rtol=1e-7, atol=1e-12)


def test_terminals_on_top_of_access_points_are_ten_metres_away():
    near = api.draw_batch("region", trials=4, **(REGION | {"area_m": 0.5}))
    objective, solutions = values(near, "communication")
    assert np.all(np.isfinite(objective))
    assert np.all(np.isfinite(np.asarray(solutions.precoder)))
    assert np.all(objective <= np.asarray(api.bound_batch(near)))
    assert np.all(np.abs(np.asarray(near.channel_estimate)) ** 2 < 1e-4)


def test_without_a_requirement_it_is_communication(few):
    free = eqx.tree_at(lambda s: s.pattern_mse_max, few, jnp.full(4, jnp.nan))
    joint, solutions = values(free, "isac")
    assert np.all(joint >= values(few, "communication")[0] * (1 - 1e-6))
    assert np.all(np.asarray(solutions.sensing_covariance) == 0)


def test_histories_never_fall(few):
    for scheme in ("isac", "communication", "bcd", "bcd-sca"):
        _, solutions = values(few, scheme)
        for history in np.asarray(solutions.history):
            known = history[~np.isnan(history)]
            assert np.all(np.diff(known) >= -1e-9)


def test_parallel_blocks_do_not_rise_steadily():
    s = api.draw("region", trial=1, **(REGION | {"area_m": 400.0}))
    turn = api.solve(s, BlockDescent(sweeps=20, tolerance=0.0))
    together = api.solve(s, BlockDescent(sweeps=20, tolerance=0.0, parallel=True))
    assert np.all(np.diff(np.asarray(turn.history)) >= -1e-9)
    assert np.any(np.diff(np.asarray(together.history)) < -1e-3)


def test_largest_share_is_the_largest(few):
    s = jax.tree.map(lambda leaf: leaf[0], few)
    best = sensing_only.solve(s)
    rng = np.random.default_rng(0)
    half = rng.normal(size=(3, 6, 4)) + 1j * rng.normal(size=(3, 6, 4))
    q = half @ half.conj().swapaxes(1, 2)
    q *= np.array([1.0, 0.6, 0.8])[:, None, None] / np.trace(q, axis1=1, axis2=2).real[:, None, None]

    def error(share):
        left = 1 - share * np.trace(q, axis1=1, axis2=2).real
        return float(best.error(jnp.asarray(share * q + left[:, None, None] * np.asarray(best.covariance))))

    limit = 0.5 * (error(0.0) + error(1.0))
    share = float(sensing_only.largest_share(best, jnp.asarray(q), jnp.asarray(limit)))
    assert 0 < share < 1
    assert error(share) == pytest.approx(limit, rel=1e-10)
    assert all(error(t) > limit for t in np.linspace(share + 1e-3, 1, 9))


def test_both_walks_find_the_same_front_and_its_ends(few):
    s = jax.tree.map(lambda leaf: leaf[0], few)
    by_error, by_rate = front.region(s, 8), front.region(s, 8, "rate")
    for walked in (by_error, by_rate):
        assert np.all(np.diff(walked.sum_rate) >= 0)
        assert np.all(np.diff(walked.pattern_mse) >= 0)
        assert walked.pattern_mse[0] == pytest.approx(walked.s_min, rel=1e-3)
        assert walked.r_max <= walked.bound
        for error, rate, x in zip(walked.pattern_mse, walked.sum_rate, walked.solutions):
            asked = dataclasses.replace(s, pattern_mse_max=jnp.asarray(error))
            report = tn.evaluate(asked, x, bound=False)
            assert bool(report.feasible)
            assert float(report.objective) == pytest.approx(rate, rel=1e-9)
    assert by_error.rate_at_s_min == pytest.approx(by_rate.rate_at_s_min, rel=2e-2)
    assert by_error.r_max == pytest.approx(by_rate.r_max, rel=5e-3)
    for error, rate in zip(by_rate.pattern_mse[2:-1], by_rate.sum_rate[2:-1]):
        asked = dataclasses.replace(s, pattern_mse_max=jnp.asarray(error))
        report = tn.evaluate(asked, tn.solve(asked, start=by_rate.solutions[4]), bound=False)
        assert float(report.objective) == pytest.approx(rate, rel=5e-3)


def test_regions_that_cannot_be(few):
    s = jax.tree.map(lambda leaf: leaf[0], few)
    with pytest.raises(InputError, match="points"):
        front.region(s, 1)
    with pytest.raises(InputError, match="by"):
        front.region(s, 5, "luck")  # type: ignore[arg-type]
    deaf = dataclasses.replace(s, sensing_ap=jnp.zeros(3, bool))
    with pytest.raises(InputError, match="sensing_ap"):
        front.region(deaf, 5)


def test_several_targets_at_an_access_point():
    many = api.draw_batch(
        "region", trials=4, targets_per_ap=2, broadside=False, **(REGION | {"targets": 4, "pattern_mse_max": 5.0})
    )
    beams = np.asarray(many.ideal_pattern) * np.asarray(many.sensing_ap)[..., None]
    edges = (np.diff(beams, axis=-1) > 0).sum(axis=-1) + (beams[..., 0] > 0)
    two = np.argwhere(edges == 2)
    assert len(two)  # most pairs of targets are far enough apart to be told from each other
    report = api.evaluate_batch(many, values(many, "isac")[1], bound=False)
    assert all(np.max(residual) <= 1e-6 for residual in report.residuals.values())
    assert np.all(np.asarray(report.objective) > 0)
