"""Inner convex approximation (Section III-B), one parametrised conic program after the other.

The programs follow the DPP rules, so each shape is compiled once. Powers are rescaled to the iterate,
``p = p_i q``, whereby (18a) becomes ``2 sqrt(q) - f >= l`` with ``f`` and ``l`` disturbance and SINR in units of their
iterates; latencies and rates are scaled to the iterate's too. This changes no optimum and much for the solver.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from trinode.errors import MissingExtraError


@dataclass(frozen=True)
class IcaResult:
    """Powers (S, K), offloading ratios (K,), latencies (K,) s, largest latency after each program, seconds inside."""

    power_fraction: np.ndarray
    offload_fraction: np.ndarray
    latency_s: np.ndarray
    history: tuple[float, ...]
    programs: int


def ica(scenario: Any, *, tolerance: float = 1e-3, max_programs: int = 60) -> IcaResult:
    """The paper's method from channel inversion, until the largest latency falls by less than ``tolerance``.

    Parameters
    ----------
    scenario : FairnessScenario
        One with a task and a signal for every terminal.

    Raises
    ------
    MissingExtraError
        CVXPY or Clarabel is not installed.
    """
    own, cross, noise = _gains(scenario)
    count, k = own.shape
    bits, bandwidth = np.asarray(scenario.task_bits), float(scenario.subcarrier_bandwidth_hz)
    local = bits * np.asarray(scenario.cycles_per_bit) / np.asarray(scenario.terminal_frequency_hz)
    server = bits * np.asarray(scenario.cycles_per_bit) / float(scenario.server_frequency_hz)
    gain = (own / noise).mean(axis=0)
    power = np.tile(gain.min() / gain / count, (count, 1))
    program = _program(count, k)

    def judge(power: np.ndarray) -> tuple[np.ndarray, ...]:
        met = np.einsum("skj,sj->sk", cross, power) + noise
        rate = bandwidth * np.log2(1 + own * power / met).sum(axis=0)
        route = bits / rate + server
        return met, own * power / met, rate, route, local / (local + route), local * route / (local + route)

    met, sinr, rate, route, ratio, latency = judge(power)
    history = [float(latency.max())]
    programs = 0
    while programs < max_programs:
        programs += 1
        scale = latency.max()
        program.set(
            power=power,
            pull=cross * power[:, None, :] / met[..., None],
            noise=noise / met,
            sinr=sinr,
            send=bits / (rate * route),
            rate=rate * np.log(2) / bandwidth,
            server=server / route,
            local=local / scale,
            shape=np.maximum(ratio, 1e-6) * route / scale,
            ratio=1 / np.maximum(ratio, 1e-6),
        )
        found = program.solve()
        if found is None:
            break
        found = np.maximum(found, 1e-9)
        found = found / np.maximum(found.sum(axis=0), 1.0)
        after = judge(found)
        fall = scale - after[-1].max()
        if fall > 0:
            power = found
            met, sinr, rate, route, ratio, latency = after
        history.append(float(latency.max()))
        if fall <= tolerance * scale:
            break
    return IcaResult(power, ratio, latency, tuple(history), programs)


def _gains(scenario: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Received powers at full transmit power: own (S, K), of the others (S, K, K), and noise (S, K)."""
    h = np.asarray(scenario.uplink_channel)
    count, k = h.shape[:2]
    noise_w = np.repeat(np.asarray(scenario.ap_noise_w), h.shape[3])
    h = h.reshape(count, k, -1)
    norm = np.linalg.norm(h, axis=2, keepdims=True)
    combiner = h / norm if scenario.combiner is None else np.asarray(scenario.combiner).reshape(h.shape)
    through = np.abs(combiner.conj() @ h.transpose(0, 2, 1)) ** 2 * np.asarray(scenario.terminal_max_power_w)
    own = np.einsum("skk->sk", through).copy()
    return own, through * (1 - np.eye(k)), (np.abs(combiner) ** 2) @ noise_w


class _Program:
    """(12) with (17)-(19) at an iterate, for one shape."""

    def __init__(self, count: int, k: int):
        cp = _load()
        self.cp = cp
        shape = (count, k)
        self.parameters = {
            "power": cp.Parameter(shape, nonneg=True),
            "noise": cp.Parameter(shape, nonneg=True),
            "sinr": cp.Parameter(shape, nonneg=True),
            **{name: cp.Parameter(k, nonneg=True) for name in ("send", "rate", "server", "local", "shape", "ratio")},
        }
        self.pull = [cp.Parameter((k, k), nonneg=True) for _ in range(count)]
        p = self.parameters
        q = self.q = cp.Variable(shape, nonneg=True)
        gained, real = cp.Variable(shape), cp.Variable(shape)  # lambda over its iterate, and itself
        met = cp.Variable(shape)  # varphi over its iterate
        inverse, route, ratio = cp.Variable(k), cp.Variable(k), cp.Variable(k)  # mu, nu, rho
        latency = cp.Variable()
        constraints = [cp.sum(cp.multiply(p["power"], q), axis=0) <= 1, ratio >= 0, ratio <= 1]  # (8d), (8e)
        constraints += [2 * cp.sqrt(q) - met >= gained, real == cp.multiply(p["sinr"], gained)]  # (18a)
        constraints += [self.pull[n] @ q[n] + p["noise"][n] <= met[n] for n in range(count)]  # (18b)
        constraints += [cp.sum(cp.log1p(real), axis=0) >= cp.multiply(p["rate"], cp.inv_pos(inverse))]  # (17a)
        constraints += [cp.multiply(p["send"], inverse) + p["server"] <= route]  # (19a)
        # (19b): rho and nu in units of their iterates, r and v: (r^2 + v^2) / 2 of rho_i nu_i
        scaled = cp.Variable(k)
        constraints += [scaled == cp.multiply(p["ratio"], ratio)]
        constraints += [cp.multiply(p["shape"] / 2, cp.square(scaled) + cp.square(route)) <= latency]
        constraints += [cp.multiply(p["local"], 1 - ratio) <= latency]  # (9c)
        self.problem = cp.Problem(cp.Minimize(latency), constraints)

    def set(self, pull: np.ndarray, **values: np.ndarray) -> None:
        """Give the parameters their values."""
        for name, value in values.items():
            self.parameters[name].value = value
        for one, value in zip(self.pull, pull):
            one.value = value

    def solve(self) -> np.ndarray | None:
        """Power fractions of the optimum; None where the solver fails."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # an inaccurate answer is judged by the caller
            try:
                self.problem.solve(
                    solver=self.cp.CLARABEL,
                    enforce_dpp=True,
                    warm_start=False,
                    max_threads=1,
                    direct_solve_method="qdldl",
                )
            except self.cp.error.SolverError:
                return None
        if self.problem.status not in (self.cp.OPTIMAL, self.cp.OPTIMAL_INACCURATE):
            return None
        return self.parameters["power"].value * self.q.value


@cache
def _program(count: int, k: int) -> _Program:
    return _Program(count, k)


def _load() -> Any:
    for package in ("clarabel", "cvxpy"):
        try:
            module = __import__(package)
        except ImportError:
            raise MissingExtraError(package, "reference") from None
    return module
