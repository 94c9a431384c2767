"""What a report of the region system holds; computed by :func:`trinode.systems.region.model.evaluate`."""

from trinode.systems.metric import Metric

METRICS = {
    "rate_bps_hz": Metric("rate", ("K",)),
    "sinr": Metric("SINR (18)", ("K",)),
    "interference": Metric("power of the other terminals' streams, over the noise", ("K",)),
    "error_noise": Metric("power that comes of errors of the estimates, over the noise", ("K",)),
    "sensing_noise": Metric("power of the sensing signals, over the noise", ("K",)),
    "ap_power_used": Metric("share of its power that an access point spends", ("M",)),
    "pattern_error": Metric("pattern error (20) with the scale of the decision", ("M",)),
    "pattern_mse": Metric("its mean over the access points that sense"),
    "pattern_mse_best_scale": Metric("the same with the best scales"),
    "pattern_nmse": Metric("the same over the squared scales"),
    "data_bits_per_hz": Metric("sum rate over the data symbols of a coherence interval"),
    "detection_probability": Metric("probability with which a target is detected", ("T",), "detection_probability_min"),
}
