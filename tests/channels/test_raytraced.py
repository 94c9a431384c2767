"""A scene that ships with Sionna RT, imported all three ways, against the same scene traced by trinode."""

import re
from pathlib import Path

import numpy as np
import pytest

import trinode as tn
from trinode.channels.sionna_rt import trace_channels

CARRIER_HZ, A, T = 2e9, 4, 2
APS = [[-1.0, -0.5, 0.6], [0.8, 0.9, 0.7]]
TERMINALS = [[0.4, 0.7, 0.5], [-0.6, 0.5, 0.4], [0.9, -0.8, 0.3]]


@pytest.fixture(scope="module")
def rt():
    return pytest.importorskip("sionna.rt")


@pytest.fixture(scope="module")
def traced(rt):
    options = {"max_depth": 2, "samples_per_source": 100_000, "max_paths_per_source": 1_000_000}
    return trace_channels(
        "simple_reflector",
        APS,
        TERMINALS,
        carrier_hz=CARRIER_HZ,
        ap_antennas=A,
        terminal_antennas=T,
        radar_antennas=3,
        **options,
    )


@pytest.fixture(scope="module")
def paths(rt):
    """What a person would do: one array for all receivers, one for all transmitters, along y."""
    scene = rt.load_scene(rt.scene.simple_reflector)
    scene.frequency = CARRIER_HZ
    arrays = {"num_rows": 1, "vertical_spacing": 0.5, "horizontal_spacing": 0.5, "pattern": "iso", "polarization": "V"}
    scene.rx_array, scene.tx_array = rt.PlanarArray(num_cols=A, **arrays), rt.PlanarArray(num_cols=T, **arrays)
    for index, place in enumerate(APS):
        scene.add(rt.Receiver(name=f"ap-{index}", position=place))
    for index, place in enumerate(TERMINALS):
        scene.add(rt.Transmitter(name=f"terminal-{index}", position=place))
    return rt.PathSolver()(scene, max_depth=2, refraction=False, samples_per_src=100_000)


@pytest.mark.raytracing
def test_live_paths(paths, traced):
    found = tn.channels.read(paths, "sionna", direction="uplink", carrier_hz=CARRIER_HZ)
    close(found, traced)
    np.testing.assert_allclose(found.terminal_position_m, TERMINALS, rtol=1e-6)
    np.testing.assert_allclose(found.ap_position_m, APS, rtol=1e-6)


@pytest.mark.raytracing
def test_live_paths_of_every_antenna(rt):
    """Far away, where a wave is as good as plane."""
    scene = rt.load_scene()
    scene.frequency = 1e9
    arrays = {"num_rows": 1, "pattern": "iso", "polarization": "V"}
    scene.rx_array, scene.tx_array = rt.PlanarArray(num_cols=A, **arrays), rt.PlanarArray(num_cols=T, **arrays)
    aps, terminals = 200 * np.array(APS), 200 * np.array(TERMINALS)
    for index, place in enumerate(aps):
        scene.add(rt.Receiver(name=f"ap-{index}", position=place.tolist()))
    for index, place in enumerate(terminals):
        scene.add(rt.Transmitter(name=f"terminal-{index}", position=place.tolist()))
    options = {"max_depth": 0, "refraction": False}
    one, many = (rt.PathSolver()(scene, synthetic_array=synthetic, **options) for synthetic in (True, False))
    one, many = (tn.channels.read(paths, "sionna", direction="uplink", carrier_hz=1e9) for paths in (one, many))
    np.testing.assert_allclose(many.array, one.array, rtol=0, atol=0.02 * np.abs(one.array).max())
    np.testing.assert_allclose(many.terminal_position_m, terminals, rtol=1e-5)
    np.testing.assert_allclose(many.ap_position_m, aps, rtol=1e-5)


@pytest.mark.raytracing
def test_saved_responses(paths, traced, tmp_path):
    a, tau = paths.cir(normalize_delays=False, out_type="numpy")
    np.savez(tmp_path / "cir.npz", a=a, tau=tau)
    close(tn.channels.read(tmp_path / "cir.npz", "sionna-cir", direction="uplink"), traced)
    np.savez(tmp_path / "cfr.npz", h=paths.cfr([0.0], normalize_delays=False, out_type="numpy"))
    close(tn.channels.read(tmp_path / "cfr.npz", "sionna-cfr", direction="uplink"), traced)


@pytest.mark.raytracing
def test_what_is_normalised_is_said(paths, tmp_path):
    with pytest.warns(tn.channels.ChannelWarning, match="aligned-phases"):
        tn.channels.read(paths.cir(), "sionna-cir", direction="uplink")
    np.savez(tmp_path / "cfr.npz", h=paths.cfr([0.0], out_type="numpy"))
    with pytest.warns(tn.channels.ChannelWarning, match="normalize_delays=False"):
        tn.channels.read(tmp_path / "cfr.npz", "sionna-cfr", direction="uplink")


@pytest.mark.raytracing
def test_radar_and_communication_arrays_in_one_scene(rt, traced):
    """As the page has it, which is the scene of this file."""
    page = (Path(__file__).parents[2] / "docs" / "channels.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"^```py\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    found = {}
    exec(code, found)
    close(found["channels"], traced)
    radar = traced.terminal_channel
    assert np.abs(radar).max() > 0
    np.testing.assert_allclose(found["channels"].terminal_channel, radar, rtol=0, atol=1e-5 * np.abs(radar).max())


def close(found, traced):
    scale = np.abs(traced.uplink_channel).max()
    np.testing.assert_allclose(found.array[0], traced.uplink_channel, rtol=0, atol=1e-5 * scale)
