"""What do subtracted first delays cost?

Two access points with four antennas each serve two terminals together, by zero forcing. Sionna RT's ``cir()`` and
``cfr()`` subtract the delay of the first path of every link unless they are told otherwise, and with it the phase
between access points.
"""

import numpy as np
import picture

import trinode as tn

CARRIER_HZ, NOISE_W, PAIRS = 3.5e9, 1e-11, 400
rng = np.random.default_rng(0)
aps = np.array([[0.0, 0.0, 10.0], [60.0, 0.0, 10.0]])
terminals = rng.uniform([0.0, -40.0, 1.5], [60.0, 35.0, 1.5], size=(2 * PAIRS, 3))


def paths():
    """Coefficients [ap, ap antenna, terminal, terminal antenna, path] and delays: line of sight, and a wall at 40 m."""
    seen = terminals[None] - aps[:, None]
    way = np.stack([seen, terminals * [1, -1, 1] + [0, 80, 0] - aps[:, None]], axis=-2)
    length = np.linalg.norm(way, axis=-1)
    gain = np.array([1.0, -0.4]) * 299_792_458 / CARRIER_HZ / (4 * np.pi * length)
    steering = np.exp(1j * np.pi * (np.arange(4) - 1.5)[:, None, None] * (way[..., 1] / length)[:, None])
    return (gain[:, None] * steering)[:, :, :, None], length / 299_792_458


def read(normalised):
    """As ``cir()`` hands them out, with the phase of their delay, and read by trinode."""
    a, tau = paths()
    tau = tau - tau.min(axis=-1, keepdims=True) if normalised else tau
    a = a * np.exp(-2j * np.pi * CARRIER_HZ * tau)[:, None, :, None]
    silence = ["aligned-phases"] if normalised else []
    return tn.channels.read((a, tau), "sionna-cir", direction="uplink", silence=silence).array[0, ..., 0]


def sinr_db(planned, heard):
    """Of every pair, one watt for each terminal."""
    plan, air = (h.reshape(PAIRS, 2, -1) for h in (planned, heard))
    beams = np.linalg.pinv(plan)
    got = np.abs(air @ (beams / np.linalg.norm(beams, axis=1, keepdims=True))) ** 2
    own = np.einsum("nkk->nk", got)
    return 10 * np.log10(own / (got.sum(axis=2) - own + NOISE_W)).ravel()


whole, lost = read(normalised=False), read(normalised=True)
figure, axes = picture.new("What do subtracted first delays cost?")
share = np.linspace(0, 1, 2 * PAIRS)
for name, planned, heard, colour in (
    ("planned on absolute delays", whole, whole, 0),
    ("planned on subtracted delays: believed", lost, lost, 1),
    ("planned on subtracted delays: got", lost, whole, 2),
):
    values = np.sort(sinr_db(planned, heard))
    axes.plot(values, share, color=picture.COLOURS[colour], ls="--" if colour == 1 else "-", label=name)
    print(f"{name}: median {np.median(values):.1f} dB")
axes.set(xlabel="SINR of a terminal (dB)", ylabel="share of terminals below", ylim=(0, 1))
axes.legend(frameon=False, loc="upper left")
picture.save(figure, __file__)
