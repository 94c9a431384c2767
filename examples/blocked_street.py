"""What does a blocked street cost in the middle of Munich?

Latency system on ray-traced channels: every terminal loses its strongest link, as if a bus stood in the way, and the
network is decided anew.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
import picture

import trinode as tn
from trinode.channels.bundled import load_bundled

LAYOUT = 3
city = tn.bundled("munich", LAYOUT)
gain = np.sum(np.abs(city.uplink_channel) ** 2, axis=(2, 3))
strongest = np.eye(city.access_points, dtype=bool)[gain.argmax(axis=1)]
channel = jnp.where(strongest[..., None, None], 0.0, city.uplink_channel)
blocked = dataclasses.replace(city, uplink_channel=channel, serving=city.serving & ~strongest)
batch = tn.stack([city, blocked])
report = tn.evaluate_batch(batch, tn.solve_batch(batch), bound=False)
latency = 1e3 * np.asarray(report.metrics["latency_s"])

question = "What does it cost when every terminal of a Munich block loses its best link?"
figure, (left, right) = picture.new(question, 2, 10.0, 4.6, width_ratios=[1.25, 1])
for line in load_bundled("munich", LAYOUT).building_lines:
    left.plot(*np.asarray(line).reshape(-1, 2).T, color="#c4c4c4", lw=0.7)
terminal, ap = city.terminal_position_m, city.ap_position_m
for k in range(city.terminals):
    for m in np.flatnonzero(city.serving[k]):
        lost = strongest[k, m]
        style = {"color": picture.COLOURS[1], "ls": ":"} if lost else {"color": picture.COLOURS[0], "lw": 1}
        left.plot([terminal[k, 0], ap[m, 0]], [terminal[k, 1], ap[m, 1]], **style)
    left.annotate(str(k), terminal[k, :2], (5, 4), textcoords="offset points")
left.plot(*ap[:, :2].T, "k^", ms=8, ls="")
left.plot(*terminal[:, :2].T, "ko", ms=5, ls="")
spots = np.concatenate([terminal[:, :2], ap[:, :2]])
left.set(xlim=spots[:, 0].min() + np.array([-40, 40 + np.ptp(spots[:, 0])]), xlabel="east (m)", ylabel="north (m)")
left.set(ylim=spots[:, 1].min() + np.array([-40, 40 + np.ptp(spots[:, 1])]), aspect="equal")
left.set_title("triangles: access points; dots: terminals; dotted: lost links", fontsize=9.5, color=picture.QUIET)
for case, (words, colour) in enumerate([("as it is", picture.COLOURS[0]), ("best links blocked", picture.COLOURS[1])]):
    right.bar(
        np.arange(city.terminals) + 0.4 * case - 0.2,
        latency[case],
        0.38,
        color=colour,
        label=f"{words}: {latency[case].max():.0f} ms",
    )
right.set(xlabel="terminal", ylabel="latency (ms)", xticks=range(city.terminals))
right.legend(frameon=False, loc="upper center", ncols=2, bbox_to_anchor=(0.5, 1.12))
picture.save(figure, __file__)
