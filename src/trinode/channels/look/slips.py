"""Slips that are often made with channels and units of one's own, each seen by a number that gives it away.

A slip is a function of what is :mod:`~trinode.channels.look.seen`: it returns the sentence for it, with the number, or
nothing. Limits are wide on purpose: networks as they are may be unusual, and what is said here is only a warning.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import comb

import numpy as np
import numpy.typing as npt

from trinode.channels.look.seen import Seen

LIGHT_M_S = 299_792_458.0
BOLTZMANN_J_K = 1.380649e-23
ROOM_K = 290.0


def db(value: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Decibels; of 0 minus infinity."""
    with np.errstate(divide="ignore"):
        return 10 * np.log10(np.asarray(value, dtype=float))


TERMINAL_POWER_W = 5.0
"""Phones radiate 0.2 W, the strongest class of terminals (fixed access) 2 W; 10 dBm, written as 10, is above it."""
AP_POWER_W = 2000.0
"""A macro base station takes about 1000 W from the mains; 46 dBm in milliwatt is 40 000."""
LEAST_POWER_RATIO = 300.0
"""A transmitted power over the noise of its receiver, at a gain of 1, is 1e7 (0.1 mW, -90 dBm) and more; in decibels it
is written as a number from 70 to 200."""


def dbm_for_watt(s: Seen) -> str:
    """Powers in dBm, or in milliwatt, where watt are meant; over the noise, decibels where a ratio is meant."""
    for who, names, most in (
        ("terminal", ("terminal_max_power_w",), TERMINAL_POWER_W),
        ("access point", ("ap_max_power_w",), AP_POWER_W),
    ):
        power = s.get(*names)
        if power is not None and power.max(initial=0.0) > most:
            largest = power.max()
            watt = f"{largest:g} dBm would be {1e-3 * 10 ** (largest / 10):.3g} W, " if largest < 100 else ""
            return f"{names[0]}: {largest:g} W for one {who}; {watt}{largest:g} mW would be {largest / 1e3:.3g} W"
    ratio = s.get("ap_power")
    if ratio is not None and 10 < ratio.max(initial=0.0) < LEAST_POWER_RATIO and np.median(db(_best_snr(s))) < -40:
        return (
            f"ap_power: {ratio.max():g} times the noise, and so an SNR of {np.median(db(_best_snr(s))):.0f} dB at the "
            f"strongest link; {ratio.max():g} dB would be {10 ** (ratio.max() / 10):.3g}"
        )
    return ""


LEAST_NOISE = 0.1
"""No receiver at room temperature has less than once the thermal noise of its band; a tenth leaves room for cold ones.
Per hertz it is less by the bandwidth, 1e4 and more."""


def density_for_noise(s: Seen) -> str:
    """A noise power density (W/Hz) where the power in the band (W) is meant."""
    band = s.get("subcarrier_bandwidth_hz", "bandwidth_hz")
    for name in ("ap_noise_w", "radar_noise_w"):
        noise = s.get(name)
        if noise is None or band is None:
            continue
        thermal = BOLTZMANN_J_K * ROOM_K * float(band)
        if noise.min() < LEAST_NOISE * thermal:
            below = db(thermal) - db(noise.min())
            return (
                f"{name}: {noise.min():.3g} W, {below:.0f} dB below the thermal noise of {float(band):.3g} Hz "
                f"({thermal:.2g} W); a density in W/Hz has to be multiplied by the bandwidth"
            )
    return ""


def gain_above_0_db(s: Seen) -> str:
    """Channels that hand on more power than they are given."""
    if s.over_noise or not s.gain.max(initial=0.0) > 1:
        return ""
    k, m = np.unravel_index(np.argmax(s.gain), s.gain.shape)
    return (
        f"the channel of terminal {k} to access point {m} has a gain of {db(s.gain.max()):+.1f} dB, and no path gains "
        "power; amplitudes without a unit are meant, not decibels, and not over the noise"
    )


