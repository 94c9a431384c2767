"""Every number of every judge against loops over terminals and access points, written from the papers' formulas.

Arrays are random, all axes differ, and among the terminals are those without a task, without a requirement, without a
processor and without power. No metric and no residual is left out.
"""

import numpy as np
import pytest
from scipy.stats import chi2, ncx2, norm

from pinned import compare, excess, form, judged, normal, outer, over, state, uniform
from trinode.systems import latency, region, threetier


@pytest.mark.parametrize("whole", [True, False], ids=["whole", "shared"])
def test_latency(whole):
    k, m, a, t, r = 4, 2, 3, 5, 6
    s = {
        "uplink_channel": normal(k, m, a, t),
        "serving": np.array([[1, 1], [1, 1], [1, 0], [0, 1]], bool),
        "ap_noise_w": uniform(m),
        "bandwidth_hz": np.asarray(3.0),
        "terminal_channel": normal(k, k, r, t) * (1 - np.eye(k))[..., None, None],
        "radar_noise_w": uniform(k),
        "echo_gain": uniform(k),
        "transmit_steering": normal(k, t),
        "receive_steering": normal(k, r),
        "task_bits": np.array([2.0, 3.0, 1.5, 0.0]),
        "terminal_cycles_per_bit": uniform(k),
        "edge_cycles_per_bit": uniform(m),
        "cloud_cycles_per_bit": np.asarray(1.7),
        "terminal_max_frequency_hz": np.array([1.0, 2.0, 0.7, 0.0]),
        "edge_max_frequency_hz": uniform(m),
        "cloud_max_frequency_hz": np.asarray(1.2),
        "fronthaul_max_bps": np.array([1.5, 0.0]),
        "terminal_capacitance": uniform(k),
        "edge_capacitance": uniform(m),
        "terminal_max_power_w": np.array([3.0, 2.0, 1.0, 0.0]),
        "ap_max_power_w": uniform(m),
        "sensing_sinr_min": np.array([0.5, 1.5, 0.0, 0.2]),
    }
    b = np.array([[0.3, 0.7], [0, 0], [0, 0], [0, 0]]) if whole else uniform(k, m, low=-0.1, high=0.4)
    c = np.array([[0, 0], [0.6, 0.4], [0, 0], [0, 0]]) if whole else uniform(k, m, low=0.05, high=1.1)
    x = {
        "edge_share": b,
        "cloud_share": c,
        "precoder": normal(k, m, t, size=0.4),
        "sensing_precoder": normal(k, t, size=0.4),
        "terminal_frequency_hz": np.array([0.4, 0.5, 0.9, 0.0]),
        "edge_frequency_hz": uniform(k, m),
        "cloud_frequency_hz": uniform(k),
        "fronthaul_bps": uniform(k, m),
    }
    x["precoder"][3, 0] = 0
    h, w, z = s["uplink_channel"], x["precoder"], x["sensing_precoder"]
    sent = [sum(outer(w[i, j]) for j in range(m)) + outer(z[i]) for i in range(k)]
    rate, echo, power = np.zeros((k, m)), np.zeros(k), np.zeros(k)
    for i in range(k):
        for j in range(m):
            y = h[i, j] @ w[i, j]
            heard = sum(h[n, j] @ sent[n] @ h[n, j].conj().T for n in range(k))
            others = s["ap_noise_w"][j] * np.eye(a) + heard - outer(y)
            rate[i, j] = 3.0 * np.log2(1 + form(y, np.linalg.inv(others)))
        g = s["terminal_channel"][i]
        noise = r * s["radar_noise_w"][i] + sum(np.trace(g[n] @ sent[n] @ g[n].conj().T).real for n in range(k))
        gain = s["echo_gain"][i] ** 2 * np.linalg.norm(s["receive_steering"][i]) ** 2
        echo[i] = gain * form(s["transmit_steering"][i], sent[i]) / noise
        power[i] = np.trace(sent[i]).real
    upload, relay, compute, cpu = np.zeros((4, k))
    for i in range(k):
        bits, edge, cloud = s["task_bits"][i], b[i].sum(), c[i].sum()
        up_e = [over(b[i, j] * bits, rate[i, j]) for j in range(m)]
        run_e = [over(s["edge_cycles_per_bit"][j] * b[i, j] * bits, x["edge_frequency_hz"][i, j]) for j in range(m)]
        up_c = [over(c[i, j] * bits, rate[i, j]) for j in range(m)]
        haul = [over(c[i, j] * bits, x["fronthaul_bps"][i, j]) for j in range(m)]
        e, q = np.argmax(np.add(up_e, run_e)), np.argmax(np.add(up_c, haul))
        upload[i] = edge * up_e[e] + cloud * up_c[q]
        relay[i] = cloud * haul[q]
        local = over(s["terminal_cycles_per_bit"][i] * bits, x["terminal_frequency_hz"][i])
        compute[i] = (1 - edge - cloud) * local + edge * run_e[e] + cloud * 1.7 * bits / x["cloud_frequency_hz"][i]
        at_home = edge + cloud <= 0
        cpu[i] = s["terminal_capacitance"][i] * x["terminal_frequency_hz"][i] ** 3 if at_home else 0.0
    on_edge, on_cloud = b > 0, c > 0
    received = np.array([[np.linalg.norm(h[i, j] @ w[i, j]) ** 2 for j in range(m)] for i in range(k)])
    ap = (on_edge * s["edge_capacitance"] * x["edge_frequency_hz"] ** 3 + on_cloud * received).sum(0)
    edge, cloud = b.sum(1), c.sum(1)
    stray = [[over(np.linalg.norm(w[i, j]) ** 2, s["terminal_max_power_w"][i]) for j in range(m)] for i in range(k)]
    reached = np.maximum(np.maximum(b, c), stray)
    metrics = {
        "latency_s": upload + relay + compute,
        **{"upload_s": upload, "fronthaul_s": relay, "compute_s": compute, "rate_bps": rate, "echo_sinr": echo},
        **{"transmit_power_w": power, "terminal_power_w": power + cpu, "ap_power_w": ap},
        **{"edge_terminal": edge, "cloud_terminal": cloud},
    }
    sums = np.stack([edge, cloud, edge + cloud])
    residuals = {
        "23a whole tasks": np.minimum(abs(sums), abs(sums - 1)).max(0),
        "23b shares": np.max([-b, b - 1, -c, c - 1], axis=(0, 2)),
        "23c terminal power": [excess(power[i] + cpu[i], s["terminal_max_power_w"][i]) for i in range(k)],
        "23d access point power": ap / s["ap_max_power_w"] - 1,
        "23e edge frequency": (on_edge * x["edge_frequency_hz"]).sum(0) / s["edge_max_frequency_hz"] - 1,
        "23f fronthaul": [excess((on_cloud * x["fronthaul_bps"])[:, j].sum(), [1.5, 0][j]) for j in range(m)],
        "23g cloud frequency": (cloud * x["cloud_frequency_hz"]).sum() / 1.2 - 1,
        "23h echo SINR": [1 - echo[i] / n if (n := s["sensing_sinr_min"][i]) else -1 for i in range(k)],
        "terminal frequency": [
            excess(x["terminal_frequency_hz"][i], s["terminal_max_frequency_hz"][i]) for i in range(k)
        ],
        "serving cluster": np.where(s["serving"], 0.0, reached).max(1),
    }
    compare(
        judged(latency.system, s, state(latency.system, k, **x)), (upload + relay + compute).max(), metrics, residuals
    )


