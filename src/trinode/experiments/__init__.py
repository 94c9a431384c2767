"""Sweeps: what to compute, in which pieces, where the pieces are kept, and the dataset they make."""

from trinode.experiments.dataset import gather
from trinode.experiments.items import Item, expand
from trinode.experiments.runner import Summary, run
from trinode.experiments.store import Store
from trinode.systems.figure import FigureSpec, Measure, Panel, Sweep

__all__ = ["FigureSpec", "Item", "Measure", "Panel", "Store", "Summary", "Sweep", "expand", "gather", "run"]
