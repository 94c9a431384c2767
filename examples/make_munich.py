"""Make the bundled data set: ray-traced layouts in the centre of Munich.

Needs the ``raytracing`` extra. Takes about half an hour on two cores, and about 5 GB of memory::

    python examples/make_munich.py --output munich.npz
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np

from trinode.channels.sionna_rt import load_scene, trace_channels

SCENE = "munich"
CARRIER_HZ = 3.5e9
CENTRE_M = 300.0  # squares lie within this distance of the scene's origin, along x and y
SIDE_M = 200.0
COUNT = 6
ANTENNAS = 8
AP_HEIGHT_M, AP_APART_M = 25.0, 40.0
TERMINAL_HEIGHT_M, TERMINAL_APART_M = 1.5, 12.0
CLEARANCE_M = 1.0
MAP_HEIGHT_M, MAP_MARGIN_M = 2.0, 50.0
LEAST_LINKS = 3
SOURCE = "Sionna RT scene munich; buildings (c) OpenStreetMap contributors, ODbL 1.0"


def free_distance(scene, points, direction):
    """Return how far a ray from each point, shape (N, 3), goes before it hits something."""
    import mitsuba as mi  # only after sionna.rt has chosen a variant

    ray = mi.Ray3f(mi.Point3f(points.T.astype(np.float32)), mi.Vector3f(*map(float, direction)))
    hit = scene.mi_scene.ray_intersect(ray)
    return np.where(hit.is_valid().numpy(), hit.t.numpy(), np.inf)


def outdoors(scene, points):
    """Return which points have free sky above them and no wall or roof close by."""
    free = np.isinf(free_distance(scene, points, (0, 0, 1)))
    free &= free_distance(scene, points, (0, 0, -1)) > CLEARANCE_M
    for angle in np.arange(16) * np.pi / 8:
        free &= free_distance(scene, points, (np.cos(angle), np.sin(angle), 0)) > CLEARANCE_M
    return free


def draw_places(scene, generator, corner, height, apart):
    """Draw outdoor places in a square, or None if they do not fit after many draws."""
    points = np.full((400, 3), height)
    points[:, :2] = corner + generator.uniform(0, SIDE_M, (400, 2))
    places = np.empty((0, 3))
    for point in points[outdoors(scene, points)]:
        if (np.linalg.norm(places - point, axis=1) >= apart).all():
            places = np.vstack([places, point])
        if len(places) == COUNT:
            return places
    return None


def count_links(traced):
    """Return the number of access points that each terminal reaches."""
    return np.any(traced.uplink_channel, axis=(2, 3)).sum(axis=1)


def draw_layout(scene, generator, least, options):
    """Draw layouts until every terminal has at least this many links, and trace that one."""

    def trace(samples, paths):
        return trace_channels(
            scene,
            aps,
            terminals,
            carrier_hz=CARRIER_HZ,
            ap_antennas=ANTENNAS,
            terminal_antennas=ANTENNAS,
            radar_antennas=ANTENNAS,
            max_depth=options.max_depth,
            samples_per_source=samples,
            max_paths_per_source=paths,
            seed=options.seed,
        )

    while True:
        corner = generator.uniform(-CENTRE_M, CENTRE_M - SIDE_M, 2)
        aps = draw_places(scene, generator, corner, AP_HEIGHT_M, AP_APART_M)
        terminals = draw_places(scene, generator, corner, TERMINAL_HEIGHT_M, TERMINAL_APART_M)
        if aps is None or terminals is None:
            continue
        # A coarse run first, as most draws have a terminal in a closed courtyard.
        if count_links(trace(options.samples // 20, 1_000_000)).min() < least:
            continue
        traced = trace(options.samples, options.paths)
        if count_links(traced).min() >= least:
            return traced


def building_lines(scene, low, high):
    """Cut the walls at the map's height; keep segments that touch the area."""
    found = []
    for name, item in scene.objects.items():
        if name == "ground":
            continue
        vertices = item.mi_mesh.vertex_positions_buffer().numpy().reshape(-1, 3)
        corners = vertices[item.mi_mesh.faces_buffer().numpy().reshape(-1, 3)]
        above = corners[:, :, 2] > MAP_HEIGHT_M
        corners = corners[above.any(axis=1) & ~above.all(axis=1)].astype(np.float64)
        found += [cut_triangle(triangle) for triangle in corners]
    lines = np.round(np.array(found), 2).astype(np.float32)
    inside = (lines.min(axis=1) <= high).all(axis=1) & (lines.max(axis=1) >= low).all(axis=1)
    return np.unique(lines[inside], axis=0)


