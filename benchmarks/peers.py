"""trinode beside formulas and methods of the literature that it does not share code with, in one table.

python benchmarks/peers.py [--channels 20] [--draws 20000]

- Estimates and maximum ratio combining: the closed form of Ngo, Ashikhmin, Yang, Larsson and Marzetta, "Cell-Free
  Massive MIMO Versus Small Cells" (2017), here for several antennas, beside averages over channels and estimates that
  ``radio/estimation.py`` makes.
- Best linear receivers: the large-system SINR of Verdu and Shamai (1999) beside ``radio/streams.py``.
- Sum rate: WMMSE as Shi, Razaviyayn, Luo and He (2011) publish it, in NumPy, on the same channels as the region
  system's ``communication``.
- Path loss and fading: 3GPP TR 38.901 (Tables 7.4.1-1 and 7.5-6) beside what the systems draw.
"""

from __future__ import annotations

import argparse

import jax
import jax.numpy as jnp
import numpy as np
from scipy import stats

import trinode as tn
from trinode.radio import estimation
from trinode.radio.streams import Uplink


def row(what: str, peer: float, ours: float, unit: str = "") -> None:
    """One line of the table."""
    apart = f"{ours - peer:+.2f} dB" if unit == "dB" else f"{100 * (ours / peer - 1):+.2f} %"
    print(f"| {what} | {peer:.5g} {unit} | {ours:.5g} {unit} | {apart} |", flush=True)


def maximum_ratio(draws: int) -> None:
    """Use-and-then-forget rates with pilots that are shared, single-antenna terminals, i.i.d. Rayleigh fading."""
    rng = np.random.default_rng(0)
    m, k, a, pilots = 4, 5, 3, 3
    gain, label, energy, power = rng.uniform(0.2, 2.0, (m, k)), np.arange(k) % pilots, 6.0, 1.5
    same = label[:, None] == label[None]
    gamma = energy * gain**2 / (energy * gain @ same + 1)
    closed = np.zeros(k)
    for i in range(k):
        shared = sum((a * gamma[:, i] @ (gain[:, j] / gain[:, i])) ** 2 for j in range(k) if same[i, j] and j != i)
        noise = a * gamma[:, i] @ gain.sum(1) * power + a * gamma[:, i].sum()
        closed[i] = np.log2(1 + power * (a * gamma[:, i].sum()) ** 2 / (power * shared + noise))

    empty = jnp.zeros((m, 0))  # no targets
    statistics = estimation.Statistics(
        direct=jnp.asarray(gain),
        terminal_target=jnp.zeros((k, 0)),
        target_mean=empty,
        target_variance=empty,
        steering=jnp.zeros((m, 0, a), complex),
        steering_variance=empty,
        reflection=jnp.zeros(0),
    )
    known = estimation.estimator(estimation.channel_covariance(statistics), jnp.asarray(label), jnp.asarray(energy))
    worst = np.abs(np.asarray(known.estimate_covariance) - gamma[..., None, None] * np.eye(a)).max()

    def normal(*shape: int) -> np.ndarray:
        return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)

    channel = np.sqrt(gain)[..., None] * normal(draws, m, k, a)
    estimate = jax.jit(jax.vmap(lambda h, n: estimation.estimate(known, h, jnp.asarray(label), jnp.asarray(energy), n)))
    combiner = np.asarray(estimate(channel, normal(draws, m, pilots, a)))
    through = np.einsum("dmka,dmja->dkj", combiner.conj(), channel)
    wanted = np.abs(np.diagonal(through.mean(0))) ** 2 * power
    heard = (np.abs(through) ** 2).mean(0).sum(1) * power
    noise = (np.abs(combiner) ** 2).sum((1, 3)).mean(0)
    drawn = np.log2(1 + wanted / (heard - wanted + noise))
    row("variance of estimates, largest entry", gamma.max(), gamma.max() + worst)
    row(f"MR uplink, mean spectral efficiency, {draws} draws (bit/s/Hz)", closed.mean(), drawn.mean())
    worst_terminal = int(np.argmax(np.abs(drawn / closed - 1)))
    row("the same, terminal with the largest difference", closed[worst_terminal], drawn[worst_terminal])


def minimum_error() -> None:
    """SINR of the best linear receiver, equal powers, entries of variance 1 / A."""
    rng = np.random.default_rng(1)
    a, k, draws = 64, 32, 10
    rates = jax.jit(lambda h, w: Uplink(h, jnp.zeros((k, 1), int), jnp.ones((k, 1), bool)).rates(w))
    for snr in (1.0, 10.0):
        found = []
        for _ in range(draws):
            h = (rng.normal(size=(k, 1, a, 1)) + 1j * rng.normal(size=(k, 1, a, 1))) / np.sqrt(2 * a)
            found.append(np.expm1(np.asarray(rates(jnp.asarray(h), np.sqrt(snr) * jnp.ones((k, 1, 1), complex)))))
        load = k / a
        root = [np.sqrt(snr * (1 + sign * np.sqrt(load)) ** 2 + 1) for sign in (1, -1)]
        limit = snr - (root[0] - root[1]) ** 2 / 4
        row(f"MMSE uplink, mean SINR, 64 antennas, 32 terminals, SNR {snr:g}", limit, np.mean(found))


