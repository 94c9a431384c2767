"""A world of two paths a link, written in every format that channels are read from, and its channels by plain formulas.

A wall at y = 40 m reflects with half the amplitude and the opposite sign; the last terminal does not see the first
access point at all. Sizes all differ.
"""

import json

import numpy as np

CARRIER_HZ = 3.5e9
LIGHT_M_S = 299_792_458.0
WALL_M = 40.0
AP_M = np.array([[0.0, 0.0, 10.0], [60.0, 5.0, 12.0], [-20.0, -35.0, 8.0]])
TERMINAL_M = np.array([[20.0, 15, 1.5], [35, -10, 1.4], [50, 25, 1.6], [10, -30, 1.5], [-15, 20, 1.7]])
K, M, A, T = len(TERMINAL_M), len(AP_M), 4, 2
P = 3  # places for paths, of which the last is empty

_THERE = np.ones((K, M, P), dtype=bool)
_THERE[-1, 0] = _THERE[:, :, 2] = False


def line(count, first=False):
    """Elements along y, half a wavelength apart."""
    return np.array([[0.0, 0.5 * (n - (0 if first else (count - 1) / 2)), 0.0] for n in range(count)])


def _links():
    """Gain, delay, direction at the access point to where a wave comes from, at the terminal to where it goes."""
    gain, delay = np.zeros((K, M, P)), np.full((K, M, P), np.nan)
    arrive, leave = np.full((K, M, P, 3), np.nan), np.full((K, M, P, 3), np.nan)
    for k, terminal in enumerate(TERMINAL_M):
        for m, ap in enumerate(AP_M):
            for p, (mirror, coefficient) in enumerate((([1, 1, 1], 1.0), ([1, -1, 1], -0.5))):
                if not _THERE[k, m, p]:
                    continue
                shift = np.array([0, 2 * WALL_M if p else 0.0, 0])
                away, back = terminal * mirror + shift - ap, ap * mirror + shift - terminal
                length = np.linalg.norm(away)
                gain[k, m, p] = coefficient * LIGHT_M_S / (4 * np.pi * CARRIER_HZ * length)
                delay[k, m, p] = length / LIGHT_M_S
                arrive[k, m, p], leave[k, m, p] = away / length, back / length
    return gain, delay, arrive, leave


GAIN, DELAY_S, ARRIVE, LEAVE = _links()


def truth(ap_elements, terminal_elements, offset_hz=0.0, first_delay=True):
    """Channels [terminal, ap, ap antenna, terminal antenna], one path after the other."""
    found = np.zeros((K, M, len(ap_elements), len(terminal_elements)), dtype=complex)
    for k, m, p in zip(*np.nonzero(_THERE)):
        delay = DELAY_S[k, m, p] - (0 if first_delay else np.nanmin(DELAY_S[k, m]))
        for a, x in enumerate(ap_elements):
            for t, y in enumerate(terminal_elements):
                turns = -(CARRIER_HZ + offset_hz) * delay + x @ ARRIVE[k, m, p] + y @ LEAVE[k, m, p]
                found[k, m, a, t] += GAIN[k, m, p] * np.exp(2j * np.pi * turns)
    return found


def sionna_paths(per_pair=False):
    """Coefficients [ap, ap antenna, terminal, terminal antenna, path], and delays, whose phase they lack; -1: none."""
    at_ap = np.exp(2j * np.pi * ARRIVE @ line(A).T)
    at_terminal = np.exp(2j * np.pi * LEAVE @ line(T).T)
    a = np.einsum("kmp,kmpa,kmpt->maktp", GAIN, np.nan_to_num(at_ap), np.nan_to_num(at_terminal))
    tau = np.where(_THERE, DELAY_S, -1.0).transpose(1, 0, 2)
    if not per_pair:
        return a, tau
    nearer = (ARRIVE @ line(A).T)[..., :, None] + (LEAVE @ line(T).T)[..., None, :]
    pairs = (DELAY_S[..., None, None] - nearer / CARRIER_HZ).transpose(1, 3, 0, 4, 2)
    there = np.broadcast_to(_THERE.transpose(1, 0, 2)[:, None, :, None], pairs.shape)
    return np.broadcast_to(GAIN.transpose(1, 0, 2)[:, None, :, None], pairs.shape), np.where(there, pairs, -1.0)


