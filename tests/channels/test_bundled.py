"""The bundled ray-traced layouts, and the ray tracer in free space."""

from __future__ import annotations

import hashlib
import sys

import jax
import numpy as np
import pytest

import trinode as tn
from trinode.channels import bundled, sionna_rt
from trinode.channels.bundled import bundled_metadata, bundled_names, layout_count, load_bundled
from trinode.channels.sionna_rt import trace_channels
from trinode.errors import InputError, MissingExtraError

LAYOUTS = range(layout_count("munich"))
PLACES = {
    "ap_position_m": [[0.0, 0.0, 25.0]],
    "terminal_position_m": [[50.0, 10.0, 1.5], [20.0, -5.0, 1.5]],
}
SETTINGS = {"carrier_hz": 3.5e9, "ap_antennas": 1, "terminal_antennas": 1, "radar_antennas": 1}
FEW = {"samples_per_source": 1000, "max_paths_per_source": 10_000}


def test_names_and_count():
    assert bundled_names() == ("munich", "florence")
    assert len(LAYOUTS) >= 24
    assert layout_count("florence") == 12


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layout(layout):
    traced = load_bundled("munich", layout)
    assert traced.uplink_channel.shape == (6, 6, 8, 8)
    assert traced.terminal_channel.shape == (6, 6, 8, 8)
    for channel in (traced.uplink_channel, traced.terminal_channel):
        assert channel.dtype == np.complex128
        assert np.isfinite(channel).all()
    assert not traced.terminal_channel[np.arange(6), np.arange(6)].any()
    assert np.any(traced.uplink_channel, axis=(1, 2, 3)).all()
    assert traced.carrier_hz == 3.5e9

    places = np.concatenate([traced.terminal_position_m, traced.ap_position_m])
    assert places.shape == (12, 3)
    assert (np.ptp(places[:, :2], axis=0) <= 200).all()
    np.testing.assert_array_equal(traced.terminal_position_m[:, 2], 1.5)
    np.testing.assert_array_equal(traced.ap_position_m[:, 2], 25)
    gaps = traced.terminal_position_m[:, None] - traced.terminal_position_m
    assert (np.linalg.norm(gaps, axis=-1) + 99 * np.eye(6)).min() >= 12


def test_florence_is_as_it_fell():
    """Links of all kinds, terminals without any among them, and no two devices in one place."""
    every = [load_bundled("florence", layout) for layout in range(layout_count("florence"))]
    for traced in every:
        assert traced.uplink_channel.shape == (7, 5, 6, 4)
        assert traced.terminal_channel.shape == (7, 7, 8, 4)
        assert not traced.terminal_channel[np.arange(7), np.arange(7)].any()
        places = np.concatenate([traced.terminal_position_m, traced.ap_position_m])
        assert (np.linalg.norm(places[:, None] - places, axis=-1) + 99 * np.eye(12)).min() >= 10
        np.testing.assert_allclose(traced.terminal_position_m[:, 2], 1.5, atol=1e-4)
        assert ((traced.ap_position_m[:, 2] > 5.9) & (traced.ap_position_m[:, 2] < 120)).all()
    reached = np.array([np.any(traced.uplink_channel, axis=(2, 3)) for traced in every])
    assert 0.2 < reached.mean() < 0.8
    assert 0 < np.mean(~reached.any(axis=2)) < 0.5
    heights = np.concatenate([traced.ap_position_m[:, 2] for traced in every])
    assert (heights < 6.1).any()
    assert (heights > 10).any()


EVERYWHERE = [(name, layout) for name in bundled_names() for layout in range(layout_count(name))]


@pytest.mark.parametrize(("name", "layout"), EVERYWHERE)
def test_no_gain_above_free_space(name, layout):
    """Paths add up, in a street canyon to several times an unobstructed path."""
    traced = load_bundled(name, layout)
    for channel, receivers in (
        (traced.uplink_channel, traced.ap_position_m[None]),
        (traced.terminal_channel.swapaxes(0, 1), traced.terminal_position_m[None]),
    ):
        distance_m = np.linalg.norm(receivers - traced.terminal_position_m[:, None], axis=-1)
        wavelength_m = 299_792_458 / traced.carrier_hz
        amplitude = wavelength_m / (4 * np.pi * np.maximum(distance_m, 1.0))
        assert (np.abs(channel).max(axis=(2, 3)) < 8 * amplitude).all()


