"""Channels from elsewhere equal those of plain formulas, whatever they come in; what is wrong with them is said."""

import json
import warnings
import zlib
from pathlib import Path
from struct import pack
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.io

import trinode as tn
from channels import worlds
from channels.worlds import AP_M, CARRIER_HZ, TERMINAL_M, A, K, T
from trinode import _memory
from trinode.channels import ChannelWarning, panel, read
from trinode.channels.bundled import layout_count, load_bundled
from trinode.channels.paths import alignment
from trinode.channels.reading import KINDS
from trinode.errors import FileFormatError, InputError

FULL = worlds.truth(worlds.line(A), worlds.line(T))
ALL = "terminal ap ap_antenna terminal_antenna"
SAMPLES = Path(__file__).parents[2] / ".." / "shared" / "samples"


def close(channels, right, rtol=1e-9):
    found = channels.array if channels.array.ndim == right.ndim else channels.array[0]
    assert found.shape == right.shape
    np.testing.assert_allclose(found, right, rtol=0, atol=rtol * np.abs(right).max())
    blocked = np.all(right == 0, axis=(-1, -2))
    assert np.all(np.asarray(found)[blocked] == 0)


def savemat(path, arrays):
    scipy.io.savemat(path, arrays)


def savemat73(path, arrays):
    pytest.importorskip("h5py")
    worlds.write_mat73(path, arrays)


both_mats = pytest.mark.parametrize("save", [savemat, savemat73], ids=["v5", "v7.3"])


@pytest.mark.parametrize("per_pair", [False, True])
def test_sionna_paths(tmp_path, per_pair):
    a, tau = worlds.sionna_paths(per_pair)
    np.savez(tmp_path / "rt.npz", a=a, tau=tau, f=CARRIER_HZ, ue=TERMINAL_M, bs=AP_M)
    places = {"terminal_position_m": "ue", "ap_position_m": "bs"}
    found = read(tmp_path / "rt.npz", "sionna", direction="uplink", carrier_hz="f", **places)
    close(found, FULL)
    assert found.carrier_hz == CARRIER_HZ
    np.testing.assert_array_equal(found.ap_position_m, AP_M)
    turned = a.transpose(2, 3, 0, 1, 4), tau.transpose(2, 3, 0, 1, 4) if per_pair else tau.transpose(1, 0, 2)
    close(read(turned, "sionna", direction="downlink", carrier_hz=CARRIER_HZ), FULL)
    single = np.complex64(a), np.float32(tau)
    found = read(single, "sionna", direction="uplink", carrier_hz=CARRIER_HZ)
    close(found, FULL, 1e-3)
    assert "single precision" in " ".join(found.notes)
    close(read((np.complex64(a), tau), "sionna", direction="uplink", carrier_hz=CARRIER_HZ), FULL, 1e-6)


def live(a, tau, valid, sources, targets):
    """What trinode asks of a ``Paths`` object; the last path, where there are five, is the first one again."""
    kind = np.zeros((1, *tau.shape), dtype=int)
    place = np.zeros((1, *tau.shape, 3))
    kind[..., 1], place[..., 1, :] = 1, 7.0
    found = {"tau": tau, "valid": valid, "sources": sources.T, "targets": targets.T}
    found |= {"interactions": kind, "vertices": place}
    tensors = {name: SimpleNamespace(numpy=lambda array=array: array) for name, array in found.items()}
    return SimpleNamespace(
        a=tuple(SimpleNamespace(numpy=lambda part=part: part) for part in (a.real, a.imag)), **tensors
    )


def test_live_sionna_paths():
    """Also where the tracer lists a path twice, or one without a number."""
    a, tau = worlds.sionna_paths()
    a, tau = np.concatenate([a, a[..., :1]], axis=-1), np.concatenate([tau, tau[..., :1]], axis=-1)
    a[..., 2], tau[..., 2] = np.nan, 1e-7
    found = read(live(a, tau, tau >= 0, TERMINAL_M, AP_M), "sionna", direction="uplink", carrier_hz=CARRIER_HZ)
    close(found, FULL)
    assert "listed twice" in " ".join(found.notes)
    np.testing.assert_array_equal(found.terminal_position_m, TERMINAL_M)
    a, tau = worlds.sionna_paths(per_pair=True)
    antennas = [np.repeat(where, count, axis=0) for where, count in ((TERMINAL_M, T), (AP_M, A))]
    antennas[0][::2, 1] += 0.1
    antennas[0][1::2, 1] -= 0.1
    found = read(live(a, tau, tau >= 0, *antennas), "sionna", direction="uplink", carrier_hz=CARRIER_HZ)
    close(found, FULL)
    np.testing.assert_allclose(found.terminal_position_m, TERMINAL_M, rtol=1e-12)
    np.testing.assert_array_equal(found.ap_position_m, AP_M)


