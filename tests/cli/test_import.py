"""``trinode import``, on one system that is quick to make."""

import numpy as np
import pytest
import scipy.io
from typer.testing import CliRunner

import trinode as tn
from channels import worlds
from channels.worlds import AP_M, CARRIER_HZ, TERMINAL_M, A, K, M, T
from trinode.cli.main import app

FULL = worlds.truth(worlds.line(A), worlds.line(T))


def call(*words, code=0):
    result = CliRunner().invoke(app, ["import", *map(str, words), "--system", "fairness"])
    assert result.exit_code == code, result.output
    return result


def test_paths_become_a_network(tmp_path):
    a, tau = worlds.sionna_paths()
    np.savez(tmp_path / "rt.npz", coefficients=a, tau=tau, f=CARRIER_HZ, ue=TERMINAL_M, bs=AP_M)
    places = ("--terminal-position-m", "ue", "--ap-position-m", "bs", "--carrier-hz", "f")
    given = ("--name", "coefficients", "--option", "tau=tau", "--direction", "uplink", "--set", "task_bits=2e6")
    shown = call("sionna", tmp_path / "rt.npz", *places, *given, "--out", tmp_path / "net.npz").output
    assert f"{K} terminals, {M} access points, {A} antennas each" in shown
    assert "no slips seen" in shown
    network = tn.load(tmp_path / "net.npz")
    assert np.all(np.abs(network.uplink_channel - FULL[..., 0]) < 1e-9 * np.abs(FULL).max())
    np.testing.assert_array_equal(network.ap_position_m, AP_M)
    assert np.all(np.asarray(network.task_bits) == 2e6)


def test_what_is_likely_a_slip_is_printed_and_silenced(tmp_path):
    np.savez(tmp_path / "cir.npz", a=worlds.sionna_cir(normalised=True)[0])
    given = ("sionna-cir", tmp_path / "cir.npz", "--direction", "uplink", "--out", tmp_path / "net.npz")
    shown = call(*given).output
    assert "aligned-phases" in shown
    assert "normalize_delays=False" in shown
    assert "aligned-phases" not in call(*given, "--silence", "aligned-phases").output


def test_a_folder_and_lists(tmp_path):
    folder = worlds.write_deepmimo(tmp_path / "city")
    options = ("--option", f"ap_elements={A}", "--option", f"terminal_elements={T}x1", "--option", "aps=2,0,1")
    shown = call("deepmimo", folder, *options, "--out", tmp_path / "net.npz").output
    assert "note: the phase of the carrier was added" in shown
    found = tn.load(tmp_path / "net.npz").uplink_channel
    assert np.all(np.abs(found - FULL[..., 0][:, [2, 0, 1]]) < 1e-3 * np.abs(FULL).max())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("mat",), "axes: got nothing"),
        (("sionna",), "direction: got nothing"),
        (("mat", "--axes", "K M A T", "--option", "beams"), "--option"),
        (("mat", "--axes", "K M A T", "--option", "beams=3"), "beams"),
        (("matlab",), "kind: got matlab"),
    ],
)
def test_refusals(tmp_path, words, said):
    scipy.io.savemat(tmp_path / "h.mat", {"H": FULL})
    assert said in call(words[0], tmp_path / "h.mat", *words[1:], "--out", tmp_path / "net.npz", code=2).stderr
    assert not (tmp_path / "net.npz").exists()