EQUAL = 1e-5
"""Relative spread of the norms of links from which on they count as different; single precision has 1e-7."""
NEAR_DB = -25.0
"""Gain between two antennas 1.4 wavelengths apart; a network of which half of the terminals are nearer is none."""


def no_path_loss(s: Seen) -> str:
    """Channels that were scaled to unit norm or unit variance: what makes one link stronger than another is gone."""
    if s.over_noise or not s.linked.any():
        return ""
    gains = {"links": s.gain[s.linked]}
    if s.gain.shape[1] > 1:
        gains["terminals, over all access points,"] = s.gain.sum(axis=1)[s.linked.any(axis=1)]
    for what, each in gains.items():
        if len(each) > 1 and np.ptp(each) < EQUAL * each.max():
            return (
                f"the norms of all {what} are equal ({np.sqrt(each.max()):.3g} an antenna pair): the path loss is gone"
            )
    typical = np.median(db(s.gain[s.linked]))
    if typical > NEAR_DB:
        return (
            f"half of the links have a gain above {typical:.1f} dB, that of antennas within 1.4 wavelengths: channels "
            "of unit variance need their path loss"
        )
    return ""


WEAKEST_DB = -160.0
"""20 dB below what 1 W over a band of 10 MHz still brings above -30 dB at a receiver; gains that were squared are twice
as many decibels, from -80 on."""
BELOW_FREE_SPACE_DB = 60.0
"""Buildings take some 30 dB from the strongest link of a terminal; a gain of -70 that was squared is 70 dB less."""
COMMON_HZ = 3e9
"""Where no carrier is known."""


def power_for_amplitude(s: Seen) -> str:
    """Power gains where amplitudes are meant, so that every decibel of the channel counts twice."""
    if s.over_noise or not s.strongest.size:
        return ""
    typical = float(np.median(db(s.strongest)))
    if typical < WEAKEST_DB:
        return (
            f"half of the terminals hear no access point with more than {typical:.0f} dB: is it power, not amplitude?"
        )
    free = _strongest_in_free_space_db(s, s.carrier_hz or COMMON_HZ)
    if free is not None and (below := float(np.median(free - db(s.strongest)))) > BELOW_FREE_SPACE_DB:
        return f"strongest links are {below:.0f} dB below free space ({typical:.0f} dB): is it power, not amplitude?"
    return ""


LOWEST_HZ = 300e6
"""Free space at this carrier is the largest gain that a network may have where its own carrier is not known."""
ABOVE_FREE_SPACE_DB = 6.0
"""A street canyon, or an antenna that is no point, may be a little above free space."""
STRONGEST_DB = -45.0
"""Free space over 1 m at 4.2 GHz."""


def amplitude_for_power(s: Seen) -> str:
    """A root too many: amplitudes taken for powers, so that every decibel of the channel counts half."""
    if s.over_noise or not s.strongest.size:
        return ""
    typical = float(np.median(db(s.strongest)))
    known = s.carrier_hz
    free = _strongest_in_free_space_db(s, known or LOWEST_HZ)
    if free is not None:
        above = float(np.median(db(s.strongest) - free))
        at = f"{known:.3g} Hz" if known else f"{LOWEST_HZ:.0e} Hz, where it loses least"
        if above > (ABOVE_FREE_SPACE_DB if known else 0.0):
            return (
                f"strongest links are {above:.0f} dB above free space at {at} ({typical:.0f} dB): is a root too many?"
            )
    elif NEAR_DB >= typical > STRONGEST_DB:
        return f"half of the terminals are reached with more than {typical:.0f} dB, as over 1 m: is a root too many?"
    return ""


