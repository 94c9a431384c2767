"""Who computes where when the edge fills up?

Three-tier system: every task fits one slot of 3 GHz at a base station's server. With fewer slots, tasks go on to the
cloud behind a slow backhaul, or stay where they are; the terminals' processors are about as quick as that detour.
"""

import numpy as np
import picture

import trinode as tn

SLOTS = np.arange(0, 6)
counts, latency = [], []
for slots in SLOTS:
    own = {"terminal_frequency_hz": 2.2e9, "terminal_capacitance": 3e-29, "backhaul_bps": 7.5e6}
    batch = tn.draw_batch("threetier", trials=12, edge_capacity_hz=3e9 * float(slots), **own)
    report = tn.evaluate_batch(batch, tn.solve_batch(batch), bound=False)
    known = ~np.isnan(np.asarray(report.objective))
    edge = np.asarray(report.metrics["edge_terminal"])[known].sum(axis=1).mean()
    cloud = np.asarray(report.metrics["cloud_terminal"])[known].sum(axis=1).mean()
    counts.append([edge, cloud, 9 - edge - cloud])
    latency.append(1e3 * np.asarray(report.metrics["latency_s"])[known].mean())

PLACES = ("at the edge", "in the cloud", "at the terminal")
figure, (left, right) = picture.new("Who computes where when the edge fills up?", 2, 8.8)
bottom = np.zeros(len(SLOTS))
for colour, words, height in zip(picture.COLOURS, PLACES, np.transpose(counts)):
    left.bar(SLOTS, height, 0.7, bottom, color=colour, label=words)
    bottom += height
across = "slots of 3 GHz at each of three base stations"
left.set(xlabel=across, ylabel="terminals (mean of 9)")
left.legend(frameon=False, ncols=3, loc="upper center", bbox_to_anchor=(0.5, 1.12), fontsize=9, columnspacing=1)
right.plot(SLOTS, latency, "o-", color=picture.COLOURS[0])
right.set(xlabel=across, ylabel="mean latency of a terminal (ms)")
picture.save(figure, __file__)
