"""How much of a terminal's power goes into its radar?

Energy system: each terminal sends its data and a radar beam of its own at once, and its data disturb its echo. The echo
SINR that is asked for rises until a third of the networks cannot meet it.
"""

import numpy as np
import picture

import trinode as tn

NEEDED = np.arange(-10.0, 31.0, 4.0)
data, radar, energy = [], [], []
for needed in NEEDED:
    batch = tn.draw_batch("energy", trials=32, sensing_sinr_min_db=float(needed))
    solution = tn.solve_batch(batch)
    energy.append(1e3 * np.asarray(tn.evaluate_batch(batch, solution, bound=False).objective))
    for watts, beams in ((data, solution.precoder), (radar, solution.sensing_precoder)):
        watts.append(1e3 * np.sum(np.abs(beams) ** 2, axis=-1).mean(axis=1))
possible = ~np.isnan(energy)
shown = possible.mean(axis=1) > 2 / 3
kept = possible[shown].all(axis=0)  # the same networks at every point
data, radar, energy = (np.asarray(one)[shown][:, kept].mean(axis=1) for one in (data, radar, energy))
needed = NEEDED[shown]

figure, (left, right) = picture.new("How much of a terminal's power goes into its radar?", 2, 8.8)
left.stackplot(needed, data, radar, colors=picture.COLOURS[:2])
left.set(
    xlabel="echo SINR needed (dB)", ylabel="radiated power of a terminal (mW)", xlim=needed[[0, -1]], xticks=needed
)
left.text(needed[0] + 1, data[0] / 2, "data", color="w", fontsize=12)
left.text(needed[-1] - 0.5, data[-1] + radar[-1] / 2, "radar", color="w", fontsize=12, ha="right", va="center")
right.plot(needed, energy, "o-", color=picture.COLOURS[2])
right.set(xlabel="echo SINR needed (dB)", ylabel="weighted energy of the network (mJ)")
left.set_title(f"means over {kept.sum()} networks of two terminals", fontsize=10, color=picture.QUIET)
picture.save(figure, __file__)
