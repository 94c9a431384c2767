"""Networks of one's own arrays: what is given is in them, what is left open is filled and listed, slips are told."""

import warnings

import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
from trinode import bring
from trinode.channels import Channels, ChannelWarning
from trinode.channels.bundled import load_bundled
from trinode.systems.declared import to_arrays
from trinode.systems.registry import system as find_system

K, M, A, T, S = 3, 4, 2, 5, 6
BITS = [2e6, 1e6, 5e5]


def rayleigh(*shape, seed=1):
    dice = np.random.default_rng(seed)
    return 1e-5 * (dice.standard_normal(shape) + 1j * dice.standard_normal(shape))


@pytest.fixture(scope="module")
def fairness():
    h = rayleigh(S, K, M, A)
    return h, tn.network("fairness", h, axes="S K M A", task_bits=BITS, bandwidth_hz=12e6)


def test_what_is_given_is_there_and_the_rest_is_listed(fairness):
    h, network = fairness
    np.testing.assert_array_equal(network.uplink_channel, h)
    np.testing.assert_array_equal(network.task_bits, BITS)
    assert network.terminal_position_m is None
    params = find_system("fairness").Params()
    np.testing.assert_allclose(network.subcarrier_bandwidth_hz, 2e6)
    np.testing.assert_allclose(network.ap_noise_w, np.full(M, 10 ** (-174 / 10) * 1e-3 * 2e6), rtol=1e-12)
    np.testing.assert_array_equal(network.terminal_max_power_w, np.full(K, params.terminal_max_power_w))
    assert set(network.filled) == {
        "ap_noise_w",
        "terminal_max_power_w",
        "cycles_per_bit",
        "terminal_frequency_hz",
        "server_frequency_hz",
        "subcarrier_bandwidth_hz",
    }
    assert network.filled["cycles_per_bit"] == "filled: parameter cycles_per_bit"
    (row,) = [line for line in str(network).splitlines() if "server_frequency_hz" in line]
    assert row.split() == ["server_frequency_hz", "5", "GHz", "filled:", "parameter", "server_frequency_hz"]
    assert "left open, and filled: ap_noise_w, " in str(tn.check(network))


def test_a_change_is_checked_and_no_longer_listed(fairness):
    _, network = fairness
    other = network.with_(cycles_per_bit=300, task_bits=[1, 2, 3])
    np.testing.assert_array_equal(other.cycles_per_bit, [300.0, 300.0, 300.0])
    assert set(network.filled) - set(other.filled) == {"cycles_per_bit"}
    assert other.with_(cycles_per_bit=400).filled == other.filled
    assert tn.change(network, cycles_per_bit=300).filled == other.filled
    with pytest.raises(tn.InputError, match="task_bits: got shape"):
        network.with_(task_bits=[1.0, 2.0])
    with pytest.raises(tn.InputError, match="task_bit: got an unknown name; allowed: did you mean task_bits"):
        network.with_(task_bit=1.0)


def test_axes_are_named_in_any_order(fairness):
    h, network = fairness
    ways = [
        (h.transpose(2, 3, 1, 0), {"axes": "ap ap_antenna terminal subcarrier"}),
        (h.astype(np.complex64).transpose(3, 0, 1, 2), {"axes": "A S K M"}),
        (h[..., None], {"axes": "S K M A T"}),
        (h.transpose(0, 2, 3, 1).conj(), {"axes": "S M A K", "direction": "conjugated downlink"}),
        (Channels(h[..., None]), {}),
    ]
    for array, how in ways:
        other = tn.network("fairness", array, task_bits=BITS, bandwidth_hz=12e6, **how)
        np.testing.assert_allclose(other.uplink_channel, network.uplink_channel, rtol=1e-6)
        assert other.filled == network.filled
    with pytest.raises(tn.InputError, match="uplink_channel: got an array; allowed: nothing beside channels"):
        tn.network("fairness", h, uplink_channel=h)


SWAPPED = "task_bits: got terminal 3; allowed: 4, as the channel has terminal 4, ap 3, .*axes='ap terminal ap_antenna "


@pytest.mark.parametrize(
    ("system", "shape", "given", "said"),
    [
        ("latency", (M, K, A, T), {"task_bits": BITS}, SWAPPED),
        ("fairness", (M, K, A, 1), {"task_bits": BITS, "axes": "K M A T"}, SWAPPED),
        ("latency", (K, M, A, T), {"ap_max_power_w": np.ones(7)}, "ap_max_power_w: got ap 7; allowed: 4"),
        ("fairness", (S, K, M, A), {}, "axes: .*(6, 3, 4, 2).*axes='subcarrier terminal ap ap_antenna'"),
        ("energy", (K, A, T), {}, "axes: .*axes='terminal ap_antenna terminal_antenna'"),
        ("region", (M, K, A), {}, "axes: .*axes='ap terminal ap_antenna'"),
        ("latency", (K, M), {}, "axes: .*a name for each of its axes"),
        ("latency", (K, M, A), {"terminal_position_m": [1, 2, 3]}, "terminal_position_m: got shape"),
        ("latency", (K, M, A), {"ap_position_m": np.ones((K, 2))}, "ap_position_m: got ap 3; allowed: 4"),
        ("latency", (S, K, M, A), {"axes": "S K M A"}, "channels: got 6 subcarriers; allowed: one: subcarrier=0"),
        ("latency", (K, M, A), {"noise": 1e-13}, "noise: .*did you mean ap_noise_w"),
        ("latency", (K, M, A), {"server_frequency_hz": 1e9}, "server_frequency_hz: .*but fairness has"),
        ("latency", (K, M, A), {"terminal_max_power_dbm": 23}, "did you mean terminal_max_power_w"),
        ("fairness", (K, M, A), {"subcarrier_bandwidth_hz": 1e6}, "subcarrier_bandwidth_hz: .*ap_noise_w too"),
    ],
)
def test_what_does_not_go_together_is_refused_with_what_would(system, shape, given, said):
    with pytest.raises(tn.InputError, match=said.replace("(6", r"\(6").replace("2)", r"2\)")):
        tn.network(system, rayleigh(*shape), **given)
    with pytest.raises(tn.InputError, match="bare gains"):
        tn.network("latency", Channels(rayleigh(1, K, M, A, T), relative_to_noise=True))
    with pytest.raises(tn.InputError, match=r"channels: got net\.npz; allowed: an array, or what "):
        tn.network("latency", "net.npz")
    with pytest.raises(tn.InputError, match="axes: got K M; allowed: nothing without channels"):
        tn.network("latency", axes="K M")


