"""Systems stated in parts: any decision is worth to a system's own model what the parts say."""

from __future__ import annotations

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import trinode as tn
from trinode.compose.scope import Scope
from trinode.systems.energy import stated as energy
from trinode.systems.fairness import stated as fairness
from trinode.systems.latency import stated as latency
from trinode.systems.latency.stated import CLOUD, EDGE, LOCAL
from trinode.systems.region import stated as region
from trinode.systems.threetier import stated as threetier

SIZES = {
    "latency": {"terminals": 3, "access_points": 4, "ap_antennas": 5, "terminal_antennas": 6, "radar_antennas": 2},
    "threetier": {"terminals": 4, "access_points": 2, "ap_antennas": 5, "terminal_antennas": 6, "radar_antennas": 3},
    "fairness": {"terminals": 3, "access_points": 5, "ap_antennas": 2, "subcarriers": 4},
    "energy": {"terminals": 3, "ap_antennas": 5, "terminal_antennas": 7, "radar_antennas": 4},
    "region": {"terminals": 5, "access_points": 3, "ap_antennas": 6, "targets": 2, "pilots": 4, "directions": 61},
}
MORE = {
    "fairness": {"task_spread": 0.4},
    "latency": {"serving": 2},
    "threetier": {"edge_capacity_hz": 6e9},
    "energy": {"sensing_sinr_min_db": -20.0},
    "region": {"reflection": 1e6, "area_m": 500.0, "element_spacing": 0.4},  # errors that are no multiples of 1
}


def network_of(name):
    return tn.draw(name, seed=1, **SIZES[name], **MORE[name])


def scored(name, network, arrays):
    """A decision by the system's own model."""
    found = tn.system(name)
    sensing = "sensing_margin_max" in found.solution_schema
    settled = {
        "status": jnp.asarray(0),
        "terminal_feasible": jnp.ones(network.terminals, bool),
        "iterations": jnp.asarray(0),
        "history": jnp.zeros(0),
        **(dict.fromkeys(("sensing_margin_max", "sensing_sinr_max"), jnp.asarray(jnp.nan)) if sensing else {}),
    }
    given = {name: jnp.asarray(array) for name, array in arrays.items()}
    return jax.jit(found.evaluate)(network, found.Solution(**settled, **given))


class Said:
    """What the parts say of a decision far from good."""

    def __init__(self, problem):
        program = problem.program
        x = np.random.default_rng(5).normal(size=program.size)
        decisions = [
            {name: np.asarray(one) for name, one in part.items()} for part in jax.jit(lambda x: program.decide(x))(x)
        ]
        scope = Scope(program, decisions, np)
        self.value = float(program.objective.value(scope))
        words = [part.word for part in program.parts]
        self.of = {word: {**decisions[i], **scope.values[i]} for i, word in enumerate(words)}


def as_latency(network, said, places):
    at = np.asarray(places)[:, None]
    work, w = said.of["work"], said.of["air"]["precoder"]
    return {
        "edge_share": np.where(at == EDGE, work["edge_share"], 0.0),
        "cloud_share": np.where(at == CLOUD, work["cloud_share"], 0.0),
        "precoder": w[:, :-1],
        "sensing_precoder": w[:, -1],
        "terminal_frequency_hz": work["local_frequency_hz"] * network.terminal_cycles_per_bit,
        "edge_frequency_hz": work["edge_frequency_hz"] * network.edge_cycles_per_bit,
        "cloud_frequency_hz": work["cloud_frequency_hz"] * network.cloud_cycles_per_bit,
        "fronthaul_bps": work["fronthaul_bps"],
    }


def best_filter(streams, noise_w, own):
    """Against noise and all other streams, (streams, antennas)."""
    covariance = noise_w * np.eye(streams.shape[1]) + streams.T @ streams.conj()
    return np.linalg.solve(covariance, streams[own])


def as_energy(network, said):
    h, g, w = np.asarray(network.uplink_channel), np.asarray(network.echo_channel), said.of["air"]["precoder"]
    heard = np.einsum("jat,jst->jsa", h, w).reshape(2 * len(h), -1)
    echoes = np.einsum("kjrt,jst->kjsr", g, w).reshape(len(h), 2 * len(h), -1)
    noise = np.asarray(network.radar_noise_w)
    return {
        "offload_fraction": 1 - said.of["work"]["local_share"],
        "terminal_frequency_hz": said.of["work"]["local_frequency_hz"],
        "ap_frequency_hz": said.of["work"]["edge_frequency_hz"][:, 0],
        "precoder": w[:, 0],
        "sensing_precoder": w[:, 1],
        "combiner": np.array([best_filter(heard, network.ap_noise_w, 2 * k) for k in range(len(h))]),
        "radar_combiner": np.array([best_filter(echoes[k], noise[k], 2 * k + 1) for k in range(len(h))]),
    }


def same(said, report, pairs):
    """Objective, and what constraints compare."""
    np.testing.assert_allclose(said.value, report.objective, rtol=1e-9)
    for word, name, metric in pairs:
        np.testing.assert_allclose(said.of[word][name], report.metrics[metric], rtol=1e-9, err_msg=name)


