"""Ready problems, each made of public parts only: to be used, and to be read as examples of how one is written.

Channels are amplitudes and powers are in watt. K users, M access points, A antennas of each, R antennas of a user, Q
targets. Precoders of an answer are (M, S, A) where a channel has an axis of access points and (S, A) where it has
none; streams of a user stand beside each other, users in order, streams without data last.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from trinode.compose.angle_echo import AngleEcho
from trinode.compose.detection import Detection
from trinode.compose.downlink import Downlink
from trinode.compose.expression import largest, log1p, number, smallest, total
from trinode.compose.illumination import Illumination
from trinode.compose.offloading import Offloading
from trinode.compose.part import real
from trinode.compose.problem import Maximize, Minimize, Problem
from trinode.compose.secrecy import Secrecy
from trinode.compose.target_echo import TargetEcho
from trinode.compose.uplink import Uplink
from trinode.errors import InputError

__all__ = [
    "angle_bound",
    "detection",
    "energy_efficiency",
    "fair_joint",
    "illumination",
    "max_min_sinr",
    "min_power",
    "offloading",
    "robust_min_power",
    "secure_offloading",
    "sum_rate",
]


def max_min_sinr(channel: Any, noise_w: Any, max_power_w: Any) -> Problem:
    """Serve the worst user of a downlink best.

    Parameters
    ----------
    channel : (K, M, A) complex
        User k hears ``sum_m channel[k, m] @ x_m``.
    noise_w : float or (K,)
        W.
    max_power_w : (M,) or float
        Of each access point, or of all together, W.
    """
    air = Downlink(channel, noise_w, max_power_w)
    return Problem(Maximize(smallest(air.sinr)))


def illumination(
    channel: Any, target: Any, noise_w: Any, max_power_w: Any, sinr_min: Any, sensing_streams: int = 1
) -> Problem:
    """Shine on the darkest target while every user keeps its SINR.

    Parameters
    ----------
    channel : (K, M, A) complex
        As in :func:`max_min_sinr`.
    target : (Q, M, A) complex
        Target q receives ``sum over m and streams of abs(conj(target[q, m]) . w_ms)**2``.
    noise_w : float or (K,)
        W.
    max_power_w : (M,) or float
        W.
    sinr_min : float or (K,)
        Linear.
    sensing_streams : int
        Streams without data, for the targets alone.
    """
    air = Downlink(channel, noise_w, max_power_w, sensing_streams=sensing_streams)
    radar = Illumination(air, target)
    return Problem(Maximize(smallest(radar.illumination_w)), [air.sinr >= sinr_min])


def sum_rate(channel: Any, noise_w: Any, max_power_w: Any, streams: int, weights: Any = None) -> Problem:
    """Send as much as possible, bit/s/Hz, interference taken as noise and nothing decoded one after another.

    Parameters
    ----------
    channel : (K, R, A) complex
        From one transmitter.
    noise_w : float or (K,)
        Per receive antenna, W.
    max_power_w : float
        W.
    streams : int
        Of each user.
    weights : (K,), optional
        Of the users.
    """
    air = Downlink(channel, noise_w, max_power_w, streams=streams, axes="user user_antenna ap_antenna")
    return Problem(Maximize(total(air.rate, weights)))


def min_power(channel: Any, noise_w: Any, sinr_min: Any) -> Problem:
    """Spend as little power as possible on given SINRs.

    Parameters
    ----------
    channel : (K, M, A) or (K, A) complex
        As in :func:`max_min_sinr`, or from one transmitter.
    noise_w : float or (K,)
        W.
    sinr_min : float or (K,)
        Linear.
    """
    air = Downlink(channel, noise_w)
    return Problem(Minimize(total(air.power_w)), [air.sinr >= sinr_min])


def robust_min_power(channel: Any, error_norm: Any, noise_w: Any, sinr_min: Any) -> Problem:
    """Spend as little power as possible on SINRs that hold whatever the errors of channel knowledge.

    Parameters
    ----------
    channel : (K, M, A) or (K, A) complex
        As in :func:`min_power`, as it is known.
    error_norm : float or (K,)
        The true channel of a user differs from it by at most this norm.
    noise_w : float or (K,)
        W.
    sinr_min : float or (K,)
        Linear.
    """
    air = Downlink(channel, noise_w, error_norm=error_norm)
    return Problem(Minimize(total(air.power_w)), [air.sinr >= sinr_min])


def fair_joint(
    channel: Any,
    echo_channel: Any,
    clutter_channel: Any,
    noise_w: Any,
    echo_noise_w: Any,
    max_antenna_power_w: Any,
    weight: float,
) -> Problem:
    """Serve the worst user and the worst target of one transmitter, no stream but the users'.

    Parameters
    ----------
    channel : (K, A) complex
        To users of one antenna.
    echo_channel, clutter_channel : (Q, R, A) and (C, R, A) complex
        Two-way channels of targets and clutter.
    noise_w : float or (K,)
        At the users, W.
    echo_noise_w : float
        Per antenna of the radar receiver, W.
    max_antenna_power_w : (A,) or float
        Of each antenna, W.
    weight : float
        Of ``min_q ln(1 + SCNR_q)`` beside ``min_k ln(1 + SINR_k)``.
    """
    limit = np.broadcast_to(np.asarray(max_antenna_power_w, float), np.shape(channel)[1:])
    air = Downlink(channel, noise_w, limit, axes="user ap_antenna")
    radar = TargetEcho(air, echo_channel, clutter_channel, echo_noise_w)
    return Problem(Maximize(smallest(log1p(air.sinr)) + weight * smallest(log1p(radar.scnr))))


def angle_bound(
    channel: Any,
    response: Any,
    derivative: Any,
    noise_w: Any,
    max_power_w: Any,
    sinr_min: Any,
    amplitude: Any,
    echo_noise_w: Any,
    samples: Any = 1.0,
    sensing_streams: int = 1,
) -> Problem:
    """Let the angle of a target be told as well as possible while every user keeps its SINR.

    Parameters
    ----------
    channel : (K, A) complex
        To users of one antenna.
    response, derivative : (R, A) complex
        From the transmitter over the target to the receiver, and its derivative by the angle;
        ``tn.AngleEcho.lines(angle_rad, R, A)`` gives both for line arrays.
    noise_w : float or (K,)
        At the users, W.
    max_power_w : float or (A,)
        Of all antennas together, or of each, W.
    sinr_min : float or (K,)
        Linear.
    amplitude : complex
        Of the two-way path to the target.
    echo_noise_w : float
        Per antenna of the radar receiver, W.
    samples : float
        Independent samples of what is sent.
    sensing_streams : int
        Streams without data, for the target alone.
    """
    air = Downlink(channel, noise_w, max_power_w, sensing_streams=sensing_streams, axes="user ap_antenna")
    radar = AngleEcho(air, response, derivative, amplitude, echo_noise_w, samples)
    return Problem(Minimize(radar.angle_bound), [air.sinr >= sinr_min])


def detection(
    channel: Any,
    echo_channel: Any,
    clutter_channel: Any,
    noise_w: Any,
    echo_noise_w: Any,
    max_power_w: Any,
    probability_min: Any,
    false_alarm: Any = 1e-6,
    model: str = "swerling-1",
    pulses: float = 1.0,
    sensing_streams: int = 1,
) -> Problem:
    """Give the worst user as high a rate as possible while every target is detected that surely.

    Parameters
    ----------
    channel : (K, A) complex
        To users of one antenna.
    echo_channel, clutter_channel : (Q, R, A) and (C, R, A) complex
        Two-way channels of targets and clutter, as in :func:`fair_joint`.
    noise_w : float or (K,)
        At the users, W.
    echo_noise_w : float
        Per antenna of the radar receiver, W.
    max_power_w : float or (A,)
        Of all antennas together, or of each, W.
    probability_min : float or (Q,)
        Least probability of detecting each target, below 1.
    false_alarm : float
        Probability of a false alarm.
    model : str
        ``steady`` or ``swerling-1``.
    pulses : float
        Echoes that are added in phase before one decision.
    sensing_streams : int
        Streams without data, for the targets alone.
    """
    air = Downlink(channel, noise_w, max_power_w, sensing_streams=sensing_streams, axes="user ap_antenna")
    radar = TargetEcho(air, echo_channel, clutter_channel, echo_noise_w)
    watch = Detection(pulses * radar.scnr, false_alarm, model)
    asked = real("probability_min", probability_min, radar.scnr.shape if np.ndim(probability_min) else (), 0.0)
    if not np.all(asked < 1):
        raise InputError("probability_min", probability_min, "probabilities below 1")
    # said of the exponent, which is as sharp next to 1 as elsewhere
    met = (watch.miss_exponent >= -np.log1p(-asked)).named("detection probability")
    return Problem(Maximize(smallest(air.rate)), [met])


def energy_efficiency(
    channel: Any,
    noise_w: Any,
    max_power_w: Any,
    circuit_w: Any,
    amplifier_efficiency: Any = 1.0,
    bandwidth_hz: Any = 1.0,
    rate_min_bps: Any = 0.0,
) -> Problem:
    """Carry as many bits per joule as possible.

    Parameters
    ----------
    channel : (K, M, A) or (K, A) complex
        As in :func:`max_min_sinr`, or from one transmitter.
    noise_w : float or (K,)
        W.
    max_power_w : (M,) or float
        Radiated by each access point, or by all together, W.
    circuit_w : float
        Spent whatever is sent, W; above 0.
    amplifier_efficiency : float
        Power that is radiated over power that amplifiers draw, at most 1.
    bandwidth_hz : float
        Hz.
    rate_min_bps : float or (K,)
        Of each user, bit/s.
    """
    circuit = real("circuit_w", circuit_w, (), 0.0, above=True)
    efficiency = real("amplifier_efficiency", amplifier_efficiency, (), 0.0, above=True)
    if efficiency > 1:
        raise InputError("amplifier_efficiency", float(efficiency), "a number above 0 and at most 1")
    air = Downlink(channel, noise_w, max_power_w, bandwidth_hz=bandwidth_hz)
    drawn = total(air.power_w) / float(efficiency) + number(circuit, "W")
    return Problem(Maximize(total(air.rate_bps) / drawn), [air.rate_bps >= rate_min_bps])


def offloading(
    channel: Any,
    noise_w: Any,
    max_power_w: Any,
    bandwidth_hz: Any,
    bits: Any,
    cycles_per_bit: Any,
    local_hz: Any = 0.0,
    edge_hz: Any = 0.0,
    cloud_hz: Any = 0.0,
    fronthaul_bps: Any = 0.0,
    serving: Any = None,
    receiver: str = "local",
) -> Problem:
    """Finish the last of all tasks as early as possible, each divided over its terminal, edge servers and a cloud.

    Parameters
    ----------
    channel : (K, M, A, T) complex
        Access point m hears ``sum_k channel[k, m] @ x_k``; it has an edge server.
    noise_w : float or (M,)
        Per antenna, W.
    max_power_w : float or (K,)
        Of each terminal, W.
    bandwidth_hz : float
        Hz.
    bits, cycles_per_bit : float or (K,)
        Of the tasks.
    local_hz : float or (K,)
        Processors of the terminals, cycle/s.
    edge_hz : float or (M,)
        Of the edge servers, cycle/s, shared by the tasks; one server where access points receive jointly.
    cloud_hz, fronthaul_bps : float, float or (M,)
        Of the cloud, cycle/s, and of the links to it, bit/s, both shared; 0 without one.
    serving : (K, M) bool, optional
        Which access points serve a terminal.
    receiver : {"local", "joint"}
        A stream per link, or one that access points receive together.
    """
    air = Uplink(channel, noise_w, max_power_w, bandwidth_hz, serving, receiver)
    work = Offloading(air.rate_bps, bits, cycles_per_bit, local_hz, edge_hz, cloud_hz, fronthaul_bps)
    return Problem(Minimize(largest(work.latency_s)))


def secure_offloading(
    channel: Any,
    eavesdropper_channel: Any,
    noise_w: Any,
    eavesdropper_noise_w: Any,
    max_power_w: Any,
    bandwidth_hz: Any,
    bits: Any,
    cycles_per_bit: Any,
    local_hz: Any = 0.0,
    edge_hz: Any = 0.0,
    artificial_noise: bool = True,
) -> Problem:
    """As :func:`offloading` to edge servers, with no more sent of a task than stays secret from an eavesdropper.

    Parameters
    ----------
    channel : (K, M, A, T) complex
        As in :func:`offloading`.
    eavesdropper_channel : (K, E, T) complex
        From the terminals to the antennas of the eavesdropper.
    noise_w, eavesdropper_noise_w : float or (M,), float
        Per antenna, W.
    max_power_w : float or (K,)
        Of each terminal, W.
    bandwidth_hz : float
        Hz.
    bits, cycles_per_bit : float or (K,)
        Of the tasks.
    local_hz, edge_hz : float or (K,), float or (M,)
        Processors of terminals and edge servers, cycle/s.
    artificial_noise : bool
        Whether each terminal may send a stream without data that disturbs the eavesdropper.
    """
    air = Uplink(channel, noise_w, max_power_w, bandwidth_hz, sensing_stream=artificial_noise)
    secret = Secrecy(air, eavesdropper_channel, eavesdropper_noise_w)
    work = Offloading(secret.rate_bps, bits, cycles_per_bit, local_hz, edge_hz)
    return Problem(Minimize(largest(work.latency_s)))
