"""Nodes that are given a place: path losses follow, everything random besides stays."""

import numpy as np
import pytest

import trinode as tn
from trinode.errors import InputError
from trinode.systems.registry import system

ARRAYS = {"terminals": 3, "ap_antennas": 2, "terminal_antennas": 5, "radar_antennas": 6}
SIZES = {
    "latency": {**ARRAYS, "access_points": 4, "serving": 2},
    "threetier": {**ARRAYS, "access_points": 4},
    "region": {"terminals": 3, "access_points": 5, "ap_antennas": 2, "targets": 1, "pilots": 2, "directions": 7},
    "fairness": {"terminals": 3, "access_points": 4, "ap_antennas": 2},
    "energy": ARRAYS,
}


@pytest.mark.parametrize("name", SIZES)
def test_drawn_places_change_nothing_and_moved_ones_what_they_should(name):
    drawn = tn.draw(name, seed=1, **SIZES[name])
    places = {place: np.array(getattr(drawn, place)) for place in system(name).places}
    same = tn.draw(name, seed=1, **SIZES[name], **places)
    schema = system(name).scenario_schema
    for entry in schema:
        if getattr(drawn, entry) is not None:
            ours, theirs = np.asarray(getattr(same, entry)), np.asarray(getattr(drawn, entry))
            assert np.allclose(ours, theirs, rtol=1e-9, atol=1e-9 * np.abs(theirs).max(initial=0.0), equal_nan=True), (
                entry
            )
    places["terminal_position_m"][2, :2] += (31.0, -17.0)
    moved = tn.draw(name, seed=1, **SIZES[name], **places)
    assert np.array_equal(moved.terminal_position_m, places["terminal_position_m"])
    if name == "region":  # pilots, and so all estimates, hang together
        assert not np.allclose(moved.channel_estimate, same.channel_estimate)
        return
    axis = schema["uplink_channel"].dims.index("K")
    before, after = (np.moveaxis(np.asarray(one.uplink_channel), axis, 0) for one in (same, moved))
    assert np.array_equal(after[:2], before[:2])
    if name == "energy":  # directions change with places, and phases with directions
        assert not np.allclose(after[2], before[2])
        return
    ratio = after[2] / before[2]
    assert np.allclose(ratio.imag, 0, atol=1e-12)
    assert np.all(ratio.real > 0)
    assert not np.allclose(ratio, 1)


def test_places_that_are_none_are_refused():
    with pytest.raises(InputError, match=r"terminal_position_m: got shape \(2, 2\)"):
        tn.draw("fairness", terminal_position_m=[[0, 1], [2, 3]], **SIZES["fairness"])
    with pytest.raises(InputError, match="ap_position_m"):
        tn.draw("fairness", ap_position_m=[[np.nan, 1.0]] * 4, **SIZES["fairness"])
