"""Where descents of the region system begin, in which coordinates, and how far they come from there."""

import dataclasses
from itertools import combinations

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
from networks import REGION
from trinode import api
from trinode.errors import InputError
from trinode.systems.region import optimise, starts
from trinode.systems.region.downlink import downlink
from trinode.systems.region.metric import metric


@pytest.fixture(scope="module")
def loud():
    """Terminals hear 40 dB more than by default, where single starts end far below each other."""
    few = api.draw_batch("region", trials=4, **REGION)
    return eqx.tree_at(lambda s: s.channel_estimate, few, 1e2 * few.channel_estimate)


def values(scenarios, scheme, **more):
    solutions = tn.solve_batch(scenarios, scheme, **more)
    return np.asarray(api.evaluate_batch(scenarios, solutions, bound=False).objective), solutions


def crowded(seed):
    """One access point with two antennas, three terminals (two of them nearly in line), known channels, no sensing."""
    rng = np.random.default_rng(seed)
    h = rng.normal(size=(3, 2)) + 1j * rng.normal(size=(3, 2))
    h[1] = h[0] + 0.03 * h[1]
    return tn.from_arrays(
        "region",
        channel_estimate=h[None],
        error_covariance=np.zeros((1, 1, 3, 2, 2), complex),
        ap_power=[1e4],
        sensing_ap=[True],
        direction_rad=np.linspace(-1.5, 1.5, 31),
        ideal_pattern=(np.abs(np.linspace(-1.5, 1.5, 31)) < 0.2)[None].astype(float),
        element_spacing=0.5,
        pattern_mse_max=np.nan,
    ), 1e2 * h


def wmmse(h, precoder, steps=150):
    """Sum rate (bit/s/Hz) of weighted mean square errors in turn (Shi and others, 2011) at a power of 1."""
    w = precoder / np.linalg.norm(precoder)
    for _ in range(steps):
        heard = h.conj() @ w
        total = (np.abs(heard) ** 2).sum(1) + 1
        receiver = np.diag(heard) / total
        weight = 1 / (1 - (receiver.conj() * np.diag(heard)).real)
        size, basis = np.linalg.eigh((h.T * (weight * np.abs(receiver) ** 2)) @ h.conj())
        aimed = basis.conj().T @ (h.T * (weight * receiver))
        energy, low, high = (np.abs(aimed) ** 2).sum(1), 0.0, 1e9
        for _ in range(60):
            middle = (low + high) / 2
            over = (energy / np.maximum(size + middle, 1e-300) ** 2).sum() > 1
            low, high = (middle, high) if over else (low, middle)
        w = basis @ (aimed / np.maximum(size + high, 1e-300)[:, None])
    heard = np.abs(h.conj() @ w) ** 2
    signal = np.diag(heard)
    return np.log2(1 + signal / (heard.sum(1) - signal + 1)).sum()


@pytest.mark.parametrize("seed", [0, 1])
def test_a_stream_that_should_be_silent_is(seed):
    """Against every choice of terminals, each by a method that shares no code, from matched beams and zero forcing."""
    network, h = crowded(seed)
    best = 0.0
    for count in (1, 2, 3):
        for chosen in combinations(range(3), count):
            own = h[list(chosen)]
            best = max(best, *(wmmse(own, start) for start in (own.T, np.linalg.pinv(own.conj()))))
    report = tn.evaluate(network, tn.solve(network, "communication"), bound=False)
    assert float(report.objective) >= best * (1 - 1e-3)
    assert np.min(report.metrics["rate_bps_hz"]) < 1e-2 * np.max(report.metrics["rate_bps_hz"])


def test_a_silent_stream_is_brought_back_and_others_are_silenced():
    x = jnp.asarray([2.0, 1.0, -9.0, 0.5, 0.0, starts.SILENT, 0.3, -1.0])  # K = 3 with M = 2: weights, prices, powers
    moved = starts.toggled(x, 3)
    assert moved.shape == (3, 8)
    np.testing.assert_allclose(moved[:, 3:5], np.tile(x[3:5], (3, 1)))
    np.testing.assert_allclose(moved[1, [1, 6]], [1.0 + starts.SILENT, 0.3 + starts.SILENT])
    silent = x.at[6].set(starts.SILENT)
    np.testing.assert_allclose(starts.toggled(silent, 3)[1, [1, 6]], [-9.0, -1.0])  # as the largest that is heard


