"""How the examples' pictures look: a question as title, axes with units, labels at the lines."""

from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
QUIET = "#6b6b6b"
FOLDER = Path("out/examples")

plt.rcParams.update({"font.size": 10, "axes.spines.top": False, "axes.spines.right": False, "axes.grid": True})
plt.rcParams.update({"grid.color": "#e8e8e8", "axes.axisbelow": True, "axes.edgecolor": QUIET, "lines.linewidth": 2})


def new(question, columns=1, width=6.6, height=4.0, **more):
    """A figure under a question, and its axes."""
    figure, axes = plt.subplots(1, columns, figsize=(width, height), layout="constrained", **more)
    figure.suptitle(question, fontsize=13, fontweight="bold")
    return figure, axes


def label(axes, x, y, text, colour, dx=6, dy=0, **more):
    """A word beside a point."""
    more = {"va": "center", "fontsize": 9.5, "annotation_clip": False, **more}
    axes.annotate(text, (x, y), (dx, dy), textcoords="offset points", color=colour, **more)


def save(figure, script):
    """Write the picture of a script to ``out/examples``."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{Path(script).stem}.png"
    figure.savefig(path, dpi=110)
    print(path)
