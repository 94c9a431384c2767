"""What is written is all there is: every field of every system, nothing at its default."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
from trinode.systems.contract import Report, Status
from trinode.systems.registry import system as load
from trinode.systems.registry import system_names

SIZES = {"K": 3, "M": 2, "A": 5, "T": 7, "R": 4, "S": 6, "D": 8, "Q": 9, "*": 10, "2|3": 3}


def filled(schema, dice):
    """Arrays of a schema, each entry another."""

    def numbers(shape):
        return dice.uniform(0.1, 0.9, shape)

    made = {}
    for name, field in schema.items():
        shape = tuple(SIZES[letter] for letter in field.dims)
        match field.kind:
            case "complex":
                made[name] = numbers(shape) * np.exp(2j * np.pi * numbers(shape))
            case "bool":
                made[name] = numbers(shape) < 0.5
            case "int":
                made[name] = np.asarray(7)
            case "text":
                made[name] = np.asarray(Status.ITERATION_LIMIT.label)
            case _:
                made[name] = numbers(shape)
    return made


def network(name, dice):
    system = load(name)
    arrays = filled(system.scenario_schema, dice)
    if "terminal_channel" in arrays:
        arrays["terminal_channel"][range(3), range(3)] = 0
    if name == "region":
        root = arrays["error_covariance"].transpose(2, 0, 3, 1, 4).reshape(3, 10, 10)
        whole = root @ root.conj().swapaxes(1, 2)
        arrays["error_covariance"] = whole.reshape(3, 2, 5, 2, 5).transpose(1, 3, 0, 2, 4)
        arrays["ideal_pattern"] = np.eye(2, 8)
        arrays["sensing_ap"] = np.array([True, False])
        arrays["target_paired"] = np.array([[True] * 9, [False] * 9])
        arrays["pattern_mse_max"] = np.asarray(np.nan)
    return system.scenario_from(arrays), arrays


@pytest.mark.parametrize("name", system_names())
def test_networks_are_kept_whole(name, tmp_path):
    made, arrays = network(name, np.random.default_rng(5))
    tn.save(tmp_path / "network.npz", made)
    again = tn.load(tmp_path / "network.npz")
    for field in dataclasses.fields(made):
        before, after = getattr(made, field.name), getattr(again, field.name)
        assert before is not None, f"{field.name} is in no file"
        np.testing.assert_allclose(after, before, rtol=1e-12, err_msg=field.name)
    for key, array in arrays.items():
        np.testing.assert_allclose(getattr(again, key), array, rtol=1e-12, err_msg=key)


@pytest.mark.parametrize("name", system_names())
def test_solutions_are_kept_whole(name, tmp_path):
    system = load(name)
    dice = np.random.default_rng(6)
    scenario, _ = network(name, dice)
    made = system.Solution.from_arrays(filled(system.solution_schema, dice))
    report = Report(jnp.asarray(0.25), {}, {"met": jnp.asarray(-1.0)}, jnp.asarray(0.125))
    tn.save(tmp_path / "solution.npz", scenario, made, report)
    again = tn.load(tmp_path / "solution.npz")
    for field in dataclasses.fields(made):
        before, after = getattr(made, field.name), getattr(again, field.name)
        assert before is not None, f"{field.name} is in no file"
        if field.name != "terminal_feasible":
            np.testing.assert_array_equal(after, before, err_msg=field.name)


def test_a_file_of_another_kind_is_called_that(tmp_path):
    (tmp_path / "text.npz").write_text("bandwidth_hz = 1e7\n")
    np.savez(tmp_path / "objects.npz", format=np.asarray({"no": "array"}, dtype=object))
    np.save(tmp_path / "array.npy", np.ones(3))
    for name, said in (("text.npz", "no archive"), ("objects.npz", "Python objects"), ("array.npy", "no archive")):
        for read in (tn.load, load("latency").read_scenario):
            with pytest.raises(tn.FileFormatError, match=said) as caught:
                read(tmp_path / name)
            assert "pickle" not in str(caught.value)