def test_slips_are_warned_of_by_name_and_silenced(fairness):
    h, _ = fairness
    with pytest.warns(ChannelWarning, match="^dbm-for-watt: terminal_max_power_w: 23 W for one terminal; 23 dBm would"):
        tn.network("fairness", h, axes="S K M A", terminal_max_power_w=23)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tn.network("fairness", h, axes="S K M A", terminal_max_power_w=23, silence=["dbm-for-watt"])


def test_an_own_echo_follows_the_carrier_of_the_channels():
    h = rayleigh(K, A, T)
    small = {"radar_antennas": 7, "axes": "K A T"}
    one, other = (tn.network("energy", h, carrier_hz=hertz, **small) for hertz in (10e9, 20e9))
    np.testing.assert_array_equal(one.uplink_channel, h)
    assert one.echo_channel.shape == (K, K, 7, T)
    np.testing.assert_allclose(np.abs(one.echo_channel), 2 * np.abs(other.echo_channel), rtol=1e-9)


def test_terminals_hear_each_other_as_at_their_places():
    """And servers are the strongest access points; a number that is an array and a parameter is both."""
    h, ap = rayleigh(K, 2, A, T), np.array([[0.0, 0, 10], [90, 0, 10]])
    place = np.array([[0.0, 0, 1], [3, 0, 1], [150, 0, 1]])
    given = {"terminal_position_m": place, "ap_position_m": ap, "radar_antennas": 6, "bandwidth_hz": 5e6}
    network = tn.network("latency", h, task_bits=BITS, sensing_sinr_min_db=3.0, **given)
    heard = np.linalg.norm(network.terminal_channel, axis=(2, 3))
    assert network.terminal_channel.shape == (K, K, 6, T)
    assert heard[0, 1] > 30 * heard[0, 2] > 0
    np.testing.assert_array_equal(network.terminal_position_m, place)
    assert network.serving.all()
    np.testing.assert_allclose(network.ap_noise_w, 1.380649e-23 * 290 * 5e6 * 10**0.9, rtol=1e-3)
    np.testing.assert_allclose(network.sensing_sinr_min, 10**0.3)
    assert not {"sensing_sinr_min", "bandwidth_hz", "terminal_position_m"} & set(network.filled)
    assert {"serving", "terminal_channel", "echo_gain"} <= set(network.filled)


@pytest.mark.slow
def test_region_hears_the_conjugate_of_the_uplink():
    """With a pilot for each terminal, estimates are off by noise and by the paths over targets alone."""
    h, dice = rayleigh(K, M, A), np.random.default_rng(2)
    places = {"terminal_position_m": dice.uniform(0, 2e3, (K, 2)), "ap_position_m": dice.uniform(0, 2e3, (M, 2))}
    network = tn.network("region", h, axes="K M A", directions=7, targets=2, **places)
    wanted, found = h.conj().swapaxes(0, 1), np.asarray(network.channel_estimate)
    assert np.linalg.norm(found - wanted) < 0.05 * np.linalg.norm(wanted)
    np.testing.assert_array_equal(network.ap_position_m, places["ap_position_m"])
    assert network.error_covariance.shape == (M, M, K, A, A)
    assert {"error_covariance", "direction_rad", "pattern_mse_max"} <= set(network.filled)


def test_traced_channels_make_the_network_that_they_always_made():
    traced = load_bundled("munich", 3)
    wanted, found = (to_arrays(make(), find_system("fairness").scenario_schema) for make in (
        lambda: tn.from_channels(traced, "fairness", task_bits=5e3),
        lambda: tn.network("fairness", traced, task_bits=5e3),
    ))  # fmt: skip
    assert wanted.keys() == found.keys()
    for name, value in wanted.items():
        np.testing.assert_array_equal(found[name], value, err_msg=name)


def test_without_channels_all_but_the_given_is_drawn():
    network = tn.network("fairness", seed=2, cycles_per_bit=jnp.asarray([1.0, 2.0, 3.0]), access_points=M)
    assert network.uplink_channel.shape == (1, K, M, 1)
    assert network.filled["uplink_channel"] == "filled: parameters, seed 2, trial 0"
    np.testing.assert_array_equal(network.cycles_per_bit, [1, 2, 3])
    np.testing.assert_array_equal(
        network.uplink_channel, tn.draw("fairness", 2, terminals=K, access_points=M).uplink_channel
    )


def test_a_number_of_servers_is_no_array_of_them():
    latency = find_system("latency")
    assert bring._sorted_out(latency, {"serving": 2}) == ({}, {"serving": 2})
    assert bring._sorted_out(latency, {"serving": True})[0] == {"serving": True}
