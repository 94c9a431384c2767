"""The judges of the fairness and the energy system against loops in NumPy; see ``test_models_pinned.py``."""

import dataclasses
import importlib

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from pinned import compare, excess, judged, normal, over, state, uniform
from trinode.systems import energy, fairness


@pytest.mark.parametrize("own", [True, False], ids=["combiner", "maximum ratio"])
def test_fairness(own):
    n, k, m, a = 2, 4, 3, 5
    s = {
        "uplink_channel": normal(n, k, m, a),
        "ap_noise_w": uniform(m),
        "subcarrier_bandwidth_hz": np.asarray(3.0),
        "terminal_max_power_w": uniform(k),
        "task_bits": np.array([2.0, 3.0, 0.0, 1.3]),
        "cycles_per_bit": uniform(k),
        "terminal_frequency_hz": np.array([0.9, 2.0, 0.0, 1.4]),
        "server_frequency_hz": np.asarray(2.5),
    }
    x = {
        "power_fraction": uniform(n, k, low=0.1, high=0.8),
        "subcarrier_use": np.array([[1, 1, 0, 1], [0, 1, 1, 1]], bool),
        "offload_fraction": np.array([0.4, 1.1, 0.0, -0.2]),
    }
    x["power_fraction"][0, 2] = -0.1
    h = s["uplink_channel"]
    v = normal(n, k, m, a) if own else h / np.linalg.norm(h, axis=(2, 3), keepdims=True)
    if own:
        x["combiner"] = v
    power = x["subcarrier_use"] * x["power_fraction"] * s["terminal_max_power_w"]
    sinr = np.zeros((n, k))
    for q in range(n):
        for i in range(k):
            through = [power[q, j] * abs(np.vdot(v[q, i], h[q, j])) ** 2 for j in range(k)]
            noise = sum(s["ap_noise_w"][j] * np.linalg.norm(v[q, i, j]) ** 2 for j in range(m))
            sinr[q, i] = max(through[i], 0) / (sum(through) - through[i] + noise) if through[i] > 0 else 0.0
    rate = 3.0 * np.log2(1 + sinr).sum(0)
    share, cycles = x["offload_fraction"], s["task_bits"] * s["cycles_per_bit"]
    local = np.array([(1 - share[i]) * over(cycles[i], s["terminal_frequency_hz"][i]) for i in range(k)])
    upload = np.array([share[i] * over(s["task_bits"][i], rate[i]) for i in range(k)])
    server = share * cycles / 2.5
    times = np.maximum(local, upload + server)
    some = times[[0, 1, 3]]
    metrics = {
        **{"latency_s": times, "local_s": local, "upload_s": upload, "server_s": server, "rate_bps": rate},
        **{"sinr": sinr, "offload_fraction": share, "power_w": power.sum(0), "largest_latency_s": times.max()},
        "gini": sum(abs(one - other) for one in some for other in some) / (2 * 3 * some.sum()),
    }
    residuals = {
        "8c powers": -x["power_fraction"].min(0),
        "8d power of a terminal": x["power_fraction"].sum(0) - 1,
        "8e offloading ratio": [max(-one, one - 1) for one in share],
    }
    compare(judged(fairness.system, s, state(fairness.system, k, **x)), times.max(), metrics, residuals)


