"""Does it help to spread the antennas over the area?

Fairness system: 64 access points with one antenna each all over a disc, or one station with 64 antennas in its middle.
The terminals are the same, and both networks are decided exactly.
"""

import numpy as np
import picture

import trinode as tn

LAYOUTS = {"cell-free": "64 access points of one antenna", "bs-centred": "one station of 64 antennas"}

figure, axes = picture.new("Do 64 antennas help more in one place or in 64?")
slowest = {}
for colour, (layout, words) in zip(picture.COLOURS, LAYOUTS.items()):
    batch = tn.draw_batch("fairness", trials=500, layout=layout)
    report = tn.evaluate_batch(batch, tn.solve_batch(batch), bound=False)
    slowest[layout] = np.sort(1e3 * np.asarray(report.objective))
    share = 100 * np.arange(1, 501) / 500
    axes.plot(slowest[layout], share, color=colour)
    at = 425 if layout == "cell-free" else 300
    picture.label(axes, slowest[layout][at], share[at], words, colour, 8, -4)
medians = {layout: np.median(values) for layout, values in slowest.items()}
saved = 100 * (1 - medians["cell-free"] / medians["bs-centred"])
axes.set_title(f"median: {saved:.0f} % shorter when spread, ten terminals", fontsize=10, color=picture.QUIET)
axes.set(xlabel="latency of the slowest terminal (ms)", ylabel="networks that are at least as fast (%)", ylim=(0, 100))
picture.save(figure, __file__)
