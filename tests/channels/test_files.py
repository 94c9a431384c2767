"""What is written is all there is: every field of every system, nothing at its default."""

import dataclasses
import struct
import tracemalloc
import zipfile

import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
from networks import filled, network
from trinode.systems.registry import system as load
from trinode.systems.registry import system_names
from trinode.systems.report import Report


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


@pytest.mark.parametrize("kind", ["a header of 64 MiB", "bzip2"])
def test_what_unpacks_to_much_is_refused_before_it_does(kind, tmp_path):
    size = 2**26
    packing = zipfile.ZIP_BZIP2 if kind == "bzip2" else zipfile.ZIP_DEFLATED
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", packing) as archive:
        archive.writestr("format.npy", b"\x93NUMPY\x02\x00" + struct.pack("<I", size) + bytes(size))
    assert (tmp_path / "bomb.npz").stat().st_size < 2**17
    tracemalloc.start()
    try:
        with pytest.raises(tn.FileFormatError):
            tn.load(tmp_path / "bomb.npz")
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()
