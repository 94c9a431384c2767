"""Make ray-traced layouts of four cities, and the bundled ones of Florence.

Needs the ``raytracing`` extra. Layouts that the folder has already stay, so whoever stops it goes on later::

    python examples/make_cities.py --folder cities
    python examples/make_cities.py --folder cities --scene etoile --layout 3
    python examples/make_cities.py --bundled florence.npz

Everything about a layout follows from the name of its scene and its number. Squares without room for all places are
drawn again; nothing is drawn again because of what its channels turn out to be.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
import zlib
from dataclasses import replace
from functools import cache
from importlib.metadata import version
from pathlib import Path

import numpy as np
from make_munich import building_lines, free_distance

from trinode.channels.cities import LAYOUTS, SCENES, city_path, save_city, sizes_of
from trinode.channels.sionna_rt import load_scene, trace_channels

GROUND = {"munich": "ground", "florence": "ground", "etoile": "Plane", "san_francisco": "Terrain"}
CARRIER_HZ = 3.5e9
BORDER_M = 60.0  # a scene's last houses stand alone
SIDE_M = (150.0, 400.0)
STREET_M, ROOF_M, TERMINAL_M = 6.0, 5.0, 1.5  # above the ground, the roof, the ground
EDGE_M = 1.0  # from an access point on a roof to the wall below
APART_M = 10.0
CLEARANCE_M = 1.0
SIGHT_M = 100.0  # on a street one sees this far in some direction
COURTYARDS = 4  # layouts of which one has terminals behind gates and walls, too
MAP_MARGIN_M = 30.0
POINTS = 2000
SKY_M = 400.0
BUNDLED, BUNDLED_LAYOUTS = "florence", 12
BUNDLED_SIZES = {"K": 7, "M": 5, "A": 6, "T": 4, "R": 8}
BUNDLED_FIRST = 100  # number of the first one, so that none is among those of the folder
SOURCE = "Sionna RT scene {}; buildings (c) OpenStreetMap contributors, ODbL 1.0"


def surfaces(scene, ground, points):
    """Return the height of what is seen from the sky at each point, shape (N, 2), and whether it is the ground."""
    import mitsuba as mi  # only after sionna.rt has chosen a variant

    start = np.concatenate([points, np.full((len(points), 1), SKY_M)], axis=1)
    ray = mi.Ray3f(mi.Point3f(start.T.astype(np.float32)), mi.Vector3f(0, 0, -1))
    hit = scene.mi_scene.ray_intersect(ray)
    seen = hit.is_valid().numpy()
    height = np.where(seen, SKY_M - hit.t.numpy(), np.nan)
    mesh = mi.ShapePtr(scene.objects[ground].mi_mesh)
    return height, seen & (hit.shape == mesh).numpy()


def outdoors(scene, ground, points, above, sight):
    """Return the places of this height above the ground that see the sky and so far, with no wall close by."""
    height, free = surfaces(scene, ground, points)
    places = np.concatenate([points, height[:, None] + above], axis=1)[free]
    free = np.isinf(free_distance(scene, places, (0, 0, 1)))
    angles = np.arange(16) * np.pi / 8
    around = np.array([free_distance(scene, places, (np.cos(angle), np.sin(angle), 0)) for angle in angles])
    return places[free & (around.min(axis=0) > CLEARANCE_M) & (around.max(axis=0) > sight)]


def on_roofs(scene, ground, points, generator):
    """Return the places above roofs that have the ground this far away in a random direction."""
    angle = generator.uniform(0, 2 * np.pi, len(points))
    beside = points + EDGE_M * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    height, street = surfaces(scene, ground, points)
    chosen = ~np.isnan(height) & ~street & surfaces(scene, ground, beside)[1]
    return np.concatenate([points, height[:, None] + ROOF_M], axis=1)[chosen]


def apart(candidates, count, taken):
    """Return the first candidates that keep their distance, or None if there are too few."""
    places = np.empty((0, 3))
    for one in candidates:
        others = np.concatenate([places, taken])
        if (np.linalg.norm(others - one, axis=1) >= APART_M).all():
            places = np.vstack([places, one])
        if len(places) == count:
            return places
    return None


def draw_places(scene, name, layout, sizes):
    """Draw access points and terminals of a layout, and return them with the side of their square."""
    generator = np.random.default_rng([zlib.crc32(name.encode()), layout])
    box = scene.mi_scene.bbox()
    low, high = (np.array(end).ravel()[:2].astype(float) for end in (box.min, box.max))
    side = generator.uniform(*SIDE_M)
    roofs = generator.binomial(sizes["M"], 0.5)
    sight = 0.0 if layout % COURTYARDS == COURTYARDS - 1 else SIGHT_M
    while True:
        corner = generator.uniform(low + BORDER_M, high - BORDER_M - side)
        points = corner + generator.uniform(0, side, (3, POINTS, 2))
        outside = outdoors(scene, GROUND[name], points[0], TERMINAL_M, sight)
        terminals = apart(outside, sizes["K"], np.empty((0, 3)))
        if terminals is None:
            continue
        lamps = np.empty((0, 3))
        if roofs < sizes["M"]:
            streets = outdoors(scene, GROUND[name], points[1], STREET_M, SIGHT_M)
            lamps = apart(streets, sizes["M"] - roofs, terminals)
        if lamps is None:
            continue
        masts = np.empty((0, 3))
        if roofs:
            masts = apart(on_roofs(scene, GROUND[name], points[2], generator), roofs, lamps)
        if masts is not None:
            return np.concatenate([lamps, masts]), terminals, side


def trace(scene, name, layout, sizes, options):
    """Trace one layout, in the accuracy of single precision, and return it with how it was made."""
    aps, terminals, side = draw_places(scene, name, layout, sizes)
    traced = trace_channels(
        scene,
        aps,
        terminals,
        carrier_hz=CARRIER_HZ,
        ap_antennas=sizes["A"],
        terminal_antennas=sizes["T"],
        radar_antennas=sizes["R"],
        max_depth=options.max_depth,
        samples_per_source=options.samples,
        max_paths_per_source=options.paths,
    )
    for channel in (traced.uplink_channel, traced.terminal_channel):
        channel[:] = channel.astype(np.complex64)
    places = np.concatenate([aps, terminals])[:, :2]
    lines = building_lines(scene, places.min(axis=0) - MAP_MARGIN_M, places.max(axis=0) + MAP_MARGIN_M)
    return replace(traced, building_lines=lines), side


def about(name, options):
    """Return how layouts are made."""
    return {
        "scene": name,
        "source": SOURCE.format(name),
        "versions": {package: version(package) for package in ("sionna-rt", "mitsuba", "drjit")},
        "max_depth": options.max_depth,
        "samples_per_source": options.samples,
        "max_paths_per_source": options.paths,
    }


def report(name, layout, traced, side, seconds):
    """Print the statistics of a layout."""
    reached = np.any(traced.uplink_channel, axis=(2, 3))
    gain = np.mean(np.abs(traced.uplink_channel) ** 2, axis=(2, 3))[reached]
    spread = ", ".join(f"{10 * np.log10(one):.0f}" for one in np.quantile(gain, (0, 0.5, 1))) if gain.size else "none"
    print(
        f"{name} {layout}: {reached.shape[0]} terminals, {reached.shape[1]} access points, side {side:.0f} m, "
        f"blocked links {1 - reached.mean():.0%}, terminals without any {np.sum(~reached.any(axis=1))}, "
        f"gains {spread} dB, {seconds:.0f} s",
        flush=True,
    )


def make_folder(options):
    """Make what the folder lacks."""
    options.folder.mkdir(parents=True, exist_ok=True)
    scenes = cache(load_scene)
    for layout in options.layout or range(LAYOUTS):
        for name in options.scene or SCENES:
            path = city_path(options.folder, name, layout)
            if path.is_file():
                continue
            scene = scenes(name)
            start = time.perf_counter()
            traced, side = trace(scene, name, layout, sizes_of(layout), options)
            save_city(path, traced, about(name, options) | {"layout": layout, "side_m": side})
            report(name, layout, traced, side, time.perf_counter() - start)


def make_bundled(options):
    """Make the archive that ships with trinode."""
    scene, traced = load_scene(BUNDLED), []
    for layout in range(BUNDLED_FIRST, BUNDLED_FIRST + BUNDLED_LAYOUTS):
        start = time.perf_counter()
        one, side = trace(scene, BUNDLED, layout, BUNDLED_SIZES, options)
        report(BUNDLED, layout, one, side, time.perf_counter() - start)
        traced.append(one)
    names = ("uplink_channel", "terminal_channel", "terminal_position_m", "ap_position_m")
    arrays = {name: np.stack([getattr(one, name) for one in traced]) for name in names}
    for name in ("uplink_channel", "terminal_channel"):
        arrays[name] = arrays[name].astype(np.complex64)
    arrays["building_lines"] = np.unique(np.concatenate([one.building_lines for one in traced]), axis=0)
    arrays["carrier_hz"] = np.float64(CARRIER_HZ)
    hashes = {key: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() for key, array in arrays.items()}
    metadata = about(BUNDLED, options) | {"sha256": hashes}
    np.savez_compressed(options.bundled, **arrays, metadata=json.dumps(metadata))
    print(f"{options.bundled}: {options.bundled.stat().st_size / 1e6:.2f} MB")


def main():
    """Make the layouts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--folder", type=Path, help="where layouts are kept")
    where.add_argument("--bundled", type=Path, metavar="FILE", help="make the archive that ships with trinode")
    parser.add_argument("--scene", choices=SCENES, action="append", help="only this one; may be repeated")
    parser.add_argument("--layout", type=int, choices=range(LAYOUTS), action="append", help="only this one")
    parser.add_argument("--max-depth", type=int, default=4)
    parser.add_argument("--samples", type=int, default=200_000, help="rays for each terminal")
    parser.add_argument("--paths", type=int, default=2_000_000, help="room for each terminal")
    options = parser.parse_args()
    if options.folder is not None:
        make_folder(options)
    else:
        make_bundled(options)


if __name__ == "__main__":
    main()