def test_sionna_responses(tmp_path):
    a, tau = worlds.sionna_cir()
    close(read((a, tau), "sionna-cir", direction="uplink"), FULL)
    close(read(a, "sionna-cir", direction="uplink"), FULL)
    offsets = np.array([-3e6, 0, 3e6, 6e6])
    right = np.stack([worlds.truth(worlds.line(A), worlds.line(T), offset) for offset in offsets])
    close(read((a, tau), "sionna-cir", direction="uplink", subcarrier_hz=offsets), right)
    h = worlds.sionna_cfr(offsets)
    np.savez(tmp_path / "cfr.npz", h=h)
    close(read(tmp_path / "cfr.npz", "sionna-cfr", direction="uplink"), right)
    close(read(h, "sionna-cfr", direction="uplink", subcarrier=1), right[1])
    mean = read(h, "sionna-cfr", direction="uplink", subcarrier="mean")
    np.testing.assert_allclose(np.abs(mean.array[0]) ** 2, np.mean(np.abs(right) ** 2, axis=0), rtol=1e-9)
    several = np.repeat(h, 2, axis=4)
    with pytest.raises(InputError, match="snapshot"):
        read(several, "sionna-cfr", direction="uplink")
    close(read(several, "sionna-cfr", direction="uplink", snapshot=1), right)
    with pytest.raises(InputError, match="tau"):
        read(a, "sionna-cir", direction="uplink", subcarrier_hz=offsets)
    with pytest.raises(InputError, match="direction: got nothing"):
        read(h, "sionna-cfr")


def test_normalised_delays_are_noticed():
    a, tau = worlds.sionna_cir(normalised=True)
    for kind, source in (("cir", (a, tau)), ("cir", a), ("cfr", worlds.sionna_cfr([0.0], normalised=True))):
        with pytest.warns(ChannelWarning, match="aligned-phases.*normalize_delays=False"):
            found = read(source, f"sionna-{kind}", direction="uplink")
        assert [name for name, _ in found.warnings] == ["aligned-phases"]
        assert not read(source, f"sionna-{kind}", direction="uplink", silence=["aligned-phases"]).warnings
    with pytest.warns(ChannelWarning, match="aligned-phases"):
        read(worlds.sionna_cfr([0.0], normalised=True)[..., 0, 0], axes="rx rx_ant tx tx_ant", direction="uplink")
    one = a[:1], tau[:1]  # nothing to add up in phase with
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read(one[0], "sionna-cir", direction="uplink")


def test_spread_phases_are_not_warned_of():
    """Or as seldom as the likelihood says: twice in two thousand at 1e-3, so that 8 are hardly ever."""
    rng = np.random.default_rng(0)
    few, many = (rng.normal(size=(2000, *size, 2)) @ [1, 1j] for size in ((3, 2, 1, 1), (6, 6, 3, 2)))
    assert sum(alignment(one)[1] < 1e-3 for one in few) <= 8
    assert sum(alignment(one)[1] < 1e-3 for one in many) <= 8
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for layout in range(layout_count("munich")):
            assert not read(load_bundled("munich", layout).uplink_channel, axes=ALL).warnings


def zero_forcing_db(planned, heard, users=(0, 1), noise_w=1e-11):
    """SINR of two users, 1 W each, by beams that were planned on other channels."""
    plan, air = (np.stack([h[k, ..., 0].reshape(-1) for k in users]) for h in (planned, heard))
    beams = np.linalg.pinv(plan)
    received = np.abs(air @ (beams / np.linalg.norm(beams, axis=0))) ** 2
    own = np.diag(received)
    return 10 * np.log10(own / (received.sum(axis=1) - own + noise_w))