def test_what_a_search_promises_its_beams_reach(loud):
    s = api.unstack(loud)[1]
    d = downlink(s)
    points = eqx.filter_jit(starts.search)(d, starts.Search(kept=2, phases=2))
    data = eqx.filter_jit(starts.beams)(d, points.x)
    power = np.sum(np.abs(data) ** 2, axis=(2, 3)).max(axis=1)
    silent = optimise.nothing(d).covariance
    for value, beams, most in zip(points.value, data, power):
        if np.isfinite(value):
            assert most == pytest.approx(1, rel=1e-9)
            assert float(optimise.sum_rate(d, beams, silent)) >= float(value) * (1 - 1e-9)
    # a descent over all beams has little to add: the family holds every stationary point
    free = float(tn.evaluate(s, tn.solve(s, "communication"), bound=False).objective) * np.log(2)
    assert free * 0.97 <= float(points.value[0]) <= free * (1 + 1e-9)


def test_coordinates_are_those_of_the_root_and_lead_back(loud):
    d = downlink(api.unstack(loud)[0])
    there = metric(d)
    rng = np.random.default_rng(3)
    data = rng.normal(size=(3, 6, 5)) + 1j * rng.normal(size=(3, 6, 5))
    sensing = rng.normal(size=(3, 6)) + 1j * rng.normal(size=(3, 6))
    found = there.beams((data, sensing))
    back = there.coordinates(found)
    np.testing.assert_allclose(back[0], data, atol=1e-7)
    np.testing.assert_allclose(back[1], sensing, atol=1e-7)

    def root(h):
        value, vector = np.linalg.eigh(np.eye(len(h)) + h @ h.conj().T)
        return (vector / np.sqrt(value)) @ vector.conj().T

    h = np.asarray(d.channel).T / np.sqrt(1 + np.asarray(d.white).sum(axis=1))
    others = np.delete(h, 2, axis=1)
    np.testing.assert_allclose(found[0].reshape(18, 5)[:, 2], root(others) @ data.reshape(18, 5)[:, 2], atol=1e-7)
    np.testing.assert_allclose(found[1][1], root(h.reshape(3, 6, 5)[1]) @ sensing[1], atol=1e-7)


def test_no_other_answer_is_better_or_leads_much_further(loud):
    for scheme, others in (("isac", ("bcd-sca", "zf", "mrt")), ("communication", ("bcd",))):
        value, _ = values(loud, scheme)
        for other in others:
            rival, start = values(loud, other)
            assert np.all(value >= rival * (1 - 1e-6)), other
            if other in ("bcd-sca", "bcd"):
                assert np.all(values(loud, scheme, start=start)[0] <= value * (1 + 5e-3)), other


def test_thorough_is_hardly_better_and_never_worse(loud):
    value, _ = values(loud, "communication")
    more, _ = values(loud, "communication", effort="thorough")
    assert np.all(more >= value * (1 - 1e-5))
    assert np.all(more <= value * (1 + 2e-2))


def test_a_looser_requirement_is_worth_no_less(loud):
    s = api.unstack(loud)[3]
    asked = [dataclasses.replace(s, pattern_mse_max=jnp.asarray(limit)) for limit in (0.75, 0.85, 1.2, np.nan)]
    value, _ = values(api.stack(asked), "isac")
    assert np.all(value[1:] >= value[:-1] * (1 - 1e-3))


def test_an_effort_that_is_none_or_not_there_is_refused(loud):
    s = api.unstack(loud)[0]
    with pytest.raises(InputError, match=r"effort.*one of quick, default, thorough"):
        tn.solve(s, "isac", effort="lots")
    with pytest.raises(InputError, match=r"effort.*zf has no such setting"):
        tn.solve_batch(loud, "zf", effort="quick")