def sionna_cir(normalised=False):
    """What ``cir()`` hands out: coefficients with the phase of their delay [..., path, time], and delays."""
    a, tau = sionna_paths()
    if normalised:
        first = np.where(tau >= 0, tau, np.inf).min(axis=-1, keepdims=True)
        tau = np.where(tau >= 0, tau - first, -1.0)
    phase = np.where(tau >= 0, np.exp(-2j * np.pi * CARRIER_HZ * tau), 0)
    return (a * phase[:, None, :, None])[..., None], tau


def sionna_cfr(offsets_hz, normalised=False):
    """What ``cfr()`` hands out: [ap, ap antenna, terminal, terminal antenna, time, subcarrier]."""
    each = [truth(line(A), line(T), offset, first_delay=not normalised) for offset in offsets_hz]
    return np.stack(each, axis=-1).transpose(1, 2, 0, 3, 4)[..., None, :]


def write_deepmimo(folder, tracer="Sionna Ray Tracing", save=None):
    """A scenario whose transmitters are the access points; single precision, as DeepMIMO keeps it."""
    folder.mkdir()
    devices = {"is_tx": True, "is_rx": False, "num_ant": 1, "dual_pol": False}
    sets = {
        "txrx_set_1": {"name": "aps", "id": 1, "num_points": M, **devices},
        "txrx_set_2": {"name": "ues", "id": 2, "num_points": K, **devices, "is_tx": False, "is_rx": True},
    }
    params = {"rt_params": {"frequency": CARRIER_HZ, "raytracer_name": tracer}, "txrx_sets": sets}
    (folder / "params.json").write_text(json.dumps(params | {"scene": {"num_scenes": 1}}))
    turned = 0.0 if tracer.startswith("Sionna") else -360 * np.mod(CARRIER_HZ * DELAY_S, 1)
    phase = np.where(GAIN < 0, 180.0, 0.0) + turned
    for m in range(M):
        with np.errstate(divide="ignore"):
            power = 20 * np.log10(np.abs(GAIN[:, m]))
        found = {"power": np.where(_THERE[:, m], power, np.nan), "phase": np.where(_THERE[:, m], phase[:, m], np.nan)}
        found |= {"delay": DELAY_S[:, m], "rx_pos": TERMINAL_M, "tx_pos": AP_M[m : m + 1]}
        for name, towards in (("aod", ARRIVE[:, m]), ("aoa", LEAVE[:, m])):  # the other way round than in the uplink
            found[f"{name}_az"] = np.degrees(np.arctan2(towards[..., 1], towards[..., 0]))
            found[f"{name}_el"] = np.degrees(np.arccos(towards[..., 2]))
        for name, array in found.items():
            stem = folder / f"{name}_t001_tx{m:03d}_r002"
            (save or (lambda file, data: np.savez_compressed(f"{file}.npz", **data)))(stem, {name: np.float32(array)})
    return folder


def write_quadriga(folder, save):
    """A ``.mat`` file a link, whose receiver is the access point; axes of length 1 at the end are dropped by MATLAB."""
    folder.mkdir()
    at_ap = np.nan_to_num(np.exp(2j * np.pi * ARRIVE @ line(A).T))
    at_terminal = np.nan_to_num(np.exp(2j * np.pi * LEAVE @ line(T).T))
    delay = np.nan_to_num(DELAY_S)
    for k in range(K):
        for m in range(M):
            path = GAIN[k, m] * np.exp(-2j * np.pi * CARRIER_HZ * delay[k, m])
            coeff = np.einsum("p,pa,pt->atp", path, at_ap[k, m], at_terminal[k, m])
            each = {"coeff": coeff, "delay": np.broadcast_to(delay[k, m], coeff.shape), "center_frequency": CARRIER_HZ}
            save(folder / f"{m}-{k}.mat", each | {"name": f"Street_UE{k + 1}_AP{m + 1}"})
    return folder


def write_mat73(path, arrays):
    """As MATLAB writes HDF5: axes reversed, complex numbers as a compound, texts as numbers, 512 bytes before it."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        for name, value in arrays.items():
            if isinstance(value, str):
                data, kind = np.array([[ord(letter)] for letter in value], dtype=np.uint16), "char"
            else:
                data, kind = np.atleast_2d(value).T, "single" if np.asarray(value).dtype.itemsize == 4 else "double"
            if data.dtype.kind == "c":
                parts = np.empty(data.shape, dtype=[("real", data.real.dtype), ("imag", data.real.dtype)])
                parts["real"], parts["imag"] = data.real, data.imag
                data = parts
            file.create_dataset(name, data=data).attrs["MATLAB_class"] = np.bytes_(kind)
    with open(path, "r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(116) + b"\x00" * 8 + b"\x00\x02IM")