def test_zero_forcing_gets_what_it_believes():
    single = np.complex64(worlds.sionna_cir()[0])
    found = read(single, "sionna-cir", direction="uplink").array[0]
    right = zero_forcing_db(FULL, FULL)
    np.testing.assert_allclose(zero_forcing_db(found, found), right, atol=0.01)
    np.testing.assert_allclose(zero_forcing_db(found, FULL), right, atol=0.01)
    lost = read(worlds.sionna_cir(True)[0], "sionna-cir", direction="uplink", silence=["aligned-phases"]).array[0]
    assert np.all(zero_forcing_db(lost, FULL) < right - 3)


def test_deepmimo(tmp_path):
    folder = worlds.write_deepmimo(tmp_path / "city")
    found = read(folder, "deepmimo", ap_elements=A, terminal_elements=T)
    close(found, FULL, 1e-3)
    np.testing.assert_allclose(found.ap_position_m, AP_M)
    np.testing.assert_allclose(found.terminal_position_m, TERMINAL_M, rtol=1e-6)
    first = {"ap_elements": panel(A, first=True), "terminal_elements": panel(T, first=True)}
    right = worlds.truth(worlds.line(A, first=True), worlds.line(T, first=True))
    close(read(folder, "deepmimo", **first), right, 1e-3)
    close(
        read(folder, "deepmimo", terminals=[3, 1], aps=[2], ap_elements=A, terminal_elements=T),
        FULL[[3, 1]][:, [2]],
        1e-3,
    )
    offset = np.array([20e6])
    right = worlds.truth(worlds.line(A), worlds.line(1), 20e6)
    close(read(folder, "deepmimo", ap_elements=A, subcarrier_hz=offset), right, 1e-3)


def test_deepmimo_arrays_of_several_sizes(tmp_path):
    folder = worlds.write_deepmimo(tmp_path / "city")
    elements = [panel(2, 3, azimuth_deg=30, tilt_deg=12), panel(3), panel(1)]
    found = read(folder, "deepmimo", ap_elements=elements, terminal_elements="2x1")
    for m, one in enumerate(elements):
        right = worlds.truth(one, worlds.line(T))[:, m]
        scale = np.abs(FULL).max()
        np.testing.assert_allclose(found.array[0, :, m, : len(one)], right, rtol=0, atol=1e-3 * scale)
        assert not found.array[0, :, m, len(one) :].any()
    assert "aps have [1, 3, 6] antennas" in " ".join(found.notes)


def test_panels_turn_as_they_say():
    level = panel(1, 2, azimuth_deg=90)
    np.testing.assert_allclose(level, [[0, 0, -0.25], [0, 0, 0.25]], atol=1e-15)
    np.testing.assert_allclose(panel(2, azimuth_deg=90), [[0.25, 0, 0], [-0.25, 0, 0]], atol=1e-15)
    tilted = panel(1, 2, tilt_deg=90)  # looks at the ground: its top has come to the front
    np.testing.assert_allclose(tilted, [[-0.25, 0, 0], [0.25, 0, 0]], atol=1e-15)
    np.testing.assert_allclose(panel(2, 2, first=True)[1], [0, 0.5, 0])


def test_deepmimo_knows_who_turned_the_phases(tmp_path):
    insite = worlds.write_deepmimo(tmp_path / "insite", "Remcom Wireless Insite")
    close(read(insite, "deepmimo", ap_elements=A, terminal_elements=T), FULL, 1e-3)
    other = worlds.write_deepmimo(tmp_path / "other", "Another one")
    with pytest.raises(InputError, match="raytracer_name"):
        read(other, "deepmimo")
    close(read(other, "deepmimo", ap_elements=A, terminal_elements=T, carrier_phase=True), FULL, 1e-3)
    sionna = worlds.write_deepmimo(tmp_path / "sionna")
    with pytest.warns(ChannelWarning, match="carrier_phase=False"):
        read(sionna, "deepmimo", ap_elements=A, terminal_elements=T, carrier_phase=True)