def cut_triangle(triangle):
    """Return the two points, sorted, where a triangle's edges cross the map's height."""
    points = []
    for start, end in ((0, 1), (1, 2), (2, 0)):
        a, b = triangle[start], triangle[end]
        if (a[2] > MAP_HEIGHT_M) != (b[2] > MAP_HEIGHT_M):
            points.append(a[:2] + (MAP_HEIGHT_M - a[2]) / (b[2] - a[2]) * (b[:2] - a[:2]))
    return sorted(points, key=tuple)


def report(index, traced, seconds):
    """Print the statistics of a layout."""
    links = count_links(traced)
    gain = np.mean(np.abs(traced.uplink_channel) ** 2, axis=(2, 3))
    median = 10 * np.log10(np.median(gain[gain > 0]))
    between = np.any(traced.terminal_channel, axis=(2, 3)).sum() / (COUNT * (COUNT - 1))
    print(
        f"layout {index:2d}: blocked uplinks {1 - links.sum() / COUNT**2:4.0%}, "
        f"fewest access points of a terminal {links.min()}, median gain {median:6.1f} dB, "
        f"blocked terminal pairs {1 - between:4.0%}, {seconds:.0f} s",
        flush=True,
    )


def main():
    """Make the data set."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=Path("munich.npz"))
    parser.add_argument("--layouts", type=int, default=32)
    parser.add_argument("--sparse", type=int, default=2, help="layouts that may have bare terminals")
    parser.add_argument("--max-depth", type=int, default=4)
    parser.add_argument("--samples", type=int, default=1_000_000, help="rays for each terminal")
    parser.add_argument("--paths", type=int, default=12_000_000, help="room for each terminal")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()

    generator = np.random.default_rng(options.seed)
    scene = load_scene(SCENE)
    traced = []
    for index in range(options.layouts):
        start = time.perf_counter()
        # The last layouts take any terminal that has a link at all.
        least = LEAST_LINKS if index < options.layouts - options.sparse else 1
        traced.append(draw_layout(scene, generator, least, options))
        report(index, traced[-1], time.perf_counter() - start)

    arrays = {
        name: np.stack([getattr(one, name) for one in traced])
        for name in ("uplink_channel", "terminal_channel", "terminal_position_m", "ap_position_m")
    }
    for name in ("uplink_channel", "terminal_channel"):
        arrays[name] = arrays[name].astype(np.complex64)
    places = np.concatenate([arrays["terminal_position_m"], arrays["ap_position_m"]], axis=1)
    low, high = places[..., :2].min(axis=(0, 1)), places[..., :2].max(axis=(0, 1))
    arrays["building_lines"] = building_lines(scene, low - MAP_MARGIN_M, high + MAP_MARGIN_M)
    arrays["carrier_hz"] = np.float64(CARRIER_HZ)
    metadata = {
        "scene": SCENE,
        "source": SOURCE,
        "versions": {name: version(name) for name in ("sionna-rt", "mitsuba", "drjit")},
        "seed": options.seed,
        "max_depth": options.max_depth,
        "samples_per_source": options.samples,
        "max_paths_per_source": options.paths,
        "side_m": SIDE_M,
        "sha256": {
            name: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() for name, array in arrays.items()
        },
    }
    np.savez_compressed(options.output, **arrays, metadata=json.dumps(metadata))
    print(f"{options.output}: {options.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
