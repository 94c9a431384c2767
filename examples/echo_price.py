"""What does one more dB of echo SINR cost?

Latency system: terminals hear their own radar echo while they upload. The requirement rises from -4 to 6 dB, the
networks stay the same.
"""

import numpy as np
import picture

import trinode as tn

NEEDED = np.arange(-4.0, 6.5, 2.0)
batches = [tn.draw_batch("latency", trials=12, sensing_sinr_min_db=float(needed)) for needed in NEEDED]
reports = [tn.evaluate_batch(batch, tn.solve_batch(batch), bound=False) for batch in batches]
latency = 1e3 * np.array([report.objective for report in reports])  # (requirement, network)
possible = ~np.isnan(latency)
share = 100 * possible.mean(axis=1)
kept = possible[NEEDED <= 2].all(axis=0)  # the same networks along the curve
known = possible[:, kept].all(axis=1)
mean = latency[:, kept][known].mean(axis=1)

figure, (left, right) = picture.new("What does one more dB of echo SINR cost?", 2, 8.4)
left.plot(NEEDED[known], mean, "o-", color=picture.COLOURS[0])
left.set(xlabel="echo SINR that every terminal needs (dB)", ylabel="mean latency of the slowest terminal (ms)")
left.set_title(f"{kept.sum()} networks that can be served at 2 dB", fontsize=10, color=picture.QUIET)
at = list(NEEDED[known]).index(2)
price = 100 * (mean[at] / mean[at - 1] - 1) / 2
picture.label(left, 0, mean[at - 1], f"{price:.2f} % longer\nper dB from\n0 to 2 dB", picture.COLOURS[0], 12, -24)
right.plot(NEEDED, share, "s-", color=picture.COLOURS[1])
right.set(xlabel="echo SINR that every terminal needs (dB)", ylabel="networks that can be served (%)", ylim=(-3, 103))
right.set_title(f"of {latency.shape[1]}", fontsize=10, color=picture.QUIET)
picture.save(figure, __file__)