def test_deepmimo_refusals(tmp_path):
    folder = worlds.write_deepmimo(tmp_path / "city", save=lambda file, data: scipy.io.savemat(f"{file}.mat", data))
    close(read(folder, "deepmimo", ap_elements=A, terminal_elements=T), FULL, 1e-3)  # older ones keep .mat files
    for wrong in (
        {"terminals": [K]},
        {"terminals": [1, 1]},
        {"aps": []},
        {"ap_set": 7},
        {"terminal_set": [2]},
        {"ap_elements": "4by2"},
    ):
        with pytest.raises(InputError, match=next(iter(wrong))):
            read(folder, "deepmimo", **wrong)
    with pytest.raises(InputError, match="beams"):
        read(folder, "deepmimo", beams=3)
    params = json.loads((folder / "params.json").read_text())
    params["txrx_sets"]["txrx_set_2"]["num_points"] = 2**31 - 1
    (folder / "params.json").write_text(json.dumps(params))
    with pytest.raises(InputError, match="memory"):
        read(folder, "deepmimo")
    params["txrx_sets"]["txrx_set_1"]["num_ant"] = 4
    (folder / "params.json").write_text(json.dumps(params))
    with pytest.raises(InputError, match="several antennas"):
        read(folder, "deepmimo")
    (folder / "params.json").write_text("[]")
    with pytest.raises(FileFormatError, match=r"params\.json"):
        read(folder, "deepmimo")
    with pytest.raises(FileFormatError, match="DeepMIMO 4"):
        read(tmp_path, "deepmimo")


@both_mats
def test_quadriga(tmp_path, save):
    folder = worlds.write_quadriga(tmp_path / "links", save)
    found = read(folder, "quadriga", direction="uplink")
    close(found, FULL)
    assert found.carrier_hz == CARRIER_HZ
    right = worlds.truth(worlds.line(A), worlds.line(T), 5e6)
    close(read(folder, "quadriga", direction="uplink", subcarrier_hz=[5e6]), right)
    close(read(folder / "1-2.mat", "quadriga", direction="uplink"), FULL[2:3, 1:2])
    down = tmp_path / "down"
    down.mkdir()
    for k in range(K):
        save(down / f"{k}.mat", {"coeff": FULL[k, 1].T, "name": f"BS1_MT{k + 1}"})  # one path: MATLAB drops its axis
    close(read(down, "quadriga", direction="downlink"), FULL[:, 1:2])
    (folder / "0-0.mat").unlink()
    with pytest.raises(InputError, match="14 links"):
        read(folder, "quadriga", direction="uplink")


@both_mats
def test_mat(tmp_path, save):
    path = tmp_path / "h.mat"
    save(path, {"H": FULL.transpose(2, 0, 1, 3), "G": np.complex64(FULL[:, 0, 0]), "note": "from a lab"})
    axes = "ap_antenna terminal ap terminal_antenna"
    close(read(path, "mat", name="H", axes=axes), FULL, 1e-15)
    single = read(path, "mat", name="G", axes="terminal terminal_antenna ap ap_antenna")  # MATLAB drops the last two
    close(single, FULL[:, :1, :1], 1e-6)
    assert single.notes
    with pytest.raises(InputError, match="several"):
        read(path, "mat", axes=axes)
    with pytest.raises(InputError, match="note"):
        read(path, "mat", name="note", axes=axes)
    with pytest.raises(InputError, match="axes"):
        read(path, "mat", name="H", axes="terminal ap")
    save(path, {"H": np.array([1, 2, 3], dtype=np.float32).reshape(3, 1)})
    assert read(path, "mat", axes="terminal").array.ravel().tolist() == [1, 2, 3]


def test_mat_integers_and_other_byte_orders(tmp_path):
    scipy.io.savemat(tmp_path / "small.mat", {"H": np.arange(6, dtype=np.int16).reshape(3, 2)}, do_compression=True)
    assert read(tmp_path / "small.mat", "mat", axes="K T").array.ravel().tolist() == list(range(6))
    body = pack(">II", 14, 8 + 8 + 16 + 8 + 8 + 8) + pack(">IIII", 6, 8, 6, 0) + pack(">IIii", 5, 8, 2, 1)
    body += pack(">HH4s", 1, 1, b"H\0\0\0") + pack(">IIhhxxxx", 3, 4, 7, -9)
    (tmp_path / "big.mat").write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\x01\x00MI" + body)
    assert read(tmp_path / "big.mat", "mat", axes="K T").array.ravel().tolist() == [7, -9]