LEAST_BAND_HZ = 1e3
"""Below the narrowest subcarriers in use (1.25 kHz, of broadcasts); 400 MHz, written as 400, is below it, too."""
LEAST_CARRIER_HZ = 1e7
LEAST_PROCESSOR_HZ = 1e5
"""Below the slowest processors (1 MHz); 10 GHz, written in megahertz, is 1e4."""
LEAST_LINE_BPS = 1e4
"""Below a telephone line (56 kbit/s); 10 Gbit/s, written in megabit, is 1e4."""
HERTZ = {
    "bandwidth_hz": LEAST_BAND_HZ,
    "subcarrier_bandwidth_hz": LEAST_BAND_HZ,
    "carrier_hz": LEAST_CARRIER_HZ,
    "fronthaul_max_bps": LEAST_LINE_BPS,
    "backhaul_bps": LEAST_LINE_BPS,
}


def mega_for_one(s: Seen) -> str:
    """Megahertz (or gigahertz, or megabits) where hertz (or bits) are meant."""
    for name in s.arrays:
        least = HERTZ.get(
            name, LEAST_PROCESSOR_HZ if name.endswith("frequency_hz") or name == "edge_capacity_hz" else 0.0
        )
        values = np.asarray(s.arrays[name], dtype=float) if least else np.zeros(0)
        values = values[values > 0]  # who has none has 0
        if values.size and values.min() <= least:
            unit = "bit/s" if name.endswith("bps") else "Hz"
            return f"{name}: {values.min():g} {unit}; {values.min():g} M{unit} would be {1e6 * values.min():.3g} {unit}"
    return ""


MOST_CYCLES = 2500.0
"""Cycles per bit. Papers have 10 to 1500; per byte they are eight times as many, and 400 are 3200."""


def bytes_for_bits(s: Seen) -> str:
    """Tasks in bytes with cycles per byte: computing is as it was, and the air has an eighth to carry."""
    for name in s.arrays:
        if not name.endswith("cycles_per_bit"):
            continue
        largest = np.asarray(s.arrays[name], dtype=float).max(initial=0.0)
        if largest > MOST_CYCLES:
            task = s.get("task_bits")
            bits = "" if task is None else f"; task_bits would then be {8 * task.max():.3g}, not {task.max():.3g}"
            return f"{name}: {largest:g} cycles for one bit; cycles per byte would be {largest / 8:g} per bit{bits}"
    return ""


ECHO_SHORT_DB = 20.0
"""By how much the best beams on their own must miss what is asked of an echo; loss that is counted twice costs 80 and
more."""


def echo_loss_twice(s: Seen) -> str:
    """Echoes that lose their path loss twice, so that no beam reaches what is asked."""
    snr, asked = _echo_snr(s), s.get("sensing_sinr_min")
    targets = s.get("target_echo_gain")
    if targets is not None and targets.size and (ratio := s.get("ap_power")) is not None:
        paired, symbols = s.arrays["target_paired"], float(s.arrays.get("downlink_symbols", np.nan))
        # what a full array collects over a coherence interval; below 0 dB nothing is detected
        snr, asked = (ratio[:, None] * targets * s.channel.shape[3] ** 2 * symbols)[paired], np.ones(1)
    if snr is None or asked is None or not np.any(asked > 0):
        return ""
    with np.errstate(invalid="ignore"):
        short = float(np.median((db(asked) - db(snr))[np.broadcast_to(asked, snr.shape) > 0]))
    if not short > ECHO_SHORT_DB:
        return ""
    best = float(np.median(db(snr)))
    return (
        f"echoes reach an SNR of {best:.0f} dB with all power in the best beam, {short:.0f} dB short of what is asked: "
        "is their loss there and back counted twice?"
    )


SIGHT_DB = 6.0
"""How far below free space a line of sight may be that interferes with a reflection."""
CHANCE = 1e-2
"""How likely at most arrays that lie in any other way look mirrored."""


