"""Where do more serving access points stop paying?

Latency system: every terminal may split its task over the servers behind the access points of its cluster. The same
eight networks are solved with clusters of one to six.
"""

import dataclasses

import jax.numpy as jnp
import numpy as np
import picture

import trinode as tn

SIZES = range(1, 7)
networks = tn.unstack(tn.draw_batch("latency", trials=8, serving=6))


def served_by(network, size):
    """The network with clusters of the strongest access points only."""
    gain = np.sum(np.abs(network.uplink_channel) ** 2, axis=(2, 3))
    rank = np.argsort(np.argsort(-gain, axis=1), axis=1)
    return dataclasses.replace(network, serving=jnp.asarray(rank < size))


batch = tn.stack([served_by(network, size) for size in SIZES for network in networks])
report = tn.evaluate_batch(batch, tn.solve_batch(batch), bound=False)
slowest = 1e3 * np.asarray(report.objective).reshape(len(SIZES), -1)
slowest = slowest[:, ~np.isnan(slowest).any(axis=0)]

figure, axes = picture.new("Where do more serving access points stop paying?")
axes.plot(SIZES, slowest, color=picture.QUIET, lw=0.8, alpha=0.6)
mean = slowest.mean(axis=1)
axes.plot(SIZES, mean, "o-", color=picture.COLOURS[0])
picture.label(axes, 6, mean[-1], "mean", picture.COLOURS[0])
for size in SIZES[1:]:
    saved = 100 * (1 - mean[size - 1] / mean[size - 2])
    picture.label(axes, size, mean[size - 1], f"{saved:.0f} % less", picture.COLOURS[0], 0, -14, ha="center")
axes.set(
    xlim=(0.8, 6.6),
    xlabel="access points that serve a terminal",
    ylabel="latency of the slowest terminal (ms)",
    ylim=(0, None),
)
axes.set_title(f"{slowest.shape[1]} networks of six terminals and six access points", fontsize=10, color=picture.QUIET)
picture.save(figure, __file__)
