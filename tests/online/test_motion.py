"""Channels that move as they should: correlation, power, places, keys of what is drawn."""

import jax
import numpy as np
import pytest
from scipy.special import j0

import trinode as tn
from trinode import online
from trinode.channels.traced import TracedChannels
from trinode.errors import FileFormatError, InputError

SIZES = {"terminals": 3, "access_points": 4, "ap_antennas": 2, "terminal_antennas": 5, "radar_antennas": 6}


@jax.jit
def older(channel, rho, slot, size):
    return online.aged(channel, rho, jax.random.key(1), slot, size=size)


@pytest.fixture(scope="module")
def network():
    return tn.draw("latency", seed=2, serving=2, **SIZES)


def test_the_correlation_is_that_of_clarke():
    speed, carrier, slot = 30 / 3.6, 1.9e9, 1e-3
    np.testing.assert_allclose(
        online.correlation(speed, slot, carrier), j0(2 * np.pi * speed * carrier / 299792458 * slot), rtol=1e-12
    )
    assert online.correlation(0.0, 1.0) == 1.0
    with pytest.raises(InputError, match="speed_m_s"):
        online.correlation(-1.0, 0.1)


def test_ageing_keeps_power_and_forgets_as_it_should():
    rho, size = 0.8, 3.0
    h = size * (np.random.default_rng(0).normal(size=(40, 30, 2)) @ [1, 1j]) / np.sqrt(2)
    slots = [h]
    for slot in range(1, 4):
        slots.append(np.asarray(older(slots[-1], rho, slot, size)))
    power = [np.mean(np.abs(one) ** 2) for one in slots]
    np.testing.assert_allclose(power, size**2, rtol=0.1)
    lag = [np.mean(one * h.conj()).real / np.mean(np.abs(h) ** 2) for one in slots]
    np.testing.assert_allclose(lag, rho ** np.arange(4), atol=0.06)
    np.testing.assert_array_equal(older(h, 1.0, 7, size), h)


def test_what_is_drawn_depends_on_seed_slot_and_indices_alone():
    small, large = np.zeros((40, 3), complex), np.zeros((40, 30), complex)
    one, other = (older(h, 0.0, 3, 1.0) for h in (small, large))
    np.testing.assert_array_equal(one, other[:, :3])
    assert not np.any(np.asarray(other) == np.asarray(older(large, 0.0, 4, 1.0)))


def test_networks_age_and_stay_networks(network):
    moved = list(online.ageing(network, 3, speed_m_s=2.0, slot_s=0.01, seed=4))
    again = list(online.ageing(network, 3, speed_m_s=2.0, slot_s=0.01, seed=4))
    assert moved[0] is network
    for one, other in zip(moved, again):
        np.testing.assert_array_equal(one.uplink_channel, other.uplink_channel)
        assert not np.any(np.einsum("kkrt->krt", np.asarray(one.terminal_channel)))
    assert not np.allclose(moved[2].uplink_channel, moved[1].uplink_channel)
    still = list(online.ageing(network, 2, speed_m_s=0.0))
    np.testing.assert_allclose(still[1].uplink_channel, network.uplink_channel, rtol=1e-14)


def test_few_paths_stay_few():
    network = tn.draw("energy", seed=3, terminals=2, ap_antennas=9, terminal_antennas=8, radar_antennas=7)
    moved = list(online.ageing(network, 3, speed_m_s=9.0))[-1]
    assert not np.allclose(moved.uplink_channel, network.uplink_channel)
    before, after = (np.linalg.matrix_rank(one.uplink_channel, rtol=1e-9) for one in (network, moved))
    np.testing.assert_array_equal(after, before)
    both = np.concatenate([network.uplink_channel, moved.uplink_channel], axis=2)
    np.testing.assert_array_equal(np.linalg.matrix_rank(both, rtol=1e-9), before)
    assert moved.uplink_rank == network.uplink_rank


def test_way_points_are_walked_at_the_speed_inside_the_area():
    start = np.array([[1.0, 2.0], [19.0, 30.0], [0.5, 0.5]])
    path = online.way_points(start, 400, speed_m_s=2.5, slot_s=0.2, area_m=(20.0, 30.0), seed=3)
    assert path.shape == (400, 3, 2)
    np.testing.assert_array_equal(path[0], start)
    step = np.linalg.norm(np.diff(path, axis=0), axis=2)
    assert step.max() <= 0.5 * (1 + 1e-9)
    assert np.median(step) == pytest.approx(0.5), "straight on most of the way"
    assert np.all(path >= 0)
    assert np.all(path <= [20.0, 30.0])
    fewer = online.way_points(start[:2], 400, speed_m_s=2.5, slot_s=0.2, area_m=(20.0, 30.0), seed=3)
    np.testing.assert_allclose(fewer, path[:, :2])


def test_walking_follows_the_path_gains(network):
    slots = list(online.walking(network, 3, speed_m_s=0.0, slot_s=1.0, params={"serving": 2} | SIZES))
    np.testing.assert_allclose(slots[2].uplink_channel, network.uplink_channel, rtol=1e-9)
    away = list(online.walking(network, 2, speed_m_s=50.0, slot_s=1.0, carrier_hz=0.0, params={"serving": 2} | SIZES))
    moved = np.linalg.norm(away[1].terminal_position_m - network.terminal_position_m, axis=1)
    assert np.all(moved > 1)
    values = tn.parameters("latency", {"serving": 2} | SIZES)
    from trinode.online.latency import path_gain

    gain = [
        path_gain(values, np.linalg.norm(one.terminal_position_m[:, None] - one.ap_position_m[None], axis=2))
        for one in away
    ]
    ratio = np.linalg.norm(away[1].uplink_channel, axis=(2, 3)) / np.linalg.norm(network.uplink_channel, axis=(2, 3))
    np.testing.assert_allclose(ratio**2, gain[1] / gain[0], rtol=1e-9)
    with pytest.raises(InputError, match="network"):
        next(online.walking(tn.draw("fairness", terminals=2, access_points=3), 2, speed_m_s=1.0))


def test_tracks_are_read_as_written_and_held_between_frames(tmp_path, network):
    def frame(turn):
        return TracedChannels(
            uplink_channel=np.asarray(network.uplink_channel) * np.exp(1j * turn),
            terminal_channel=np.asarray(network.terminal_channel),
            terminal_position_m=np.asarray(network.terminal_position_m) + turn,
            ap_position_m=np.asarray(network.ap_position_m),
            carrier_hz=3.5e9,
        )

    online.write_track(tmp_path / "track.npz", [frame(0.0), frame(1.0)], [5.0, 5.02])
    track = online.read_track(tmp_path / "track.npz")
    np.testing.assert_array_equal(track.time_s, [5.0, 5.02])
    np.testing.assert_array_equal(track.frames[1].uplink_channel, frame(1.0).uplink_channel)
    slots = list(online.along(track, 4, slot_s=0.01, serving=2))
    assert slots[0] is slots[1]
    assert slots[2] is slots[3]
    np.testing.assert_array_equal(slots[2].uplink_channel, frame(1.0).uplink_channel)
    np.testing.assert_array_equal(slots[2].echo_gain, slots[0].echo_gain)
    with pytest.raises(InputError, match="time_s"):
        online.write_track(tmp_path / "track.npz", [frame(0.0), frame(1.0)], [1.0, 1.0])
    with pytest.raises(FileFormatError):
        online.read_track(tmp_path / "none.npz")
