"""Mobile networks from files: read or refused by name, decided, drawn; the command that does it."""

import json

import numpy as np
import pytest
import xarray
from typer.testing import CliRunner

import trinode as tn
from trinode.cli.main import app
from trinode.errors import FileFormatError
from trinode.experiments import mobility

FILE = """\
system: fairness
slots: 4
speed_kmh: 3
slot_s: 0.01
budget_s: 5
seed: 3
fixed:
  terminals: 5
  access_points: 7
  ap_antennas: 2
"""


def test_the_command_decides_draws_and_tells(tmp_path):
    (tmp_path / "mobility.yaml").write_text(FILE)
    words = ["run", str(tmp_path / "mobility.yaml"), "--out", str(tmp_path / "out"), "--json"]
    ended = CliRunner().invoke(app, words)
    assert ended.exit_code == 0, ended.output
    told = json.loads(ended.stdout)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "mobility.nc",
        "mobility.csv",
        "mobility.pdf",
        "mobility.png",
    }
    dataset = xarray.load_dataset(tmp_path / "out" / "mobility.nc", engine="scipy")
    first = tn.draw("fairness", 3, terminals=5, access_points=7, ap_antennas=2)
    networks = list(tn.online.ageing(first, 4, speed_m_s=3 / 3.6, slot_s=0.01, seed=3))
    anew = [float(tn.evaluate(one, tn.solve(one), bound=False).objective) for one in networks]
    np.testing.assert_allclose(dataset.anew, anew, rtol=1e-9)
    np.testing.assert_allclose(dataset.objective, anew, rtol=1e-6)
    np.testing.assert_allclose(dataset.bound, [float(tn.bound(one)) for one in networks], rtol=1e-9)
    assert np.all(dataset.carried[1:] > dataset.objective[1:])
    np.testing.assert_allclose(dataset.time_s, [0, 0.01, 0.02, 0.03])
    assert told["summary"]["slots"] == 3
    assert told["summary"]["missed"] == 0
    assert abs(told["summary"]["gap_to_anew"]) < 1e-6
    assert 0 <= told["summary"]["gap_to_bound"] < 1e-4


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("speed_kmh", "sped_kmh"), "speed_kmh"),
        (("system: fairness", "system: fair"), "system"),
        (("slots: 4", "slots: 1"), "slots"),
        (("slots: 4", "slots: 4\nmotion: track"), "track"),
        (("slots: 4", "slots: 4\nmotion: walking"), "motion"),
        (("terminals: 5", "terminal: 5"), "fixed.terminal"),
    ],
)
def test_wrong_files_are_refused_by_line_and_field(tmp_path, change, said):
    (tmp_path / "mobility.yaml").write_text(FILE.replace(*change))
    with pytest.raises(FileFormatError, match=f"line .*{said}"):
        mobility.read_mobility(tmp_path / "mobility.yaml")