@pytest.mark.parametrize("places", [(EDGE, CLOUD, CLOUD), (LOCAL, EDGE, EDGE)])
def test_latency(places):
    network = network_of("latency")
    said = Said(latency.problem(network, places))
    report = scored("latency", network, as_latency(network, said, places))
    pairs = [
        ("radar", "sinr", "echo_sinr"),
        ("air", "rate_bps", "rate_bps"),
        ("air", "power_w", "transmit_power_w"),
        ("work", "latency_s", "latency_s"),
    ]
    same(said, report, pairs)
    spent = said.of["air"]["power_w"] + said.of["work"]["local_power_w"]
    np.testing.assert_allclose(spent, report.metrics["terminal_power_w"], rtol=1e-9)
    np.testing.assert_allclose(said.of["work"]["edge_power_w"], report.metrics["ap_power_w"], rtol=1e-9, atol=1e-9)
    kept = ("23a whole tasks", "23e edge frequency", "23f fronthaul", "23g cloud frequency", "terminal frequency")
    assert max(float(np.max(report.residuals[name])) for name in (*kept, "serving cluster")) < 1e-12


def test_threetier():
    network = network_of("threetier")
    edge, cloud = np.zeros((2, 4, 2), bool)
    edge[[0, 1], [0, 0]] = cloud[2, 1] = True  # the last computes itself
    said = Said(threetier.problem(network, edge, cloud))
    arrays = {"edge_choice": edge, "cloud_choice": cloud, "precoder": said.of["air"]["precoder"][:, 0]}
    report = scored("threetier", network, arrays)
    same(said, report, [("radar", "sinr", "echo_sinr"), ("air", "power_w", "transmit_power_w")])
    np.testing.assert_allclose(said.of["air"]["rate_bps"][:3], report.metrics["rate_bps"][:3], rtol=1e-9)
    assert float(np.max(report.residuals["18d terminal power"])) < 1e-12


def test_energy():
    network = network_of("energy")
    said = Said(energy.problem(network))
    pairs = [
        ("radar", "sinr", "echo_sinr"),
        ("air", "sinr", "uplink_sinr"),
        ("air", "power_w", "power_w"),
        ("work", "latency_s", "latency_s"),
        ("work", "upload_s", "upload_s"),
        ("work", "edge_energy_j", "ap_j"),
    ]
    report = scored("energy", network, as_energy(network, said))
    same(said, report, pairs)
    assert float(np.max(report.residuals["17e access point frequency"])) < 1e-12


def as_region(network, said):
    """Scales of the wanted patterns by least squares."""
    w = said.of["air"]["precoder"]
    phase = float(network.element_spacing) * np.sin(network.direction_rad)[:, None] * np.arange(w.shape[2])
    power = np.sum(np.abs(np.exp(-2j * np.pi * phase) @ w.swapaxes(1, 2)) ** 2, axis=2)
    wanted = np.asarray(network.ideal_pattern)
    fits = [np.linalg.lstsq(one[:, None], seen)[0][0] if one.any() else 0.0 for one, seen in zip(wanted, power)]
    empty = jnp.asarray(jnp.nan)
    return {
        "precoder": w,
        "sensing_covariance": np.zeros((len(w), w.shape[2], w.shape[2]), complex),
        "pattern_scale": np.array(fits),
        "pattern_mse": empty,
        "pattern_mse_min": empty,
    }


def test_region():
    network = network_of("region")
    said = Said(region.problem(network))
    report = scored("region", network, as_region(network, said))
    assert np.all(np.asarray(report.metrics["error_noise"]) > 1e-3)  # of the noise
    pairs = [
        ("air", "sinr", "sinr"),
        ("air", "rate", "rate_bps_hz"),
        ("air", "power_w", "ap_power_used"),
    ]
    same(said, report, pairs)
    senses = np.asarray(network.sensing_ap)
    error = np.asarray(report.metrics["pattern_error"])[senses]
    np.testing.assert_allclose(said.of["pattern"]["pattern_error"][senses], error, rtol=1e-9)


def test_region_asks_for_no_detection_probability():
    network = dataclasses.replace(network_of("region"), detection_probability_min=jnp.asarray(0.5))
    with pytest.raises(tn.InputError, match="detection_probability_min"):
        region.problem(network)


def test_fairness():
    network = network_of("fairness")
    said = Said(fairness.problem(network))
    power = said.of["air"]["transmit_power_w"] / np.asarray(network.terminal_max_power_w)
    arrays = {
        "power_fraction": power,
        "subcarrier_use": power > 0,
        "offload_fraction": 1 - said.of["work"]["local_share"],
    }
    report = scored("fairness", network, arrays)
    pairs = [
        ("air", "sinr", "sinr"),
        ("air", "rate_bps", "rate_bps"),
        ("air", "power_w", "power_w"),
        ("work", "latency_s", "latency_s"),
    ]
    same(said, report, pairs)
    assert max(float(np.max(over)) for over in report.residuals.values()) < 1e-12


def test_fairness_is_decided_as_by_its_own_scheme():
    network = tn.draw("fairness", seed=3, terminals=3, access_points=5, task_spread=0.4)
    answer = tn.solve(fairness.problem(network))
    best = float(tn.evaluate(network, tn.solve(network), bound=False).objective)
    assert best * (1 - 1e-7) < answer.value < best * (1 + 1e-4)
    assert answer.bound <= best
    assert answer.gap < 2e-4
