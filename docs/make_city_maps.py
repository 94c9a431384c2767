"""Draw the maps of ``docs/cities.md``: ``python docs/make_city_maps.py [NAME ...]``.

Two answers to the same network beside each other: on the left where one start leads, on the right the best that is
known. A link is as wide as what goes over it, and of another colour to the cloud; under a terminal stands what it gets,
which is better on the right than on the left where its disc is green, and worse where it is red.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

import trinode as tn
from trinode.channels.bundled import load_bundled
from trinode.experiments.bench.cities import CONTESTS
from trinode.plots._map import TIERS, draw_ground
from trinode.plots._style import INK, PALETTE, QUIET, new_figure, save_figure, set_title, style
from trinode.systems.latency import assignments, search
from trinode.systems.latency.optimise import Stages
from trinode.systems.latency.tiers import tiers
from trinode.systems.registry import system as find_system

ROOT = Path(__file__).resolve().parents[1]
LARGEST = 120_000
"""Bytes of a picture."""
SAME = 0.01
"""What differs by less than this share is drawn as the same."""
BETTER, WORSE = PALETTE[2], PALETTE[1]


@dataclass(frozen=True)
class Case:
    """A network, and two answers to it.

    Attributes
    ----------
    contest : str
        Name in :data:`CONTESTS`.
    left, right : (str, callable)
        What an answer is called, and how it is found in a network.
    """

    contest: str
    city: str
    layout: int
    left: tuple[str, Callable[[Any], Any]]
    right: tuple[str, Callable[[Any], Any]]


def alone(scheme: str) -> Callable[[Any], Any]:
    """A scheme from its own starts."""
    return lambda network: tn.solve(network, scheme)


def begun(scheme: str, other: str) -> Callable[[Any], Any]:
    """A scheme from the answer of another one."""
    return lambda network: tn.solve(network, scheme, start=tn.solve(network, other))


@jax.jit
def single(network: Any) -> Any:
    """Latency: one descent of what is ranked first, every link along its strongest direction at first."""
    t = tiers(network)
    listed = assignments.shortlist(t, jnp.zeros(network.terminals, bool), 12, 1e-5)
    view = search.screen(t)
    found = search.run(t, listed.modes[0], listed.computing.power[0], view, Stages(), None, search.STRONGEST)
    return search.finish(t, found, view)


CASES = {
    "latency": Case(
        "latency", "florence", 1, ("one descent of what is ranked first", single), ("joint", alone("joint"))
    ),
    "energy": Case("energy", "munich", 1, ("joint", alone("joint")), ("from robust", begun("joint", "robust"))),
}


class Shown(NamedTuple):
    """What a map shows of an answer: widths of links, of terminals a number that is better if larger, and words."""

    links: np.ndarray
    worth: np.ndarray
    words: list[str]
    cloud: np.ndarray


def latency(network: Any, answer: Any, report: Any) -> Shown:
    """Shares of tasks on links, and latencies."""
    cloud, seconds = np.asarray(answer.cloud_share), np.asarray(report.metrics["latency_s"])
    words = [f"{1e3 * one:.0f} ms" for one in seconds]
    return Shown(np.asarray(answer.edge_share) + cloud, -seconds, words, cloud.sum(axis=1) > 0.5)


def energy(network: Any, answer: Any, report: Any) -> Shown:
    """Offloaded shares on the link to the one access point, and energies."""
    share, joule = np.asarray(answer.offload_fraction), np.asarray(report.metrics["energy_j"])
    words = [f"{100 * s:.0f} %, {1e3 * j:.2f} mJ" for s, j in zip(share, joule)]
    return Shown(share[:, None], -joule, words, np.zeros(len(share), bool))


SHOWN = {"latency": latency, "energy": energy}


def draw(case: Case) -> Any:
    """The two maps."""
    contest = CONTESTS[case.contest]
    channels = load_bundled(case.city, case.layout)
    network = tn.from_channels(channels, contest.system, 0, case.layout, **contest.given)
    terminal, ap = (np.asarray(one)[:, :2] for one in (network.terminal_position_m, network.ap_position_m))
    every = np.asarray(channels.ap_position_m)[:, :2]
    unit = find_system(contest.system).objective_unit
    before: Any = None
    report: Any = None
    with style():
        figure = new_figure(9.6, 5.0)
        for ax, (name, find) in zip(figure.subplots(1, 2), (case.left, case.right)):
            answer = find(network)
            report = tn.evaluate(network, answer)
            links, worth, words, cloud = SHOWN[contest.system](network, answer, report)
            draw_ground(ax, np.concatenate([terminal, every]), 0.1, channels.building_lines)
            ax.scatter(*every.T, marker="^", s=50, color="#bbbbbb", zorder=4)
            ax.scatter(*ap.T, marker="^", s=90, color=INK, edgecolor="white", zorder=5)
            for k, m in zip(*np.nonzero(links > 0.02)):
                ends = np.stack([terminal[k], ap[m]])
                colour = TIERS["cloud" if cloud[k] else "edge"]
                ax.plot(*ends.T, color=colour, linewidth=0.4 + 2.6 * links[k, m], alpha=0.6, zorder=2)
            for k, place in enumerate(terminal):
                change = 0.0 if before is None else (worth[k] - before[k]) / abs(before[k])
                colour = QUIET if abs(change) < SAME else BETTER if change > 0 else WORSE
                ax.scatter(*place, s=110, color=colour, edgecolor="white", zorder=6)
                ax.annotate(str(k), place, ha="center", va="center_baseline", fontsize=8, color="white", zorder=7)
                ax.annotate(
                    words[k], place, (0, -9), textcoords="offset points", ha="center", va="top", fontsize=8, zorder=8,
                    bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 0.6}, color=INK,
                )  # fmt: skip
            ax.set_title(f"{name}: {float(report.objective):.4g} {unit}", loc="left", fontsize=9.5)
            before = worth
        bound = f"bound {float(report.bound):.4g} {unit}"
        set_title(figure, f"{contest.system}, {case.city.capitalize()} {case.layout}, {bound}")
    return figure


def keep(name: str, figure: Any) -> None:
    """Write a picture in few colours."""
    from PIL import Image

    place = ROOT / "docs" / "images" / "cities" / f"{name}.png"
    place.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        (_, drawn) = save_figure(figure, folder, name)
        Image.open(drawn).convert("RGB").quantize(64).save(place, optimize=True)
    if place.stat().st_size > LARGEST:
        raise SystemExit(f"{place} is larger than {LARGEST} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(CASES))
    for name in parser.parse_args().names or CASES:
        keep(name, draw(CASES[name]))


if __name__ == "__main__":
    main()
