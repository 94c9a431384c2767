"""Every air with every requirement, objectives and works in turn: solved and judged apart, or refused by name.

python benchmarks/pairs.py [--seed 0] [--only TEXT]

A pair either is refused with an error that names a field, before anything runs, or gives an answer whose constraints
are computed again here, in NumPy, from precoders or powers alone; an answer that is not feasible has no value. A
finding is anything else.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import trinode as tn

NOISE, HZ = 1e-13, 5e6
K, M, A, T, R, Q, S = 3, 2, 4, 2, 5, 1, 2
"""Users or terminals, access points, their antennas, those of a terminal and a radar receiver; targets; subcarriers."""


def gaussian(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)) / np.sqrt(2)


def line(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return np.exp(1j * np.pi * np.arange(shape[-1]) * np.sin(rng.uniform(-1, 1, (*shape[:-1], 1))))


# what is heard, from precoders alone


def sinr_down(air: Any, w: np.ndarray) -> np.ndarray:
    """(K,) or (K, streams), by the inverse of what is not wanted; w is (M, S, A)."""
    users, receive, _, _ = air.channel.shape
    found = np.zeros((users, air.streams))
    for k in range(users):
        heard = sum(air.channel[k, :, m] @ w[m].T for m in range(len(w)))
        floor = air.noise_w[k]
        if air.error_covariance is not None:
            beams = np.concatenate(list(w), axis=1)
            floor = floor + np.real(np.trace(beams @ air.error_covariance[k] @ beams.conj().T))
        for i in range(air.streams):
            own = k * air.streams + i
            rest = np.delete(heard, own, axis=1)
            inverse = np.linalg.inv(floor * np.eye(receive) + rest @ rest.conj().T)
            found[k, i] = np.real(heard[:, own].conj() @ inverse @ heard[:, own])
    return found


def sinr_up(air: Any, w: np.ndarray) -> np.ndarray:
    """(K, M) with local receivers, (K, 1) with joint ones; w is (K, S, T)."""
    local = air.receiver == "local"
    heard = np.einsum("kmat,kst->ksma", air.channel, w) / np.sqrt(air.noise_w)[:, None]
    found = np.zeros((K, M if local else 1))
    for k in range(K):
        for s in range(found.shape[1]):
            each = heard[:, :, s] if local else heard.reshape(K, -1, M * A)
            rest = np.delete(each.reshape(-1, each.shape[-1]), k * each.shape[1] + s, axis=0)
            noise = np.eye(each.shape[-1]) + rest.T @ rest.conj()
            found[k, s] = np.real(each[k, s].conj() @ np.linalg.inv(noise) @ each[k, s])
    return found


def transmit_antennas(air: Any) -> int:
    return A if isinstance(air, tn.Powers) else air.channel.shape[3]


def sinr_of(air: Any, w: np.ndarray) -> np.ndarray:
    if isinstance(air, tn.Powers):  # (S, K) each
        heard = air.gain * w[:, None]
        wanted = np.einsum("skk->sk", heard)
        return wanted / (air.noise_w + heard.sum(axis=2) - wanted)
    return sinr_down(air, w) if isinstance(air, tn.Downlink) else sinr_up(air, w)


def rate_of(air: Any, w: np.ndarray) -> np.ndarray:
    """bit/s/Hz, (K,), or (K, M) by link."""
    each = np.log2(1 + sinr_of(air, w))
    if isinstance(air, tn.Powers):
        return each.mean(axis=0)
    return each.sum(axis=1) if isinstance(air, tn.Downlink) else each


# airs


def downlink(**given: Any) -> Callable[[np.random.Generator], Any]:
    return lambda rng: tn.Downlink(2e-6 * gaussian(rng, K, M, A), NOISE, bandwidth_hz=HZ, **given)


def estimated(rng: np.random.Generator) -> Any:
    root = 3e-7 * gaussian(rng, K, M * A, M * A)
    return downlink(max_power_w=[0.2, 0.1], error_covariance=root @ root.conj().swapaxes(1, 2))(rng)


def single(limit: Any, receive: int = 0, streams: int = 1) -> Callable[[np.random.Generator], Any]:
    def make(rng: np.random.Generator) -> Any:
        shape = (K, receive, A + 2) if receive else (K, A + 2)
        axes = "user user_antenna ap_antenna" if receive else "user ap_antenna"
        return tn.Downlink(2e-6 * gaussian(rng, *shape), NOISE, limit, streams, 0 if receive else 1, HZ, axes)

    return make


def uplink(receiver: str, sensing: bool) -> Callable[[np.random.Generator], Any]:
    def make(rng: np.random.Generator) -> Any:
        channel = 2e-6 * gaussian(rng, K, M, A, T)
        return tn.Uplink(channel, NOISE, 0.2, HZ, receiver=receiver, sensing_stream=sensing)

    return make


def powers(rng: np.random.Generator) -> Any:
    gain = 2e-13 * rng.exponential(size=(S, K, K))
    gain[:, range(K), range(K)] *= 20
    return tn.Powers(gain, NOISE, 0.2, HZ)


AIRS: dict[str, Callable[[np.random.Generator], Any]] = {
    "downlink, sum power": downlink(max_power_w=0.4),
    "downlink, power per access point, two streams without data": downlink(max_power_w=[0.2, 0.1], sensing_streams=2),
    "one transmitter, power per antenna": single(np.full(A + 2, 0.05)),
    "one transmitter, users of two antennas and streams": single(0.3, 2, 2),
    "uplink, local receivers": uplink("local", False),
    "uplink, joint receivers, streams without data": uplink("joint", True),
    "downlink, estimated channels": estimated,
    "powers over subcarriers": powers,
}

# requirements: the air's constraints, and by how much each is met, from precoders

Judge = Callable[[np.ndarray], Any]
Requirement = tuple[list[Any], Judge, Any]


def none(air: Any, rng: np.random.Generator) -> Requirement:
    return [], lambda w: 0.0, None


def sinr(air: Any, rng: np.random.Generator) -> Requirement:
    return [air.sinr >= 0.02], lambda w: sinr_of(air, w) / 0.02 - 1, None


def rate(air: Any, rng: np.random.Generator) -> Requirement:
    return [air.rate >= 0.03], lambda w: rate_of(air, w) / 0.03 - 1, None


def power(air: Any, rng: np.random.Generator) -> Requirement:
    def judge(w: np.ndarray) -> Any:
        each = w.sum(axis=0) if isinstance(air, tn.Powers) else np.sum(np.abs(w) ** 2, axis=(1, 2))
        return 1 - each / 0.08

    return [air.power_w <= 0.08], judge, None


def illumination(air: Any, rng: np.random.Generator) -> Requirement:
    shape = (Q, A + 2) if isinstance(air, tn.Downlink) and air.single else (Q, M, A)
    target = line(rng, *shape)
    radar = tn.Illumination(air, target)
    at = target.reshape(Q, -1, target.shape[-1])

    def lit(w: np.ndarray) -> np.ndarray:
        seen = np.einsum("qma,msa->qms", at.conj(), w)
        return np.sum(np.abs(seen) ** 2, axis=(1, 2))

    return [radar.illumination_w >= 0.02], lambda w: lit(w) / 0.02 - 1, radar


def pattern(air: Any, rng: np.random.Generator) -> Requirement:
    angle, one = np.linspace(-1.4, 1.4, 15), isinstance(air, tn.Downlink) and air.single
    antennas = A + 2 if one else A
    steering = np.exp(1j * np.pi * np.arange(antennas) * np.sin(angle)[:, None])
    wanted = np.array([np.abs(angle - middle) < 0.4 for middle in ((0.1,) if one else (0.1, -0.5))]).astype(float)
    radar = tn.Beampattern(air, steering, wanted[0] if one else wanted)

    def judge(w: np.ndarray) -> Any:
        met = []
        for seen, want in zip(w, wanted):
            power = np.array([sum(abs(np.vdot(a, beam)) ** 2 for beam in seen) for a in steering])
            left = power - want * (power @ want) / (want @ want)
            met.append(1 - np.mean(left**2) / 3e-3)
        return met

    return [radar.pattern_error <= 3e-3], judge, radar


def _echo(air: Any, rng: np.random.Generator) -> tuple[Any, Callable[[np.ndarray], np.ndarray]]:
    antennas = transmit_antennas(air)
    target = 1e-6 * line(rng, Q, R)[:, :, None] * line(rng, Q, antennas)[:, None]
    clutter = 3e-7 * line(rng, 2, R)[:, :, None] * line(rng, 2, antennas)[:, None]
    radar = tn.TargetEcho(air, target, clutter, NOISE)

    def scnr(w: np.ndarray) -> np.ndarray:
        seen, others = target[0] @ w[0].T, np.concatenate([one @ w[0].T for one in clutter], axis=1)
        noise = NOISE * np.eye(R) + others @ others.conj().T
        return np.array([np.max(np.real(np.linalg.eigvals(np.linalg.inv(noise) @ seen @ seen.conj().T)))])

    return radar, scnr


def scnr(air: Any, rng: np.random.Generator) -> Requirement:
    radar, judge = _echo(air, rng)
    return [radar.scnr >= 0.5], lambda w: judge(w) / 0.5 - 1, radar


def detection(air: Any, rng: np.random.Generator) -> Requirement:
    radar, judge = _echo(air, rng)
    watch = tn.Detection(radar.scnr, 1e-3, "swerling-1")
    return [watch.detection_probability >= 0.2], lambda w: 1e-3 ** (1 / (1 + judge(w))) / 0.2 - 1, watch


def angle(air: Any, rng: np.random.Generator) -> Requirement:
    response, derivative = tn.AngleEcho.lines(0.3, R, transmit_antennas(air))
    radar = tn.AngleEcho(air, response, derivative, 1e-6, NOISE, 10.0)

    def judge(w: np.ndarray) -> Any:
        covariance = w[0].T @ w[0].conj()
        both = ((derivative, derivative), (response, response), (response, derivative))
        parts = [np.trace(one.conj().T @ other @ covariance) for one, other in both]
        bound = NOISE / (2 * 1e-12 * 10.0 * np.real(parts[0] - abs(parts[2]) ** 2 / parts[1]))
        return 1 - bound / 0.1

    return [radar.angle_bound <= 0.1], judge, radar


def echo(air: Any, rng: np.random.Generator) -> Requirement:
    crosstalk = 1e-7 * gaussian(rng, K, K, R, T)
    crosstalk[range(K), range(K)] = 0
    gain, transmit, receive = rng.uniform(0.5e-6, 1e-6, K), line(rng, K, T), line(rng, K, R)
    radar = tn.Echo(air, crosstalk, gain, transmit, receive, NOISE)

    def judge(w: np.ndarray) -> Any:
        signal = gain**2 * R * np.sum(np.abs(np.einsum("kt,kst->ks", transmit.conj(), w)) ** 2, axis=1)
        noise = NOISE + np.sum(np.abs(np.einsum("kjrt,jst->kjrs", crosstalk, w)) ** 2, axis=(1, 2, 3))
        return signal / noise / 0.5 - 1

    return [radar.sinr >= 0.5], judge, radar


def secrecy(air: Any, rng: np.random.Generator) -> Requirement:
    channel = 1e-7 * gaussian(rng, K, 2, T)
    secret = tn.Secrecy(air, channel, NOISE)

    def judge(w: np.ndarray) -> Any:
        heard = np.einsum("ket,kst->kse", channel, w) / np.sqrt(NOISE)
        total = np.eye(2) + np.einsum("kse,ksf->ef", heard, heard.conj())
        each = np.real(np.einsum("kse,ef,ksf->ks", heard.conj(), np.linalg.inv(total), heard))[:, : air.streams]
        kept = np.log2(1 + sinr_of(air, w)) + np.log2(1 - each)
        return np.maximum(kept, 0.0) / 0.02 - 1

    return [secret.rate >= 0.02], judge, secret


def latency(air: Any, rng: np.random.Generator) -> Requirement:
    work = tn.Offloading(air.rate_bps, 1e6, 300.0, 1e9, 2e9)

    def judge(w: np.ndarray) -> Any:
        # no task takes longer than at its terminal alone, and none ends before terminal, link and server at their best
        rate = HZ * rate_of(air, w).reshape(K, -1)
        speeds = 1e9 / 3e8 + np.sum(1 / (1e6 / np.maximum(rate, 1e-9) + 3e8 / 2e9), axis=1)
        return 0.29 * speeds - 1

    return [work.latency_s <= 0.29], judge, work


REQUIREMENTS: dict[str, Callable[[Any, np.random.Generator], Requirement]] = {
    each.__name__: each
    for each in (none, sinr, rate, power, illumination, scnr, detection, angle, echo, secrecy, latency, pattern)
}

OBJECTIVES: dict[str, Callable[[Any], Any]] = {
    "smallest": lambda air: tn.Maximize(tn.smallest(air.sinr)),
    "total": lambda air: tn.Maximize(tn.total(air.rate_bps)),
    "logarithms": lambda air: tn.Maximize(tn.total(tn.log1p(air.sinr))),
    "power": lambda air: tn.Minimize(tn.total(air.power_w)),
    "ratio": lambda air: tn.Maximize(tn.total(air.rate_bps) / (tn.total(air.power_w) + tn.number(0.1, "W"))),
    "both": lambda air: tn.Maximize(tn.smallest(air.rate) + 0.1 * tn.total(air.rate)),
    "largest": lambda air: tn.Minimize(tn.largest(air.power_w)),
}


def pairs() -> Iterator[tuple[str, str, str]]:
    """All airs with all requirements; objectives take turns, each with every requirement and every air somewhere."""
    for i, air in enumerate(AIRS):
        for j, requirement in enumerate(REQUIREMENTS):
            yield air, requirement, list(OBJECTIVES)[(2 * i + j) % len(OBJECTIVES)]


def stated(air_name: str, requirement: str, objective: str, seed: int = 0) -> tuple[Any, Judge] | str:
    """A pair's problem and its judge, or why it is refused."""
    rng = np.random.default_rng(seed)
    air = AIRS[air_name](rng)
    try:
        held, judge, _ = REQUIREMENTS[requirement](air, rng)
        return tn.Problem(OBJECTIVES[objective](air), held), judge
    except tn.InputError as fault:
        return str(fault)


