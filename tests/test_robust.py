"""Whatever people put into parameters and files is taken, or refused by name: never a crash, never a silent NaN."""

import dataclasses
import importlib.util
import zipfile
from pathlib import Path

import jax
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trinode import _memory, api
from trinode.channels import archive, files
from trinode.errors import FileFormatError, InputError
from trinode.experiments.spec import read_sweep
from trinode.systems.fairness import scenario as fairness
from trinode.systems.region import scenario as region
from trinode.systems.registry import system as find_system
from trinode.systems.registry import system_names
from trinode.systems.threetier import scenario as threetier

PATH = Path(__file__).parents[1] / "benchmarks" / "fuzz.py"
SPEC = importlib.util.spec_from_file_location("fuzz", PATH)
fuzz = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(fuzz)

QUIET = settings(max_examples=60, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
NUMBERS = st.one_of(
    st.sampled_from([*fuzz.WILD, 1.7e308, 2**16 + 1, 10**30, np.float64(0.3), np.int64(3), np.array(0.4)]),
    st.floats(),
    st.integers(-5, 10),
    st.floats(1e-3, 1e3),
)
OTHERS = st.sampled_from(["", "text", "physical", None, True, 1j, [1.0], (2,), {}, np.ones(3), np.array("a"), object()])
ALLOWED_NAN = {"pattern_mse_max"}


def names(name):
    system = find_system(name)
    return [field.name for field in dataclasses.fields(system.Params)]


def check_refusal(fault, name, known):
    assert fault.field in known
    assert f"{fault.field}: got " in str(fault)
    assert fault.allowed in str(fault)
    assert "nan" not in fault.allowed.lower() or name == "region"


@pytest.mark.parametrize("name", system_names())
def test_parameters_are_taken_or_refused_by_name(name):
    """Without drawing: any field, any value."""
    system, known = find_system(name), names(name)

    @QUIET
    @given(field=st.sampled_from(known), value=st.one_of(NUMBERS, OTHERS))
    def check(field, value):
        try:
            params = api.parameters(system, {field: value})
        except InputError as fault:
            check_refusal(fault, name, known)
            return
        for entry in dataclasses.fields(params):
            value = getattr(params, entry.name)
            if isinstance(value, float | jax.Array) and entry.name not in ALLOWED_NAN:
                assert np.all(np.isfinite(np.asarray(value)))
                assert np.shape(value) == ()

    check()


@pytest.mark.parametrize("name", system_names())
def test_what_is_taken_draws_finite_networks(name):
    """Numbers only, at one small size, so that one program draws them all."""
    system = find_system(name)
    defaults = system.Params()
    real = [f.name for f in dataclasses.fields(defaults) if isinstance(getattr(defaults, f.name), float)]
    known = {*names(name), *(f.name for f in dataclasses.fields(system.Scenario))}

    @QUIET
    @given(values=st.dictionaries(st.sampled_from(real), NUMBERS, min_size=1, max_size=2))
    def check(values):
        try:
            drawn = api.draw(name, seed=1, **{**fuzz.SMALL[name], **values})
        except InputError as fault:
            check_refusal(fault, name, known)
            return
        fuzz.check_finite(drawn, system.scenario_schema)

    check()


@pytest.mark.parametrize("name", system_names())
def test_mutated_files_are_read_or_refused_by_name(name):
    seen = fuzz.Fuzzer(name, seed=0).run(450)
    assert sum(seen.values()) == 450
    assert all(seen[f"{kind} {word}"] for kind in ("scenario", "solution", "sweep") for word in ("read", "refused"))


def test_mutated_channels_from_elsewhere_are_read_or_refused_by_name():
    fuzzer = fuzz.Imports(seed=0)
    with np.errstate(all="raise", under="ignore"):
        seen = fuzzer.run(270)
    assert sum(seen.values()) == 270
    assert all(seen[f"{kind} {word}"] for kind in fuzzer.kinds for word in ("read", "refused"))


@pytest.mark.parametrize(
    ("name", "field", "value", "allowed"),
    [
        ("latency", "terminal_height_m", 50.0, "from 1 to 10"),
        ("latency", "terminal_height_m", 0.9, "from 1 to 10"),
        ("latency", "ap_height_m", 3.0, "from 4 to 200"),
        ("latency", "carrier_hz", 28e9, "from 1.5e+09 to 2e+09"),
        ("latency", "area_m", 20e3, "from 0 to 14142.1"),
        ("latency", "target_distance_max_m", 3e4, "from 0 to 20000"),
        ("energy", "carrier_hz", 0.4e9, "from 5e+08 to 1e+11"),
        ("energy", "target_distance_m", 6e3, "from 0 to 5000"),
        ("energy", "cross_section_m2", 1e12, "a target 10 m away returns less"),
        ("threetier", "reference_gain_db", 0.1, "of at most 0"),
        ("threetier", "least_distance_m", 0.9, "of at least 1"),
        ("threetier", "target_distance_min_m", 0.9, "of at least 1"),
        ("region", "min_distance_m", 0.9, "of at least 1"),
        ("region", "radar_cross_section_m2", 1e12, "a target 10 m away returns less"),
        ("fairness", "path_loss_1m_db", -1.0, "of at least 0"),
        ("fairness", "path_loss_per_decade_db", -1.0, "of at least 0"),
    ],
)
def test_paths_outside_their_formula_are_refused(name, field, value, allowed):
    with pytest.raises(InputError) as fault:
        api.parameters(find_system(name), {field: value})
    assert fault.value.field == field
    assert fault.value.value == value
    assert allowed in fault.value.allowed


def test_no_path_gains_power_at_the_edges_of_what_is_allowed():
    wild = {"path_loss_1m_db": 0.0, "path_loss_per_decade_db": 2.0, "shadowing_db": 50.0, "ap_height_m": 1e-3}
    params = find_system("fairness").Params(**wild | {"terminals": 2, "access_points": 3, "radius_m": 0.3})
    gain = np.asarray(fairness.large_scale(params, jax.random.key(0))[0])
    assert gain.max() == 1.0
    assert gain.min() < 1e-2
    near = find_system("region").Params(min_distance_m=1.0)
    assert float(region.path_gain(np.zeros(1), near)[0]) == pytest.approx(10**-1.53)
    near = find_system("threetier").Params(reference_gain_db=0.0, least_distance_m=1.0)
    assert float(threetier._gain(near, np.zeros(1))[0]) == 1.0


def test_an_array_of_no_length_and_a_name_given_twice_are_refused(tmp_path):
    schema = {"a": files.Field("float", ("K",)), "b": files.Field("float", ("*",))}
    with pytest.raises(InputError, match=r"a: got shape \(0,\)"):
        files.check_arrays(schema, {"a": np.zeros(0), "b": np.zeros(0)})
    files.write_file(tmp_path / "one.npz", "toy-scenario", schema, {"a": np.ones(2), "b": np.zeros(0)})
    import zipfile

    with zipfile.ZipFile(tmp_path / "one.npz", "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("a.npy", archive.read("a.npy"))
    with pytest.raises(FileFormatError, match="two arrays in it are named a"):
        files.read_file(tmp_path / "one.npz", "toy-scenario", schema)


def test_a_short_sweep_file_cannot_be_endless(tmp_path):
    lines = ["a0: &a0 [1, 1]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    (tmp_path / "sweep.yaml").write_text("\n".join(lines))
    with pytest.raises(FileFormatError, match="line 2: got an alias"):
        read_sweep(tmp_path / "sweep.yaml")
    (tmp_path / "sweep.yaml").write_text("# " + "x" * 2**20)
    with pytest.raises(FileFormatError, match="at most 1048576 bytes"):
        read_sweep(tmp_path / "sweep.yaml")
    (tmp_path / "sweep.yaml").write_text("system: latency\nschemes: [mec]\ntrials: 1" + "0" * 20)
    with pytest.raises(FileFormatError, match="line 3, trials"):
        read_sweep(tmp_path / "sweep.yaml")


@pytest.mark.parametrize("value", ["!!float", "!!int", "!!bool maybe", "!!timestamp soon", "!!binary é", "2001-99-99"])
def test_a_value_that_is_not_of_its_tag_is_no_sweep(tmp_path, value):
    (tmp_path / "sweep.yaml").write_text(f"system: latency\nschemes: [mec]\ntrials: {value}", encoding="utf-8")
    with pytest.raises(FileFormatError, match=r"sweep\.yaml: got .*; allowed: YAML"):
        read_sweep(tmp_path / "sweep.yaml")


@pytest.mark.parametrize("name", system_names())
@pytest.mark.parametrize("value", ["3", True, 1j, None, object()], ids=lambda value: type(value).__name__)
def test_parameters_are_of_their_kind_also_without_a_draw(name, value):
    """For every field but flags, and those that may be left out."""
    kind = find_system(name).Params
    for field in dataclasses.fields(kind):
        if isinstance(field.default, bool) or (value is None and field.default is None):
            continue
        with pytest.raises(InputError, match=field.name):
            kind(**{field.name: value})


@pytest.mark.parametrize("name", system_names())
def test_the_least_is_not_above_the_largest(name):
    """Every pair of parameters that are the ends of a range, by their names."""
    defaults = find_system(name).Params()
    ends = [(low, low.replace("_min", "_max")) for low in names(name) if low.replace("_min", "_max") in names(name)]
    pairs = [(low, high) for low, high in ends if low != high]
    assert len(pairs) == {"latency": 2, "threetier": 2, "energy": 1}.get(name, 0)
    for low, high in pairs:
        with pytest.raises(InputError, match=f"{low}: got .*; allowed: at most {high}"):
            api.parameters(name, {low: 1.5 * getattr(defaults, high)})
        with pytest.raises(InputError, match=f"{low}: got .*; allowed: at most {high}"):
            api.parameters(name, {high: 0.5 * getattr(defaults, low)})
        api.parameters(name, {low: getattr(defaults, high)})


def bomb(path, **shapes):
    """A file of zeros, written without ever having them: a few kilobytes for each gigabyte."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, (dtype, shape) in shapes.items():
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                np.lib.format.write_array_header_1_0(
                    file, {"descr": np.dtype(dtype).str, "fortran_order": False, "shape": shape}
                )
                file.write(bytes(np.dtype(dtype).itemsize * int(np.prod(shape))))


@pytest.fixture
def unpacked(monkeypatch):
    """Names of the arrays that were unpacked."""
    names = []
    plain = archive.arrays
    monkeypatch.setattr(archive, "arrays", lambda path, asked: names.extend(asked) or plain(path, asked))
    return names


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"anything": ("f8", (2**20,))}, "anything: got an unknown name"),
        ({"uplink_channel": ("S4000000", (2,))}, "uplink_channel: got dtype"),
        ({"uplink_channel": ("c16", (2**10, 2**10))}, "uplink_channel: got shape"),
        ({"uplink_channel": ("c16", (2, 3, 2**10, 2**9))}, "serving: got nothing"),
    ],
)
def test_nothing_is_unpacked_before_names_kinds_and_shapes_are_known(tmp_path, unpacked, more, said):
    path = tmp_path / "bomb.npz"
    bomb(path, **more)
    with zipfile.ZipFile(path, "a") as file, file.open("format.npy", "w") as entry:
        np.save(entry, np.asarray("trinode/latency-scenario/1"))
    with pytest.raises(InputError, match=said):
        api.load(path)
    assert unpacked in (["format"], 2 * ["format"])


def test_a_text_of_a_file_is_short(tmp_path, unpacked):
    bomb(tmp_path / "bomb.npz", format=("S4000000", ()))
    with pytest.raises(FileFormatError, match="format"):
        api.load(tmp_path / "bomb.npz")
    assert unpacked == []


def test_a_network_that_does_not_fit_is_refused_by_number(tmp_path, unpacked, monkeypatch):
    monkeypatch.setattr(_memory, "room", lambda: 2**16)
    path = tmp_path / "s.npz"
    drawn = fuzz.scenario_arrays("fairness")
    np.savez(path, format="trinode/fairness-scenario/1", **drawn)
    monkeypatch.setattr(_memory, "room", lambda: 2**10)
    with pytest.raises(InputError, match=r"uplink_channel: got shape \(5, 2, 3, 4\), .*MiB with the others; "):
        api.load(path)
    assert set(unpacked) == {"format"}


@pytest.mark.parametrize(
    ("system", "asked", "field"),
    [
        ("latency", {"terminals": 5000}, "terminals"),
        ("region", {"access_points": 300, "ap_antennas": 64}, "access_points"),
        ("fairness", {"access_points": 2**16, "ap_antennas": 2**10}, "access_points"),
    ],
)
def test_networks_larger_than_the_memory_are_refused_before_they_are_drawn(monkeypatch, system, asked, field):
    monkeypatch.setattr(_memory, "room", lambda: 2**31)
    with pytest.raises(InputError, match=rf"{field}: got \d+ \(networks of .* GiB\); allowed: what takes at most"):
        api.draw(system, **asked)


def test_more_networks_than_the_memory_holds_are_refused(monkeypatch):
    monkeypatch.setattr(_memory, "room", lambda: 2**31)
    with pytest.raises(InputError, match=r"trials: got 1000000000 \(.* GiB of networks\)"):
        api.draw_batch("fairness", trials=10**9)