def wmmse(h: np.ndarray, snr: float, precoder: np.ndarray, steps: int = 3000) -> float:
    """Sum rate (bit/s/Hz) of Shi et al.'s method for one transmitter: rows of h are the terminals' channels."""
    h = np.sqrt(snr) * h
    w, last = precoder / np.linalg.norm(precoder), -np.inf
    for _ in range(steps):
        heard = h.conj() @ w  # terminal, stream
        total = (np.abs(heard) ** 2).sum(1) + 1
        rate = np.log2(total / (total - np.abs(np.diag(heard)) ** 2)).sum()
        if rate - last < 1e-9 * rate:
            break
        last = rate
        receiver = np.diag(heard) / total
        weight = 1 / (1 - (receiver.conj() * np.diag(heard)).real)
        size, basis = np.linalg.eigh((h.T * (weight * np.abs(receiver) ** 2)) @ h.conj())
        aimed = basis.conj().T @ (h.T * (weight * receiver))
        energy = (np.abs(aimed) ** 2).sum(1)
        low, high = 0.0, np.sqrt(energy.sum())
        for _ in range(100):
            middle = (low + high) / 2
            spent = (energy / np.maximum(size + middle, 1e-300) ** 2).sum()
            low, high = (middle, high) if spent > 1 else (low, middle)
        w = basis @ (aimed / np.maximum(size + high, 1e-300)[:, None])
    return float(rate)


def sum_rate(count: int) -> None:
    """One access point, perfect channels, a power limit, and nothing to sense."""
    rng = np.random.default_rng(2)
    k, a = 5, 6
    system = tn.system("region")
    for decibel in (0, 10, 20):
        channels = (rng.normal(size=(count, k, a)) + 1j * rng.normal(size=(count, k, a))) / np.sqrt(2)
        arrays = {
            "error_covariance": np.zeros((1, 1, k, a, a)),
            "ap_power": np.array([10 ** (decibel / 10)]),
            "sensing_ap": np.array([False]),
            "direction_rad": np.linspace(-1, 1, 3),
            "ideal_pattern": np.zeros((1, 3)),
            "element_spacing": np.asarray(0.5),
            "pattern_mse_max": np.asarray(np.nan),
        }
        batch = tn.stack([system.scenario_from({**arrays, "channel_estimate": h[None]}) for h in channels])
        solutions = tn.solve_batch(batch, "communication")
        ours = np.asarray(tn.evaluate_batch(batch, solutions, bound=False).objective)
        snr = 10 ** (decibel / 10)
        peer = np.array([wmmse(h, snr, h.T) for h in channels])
        zeros = np.array([wmmse(h, snr, np.linalg.pinv(h.conj())) for h in channels])
        best = np.maximum(peer, zeros)
        won, lost = (ours > best * (1 + 1e-4)).sum(), (ours < best * (1 - 1e-4)).sum()
        words = f"won {won}, tied {count - won - lost}, lost {lost}, worst {100 * (ours / best - 1).min():+.2f} %"
        row(f"sum rate, {decibel} dB, {count} channels, WMMSE from matched beams (bit/s/Hz)", peer.mean(), ours.mean())
        row(f"the same, the better of two WMMSE starts; {words}", best.mean(), ours.mean())


def propagation() -> None:
    """Path losses in dB, and what fading does around them."""
    small = {"ap_antennas": 2, "terminal_antennas": 2, "radar_antennas": 2}
    drawn = tn.draw_batch("energy", trials=4000, **small)
    length = np.linalg.norm(np.asarray(drawn.terminal_position_m - drawn.ap_position_m), axis=2)
    street = 10 ** (-(32.4 + 21 * np.log10(length) + 20 * np.log10(28)) / 10)
    relative = np.abs(np.asarray(drawn.uplink_channel)) ** 2 / street[..., None, None]
    row("energy: mean power over UMi street canyon, line of sight, 28 GHz", 0.0, 10 * np.log10(relative.mean()), "dB")
    spread = relative[..., 0, 0].var() / relative[..., 0, 0].mean() ** 2
    factor = (1 - spread + np.sqrt(1 - spread)) / spread
    row("energy: Rician factor (UMi line of sight: mean 9 dB; 10 dB chosen)", 9.0, 10 * np.log10(factor), "dB")

    drawn = tn.draw_batch("fairness", trials=1000, shadowing_db=0.0, terminals=4, access_points=6)
    flat = np.linalg.norm(np.asarray(drawn.terminal_position_m[:, :, None] - drawn.ap_position_m[:, None]), axis=3)
    loss = -10 * np.log10(np.abs(np.asarray(drawn.uplink_channel[:, 0, :, :, 0])) ** 2)
    length = np.sqrt(flat**2 + 10.0**2)
    slope, at_one = np.polyfit(np.log10(length).ravel(), loss.ravel() - 2.5068, 1)  # E[10 log10] of an exponential
    table = 22.4 + 35.3 * 2 + 21.3 * np.log10(2)
    row("fairness: loss at 100 m (UMi, no line of sight, 2 GHz)", table, at_one + 2 * slope, "dB")
    row("fairness: growth per decade (the same)", 35.3, slope, "dB")
    relative = 10 ** (-(loss - (30.5 + 36.7 * np.log10(length))) / 10)
    test = stats.kstest(relative.ravel(), "expon")
    print(f"| fairness: fading power is exponential (Rayleigh) | - | Kolmogorov-Smirnov p = {test.pvalue:.2f} | - |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--draws", type=int, default=20_000)
    given = parser.parse_args()
    print("| what | literature | trinode | apart |\n| --- | --- | --- | --- |")
    maximum_ratio(given.draws)
    minimum_error()
    sum_rate(given.channels)
    propagation()


if __name__ == "__main__":
    main()
