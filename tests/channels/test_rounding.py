"""What rounding leaves in files is repaired within the stated tolerance, in any unit, and every repair is told."""

import numpy as np
import pytest

import trinode as tn
from networks import network
from trinode.channels.files import Field
from trinode.channels.rounding import NOTHING, ROUNDING, RoundingWarning, repaired
from trinode.systems.registry import system as find_system

SHARE = Field("float", ("S", "K"), share=("S",))
ALONE = Field("float", ("K",), share=())
POWER = Field("float", ("K",), "nonnegative")
MATRIX = Field("complex", ("M", "A", "A"), hermitian=(0, 2, 1))


@pytest.mark.parametrize("unit", [1e-13, 1.0, 1e9])
def test_small_negative_powers_become_zero(unit):
    array, made = repaired("power_w", POWER, unit * np.array([2.0, -1e-12, -1.9e-9, 0.0]))
    np.testing.assert_array_equal(array, [2 * unit, 0, 0, 0])
    assert (made[0].count, made[0].size) == (2, pytest.approx(0.95e-9))
    beyond = unit * np.array([2.0, -2.1e-9])
    array, made = repaired("power_w", POWER, beyond)
    np.testing.assert_array_equal(array, beyond)
    assert made == []
    assert repaired("x", Field("float", ("K",)), -unit * np.ones(3))[1] == []


def test_shares_are_brought_within_0_and_1():
    array, made = repaired("p", SHARE, np.array([[0.5, 0.7, 0.1, -1e-12], [0.5 + 1e-9, 0.2, 0.9 + 1e-16, 0.5]]))
    np.testing.assert_allclose(array[:, 0], [0.5, 0.5], rtol=1e-8)
    assert array[:, 0].sum() <= 1 + NOTHING
    assert array[0, 3] == 0
    np.testing.assert_array_equal(array[:, 1:3], [[0.7, 0.1], [0.2, 0.9 + 1e-16]])
    assert [one.what for one in made] == ["entries below 0 set to 0", "sums above 1 brought to 1"]
    assert [one.count for one in made] == [1, 1]
    assert made[1].size == pytest.approx(1e-9)
    beyond = np.array([[0.5, 1.0], [0.5 + 2e-9, 0.1]])
    np.testing.assert_array_equal(repaired("p", SHARE, beyond)[0], beyond)
    array, made = repaired("rho", ALONE, np.array([1 + 5e-10, -5e-10, 1.1, -0.1, 0.3]))
    np.testing.assert_array_equal(array, [1, 0, 1.1, -0.1, 0.3])
    assert str(made[1]) == "rho: 1 entries above 1 set to 1, off by at most 5e-10, relatively"


@pytest.mark.parametrize("unit", [1e-20, 1.0])
def test_matrices_become_hermitian_each_by_its_own_size(unit):
    dice = np.random.default_rng(1)
    root = dice.normal(size=(3, 4, 4)) + 1j * dice.normal(size=(3, 4, 4))
    exact = unit * (root + root.conj().swapaxes(1, 2))
    scale = np.abs(exact).max(axis=(1, 2))
    wrong = exact.copy()
    wrong[0, 1, 2] += 0.5e-9 * scale[0]
    wrong[1] *= 1e6
    wrong[2, 0, 3] += 3e-9 * scale[2]
    array, made = repaired("covariance", MATRIX, wrong)
    np.testing.assert_array_equal(array[0], array[0].conj().T)
    np.testing.assert_allclose(array[0], exact[0], atol=1e-9 * scale[0])
    np.testing.assert_array_equal(array[1:], wrong[1:])
    assert (made[0].what, made[0].count) == ("matrices made Hermitian", 1)
    assert made[0].size == pytest.approx(0.5e-9, rel=1e-3)


def test_networks_of_others_too(tmp_path):
    """Error covariances by terminal: [m, n] is the conjugate transpose of [n, m]; beyond they are refused as ever."""
    scenario, arrays = network("region", np.random.default_rng(2))
    path, wrong = tmp_path / "net.npz", arrays["error_covariance"].copy()
    size = np.abs(wrong[:, :, 1]).max()
    wrong[0, 1, 1, 0, 1] += 4e-10 * size
    np.savez(path, format="trinode/region-scenario/1", **{**arrays, "error_covariance": wrong})
    with pytest.warns(RoundingWarning, match="error_covariance: 1 matrices made Hermitian, off by at most 4e-10"):
        read = np.asarray(tn.load(path).error_covariance)
    np.testing.assert_array_equal(read[:, :, 1], read[:, :, 1].conj().transpose(1, 0, 3, 2))
    np.testing.assert_allclose(read, scenario.error_covariance, atol=1e-9 * size)
    wrong[0, 1, 1, 0, 1] += 2 * ROUNDING * size
    np.savez(path, format="trinode/region-scenario/1", **{**arrays, "error_covariance": wrong})
    with pytest.raises(tn.InputError, match="error_covariance: got a matrix that is not Hermitian"):
        tn.load(path)


def test_all_shares_and_covariances_are_known_as_such():
    """A field that is one by its name says so."""
    for name in ("latency", "threetier", "region", "fairness", "energy"):
        found = find_system(name)
        for key, field in {**found.scenario_schema, **found.solution_schema}.items():
            assert (field.share is not None) == key.endswith(("_share", "_fraction")), key
            assert bool(field.hermitian) == key.endswith("_covariance"), key