def outcome(problem: Any, judge: Judge, bound: bool = True) -> tuple[str, str]:
    """How a problem ends, and a finding or nothing; bounds may take longer than decisions."""
    answer = tn.solve(problem)
    w = next(one[name] for one in answer.decisions for name in ("precoder", "transmit_power_w") if name in one)
    short = -float(np.min(judge(w)))
    if not answer.feasible:
        return answer.status, "a value without a decision" if np.isfinite(answer.value) else ""
    if not short <= 2e-6:
        return answer.status, f"infeasible by {short:.1e}"
    if not bound:
        return answer.status, ""
    if np.isfinite(answer.bound) and not answer.gap >= -1e-7:
        return answer.status, f"beyond the bound by {-answer.gap:.1e}"
    return f"{answer.status}, gap {answer.gap:.1e}", ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="pairs with this in their names")
    parser.add_argument("--no-bound", action="store_true", help="decisions alone")
    given = parser.parse_args()
    findings = 0
    for pair in pairs():
        if given.only not in " | ".join(pair):
            continue
        began, made = time.perf_counter(), stated(*pair, given.seed)
        ended, found = (f"refused: {made}", "") if isinstance(made, str) else outcome(*made, not given.no_bound)
        findings += bool(found)
        seconds = time.perf_counter() - began
        print(f"{' | '.join(pair)}: {ended} ({seconds:.1f} s)" + (f"  FOUND: {found}" if found else ""), flush=True)
    print(f"{findings} findings")
    return min(findings, 1)


if __name__ == "__main__":
    sys.exit(main())