@pytest.mark.parametrize("layout", LAYOUTS)
def test_terminal_channels_are_reciprocal(layout):
    """Equal transmit and radar arrays see each other through the transposed channel."""
    channel = load_bundled("munich", layout).terminal_channel
    error = np.linalg.norm(channel - channel.transpose(1, 0, 3, 2))
    # Each direction is traced by itself, and now and then misses a path.
    assert error < 0.05 * np.linalg.norm(channel)


@pytest.mark.parametrize("name", bundled_names())
def test_map(name):
    lines = load_bundled(name, 0).building_lines
    assert lines is not None
    assert lines.dtype == np.float32
    assert lines.shape[1:] == (2, 2)
    assert np.isfinite(lines).all()


@pytest.mark.parametrize("name", bundled_names())
def test_hashes_match_the_metadata(name):
    metadata = bundled_metadata(name)
    arrays = {key: value for key, value in bundled._arrays(name).items() if key != "metadata"}
    assert set(metadata["sha256"]) == set(arrays)
    for key, value in arrays.items():
        assert hashlib.sha256(value.tobytes()).hexdigest() == metadata["sha256"][key], key


def test_layouts_do_not_share_memory():
    traced = load_bundled("munich", 0)
    traced.ap_position_m[:] = 0
    assert load_bundled("munich", 0).ap_position_m.any()


def test_wrong_name():
    with pytest.raises(InputError, match="munich"):
        load_bundled("atlantis", 0)
    with pytest.raises(InputError, match="munich"):
        layout_count("atlantis")


@pytest.mark.parametrize("layout", [-1, len(LAYOUTS), 0.0, True, "0"])
def test_wrong_layout(layout):
    with pytest.raises(InputError, match=f"0 to {len(LAYOUTS) - 1}"):
        load_bundled("munich", layout)


def test_missing_ray_tracer(monkeypatch):
    monkeypatch.setitem(sys.modules, "sionna", None)
    monkeypatch.setitem(sys.modules, "sionna.rt", None)
    with pytest.raises(MissingExtraError, match="raytracing"):
        trace_channels("munich", **PLACES, **SETTINGS)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("ap_position_m", [0.0, 0.0, 25.0]),
        ("ap_position_m", [[0.0, 0.0, np.nan]]),
        ("terminal_position_m", np.zeros((0, 3))),
        ("terminal_position_m", "here"),
        ("carrier_hz", -1.0),
        ("carrier_hz", "fast"),
        ("ap_antennas", 0),
        ("terminal_antennas", 1.5),
        ("radar_antennas", True),
        ("element_spacing", np.inf),
        ("max_depth", -1),
        ("samples_per_source", 0),
        ("max_paths_per_source", 0),
        ("diffraction", "yes"),
        ("seed", -1),
    ],
)
def test_wrong_arguments(field, value):
    """These are found before the ray tracer is imported."""
    with pytest.raises(InputError, match=field):
        trace_channels("munich", **{**PLACES, **SETTINGS, field: value})


@pytest.fixture
def empty_scene():
    rt = pytest.importorskip("sionna.rt")
    return rt.load_scene()


@pytest.mark.raytracing
def test_free_space_gain(empty_scene):
    """One antenna at each end sees Friis' gain and the phase of the distance."""
    traced = trace_channels(empty_scene, **PLACES, **SETTINGS, **FEW)
    receivers = np.concatenate([traced.ap_position_m, traced.terminal_position_m])
    distance_m = np.linalg.norm(receivers - traced.terminal_position_m[:, None], axis=-1)
    channel = np.concatenate([traced.uplink_channel, traced.terminal_channel.swapaxes(0, 1)], axis=1)
    own = distance_m == 0
    assert not channel[own].any()
    wavelength_m = 299_792_458 / traced.carrier_hz
    distance_m = distance_m[~own]
    found = channel[~own].ravel()
    np.testing.assert_allclose(np.abs(found) ** 2, (wavelength_m / (4 * np.pi * distance_m)) ** 2, rtol=1e-5)
    turns = np.exp(-2j * np.pi * distance_m / wavelength_m)
    np.testing.assert_allclose(found / np.abs(found), turns, atol=0.01)


