"""Path loss, noise and array responses by hand."""

import itertools
from math import log10

import jax.numpy as jnp
import numpy as np
import pytest

from trinode.radio import propagation


def gain_db(distance_m):
    return float(propagation.to_db(propagation.three_slope_gain(jnp.asarray(distance_m), 1.9e9, 15.0, 1.65)))


def test_three_slopes_by_hand():
    f = log10(1900)
    constant = 46.3 + 33.9 * f - 13.82 * log10(15) - (1.1 * f - 0.7) * 1.65 + 1.56 * f - 0.8  # (55)
    assert constant == pytest.approx(140.7, abs=0.05)
    assert gain_db(100.0) == pytest.approx(-(constant - 35), abs=1e-9)
    assert gain_db(20.0) == pytest.approx(-(constant + 15 * log10(0.05) + 20 * log10(0.02)), abs=1e-9)
    assert gain_db(5.0) == pytest.approx(-(constant + 15 * log10(0.05) + 20 * log10(0.01)), abs=1e-9)


def test_slopes_meet_and_never_rise():
    for corner in (10.0, 50.0):
        assert gain_db(corner * (1 - 1e-9)) == pytest.approx(gain_db(corner * (1 + 1e-9)), abs=1e-6)
    far = [gain_db(d) for d in (0.0, 3.0, 10.0, 30.0, 50.0, 200.0, 1000.0)]
    assert np.all(np.diff(far) <= 0)
    assert gain_db(500.0) - gain_db(50.0) == pytest.approx(-35, abs=1e-9)
    assert gain_db(40.0) - gain_db(20.0) == pytest.approx(-20 * log10(2), abs=1e-9)


def test_no_slopes_gain_power_where_the_formula_holds():
    """98.387 - 59.515 = 38.872 dB at 1.5 GHz, 200 m and 10 m of height, up to 10 m apart: the least loss."""
    corners = itertools.product(*(propagation.COST_231[name] for name in ("carrier_hz", "ap_height_m")), (1.0, 10.0))
    gains = [float(propagation.to_db(propagation.three_slope_gain(jnp.asarray(0.0), *corner))) for corner in corners]
    assert max(gains) == pytest.approx(-38.872, abs=1e-3)


def test_a_micro_cell_by_hand():
    """32.4 + 21 x 2 + 20 log10 28 = 103.34 dB at 100 m; nothing is nearer than 10 m."""
    gain = propagation.to_db(propagation.micro_cell_gain(jnp.array([100.0, 10.0, 0.0]), 28e9))
    np.testing.assert_allclose(gain, [-103.343, -82.343, -82.343], atol=1e-3)


def test_an_echo_by_hand():
    """10 m^2 at 20 m and 0.15 m: 10 x 0.0225 / (1984.4 x 160000) = -91.5 dB; from 0.103 m on it would gain power."""
    assert 10 * log10(propagation.echo_gain(20.0, 10.0, 0.15)) == pytest.approx(-91.50, abs=0.01)
    assert propagation.echo_gain(0.1, 10.0, 0.15) > 1 > propagation.echo_gain(0.104, 10.0, 0.15)


def test_thermal_noise_by_hand():
    """(56) at 10 MHz, 290 K, 9 dB: 10^7 x 1.381e-23 x 290 x 7.943 = 3.181e-13 W."""
    assert float(propagation.thermal_noise_w(10e6, 9.0, 290.0)) == pytest.approx(3.1812e-13, rel=1e-4)
    doubled = propagation.thermal_noise_w(20e6, 9.0, 290.0)
    assert float(doubled / propagation.thermal_noise_w(10e6, 9.0, 290.0)) == pytest.approx(2)


def test_decibels():
    assert float(propagation.from_db(3.0)) == pytest.approx(1.99526, rel=1e-5)
    assert float(propagation.to_db(propagation.from_db(-17.3))) == pytest.approx(-17.3)
    assert float(propagation.to_db(jnp.asarray(0.0))) == -np.inf


def test_steering_and_its_conjugation():
    """Half a wavelength apart at 30 degrees the phase falls by 90 degrees; x = a radiates most towards it."""
    a = np.asarray(propagation.steering(jnp.asarray(np.pi / 6), 4, 0.5))
    np.testing.assert_allclose(a, [1, -1j, -1, 1j], atol=1e-12)
    assert np.vdot(a, a).real == pytest.approx(4)
    other = np.asarray(propagation.steering(jnp.asarray(0.3), 4, 0.5))
    assert abs(np.vdot(a, other)) < 4


def test_distance():
    one, other = jnp.array([[0.0, 0.0], [1.0, 1.0]]), jnp.array([[3.0, 4.0], [1.0, 1.0]])
    np.testing.assert_allclose(propagation.distance_m(one, other), [5, 0])