def mirrored_angles(s: Seen) -> str:
    """Channels whose waves come from the mirror image of where the terminals are: conjugated, or arrays reversed.

    Only of channels, whose order of antennas is stated: a line along the y axis, first element at the smallest y, half
    a wavelength apart. In a network the same numbers may be those of an array that was turned around. Of arrays that
    lie otherwise nothing is said, as their waves come from neither.
    """
    if not s.lines:
        return ""
    toward, mirror = along_lines(s)
    count, mirrored = len(toward), (mirror > 0.5) & (toward < 0.1)
    straight = (toward > 0.5) & (mirror < 0.1)
    # where arrays lie in any other way, a link looks mirrored if its terminal is within one beam of A
    chance = min(1.3 / s.channel.shape[3], 1.0)
    if _at_least(int(mirrored.sum()), count, chance) > CHANCE or mirrored.sum() < 4 * straight.sum():
        return ""
    return (
        f"{mirrored.sum()} of {count} links bring {np.median(mirror[mirrored]):.0%} of their power from the mirror "
        f"image of their terminal, {straight.sum()} from where it is: conjugate the channel, or reverse the antennas "
        "(lines along y)"
    )


SWAPPED_LEAST = 0.6
SWAPPED_MORE = 0.4
"""Rank correlations of gain and nearness: in a city a network's own is from 0.3 on, that of a swapped one about 0."""
SWAPPED_REST = 0.6
"""Where gains follow distances closely, both may be high by chance: the part that distances leave unexplained tells."""


def swapped_terminals_and_aps(s: Seen) -> str:
    """Axes of terminals and access points swapped, which no shape tells where they are as many."""
    distance, gain = s.distance_m, s.gain
    if distance is None or gain.shape[0] != gain.shape[1] or gain.size < 9 or np.ptp(gain) == 0:
        return ""
    own, swapped = _rank_correlation(gain, -distance), _rank_correlation(gain.T, -distance)
    closer = gain.size >= 16 and 1 - swapped**2 < SWAPPED_REST * (1 - own**2)
    if swapped < SWAPPED_LEAST or not (closer or swapped > own + SWAPPED_MORE):
        return ""
    return (
        f"gains follow distances with terminals and access points swapped (rank correlation {swapped:.2f}), not as "
        f"they are ({own:.2f}); name the axes of the channel"
    )


def aligned_phases(s: Seen) -> str:
    """Links whose phases are all alike: delays were counted from the first path of each, or phases are lost."""
    if s.channel.size >= 7 and not np.any(s.channel.imag) and np.all(s.channel.real >= 0):
        return "no amplitude has a phase: are magnitudes, or powers, taken for amplitudes?"
    size, count = phase_alignment(s)
    # of so many independent links, this happens once in 1e4 networks and less
    if count < 7 or size <= min(0.95, (14 / count) ** 0.5):
        return ""
    return (
        f"phases of {count} links agree to {size:.2f} (1 is all equal): were delays counted from each link's first "
        "path (normalize_delays)? Access points cannot cooperate on them"
    )


SLIPS: dict[str, Callable[[Seen], str]] = {
    "dbm-for-watt": dbm_for_watt,
    "density-for-noise": density_for_noise,
    "gain-above-0-db": gain_above_0_db,
    "no-path-loss": no_path_loss,
    "power-for-amplitude": power_for_amplitude,
    "amplitude-for-power": amplitude_for_power,
    "mega-for-one": mega_for_one,
    "bytes-for-bits": bytes_for_bits,
    "echo-loss-twice": echo_loss_twice,
    "mirrored-angles": mirrored_angles,
    "swapped-terminals-and-aps": swapped_terminals_and_aps,
    "aligned-phases": aligned_phases,
}
"""Every slip by its name."""


def phase_alignment(s: Seen) -> tuple[float, int]:
    """Length of the mean of the phases of all links, each of length 1, and how many links there are.

    Taken at the first antennas, and at the middle of arrays (from both ends, so that where an array has its origin does
    not matter), whichever is longer. Of independent links it is about one over the root of their number.
    """
    first, last = s.channel[0, :, :, 0, 0], s.channel[0, :, :, -1, -1]
    lengths = []
    for each in (first, first * last):
        each = each[np.abs(each) > 0]
        lengths.append(abs(np.mean(each / np.abs(each))) if each.size else 0.0)
    return float(max(lengths)), int(s.linked.sum())


