"""Detection probabilities against SciPy's distributions."""

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