def test_arrays(tmp_path):
    import xarray

    swapped = FULL.transpose(1, 0, 3, 2)
    close(read(swapped, axes="ap terminal terminal_antenna ap_antenna"), FULL, 1e-15)
    close(read(swapped, axes="M K T A"), FULL, 1e-15)
    close(read(np.complex64(FULL), axes="user bs bs_antenna ue_ant"), FULL, 1e-6)
    close(read(xarray.DataArray(swapped, dims=["ap", "terminal", "terminal_antenna", "ap_antenna"])), FULL, 1e-15)
    np.save(tmp_path / "h.npy", FULL)
    close(read(tmp_path / "h.npy", axes=ALL), FULL, 1e-15)
    np.savez(tmp_path / "h.npz", h=FULL, distance=np.arange(3.0))
    close(read(tmp_path / "h.npz", axes=ALL), FULL, 1e-15)
    close(read({"h": FULL}, axes=ALL), FULL, 1e-15)
    wide = np.stack([FULL, 2 * FULL])
    assert read(wide, axes=f"subcarrier {ALL}").sizes["subcarrier"] == 2
    close(read(wide, axes=f"subcarrier {ALL}", subcarrier=1), 2 * FULL, 1e-15)


def test_units_and_directions():
    sent = FULL.transpose(0, 3, 1, 2)  # received = h . x at the terminal
    close(read(sent, axes="rx rx_ant tx tx_ant", direction="downlink"), FULL, 1e-15)
    close(read(sent.conj(), axes="rx rx_ant tx tx_ant", direction="conjugated downlink"), FULL, 1e-15)
    over = read(FULL / 1e-7, axes=ALL, unit="noise")
    assert over.relative_to_noise
    close(read(FULL / 1e-7, axes=ALL, unit="noise", noise_w=1e-14), FULL)
    with np.errstate(divide="ignore"):
        gain_db = 20 * np.log10(np.abs(FULL))
    close(read(gain_db, axes=ALL, unit="dB"), np.abs(FULL))
    with pytest.raises(InputError, match="dB"):
        read(FULL, axes=ALL, unit="dB")
    with pytest.raises(InputError, match="unit"):
        read(FULL, axes=ALL, unit="dBm")
    with pytest.raises(InputError, match="direction"):
        read(sent, axes="rx rx_ant tx tx_ant")


def test_a_network_of_what_was_read():
    found = read(FULL, axes=ALL, carrier_hz=CARRIER_HZ, terminal_position_m=TERMINAL_M, ap_position_m=AP_M)
    made = tn.from_channels(found.traced(radar_antennas=3), "threetier")
    np.testing.assert_array_equal(made.uplink_channel, FULL)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"axes": "terminal ap ap_antenna"}, "axes"),
        ({"axes": "terminal ap ap_antenna terminal"}, "axes"),
        ({"axes": ""}, "axes"),
        ({"kind": "matlab"}, "kind"),
        ({"subcarrier": 1}, "subcarrier"),
        ({"subcarrier_hz": [0, 1]}, "subcarrier_hz"),
        ({"carrier_hz": -1}, "carrier_hz"),
        ({"carrier_hz": "f"}, "carrier_hz"),
        ({"ap_position_m": TERMINAL_M}, "ap_position_m"),
        ({"terminal_elements": 2}, "terminal_elements"),
    ],
)
def test_refusals(wrong, field):
    with pytest.raises(InputError) as refused:
        read(FULL, **{"axes": ALL, **wrong})
    assert refused.value.field == field


def test_no_number_is_refused():
    for value in (np.nan, np.inf, 1e70):
        with pytest.raises(InputError, match="source"):
            read(np.full((2, 3), value), axes="K T")
    with pytest.raises(InputError, match="numbers"):
        read(np.array([["1", "2"]]), axes="K T")
    with pytest.raises(InputError, match="numbers"):
        read(np.array([[None, {}]]), axes="K T")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_other_things_are_refused(kind):
    for thing in (7, None, [[1.0], [1.0, 2.0]], object(), {"h": [[1.0], [1.0, 2.0]]}, {}):
        with pytest.raises(InputError):
            read(thing, kind, axes="K T", direction="uplink", carrier_hz=CARRIER_HZ)


def test_objects_are_never_unpacked(tmp_path):
    class Bomb:
        def __reduce__(self):
            return (pytest.fail, ("unpickled",))

    np.save(tmp_path / "o.npy", np.array([Bomb()]), allow_pickle=True)
    np.savez(tmp_path / "o.npz", h=np.array([Bomb()], dtype=object))
    scipy.io.savemat(tmp_path / "o.mat", {"H": {"a": 1.0}, "C": np.array([1, "x"], dtype=object)})
    for name, field in (("o.npy", ""), ("o.npz", "h"), ("o.mat", "H"), ("o.mat", "C")):
        with pytest.raises(InputError, match=r"objects|cells|structs"):
            read(tmp_path / name, axes="K T", name=field)