def _best_snr(s: Seen) -> npt.NDArray[np.float64]:
    """Of the strongest link of each terminal that has one."""
    return np.zeros(1) if s.snr is None else s.snr.max(axis=1)[s.linked.any(axis=1)]


def _strongest_in_free_space_db(s: Seen, carrier_hz: float) -> npt.NDArray[np.float64] | None:
    """Of the strongest link of each terminal that has one."""
    if s.distance_m is None:
        return None
    rows = np.flatnonzero(s.linked.any(axis=1))
    return free_space_db(s.distance_m[rows, s.gain.argmax(axis=1)[rows]], carrier_hz)


def free_space_db(distance_m: npt.NDArray[np.float64], carrier_hz: float) -> npt.NDArray[np.float64]:
    """Gain over free space; none is counted shorter than a wavelength."""
    wavelength = LIGHT_M_S / carrier_hz
    return 2 * db(wavelength / (4 * np.pi * np.maximum(distance_m, wavelength)))


def _echo_snr(s: Seen) -> npt.NDArray[np.float64] | None:
    """SNR of each terminal's echo with all power in the best beam and nobody else; None where there are no echoes."""
    power, noise = s.get("terminal_max_power_w"), s.get("radar_noise_w")
    if power is None or noise is None:
        return None
    if "echo_gain" in s.arrays:
        out, into = s.arrays["transmit_steering"], s.arrays["receive_steering"]
        collected = np.sum(np.abs(out) ** 2, axis=1) * np.sum(np.abs(into) ** 2, axis=1)
        return power * s.arrays["echo_gain"] ** 2 * collected / noise
    if "echo_channel" in s.arrays:
        own = np.einsum("kkrt->krt", s.arrays["echo_channel"])
        return power * np.sum(np.abs(own) ** 2, axis=(1, 2)) / noise  # of one target the matrix has one direction
    return None


def along_lines(s: Seen) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Shares of each link's power that come from its terminal, and from the mirror image, where these are apart."""
    antennas = s.channel.shape[3]
    if s.distance_m is None or antennas < 3:
        return np.zeros(0), np.zeros(0)
    between = s.arrays["terminal_position_m"][:, None] - s.arrays["ap_position_m"][None]
    across = between[..., 1] / np.maximum(s.distance_m, 1e-9)
    turn = across  # of half a wavelength between elements: pi times it
    width = 1.2 / antennas
    # straight ahead and along the array, a direction is its own mirror image
    tells = s.linked & (np.abs(turn) > width) & (np.abs(turn) < 1 - width)
    if s.carrier_hz:  # reflections come from elsewhere, and are weaker
        tells &= db(s.gain) > free_space_db(s.distance_m, s.carrier_hz) - SIGHT_DB
    shares: list[npt.NDArray[np.float64]] = []
    for sign in (1, -1):
        wave = np.exp(sign * 1j * np.pi * turn[..., None] * np.arange(antennas))
        heard = np.sum(np.abs(np.einsum("kma,kmat->kmt", wave.conj(), s.channel[0])) ** 2, axis=-1)
        whole = antennas * np.sum(np.abs(s.channel[0]) ** 2, axis=(2, 3))
        shares.append(heard[tells] / whole[tells])
    return shares[0], shares[1]


def _at_least(some: int, of: int, chance: float) -> float:
    """How likely so many of so many are, each with this chance."""
    return sum(comb(of, n) * chance**n * (1 - chance) ** (of - n) for n in range(some, of + 1))


def _rank_correlation(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """Spearman's."""
    ranks = [np.argsort(np.argsort(each.ravel())) for each in (one, other)]
    return float(np.corrcoef(ranks).ravel()[1])


def found(s: Seen, silence: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Name and sentence of every slip that shows."""
    for name, look in SLIPS.items():
        if name not in silence and (text := look(s)):
            yield name, text
