"""Channels once they are read: every system's order of axes, on sizes that all differ."""

import numpy as np
import pytest

import trinode as tn
from trinode.channels.imported import SYSTEMS, Channels
from trinode.errors import InputError

S, K, M, A, T = 1, 4, 3, 5, 2


def made(**fields):
    rng = np.random.default_rng(0)
    return Channels(rng.normal(size=(S, K, M, A, T)) + 1j * rng.normal(size=(S, K, M, A, T)), **fields)


def test_every_system_gets_its_order():
    channels = made()
    full = channels.array[0]
    np.testing.assert_array_equal(channels.for_system("latency"), full)
    np.testing.assert_array_equal(channels.for_system("threetier"), full)
    np.testing.assert_array_equal(channels.for_system("fairness", terminal_antenna=1), full[None, ..., 1])
    np.testing.assert_array_equal(channels.for_system("energy", ap=2), full[:, 2])
    downlink = channels.for_system("region", noise_w=1e-4, terminal_antenna=0)
    np.testing.assert_allclose(downlink, full[..., 0].transpose(1, 0, 2).conj() * 100, rtol=1e-15)
    np.testing.assert_array_equal(channels.ordered("T A M K"), full.transpose(3, 2, 1, 0))


def test_systems_are_those_of_their_files():
    for name, order in SYSTEMS.items():
        fields = tn.system(name).scenario_schema
        field = fields["channel_estimate" if name == "region" else "uplink_channel"]
        assert (
            made().ordered(order, ap=0, terminal_antenna=0).shape
            == made().ordered(" ".join(field.dims), ap=0, terminal_antenna=0).shape
        )


def test_what_is_left_out_is_chosen():
    with pytest.raises(InputError, match="ap: got 3 of them"):
        made().for_system("energy")
    with pytest.raises(InputError, match="ap: got 3"):
        made().for_system("energy", ap=3)
    for wrong in ("terminal user", "K K", ""):
        with pytest.raises(InputError, match="axes"):
            made().ordered(wrong)


def test_traced_becomes_a_network():
    where = np.arange(3.0 * K).reshape(K, 3)
    channels = made(carrier_hz=3.5e9, terminal_position_m=where, ap_position_m=where[:M] + 0.5)
    traced = channels.traced(radar_antennas=6)
    np.testing.assert_array_equal(traced.uplink_channel, channels.array[0])
    assert traced.terminal_channel.shape == (K, K, 6, T)
    with pytest.raises(InputError, match="carrier_hz"):
        made().traced()
    with pytest.raises(InputError, match="noise"):
        channels.replace(relative_to_noise=True).traced()
