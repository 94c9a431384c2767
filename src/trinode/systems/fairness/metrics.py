"""What a report of the fairness system holds; computed by :func:`trinode.systems.fairness.model.evaluate`."""

from trinode.systems.metric import Metric

METRICS = {
    "latency_s": Metric("latency (6)", ("K",)),
    "local_s": Metric("time (5) of the part that the terminal computes", ("K",)),
    "upload_s": Metric("time on the air", ("K",)),
    "server_s": Metric("time of computing at the server", ("K",)),
    "rate_bps": Metric("rate (4) over all subcarriers", ("K",)),
    "sinr": Metric("SINR (3)", ("S", "K")),
    "offload_fraction": Metric("share of the task that is offloaded", ("K",)),
    "power_w": Metric("radiated power", ("K",)),
    "largest_latency_s": Metric("largest latency (7)"),
    "gini": Metric("Gini index of the latencies: how uneven they are, not how long"),
}