def test_threetier():
    k, m, a, t, r = 5, 3, 2, 4, 6
    s = {
        "uplink_channel": normal(k, m, a, t),
        "ap_noise_w": uniform(m),
        "bandwidth_hz": np.asarray(3.0),
        "terminal_channel": normal(k, k, r, t) * (1 - np.eye(k))[..., None, None],
        "radar_noise_w": uniform(k),
        "echo_gain": uniform(k),
        "transmit_steering": normal(k, t),
        "receive_steering": normal(k, r),
        "task_bits": np.array([2.0, 3.0, 1.5, 0.0, 1.1]),
        "cycles_per_bit": uniform(k),
        "terminal_frequency_hz": np.array([1.0, 2.0, 0.7, 0.0, 0.9]),
        "edge_frequency_hz": uniform(k),
        "cloud_frequency_hz": uniform(k),
        "edge_capacity_hz": np.array([1.5, 0.8, 0.0]),
        "backhaul_bps": np.asarray(1.3),
        "terminal_capacitance": uniform(k),
        "terminal_max_power_w": np.array([3.0, 2.0, 1.0, 0.0, 1.2]),
        "sensing_sinr_min": np.array([0.5, 1.5, 0.0, 0.2, 0.02]),
    }
    place = {0: ("edge", 1), 1: ("cloud", 2), 4: ("edge", 2)}
    edge, cloud = np.zeros((2, k, m), bool)
    for i, (where, j) in place.items():
        (edge if where == "edge" else cloud)[i, j] = True
    w = normal(k, t, size=0.4)
    h = s["uplink_channel"]
    upload, haul, compute, rate, echo, best, own = np.zeros((7, k))
    for i in range(k):
        bits, cycles = s["task_bits"][i], s["task_bits"][i] * s["cycles_per_bit"][i]
        where, j = place.get(i, ("", 0))
        y = h[i, j] @ w[i]
        others = s["ap_noise_w"][j] * np.eye(a) + sum(outer(h[n, j] @ w[n]) for n in range(k) if n != i)
        if where:
            rate[i] = 3.0 * np.log2(1 + form(y, np.linalg.inv(others)))
            upload[i] = bits / rate[i]
            compute[i] = cycles / s[f"{where}_frequency_hz"][i]
            haul[i] = bits / 1.3 if where == "cloud" else 0.0
        else:
            compute[i] = over(cycles, s["terminal_frequency_hz"][i])
            own[i] = s["terminal_capacitance"][i] * s["terminal_frequency_hz"][i] ** 3
        g, back = s["terminal_channel"][i], s["receive_steering"][i]
        towards = s["echo_gain"][i] * (s["transmit_steering"][i].conj() @ w[i])
        heard = [g[n] @ w[n] for n in range(k)]
        echo[i] = abs(towards) ** 2 * np.linalg.norm(back) ** 2
        echo[i] /= s["radar_noise_w"][i] + sum(np.linalg.norm(one) ** 2 for one in heard)
        disturbed = s["radar_noise_w"][i] * np.eye(r) + sum(outer(one) for one in heard)
        best[i] = form(towards * back, np.linalg.inv(disturbed))
    power, latencies = np.linalg.norm(w, axis=1) ** 2, upload + haul + compute
    spent = power + own
    level = chi2.isf(1e-3, 2)
    lack = [1 - echo[i] / n if (n := s["sensing_sinr_min"][i]) else -1 for i in range(k)]
    metrics = {
        **{"latency_s": latencies, "upload_s": upload, "backhaul_s": haul, "compute_s": compute, "rate_bps": rate},
        **{"echo_sinr": echo, "echo_sinr_combined": best, "echo_missed": np.array(lack) > 1e-6},
        **{f"detection_{looks}": ncx2.sf(level, 2, 2 * looks * echo) for looks in (1, 4)},
        **{"transmit_power_w": power, "terminal_power_w": spent, "energy_j": spent * latencies},
        "energy_full_power_j": s["terminal_max_power_w"] * latencies,
        **{"edge_terminal": edge.any(1), "cloud_terminal": cloud.any(1)},
    }
    used = [sum(s["edge_frequency_hz"][i] for i in range(k) if edge[i, j]) for j in range(m)]
    residuals = {
        "18a one place": edge.sum(1) + cloud.sum(1) - 1.0,
        "18c edge capacity": [excess(used[j], s["edge_capacity_hz"][j]) for j in range(m)],
        "18d terminal power": [excess(spent[i], s["terminal_max_power_w"][i]) for i in range(k)],
        "18e echo SINR": lack,
    }
    solution = state(threetier.system, k, edge_choice=edge, cloud_choice=cloud, precoder=w)
    compare(judged(threetier.system, s, solution), latencies.sum(), metrics, residuals)