@pytest.mark.raytracing
def test_plane_wave_convention(empty_scene):
    r"""A line of sight is ``s(u) s(v)^T``, without a conjugation.

    Here ``u`` points from the receiver to the transmitter, ``v`` the other way,
    and ``s(u)_n = exp(+2j pi y_n u_y / wavelength)`` with the elements along y:
    the element nearer to the source has the larger phase, as its path is
    shorter. Transmit weights ``conj(s(v))`` and the receive filter ``w^H y``
    with ``w = s(u)`` hence collect the full gain.
    """
    antennas = {"ap_antennas": 4, "terminal_antennas": 3, "radar_antennas": 2}
    traced = trace_channels(empty_scene, **PLACES, **{**SETTINGS, **antennas}, **FEW)
    assert traced.uplink_channel.shape == (2, 1, 4, 3)
    assert traced.terminal_channel.shape == (2, 2, 2, 3)

    def steering(direction, count):
        place = 0.5 * (np.arange(count) - (count - 1) / 2)  # in wavelengths
        return np.exp(2j * np.pi * place * direction[1])

    def check(channel, receiver, transmitter):
        u = (transmitter - receiver) / np.linalg.norm(transmitter - receiver)
        wave = np.outer(steering(u, channel.shape[0]), steering(-u, channel.shape[1]))
        ratio = channel / wave
        np.testing.assert_allclose(ratio, ratio[0, 0], rtol=1e-4)

    terminals, ap = traced.terminal_position_m, traced.ap_position_m[0]
    for k in range(2):
        check(traced.uplink_channel[k, 0], ap, terminals[k])
        check(traced.terminal_channel[k, 1 - k], terminals[k], terminals[1 - k])


@pytest.mark.raytracing
def test_no_path_counts_twice():
    """Sionna RT lists several paths twice here, from the first terminal only."""
    pytest.importorskip("sionna.rt")
    traced = trace_channels(
        "munich",
        [[100.0, 50.0, 25.0]],
        [[72.63578447, 8.29224405, 1.5], [99.44198716, 96.16706776, 1.5]],
        **SETTINGS,
        max_depth=2,
        samples_per_source=100_000,
        max_paths_per_source=1_000_000,
    )
    channel = traced.terminal_channel[..., 0, 0]
    assert channel[0, 1] != 0
    np.testing.assert_allclose(channel[0, 1], channel[1, 0], rtol=0.01)


@pytest.mark.raytracing
def test_scenes(empty_scene):
    assert "munich" in sionna_rt.builtin_scenes()
    with pytest.raises(InputError, match="munich"):
        trace_channels("atlantis", **PLACES, **SETTINGS)
    traced = trace_channels(empty_scene, **PLACES, **SETTINGS, **FEW, max_depth=0)
    assert traced.uplink_channel.all()
    assert not empty_scene.transmitters
    assert not empty_scene.receivers


@pytest.mark.parametrize("name", ["energy", "fairness", "latency", "region", "threetier"])
def test_every_system_takes_traced_channels(name, tmp_path):
    """What is not in the channels is drawn, the same for the same seed, and passes the checks of the file format."""
    scenario, again = (tn.bundled("munich", 2, name, seed=5) for _ in range(2))
    leaves = jax.tree.leaves(scenario)
    assert all(np.isfinite(leaf).all() for leaf in leaves)
    assert all((a == b).all() for a, b in zip(leaves, jax.tree.leaves(again)))
    tn.save(tmp_path / "network.npz", scenario)
    tn.save(tmp_path / "again.npz", tn.load(tmp_path / "network.npz"))
    with np.load(tmp_path / "network.npz") as one, np.load(tmp_path / "again.npz") as other:
        assert set(one) == set(other)
        numbers = [key for key in one if one[key].dtype.kind in "bifc"]
        assert len(numbers) > 4
        for key in numbers:
            np.testing.assert_allclose(other[key], one[key], rtol=1e-12, atol=1e-30)
    assert scenario.terminal_position_m.shape[0] == 6