@pytest.mark.parametrize("errors", [None, 0.04], ids=["known", "errors"])
@pytest.mark.parametrize("bands", [False, True], ids=["one band", "sub-bands"])
def test_energy(bands, errors):
    k, a, t, r = 4, 3, 5, 2
    s = {
        "uplink_channel": normal(k, a, t),
        "ap_noise_w": np.asarray(0.7),
        "bandwidth_hz": np.asarray(3.0),
        "echo_channel": normal(k, k, r, t),
        "radar_noise_w": uniform(k),
        "terminal_max_power_w": np.array([3.0, 2.0, 1.0, 0.0]),
        "task_bits": np.array([2.0, 3.0, 0.0, 1.1]),
        "cycles_per_bit": uniform(k),
        "terminal_max_frequency_hz": np.array([1.0, 2.0, 0.0, 0.8]),
        "ap_max_frequency_hz": np.asarray(2.1),
        "terminal_capacitance": uniform(k),
        "ap_capacitance": uniform(k),
        "ap_energy_weight": uniform(k),
        "sensing_sinr_min": np.array([0.5, 1.5, 0.0, 0.2]),
        "latency_max_s": uniform(k),
    }
    x = {
        "offload_fraction": np.array([0.4, 1.1, 0.3, 0.0]),
        "terminal_frequency_hz": np.array([0.4, 0.5, 0.0, 0.9]),
        "ap_frequency_hz": uniform(k),
        "precoder": normal(k, t, size=0.4),
        "sensing_precoder": normal(k, t, size=0.4),
        "combiner": normal(k, a),
        "radar_combiner": normal(k, r),
    }
    band = np.full(k, 3.0)
    if bands:
        x["subband_hz"] = band = uniform(k)
    w, z, v, u = (x[name] for name in ("precoder", "sensing_precoder", "combiner", "radar_combiner"))
    h = s["uplink_channel"]
    wider = np.ones(k) if not bands else band / 3.0
    uplink, echo = np.zeros((2, k))
    for i in range(k):
        meets = [n for n in range(k) if n == i or not bands]
        heard = [abs(v[i].conj() @ h[n] @ w[n]) ** 2 for n in range(k)]
        other = [abs(v[i].conj() @ h[n] @ z[n]) ** 2 for n in range(k)]
        noise = 0.7 * wider[i] * np.linalg.norm(v[i]) ** 2
        uplink[i] = heard[i] / (sum(heard[n] for n in meets if n != i) + sum(other[n] for n in meets) + noise)
        heard = [abs(u[i].conj() @ s["echo_channel"][i, n] @ w[n]) ** 2 for n in range(k)]
        other = [abs(u[i].conj() @ s["echo_channel"][i, n] @ z[n]) ** 2 for n in range(k)]
        noise = s["radar_noise_w"][i] * wider[i] * np.linalg.norm(u[i]) ** 2
        echo[i] = other[i] / (sum(other[n] for n in meets if n != i) + sum(heard[n] for n in meets) + noise)
    rate = band * np.log2(1 + uplink)
    share, bits, per_bit = x["offload_fraction"], s["task_bits"], s["cycles_per_bit"]
    local = np.array([over(per_bit[i] * (1 - share[i]) * bits[i], x["terminal_frequency_hz"][i]) for i in range(k)])
    upload, remote = share * bits / rate, per_bit * share * bits / x["ap_frequency_hz"]
    power = np.linalg.norm(w, axis=1) ** 2 + np.linalg.norm(z, axis=1) ** 2
    radio = power * upload
    at_home = s["terminal_capacitance"] * x["terminal_frequency_hz"] ** 2 * per_bit * (1 - share) * bits
    at_ap = s["ap_capacitance"] * x["ap_frequency_hz"] ** 2 * per_bit * share * bits
    joule = radio + at_home + s["ap_energy_weight"] * at_ap
    metrics = {
        **{"energy_j": joule, "radio_j": radio, "local_j": at_home, "ap_j": at_ap},
        "unweighted_j": radio + at_home + at_ap,
        "latency_s": np.maximum(local, upload + remote),
        **{"local_s": local, "upload_s": upload, "ap_s": remote, "rate_bps": rate, "uplink_sinr": uplink},
        **{"echo_sinr": echo, "power_w": power, "offload_fraction": share},
        **{"ap_frequency_hz": x["ap_frequency_hz"], "served": np.ones(k)},
    }
    used = sum(x["ap_frequency_hz"][i] for i in range(k) if share[i] * bits[i] > 0)
    residuals = {
        "17b echo SINR": [1 - echo[i] / n if (n := s["sensing_sinr_min"][i]) else -1 for i in range(k)],
        "17c local latency": local / s["latency_max_s"] - 1,
        "17c offloading latency": (upload + remote) / s["latency_max_s"] - 1,
        "17d terminal frequency": [
            excess(x["terminal_frequency_hz"][i], s["terminal_max_frequency_hz"][i]) for i in range(k)
        ],
        "17e access point frequency": used / 2.1 - 1,
        "17f offload fraction": [max(-one, one - 1) for one in share],
        "17g power": [excess(power[i], s["terminal_max_power_w"][i]) for i in range(k)],
    }
    if bands:
        residuals["sub-bands"] = band.sum() / 3.0 - 1
    if errors is not None:
        draw = np.random.default_rng(0).standard_normal((2, k, a, t))
        size = [errors * np.linalg.norm(h[n], 2) for n in range(k)]
        off = [(draw[0] + 1j * draw[1])[n] for n in range(k)]
        true = [h[n] + size[n] * off[n] / np.linalg.norm(off[n], 2) for n in range(k)]
        sinr, worst = np.zeros((2, k))
        for i in range(k):
            meets, length = [n for n in range(k) if n == i or not bands], np.linalg.norm(v[i])
            noise = 0.7 * wider[i] * length**2
            heard = {(n, b): abs(v[i].conj() @ true[n] @ (w, z)[b][n]) ** 2 for n in meets for b in (0, 1)}
            sinr[i] = heard[i, 0] / (sum(heard.values()) - heard[i, 0] + noise)
            heard = {(n, b): abs(v[i].conj() @ h[n] @ (w, z)[b][n]) for n in meets for b in (0, 1)}
            more = {(n, b): length * size[n] * np.linalg.norm((w, z)[b][n]) for n, b in heard}
            others = sum((heard[one] + more[one]) ** 2 for one in heard if one != (i, 0))
            worst[i] = max(heard[i, 0] - more[i, 0], 0) ** 2 / (others + noise)
        speeds = band * np.log2(1 + np.stack([sinr, worst]))
        upload, late = (np.array([over(share[i] * bits[i], row[i]) for i in range(k)]) for row in speeds)
        missed = np.maximum((late + remote) / s["latency_max_s"] - 1, 0)
        metrics |= {"random_upload_s": upload, "worst_upload_s": late, "worst_lateness": missed}
    scenario = energy.system.scenario_from(s)
    if errors is not None:
        scenario = dataclasses.replace(scenario, channel_error=jnp.asarray(errors))
    report = jax.jit(energy.system.evaluate)(scenario, state(energy.system, k, **x))
    compare(report, joule.sum(), metrics, residuals)


@pytest.mark.parametrize("name", ["latency", "threetier", "fairness", "energy"])
def test_what_nothing_works_at_never_ends(name):
    """0 / 0 takes no time, the smallest amount at a speed of zero takes for ever; the same for limits of zero."""
    judge = importlib.import_module(f"trinode.systems.{name}.model")
    time = {"threetier": "ratio", "fairness": "_time"}.get(name, "_ratio")
    amount, speed = jnp.array([0.0, 0.3, 0.3, 0.0]), jnp.array([0.0, 0.0, 0.6, 0.6])
    np.testing.assert_array_equal(getattr(judge, time)(amount, speed), [0, np.inf, 0.5, 0])
    if name != "fairness":
        np.testing.assert_array_equal(judge._excess(amount, speed), [0, np.inf, -0.5, -1])
