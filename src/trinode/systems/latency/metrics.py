"""What a report of the latency system holds; computed by :func:`trinode.systems.latency.model.evaluate`."""

from trinode.systems.metric import Metric

METRICS = {
    "latency_s": Metric("latency (22)", ("K",)),
    "upload_s": Metric("time on the air on the slowest path", ("K",)),
    "fronthaul_s": Metric("time on the fronthaul on the slowest path to the cloud", ("K",)),
    "compute_s": Metric("time of computing, wherever that is", ("K",)),
    "rate_bps": Metric("rate (4) of each link", ("K", "M")),
    "echo_sinr": Metric("SINR (7) of the own echo", ("K",)),
    "transmit_power_w": Metric("radiated power", ("K",)),
    "terminal_power_w": Metric("power (10), radiated and of the processor", ("K",)),
    "ap_power_w": Metric("power (15) of the server, and what is received for the cloud", ("M",)),
    "edge_terminal": Metric("share of the task that is computed at edge servers", ("K",)),
    "cloud_terminal": Metric("share of the task that is computed in the cloud", ("K",)),
}
