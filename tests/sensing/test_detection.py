"""Detection probabilities against SciPy's distributions."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.stats import ncx2, norm

from trinode.sensing import detection


@pytest.mark.parametrize("false_alarm", [1e-6, 1e-3, 0.2])
def test_unknown_amplitude_is_a_noncentral_chi_square_tail(false_alarm):
    sinr = np.array([0.0, 0.03, 0.8, 1.6, 4.0, 25.0])
    looks = np.array([1.0, 3.0, 16.0])[:, None]
    expected = ncx2.sf(-2 * np.log(false_alarm), 2, 2 * looks * sinr)
    found = np.asarray(detection.unknown_amplitude(sinr, looks, false_alarm))
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-12)


def test_marcum_q_in_both_tails():
    a, b = np.meshgrid([0.0, 0.5, 3.0, 12.0], [0.0, 0.1, 2.0, 5.0, 14.0])
    expected = ncx2.sf(b**2, 2, a**2)
    np.testing.assert_allclose(np.asarray(detection.marcum_q(a, b)), expected, rtol=1e-8, atol=1e-12)


def test_known_amplitude_is_the_matched_filter():
    sinr, looks, false_alarm = np.array([0.1, 0.7, 3.0]), 5.0, 2e-4
    expected = norm.sf(norm.isf(false_alarm) - np.sqrt(2 * looks * sinr))
    np.testing.assert_allclose(np.asarray(detection.known_amplitude(sinr, looks, false_alarm)), expected, rtol=1e-10)


def test_no_echo_leaves_false_alarms():
    for test in (detection.known_amplitude, detection.unknown_amplitude):
        assert float(test(0.0, 7.0, 0.01)) == pytest.approx(0.01, rel=1e-9)


def test_knowing_the_amplitude_helps_and_so_do_looks():
    sinr = np.geomspace(0.1, 10, 7)
    one = np.asarray(detection.unknown_amplitude(sinr))
    assert np.all(np.asarray(detection.known_amplitude(sinr)) > one)
    assert np.all(np.asarray(detection.unknown_amplitude(sinr, 4.0)) > one)


def test_needed_sinr_is_the_inverse():
    probability, looks = np.array([0.3, 0.9, 0.9999]), np.array([1.0, 35.0])[:, None]
    sinr = detection.needed_sinr(probability, looks, 0.05)
    found = np.asarray(detection.known_amplitude(sinr, looks, 0.05))
    np.testing.assert_allclose(found, np.broadcast_to(probability, (2, 3)), rtol=1e-9)
    assert float(detection.needed_sinr(0.04, 2.0, 0.05)) == 0.0


def test_exponents_of_misses_are_exact_in_both_tails_and_have_their_slopes():
    snr, false_alarm = np.array([0.0, 1e-3, 4.0, 13.9, 14.1, 60.0, 4000.0]), 1e-6
    found = np.asarray(detection.miss_exponent(snr, false_alarm))
    threshold = -2 * np.log(false_alarm)
    np.testing.assert_allclose(found[:5], -np.log1p(-ncx2.sf(threshold, 2, 2 * snr[:5])), rtol=1e-11)
    np.testing.assert_allclose(found[3:6], -ncx2.logcdf(threshold, 2, 2 * snr[3:6]), rtol=1e-11)
    assert found[6] == pytest.approx((np.sqrt(8000) - np.sqrt(threshold)) ** 2 / 2, rel=1e-2)
    for model in detection.MODELS:
        total = lambda s, p, model=model: jnp.sum(detection.miss_exponent(s, p, model))  # noqa: E731
        by_snr, by_alarm = jax.grad(total, (0, 1))(snr, false_alarm)
        step = 1e-4 * np.maximum(snr, 1.0)
        ahead, back = (np.asarray(detection.miss_exponent(s, false_alarm, model)) for s in (snr + step, snr - step))
        np.testing.assert_allclose(by_snr[1:], ((ahead - back) / (2 * step))[1:], rtol=1e-5)
        more = [float(total(snr, false_alarm * (1 + turn))) for turn in (1e-4, -1e-4)]
        assert float(by_alarm) == pytest.approx((more[0] - more[1]) / (2e-4 * false_alarm), rel=1e-6)
    assert float(by_snr[0]) == pytest.approx(-false_alarm * np.log(false_alarm) / (1 - false_alarm))
