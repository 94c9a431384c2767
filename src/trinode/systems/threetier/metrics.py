"""What a report of the three-tier system holds; computed by :func:`trinode.systems.threetier.model.evaluate`."""

from trinode.systems.metric import Metric

METRICS = {
    "latency_s": Metric("latency (16)", ("K",)),
    "upload_s": Metric("time on the air", ("K",)),
    "backhaul_s": Metric("time on the backhaul to the cloud", ("K",)),
    "compute_s": Metric("time of computing, wherever that is", ("K",)),
    "rate_bps": Metric("rate (3) to the chosen access point", ("K",)),
    "echo_sinr": Metric("SINR (8) of the own echo", ("K",)),
    "echo_sinr_combined": Metric("the same after the best linear receive combining", ("K",)),
    "detection_1": Metric("probability of detecting the echo in 1 look, at one false alarm in 1000", ("K",)),
    "detection_4": Metric("the same in 4 accumulated looks", ("K",)),
    "echo_missed": Metric("1 where the echo requirement (18e) is broken", ("K",)),
    "transmit_power_w": Metric("radiated power", ("K",)),
    "terminal_power_w": Metric("power (17), radiated and of the processor", ("K",)),
    "energy_j": Metric("power times latency (Fig. 4)", ("K",)),
    "energy_full_power_j": Metric("the same if all the permitted power were spent", ("K",)),
    "edge_terminal": Metric("1 where the task is computed at an edge server", ("K",)),
    "cloud_terminal": Metric("1 where the task is computed in the cloud", ("K",)),
}