def test_more_than_there_is_memory_for_is_refused(tmp_path):
    shape = (2**20, 2**20)
    header = f"{{'descr': '<c16', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    (tmp_path / "huge.npy").write_bytes(b"\x93NUMPY\x01\x00" + pack("<H", 118) + header.encode() + bytes(64))
    with pytest.raises(FileFormatError, match="not as long as it says"):
        read(tmp_path / "huge.npy", axes="K T")
    matrix = (
        pack("<II", 14, 64) + pack("<IIII", 6, 8, 6, 0) + pack("<IIii", 5, 8, *shape) + pack("<HH4s", 1, 1, b"H\0\0\0")
    )
    matrix += pack("<II", 9, 2**32 - 8)
    packed = zlib.compress(matrix + bytes(2**16))
    begin = b"MATLAB 5.0 MAT-file".ljust(124) + b"\x00\x01IM"
    (tmp_path / "huge.mat").write_bytes(begin + pack("<II", 15, len(packed)) + packed)
    with pytest.raises(InputError, match="memory"):
        read(tmp_path / "huge.mat", axes="K T")


def test_more_than_there_is_memory_for_is_refused_of_hdf5(tmp_path, monkeypatch):
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "huge.mat", "w") as file:
        file.create_dataset("H", shape=(2**20, 2**20), dtype="f8", chunks=(8, 8))
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/H")
    with pytest.raises(InputError, match="memory"):
        read(tmp_path / "huge.mat", name="H", axes="K T")
    with pytest.raises(InputError, match="never unpacked"):
        read(tmp_path / "huge.mat", name="elsewhere", axes="K T")
    with h5py.File(tmp_path / "chunk.mat", "w") as file:
        file.create_dataset("H", shape=(3, 2), maxshape=(None, None), dtype="f8", chunks=(2**10, 2**10))
    monkeypatch.setattr(_memory, "room", lambda: 2**20)
    with pytest.raises(InputError, match="memory"):
        read(tmp_path / "chunk.mat", axes="K T")


def test_without_h5py(tmp_path, monkeypatch):
    import sys

    (tmp_path / "h.mat").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(600))
    monkeypatch.setitem(sys.modules, "h5py", None)
    with pytest.raises(tn.MissingExtraError, match=r"trinode\[mat\]"):
        read(tmp_path / "h.mat", axes="K T")


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="samples are not here")
def test_samples():
    stored = dict(np.load(SAMPLES / "sionna_like.npz"))
    right, first = stored["uplink_truth"], stored["uplink_truth_first_element"]
    said = {"direction": "uplink", "carrier_hz": "carrier_hz", "terminal_position_m": "ue", "ap_position_m": "ap"}
    found = read(SAMPLES / "sionna_like.npz", "sionna", name="paths_a", tau="tau", **said)
    close(found, right, 1e-6)
    np.testing.assert_allclose(zero_forcing_db(found.array[0], right), zero_forcing_db(right, right), atol=0.01)
    close(read(SAMPLES / "sionna_like.npz", "sionna-cir", name="cir_normalize_delays_false", **said), right, 1e-6)
    with pytest.warns(ChannelWarning, match="aligned-phases"):
        read(SAMPLES / "sionna_like.npz", "sionna-cir", name="cir_default", **said)
    folder = SAMPLES / "deepmimo_scenarios" / "trinode_tiny"
    close(read(folder, "deepmimo", ap_elements=4, terminal_elements=2), right, 1e-4)
    elements = {"ap_elements": panel(4, first=True), "terminal_elements": panel(2, first=True)}
    close(read(folder, "deepmimo", **elements), first, 1e-4)
    close(read(SAMPLES / "quadriga_like.mat", "quadriga", direction="uplink"), right[:1, :1], 1e-6)
    close(read(SAMPLES / "channel_v5.mat", "mat", axes="ap_antenna terminal ap"), right[..., :1], 1e-12)
    pytest.importorskip("h5py")
    close(read(SAMPLES / "channel_v73.mat", "mat", axes="ap_antenna terminal ap"), right[..., :1], 1e-12)
