"""``trinode region`` and the tables of the system."""

import json

import pytest
from typer.testing import CliRunner

from trinode.cli.main import app

SMALL = ["terminals=5", "access_points=3", "ap_antennas=6", "targets=2", "pilots=4", "directions=61"]
SETTINGS = [part for text in SMALL for part in ("--set", text)]


def invoke(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_a_region_as_json_with_its_picture(tmp_path):
    result = invoke("region", *SETTINGS, "--points", 3, "--json", "--plot", tmp_path)
    assert result.exit_code == 0, result.output
    (one,) = json.loads(result.output)["regions"]
    rates = [point["sum_rate"] for point in one["points"]]
    assert len(rates) == 3
    assert rates == sorted(rates)
    assert one["rate_at_s_min"] == rates[0]
    assert one["r_max"] == rates[-1] <= one["bound"]
    assert (tmp_path / "region-front.png").stat().st_size > 3000


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (("--points", 1, *SETTINGS), "points"),
        (("--by", "luck", *SETTINGS), "by"),
        (("--access-points", "5"), "--access-points"),
        (("--access-points", "4", "--set", "ap_antennas=3"), "--set"),
    ],
)
def test_what_cannot_be(arguments, named):
    result = invoke("region", *arguments)
    assert result.exit_code == 2
    assert named in result.stderr


@pytest.mark.parametrize(
    ("asked", "stated"),
    [("pattern_mse_max=0.01", "pattern_mse_min"), ("detection_probability_min=0.999999", "detection_probability_max")],
)
def test_an_infeasible_requirement_states_what_could_be_met(asked, stated):
    result = invoke("solve", "region", *SETTINGS, "--set", asked, "--scheme", "sensing")
    assert result.exit_code == 0, result.output
    assert "infeasible" in result.output
    assert f"{stated} = 0." in result.output
