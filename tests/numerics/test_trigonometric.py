"""Programs over non-negative trigonometric polynomials against semidefinite programming and dense sampling."""

import cvxpy as cp
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from trinode.numerics import trigonometric
from trinode.sensing import beampattern

minimize, coordinates = jax.jit(trigonometric.minimize), jax.jit(trigonometric.coordinates)
error_factor = jax.jit(beampattern.error_factor, static_argnums=2)
DIRECTIONS = jnp.deg2rad(jnp.linspace(-90, 90, 181))


def factor(antennas, *targets, width=10.0, spacing=0.5, directions=DIRECTIONS):
    ideal = beampattern.ideal(directions, jnp.deg2rad(jnp.asarray(targets)), jnp.deg2rad(width))
    return np.asarray(error_factor(directions, ideal, antennas, spacing))


def by_cvxpy(antennas, targets, width=10.0, spacing=0.5, directions=DIRECTIONS):
    """P1 as the paper writes it: Z, eta and the patterns at the samples."""
    ideal = np.asarray(beampattern.ideal(directions, jnp.deg2rad(jnp.asarray(targets)), jnp.deg2rad(width)))
    a = np.exp(2j * np.pi * spacing * np.sin(np.asarray(directions))[:, None] * np.arange(antennas))
    z, scale = cp.Variable((antennas, antennas), hermitian=True), cp.Variable()
    # pattern = real part of sum_nm conj(a_n) Z_nm a_m
    table = np.einsum("dn,dm->dnm", a.conj(), a).reshape(len(a), -1)
    flat = cp.reshape(z, (antennas * antennas,), order="C")
    pattern = table.real @ cp.real(flat) - table.imag @ cp.imag(flat)
    problem = cp.Problem(
        cp.Minimize(cp.sum_squares(scale * ideal - pattern) / len(a)), [z >> 0, cp.real(cp.trace(z)) == 1]
    )
    problem.solve(solver="CLARABEL", tol_gap_abs=1e-11, tol_gap_rel=1e-11, tol_feas=1e-11)
    return problem.value


@pytest.mark.parametrize(
    ("antennas", "targets", "width", "spacing"),
    [
        (5, (12.0,), 14.0, 0.4),
        (12, (0.0,), 10.0, 0.5),
        (16, (0.0,), 10.0, 0.5),
        (16, (-31.0, 44.0), 9.0, 0.6),
        (24, (34.0,), 10.0, 0.5),
    ],
)
def test_equal_to_the_semidefinite_program(antennas, targets, width, spacing):
    best = minimize(factor(antennas, *targets, width=width, spacing=spacing))
    assert float(best.value) == pytest.approx(by_cvxpy(antennas, targets, width, spacing), rel=1e-7)
    assert float(best.value) - float(best.lower) <= 1e-9 * float(best.value)


@pytest.mark.filterwarnings("ignore:Solution may be inaccurate:UserWarning")
@pytest.mark.parametrize(
    ("antennas", "directions", "spacing"),
    [(7, 61, 0.1), (7, 61, 0.25), (7, 61, 0.4), (5, 6, 0.25), (5, 6, 0.5), (5, 6, 0.7), (5, 6, 1.0)],
)
def test_equal_to_the_semidefinite_program_where_power_hides(antennas, directions, spacing):
    """Below half a wavelength an array may send towards no direction; with few directions at any spacing."""
    grid = jnp.deg2rad(jnp.linspace(-80, 90, directions))
    best = minimize(factor(antennas, 24.0, width=30.0, spacing=spacing, directions=grid))
    assert 0 <= float(best.lower) <= float(best.value) <= float(best.lower) * (1 + 1e-9) + 1e-12
    other = by_cvxpy(antennas, (24.0,), 30.0, spacing, grid)
    # of errors that small the semidefinite program has five digits
    assert float(best.value) == pytest.approx(other, rel=2e-5, abs=1e-11)
    gram = np.asarray(best.gram)
    assert np.linalg.eigvalsh(gram)[0] >= -1e-15
    assert np.trace(gram).real == pytest.approx(1, abs=1e-12)


def test_scaling_the_factor_scales_the_value():
    base = factor(6, 10.0, spacing=0.4)
    one, small, zero = minimize(base), minimize(1e-9 * base), minimize(0 * base)
    assert float(small.value) == pytest.approx(1e-18 * float(one.value), rel=1e-9)
    assert float(small.lower) == pytest.approx(1e-18 * float(one.lower), rel=1e-9)
    assert float(zero.value) == float(zero.lower) == 0


@pytest.mark.parametrize(("antennas", "targets"), [(16, (0.0,)), (24, (34.0,)), (48, (-80.0, 0.0, 50.0))])
def test_a_certified_optimum_that_is_nowhere_negative(antennas, targets):
    """These would be lower without non-negativity; between the samples nothing is negative either."""
    root = factor(antennas, *targets)
    quadratic = root.T @ root
    best = minimize(root)
    assert float(best.lower) <= float(best.value) <= float(best.lower) * (1 + 1e-9)
    free = 1 / np.linalg.inv(quadratic)[0, 0]
    assert float(best.value) > free * (1 + 1e-4)
    gram = np.asarray(best.gram)
    assert np.linalg.eigvalsh(gram)[0] >= 0
    assert np.trace(gram).real == pytest.approx(1, abs=1e-12)
    fine = np.linspace(-np.pi, np.pi, 20001)
    a = np.exp(1j * fine[:, None] * np.arange(antennas))
    assert np.einsum("wn,nm,wm->w", a.conj(), gram, a).real.min() >= -1e-12
    point = np.asarray(coordinates(gram))
    np.testing.assert_allclose(point, np.asarray(best.point), atol=1e-12)
    assert point @ quadratic @ point == pytest.approx(float(best.value), rel=1e-12)


def test_where_nothing_binds_it_is_least_squares():
    root = factor(7, 20.0)
    assert float(minimize(root).value) == pytest.approx(1 / np.linalg.inv(root.T @ root)[0, 0], rel=1e-9)


def test_pairing_of_toeplitz_matrices_and_coordinates():
    rng = np.random.default_rng(0)
    half = rng.normal(size=(5, 5)) + 1j * rng.normal(size=(5, 5))
    gram, y = half @ half.conj().T, rng.normal(size=9)
    slack = np.asarray(trigonometric.toeplitz(jnp.asarray(y)))
    np.testing.assert_allclose(slack, slack.conj().T)
    assert np.trace(slack @ gram).real == pytest.approx(float(y @ coordinates(gram)))


def test_spectral_factor_has_the_pattern():
    point = minimize(factor(12, 0.0)).point
    v = np.asarray(jax.jit(trigonometric.spectral_factor)(point))
    np.testing.assert_allclose(coordinates(np.outer(v, v.conj())), point, atol=1e-10)