@pytest.mark.parametrize("targets", [False, True], ids=["pattern", "detection"])
def test_region(targets):
    m, k, a, d = 3, 4, 2, 5
    root = normal(k, m * a, m * a, size=0.2)
    whole = root @ root.conj().swapaxes(1, 2)
    theta = whole.reshape(k, m, a, m, a).transpose(1, 3, 0, 2, 4)
    s = {
        "channel_estimate": normal(m, k, a),
        "error_covariance": theta,
        "ap_power": uniform(m),
        "sensing_ap": np.array([True, False, True]),
        "direction_rad": np.linspace(-1.3, 1.1, d),
        "ideal_pattern": np.array([[0, 1, 1, 0, 0], [0, 0, 0, 0, 0], [0, 0, 0, 1, 0.0]]),
        "element_spacing": np.asarray(0.45),
        "pattern_mse_max": np.asarray(0.3),
    }
    w, scale = normal(m, k, a, size=0.4), np.array([0.7, 0.0, 1.2])
    z = np.stack([normal(a, a, size=0.3) for _ in range(m)])  # neither Hermitian nor where nobody senses: to be named
    z[0] = outer(normal(a))
    solution = state(region.system, k, precoder=w, sensing_covariance=z, pattern_scale=scale, pattern_mse=np.nan)
    p, h = np.sqrt(s["ap_power"]), s["channel_estimate"]
    signal, interference, error_noise, sensing_noise = np.zeros((4, k))
    for i in range(k):
        heard = [sum(p[j] * h[j, i].conj() @ w[j, n] for j in range(m)) for n in range(k)]
        signal[i] = abs(heard[i]) ** 2
        interference[i] = sum(abs(heard[n]) ** 2 for n in range(k) if n != i)
        for n in range(k):
            stacked = np.concatenate([p[j] * w[j, n] for j in range(m)])
            error_noise[i] += form(stacked, whole[i])
        for j in range(m):
            sensing_noise[i] += s["ap_power"][j] * (h[j, i].conj() @ z[j] @ h[j, i]).real
            sensing_noise[i] += s["ap_power"][j] * np.trace(theta[j, j, i] @ z[j]).real
    sinr = signal / (interference + error_noise + sensing_noise + 1)
    sent = [sum(outer(w[j, i]) for i in range(k)) + z[j] for j in range(m)]

    def towards(j, angle):
        steering = np.exp(2j * np.pi * 0.45 * np.arange(a) * np.sin(angle))
        return form(steering, sent[j])

    pattern = np.array([[towards(j, angle) for angle in s["direction_rad"]] for j in range(m)])
    ideal = s["ideal_pattern"]
    error = ((scale[:, None] * ideal - pattern) ** 2).mean(1)
    best = np.array([(ideal[j] @ pattern[j]) / max((ideal[j] ** 2).sum(), 1e-9) for j in range(m)])
    best_error = ((best[:, None] * ideal - pattern) ** 2).mean(1)
    power = np.array([np.trace(one).real for one in sent])
    rate, mean = np.log2(1 + sinr), error[[0, 2]].mean()
    lowest = np.array([np.linalg.eigvalsh((z[j] + z[j].conj().T) / 2)[0] for j in range(m)])
    skew = np.array([abs(z[j] - z[j].conj().T).max() for j in range(m)])
    stray = np.array([0, abs(z[1]).max(), 0])
    metrics = {
        **{"rate_bps_hz": rate, "sinr": sinr, "interference": interference, "error_noise": error_noise},
        **{"sensing_noise": sensing_noise, "ap_power_used": power, "pattern_error": error, "pattern_mse": mean},
        "pattern_mse_best_scale": best_error[[0, 2]].mean(),
        "pattern_nmse": (best_error[[0, 2]] / np.where(best > 0, best, np.nan)[[0, 2]] ** 2).mean(),
        "data_bits_per_hz": 7.0 * rate.sum(),
    }
    residuals = {
        "14 power": power - 1,
        "16 full power": [abs(power[0] - 1), -1.0, abs(power[2] - 1)],
        "24b pattern error": mean / 0.3 - 1,
        "24c sensing covariance": np.max([-lowest, skew, stray], axis=0),
    }
    s["downlink_symbols"] = np.asarray(7.0)
    if targets:
        paired, angle = np.array([[1, 0], [0, 0], [0, 1]], bool), uniform(m, 2, low=-1, high=1)
        snr = uniform(m, 2)
        s |= {"target_paired": paired, "target_direction_rad": angle, "pattern_mse_max": np.asarray(np.nan)}
        s |= {"detection_probability_min": np.asarray(0.9), "false_alarm": np.asarray(0.02)}
        s["target_echo_gain"] = snr / (7.0 * a * s["ap_power"][:, None])
        one = [sum(snr[j, i] * towards(j, angle[j, i]) for j in range(m) if paired[j, i]) for i in range(2)]
        found = norm.sf(norm.isf(0.02) - np.sqrt(2 * np.maximum(one, 0)))
        metrics["detection_probability"] = found
        residuals |= {"detection probability": 1 - found / 0.9, "24b pattern error": -1.0}
    compare(judged(region.system, s, solution), rate.sum(), metrics, residuals)
