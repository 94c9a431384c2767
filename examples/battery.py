"""How much battery does the access point's server save?

Energy system: a terminal computes as much itself as pays, and sends the rest. What leaves its battery is the energy of
its processor and of its radio; the later the task may be done, the less.
"""

import numpy as np
import picture

import trinode as tn

DEADLINES = np.array([0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0])
SCHEMES = {"full-local": "all by itself", "joint": "best split and beams"}

figure, axes = picture.new("How much battery does an edge server save?")
joules = {}
for colour, (scheme, words) in zip(picture.COLOURS[1::-1], SCHEMES.items()):
    joules[scheme] = []
    for deadline in DEADLINES:
        batch = tn.draw_batch("energy", trials=16, latency_max_s=float(deadline), terminal_max_frequency_hz=10e9)
        report = tn.evaluate_batch(batch, tn.solve_batch(batch, scheme), bound=False)
        spent = np.asarray(report.metrics["local_j"] + report.metrics["radio_j"]).sum(axis=1)
        joules[scheme].append(1e3 * np.mean(spent[~np.isnan(np.asarray(report.objective))]))
    axes.plot(DEADLINES, joules[scheme], "o-", color=colour)
    picture.label(axes, DEADLINES[-1], joules[scheme][-1], words, colour)
last = joules["full-local"][2] / joules["joint"][2]
axes.set_title(f"at 0.4 s the battery lasts {last:.0f} times as long", fontsize=10, color=picture.QUIET)
axes.set(xlabel="deadline of a task of 1 Mbit (s)", ylabel="from the batteries of two terminals (mJ)", yscale="log")
axes.set_xlim(0.15, 1.35)
picture.save(figure, __file__)
