"""What a report of the energy system holds; computed by :func:`trinode.systems.energy.model.evaluate`."""

from trinode.systems.metric import Metric

METRICS = {
    "energy_j": Metric("weighted energy (17a)", ("K",)),
    "radio_j": Metric("energy (13) of the radio", ("K",)),
    "local_j": Metric("energy (14) of the own processor", ("K",)),
    "ap_j": Metric("energy (15) of the access point's processor for the terminal, not weighted", ("K",)),
    "unweighted_j": Metric("energy with all weights 1", ("K",)),
    "latency_s": Metric("latency (12)", ("K",)),
    "local_s": Metric("time (10) of the part that the terminal computes", ("K",)),
    "upload_s": Metric("time on the air", ("K",)),
    "ap_s": Metric("time of computing at the access point", ("K",)),
    "rate_bps": Metric("rate (9)", ("K",)),
    "uplink_sinr": Metric("SINR (7) of the data", ("K",)),
    "echo_sinr": Metric("SINR (8) of the own echo", ("K",)),
    "power_w": Metric("radiated power (2)", ("K",)),
    "offload_fraction": Metric("share of the task that is offloaded", ("K",)),
    "ap_frequency_hz": Metric("processor cycles that the access point spends on the terminal", ("K",)),
    "served": Metric("1 where the terminal is served; its mean is the success rate (58)", ("K",)),
    "random_upload_s": Metric("time on the air under one random error of the channels", ("K",), "channel_error"),
    "worst_upload_s": Metric("time on the air that no errors within the norm exceed", ("K",), "channel_error"),
    "worst_lateness": Metric("by how much the deadline is missed then, relatively", ("K",), "channel_error"),
}
