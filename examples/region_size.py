"""What does a good beampattern cost, with 4, 6 and 8 access points?

Region system: 48 antennas in all, three targets. Limits of the pattern error grow stricter from right to left; with
more access points more of them are left for the terminals alone, but their small arrays cannot form every beam.
"""

import numpy as np
import picture

import trinode as tn

LIMITS = [1.2, 0.9, 0.7, 0.6, 0.5, 0.4]

figure, axes = picture.new("What does a good beampattern cost?")
for colour, points in zip(picture.COLOURS, (4, 6, 8)):
    mean = []
    for limit in LIMITS:
        given = {"access_points": points, "ap_antennas": 48 // points, "pattern_mse_max": limit}
        batch = tn.draw_batch("region", trials=4, **given)
        report = tn.evaluate_batch(batch, tn.solve_batch(batch, "isac"), bound=False)
        rate = np.asarray(report.objective)
        mean.append(rate.mean() if not np.isnan(rate).any() else np.nan)
    axes.plot(LIMITS, mean, "o-", color=colour)
    picture.label(axes, LIMITS[0], mean[0], f"{points} access points", colour)
axes.set(xlabel="largest pattern error allowed", ylabel="sum rate of nine terminals (bit/s/Hz)", xlim=(None, 1.45))
axes.set_title("48 antennas in all; curves end where one of four networks fails", fontsize=10, color=picture.QUIET)
picture.save(figure, __file__)
