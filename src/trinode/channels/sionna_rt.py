"""Ray-traced channels with Sionna RT.

Needs the ``raytracing`` extra. On a processor without a supported GPU the ray
tracer compiles its kernels with LLVM; when it does not find the library, set
the environment variable ``DRJIT_LIBLLVM_PATH`` to the LLVM shared library.
"""

from __future__ import annotations

import inspect
import math
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from trinode.channels.traced import TracedChannels
from trinode.errors import InputError, MissingExtraError

__all__ = ["TracedChannels", "builtin_scenes", "distinct", "load_scene", "trace_channels"]

_LIGHT_M_S = 299_792_458.0

# Two paths are the same when their lengths and all their interaction points are
# closer than this. In single precision, copies of one path differ by up to about
# 0.1 mm in length, and by up to about 0.1 m in a point that is met at grazing
# angles.
_SAME_LENGTH_M = 1e-3
_SAME_POINT_M = 0.25


def _import_sionna() -> Any:
    """Return the module ``sionna.rt`` or say which extra brings it."""
    try:
        import sionna.rt as rt  # pyright: ignore[reportMissingImports]
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] != "sionna":
            raise
        raise MissingExtraError("sionna.rt", "raytracing") from error
    return rt


def _positions(field: str, value: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Return ``value`` as finite positions of shape (count, 3) in metres."""
    allowed = "finite positions in metres, shape (count, 3), count at least 1"
    try:
        positions = np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise InputError(field, value, allowed) from error
    if positions.ndim != 2 or positions.shape[0] < 1 or positions.shape[1] != 3:
        raise InputError(field, positions.shape, allowed)
    if not np.isfinite(positions).all():
        raise InputError(field, positions, allowed)
    return positions


def _integer(field: str, value: Any, least: int) -> int:
    """Return ``value`` as an integer of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, Integral) or value < least:
        raise InputError(field, value, f"an integer of at least {least}")
    return int(value)


def _positive(field: str, value: Any) -> float:
    """Return ``value`` as a finite positive float."""
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value) or value <= 0:
        raise InputError(field, value, "a finite positive number")
    return float(value)


def builtin_scenes() -> tuple[str, ...]:
    """Return the names of the scenes that ship with Sionna RT.

    Returns
    -------
    tuple of str
        Names that `load_scene` and `trace_channels` accept, sorted.

    Raises
    ------
    MissingExtraError
        Sionna RT is not installed.
    """
    rt = _import_sionna()
    files = vars(rt.scene).items()
    return tuple(sorted(name for name, path in files if isinstance(path, str) and path.endswith(".xml")))


def load_scene(scene: Any) -> Any:
    """Load a scene, or hand a loaded one back.

    Parameters
    ----------
    scene : str, pathlib.Path or sionna.rt.Scene
        Name of a scene that ships with Sionna RT (such as ``"munich"``), path
        of a Mitsuba XML file, or a scene that is already loaded.

    Returns
    -------
    sionna.rt.Scene
        The scene.

    Raises
    ------
    InputError
        `scene` is none of these.
    MissingExtraError
        Sionna RT is not installed.
    """
    rt = _import_sionna()
    if isinstance(scene, rt.Scene):
        return scene
    names = builtin_scenes()
    if isinstance(scene, str) and scene in names:
        return rt.load_scene(getattr(rt.scene, scene))
    if isinstance(scene, str | Path) and Path(scene).is_file():
        return rt.load_scene(str(scene))
    allowed = "a Mitsuba XML file, a loaded scene, or one of " + ", ".join(names)
    raise InputError("scene", scene, allowed)


def trace_channels(
    scene: Any,
    ap_position_m: npt.ArrayLike,
    terminal_position_m: npt.ArrayLike,
    *,
    carrier_hz: float,
    ap_antennas: int,
    terminal_antennas: int,
    radar_antennas: int,
    element_spacing: float = 0.5,
    max_depth: int = 4,
    samples_per_source: int = 1_000_000,
    max_paths_per_source: int = 4_000_000,
    diffraction: bool = False,
    seed: int = 1,
) -> TracedChannels:
    r"""Trace the channels of one layout.

    Every array is a horizontal uniform linear array along the y axis, centred
    on its device, with the first element at the smallest y. The elements are
    vertically polarised and isotropic (0 dBi in every direction): no choice of
    boresight then hides in the channels, and free space gives exactly Friis'
    gain. Arrays are small against every path length, so one ray per path
    serves a whole array and its elements differ by the plane wave's phase.

    Paths may have up to `max_depth` specular reflections and, with
    `diffraction`, one diffraction at an edge. Diffuse reflection and refraction
    are off: the first would need many more rays for a random phase, and the
    second passes through walls that a city model knows only as a shell.
    Diffraction is off by default, as it has not converged with a million rays:
    in the centre of Munich, gains of weak links then differ by several dB
    between the two directions of a link.

    Parameters
    ----------
    scene : str, pathlib.Path or sionna.rt.Scene
        As for `load_scene`. A loaded scene must hold no transmitters or
        receivers; its carrier and arrays are overwritten.
    ap_position_m : array_like
        Access point positions in metres, shape (M, 3).
    terminal_position_m : array_like
        Terminal positions in metres, shape (K, 3).
    carrier_hz : float
        Carrier frequency in hertz.
    ap_antennas : int
        Receive antennas A of an access point.
    terminal_antennas : int
        Transmit antennas T of a terminal.
    radar_antennas : int
        Radar receive antennas R of a terminal, at the transmit array's place.
    element_spacing : float, default 0.5
        Spacing of neighbouring elements in wavelengths.
    max_depth : int, default 4
        Largest number of interactions along a path; 0 leaves line of sight.
    samples_per_source : int, default 1_000_000
        Rays shot from each terminal to find candidates of paths.
    max_paths_per_source : int, default 4_000_000
        Room for candidates of paths, for each terminal. Sionna RT recognises
        candidates that it already has by a hash table of this size, and drops
        those that collide: in the centre of Munich, 4 million lose about 1 of
        400 paths with about 3 GB of memory, and 12 million next to none with
        about 5 GB.
    diffraction : bool, default False
        Whether to trace paths with a diffraction. Needs `max_depth` of at
        least 1, and a version of Sionna RT that has it.
    seed : int, default 1
        Seed of the ray directions. The same seed repeats only to about 1e-4
        where Sionna RT has no deterministic solver.

    Returns
    -------
    TracedChannels
        The channels, with shapes and units as described there.

    Raises
    ------
    InputError
        An argument is outside what is allowed.
    MissingExtraError
        Sionna RT is not installed.

    Notes
    -----
    An element is the sum over the paths p with coefficient :math:`a_p`, delay
    :math:`\tau_p`, and unit vectors :math:`u_p` from the receiver towards the
    wave's origin and :math:`v_p` from the transmitter along the departing wave:

    .. math::

        H_{rt} = \sum_p a_p e^{-2 \pi i f \tau_p}
            e^{+2 \pi i \, x_r \cdot u_p / \lambda}
            e^{+2 \pi i \, x_t \cdot v_p / \lambda}

    with element positions :math:`x_r, x_t` relative to the array centres. With
    :math:`s(u)_n = e^{+2 \pi i \, x_n \cdot u / \lambda}`, a path is therefore
    :math:`s(u) s(v)^T`, with no conjugation. The transmit weights that steer
    towards `v` are :math:`s(v)^*`, the receive weights that steer towards `u`
    and act as :math:`w^H y` are :math:`s(u)`.
    """
    aps = _positions("ap_position_m", ap_position_m)
    terminals = _positions("terminal_position_m", terminal_position_m)
    carrier_hz = _positive("carrier_hz", carrier_hz)
    spacing = _positive("element_spacing", element_spacing)
    ap_antennas = _integer("ap_antennas", ap_antennas, 1)
    terminal_antennas = _integer("terminal_antennas", terminal_antennas, 1)
    radar_antennas = _integer("radar_antennas", radar_antennas, 1)
    options = {
        "max_depth": _integer("max_depth", max_depth, 0),
        "samples_per_src": _integer("samples_per_source", samples_per_source, 1),
        "seed": _integer("seed", seed, 0),
        "max_num_paths_per_src": _integer("max_paths_per_source", max_paths_per_source, 1),
    }
    if not isinstance(diffraction, bool | np.bool_):
        raise InputError("diffraction", diffraction, "True or False")
    options["diffraction"] = bool(diffraction)

    receivers = np.concatenate([aps, terminals])
    loaded = load_scene(scene)
    _prepare(loaded, carrier_hz)
    loaded.tx_array = _line_arrays(spacing, terminal_antennas)
    # All receivers of a scene share one array: take both kinds at once, and
    # leave to each receiver the elements that are its own.
    loaded.rx_array = _line_arrays(spacing, ap_antennas, radar_antennas)
    channel = _trace(loaded, terminals, receivers, options)
    uplink = channel[:, : len(aps), :ap_antennas]
    between = channel[:, len(aps) :, ap_antennas:].swapaxes(0, 1).copy()
    between[np.arange(len(terminals)), np.arange(len(terminals))] = 0
    return TracedChannels(
        uplink_channel=uplink.copy(),
        terminal_channel=between,
        terminal_position_m=terminals,
        ap_position_m=aps,
        carrier_hz=carrier_hz,
    )


def _prepare(scene: Any, carrier_hz: float) -> None:
    """Set the carrier of ``scene`` and check that it has no devices yet."""
    if scene.transmitters or scene.receivers:
        raise InputError("scene", scene, "a scene without transmitters and receivers")
    try:
        scene.frequency = carrier_hz
    except ValueError as error:
        # The material models are defined on a limited band only.
        allowed = "a carrier at which every material of the scene is defined"
        raise InputError("carrier_hz", carrier_hz, f"{allowed} ({error})") from error


def _line_arrays(spacing: float, *antennas: int) -> Any:
    """Return line arrays along the y axis, one after another in one array."""
    rt = _import_sionna()
    places = [spacing * (np.arange(count) - (count - 1) / 2) for count in antennas]
    along = np.concatenate(places)
    # Only the pattern of this array is used.
    one = rt.PlanarArray(num_rows=1, num_cols=1, pattern="iso", polarization="V")
    zero = np.zeros_like(along)
    return rt.AntennaArray(one.antenna_pattern, np.stack([zero, along, zero]))


def _solver_call(options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return a path solver and the options its version knows."""
    rt = _import_sionna()
    deterministic = "deterministic" in inspect.signature(rt.PathSolver.__init__).parameters
    solver = rt.PathSolver(deterministic=True) if deterministic else rt.PathSolver()
    if "diffraction" in inspect.signature(rt.PathSolver.__call__).parameters:
        return solver, options
    if options["diffraction"]:
        allowed = "False, as this version of sionna-rt has no diffraction"
        raise InputError("diffraction", True, allowed)
    return solver, {name: value for name, value in options.items() if name != "diffraction"}


def _trace(
    scene: Any,
    transmitters: npt.NDArray[np.float64],
    receivers: npt.NDArray[np.float64],
    options: dict[str, Any],
) -> npt.NDArray[np.complex128]:
    """Return the channels indexed [transmitter, receiver, element, element]."""
    rt = _import_sionna()
    solver, options = _solver_call(options)
    carrier_hz = float(np.asarray(scene.frequency).item())
    channels = []
    try:
        for index, position in enumerate(receivers):
            scene.add(rt.Receiver(name=f"receiver-{index}", position=position.tolist()))
        # One transmitter at a time, as the memory grows with their number.
        for position in transmitters:
            scene.add(rt.Transmitter(name="transmitter", position=position.tolist()))
            paths = solver(scene, refraction=False, diffuse_reflection=False, **options)
            channels.append(_narrowband(paths, carrier_hz)[:, 0])
            scene.remove("transmitter")
    finally:
        for name in [*scene.transmitters, *scene.receivers]:
            scene.remove(name)
    return np.stack(channels)


def _narrowband(paths: Any, carrier_hz: float) -> npt.NDArray[np.complex128]:
    """Sum the coefficients of the distinct paths with the phase of their delays."""
    real, imaginary = (part.numpy().astype(np.float64) for part in paths.a)
    coefficient = real + 1j * imaginary
    delay_s = paths.tau.numpy().astype(np.float64)
    # Now and then the tracer lists a path without interaction next to the line of
    # sight, and has no number for its coefficient.
    finite = np.isfinite(coefficient)
    coefficient[~finite] = 0
    kept = distinct(paths.valid.numpy() & finite.all(axis=(1, 3)), delay_s, paths)
    # Double precision, as a phase here goes through thousands of turns.
    phasor = np.exp(-2j * np.pi * carrier_hz * np.where(kept, delay_s, 0.0)) * kept
    return np.einsum("ratbp,rtp->rtab", coefficient, phasor)


def distinct(valid: npt.NDArray[np.bool_], delay_s: npt.NDArray[np.float64], paths: Any) -> npt.NDArray[np.bool_]:
    """Return which paths to keep, indexed [receiver, transmitter, path].

    Sionna RT seeks a path for each plane that a ray met. Where neighbouring
    walls lie in almost one plane, the planes of both give the same reflection,
    and the path is listed two times. The sum would double its amplitude, so
    only one of them is kept.
    """
    # Indexed [depth, receiver, transmitter, path], and x, y, z last.
    kind = paths.interactions.numpy()
    place = np.where(kind[..., None] != 0, paths.vertices.numpy(), 0.0)
    kept = np.zeros_like(valid)
    for link in np.ndindex(valid.shape[:2]):
        index = np.flatnonzero(valid[link])
        index = index[np.argsort(delay_s[link][index], kind="stable")]
        kinds, places = (part[(slice(None), *link)][:, index] for part in (kind, place))
        length_m = _LIGHT_M_S * delay_s[link][index]
        same = np.abs(length_m[:, None] - length_m) < _SAME_LENGTH_M
        same &= (kinds[:, :, None] == kinds[:, None]).all(axis=0)
        apart_m = np.abs(places[:, :, None] - places[:, None]).max(axis=(0, -1), initial=0.0)
        same &= apart_m < _SAME_POINT_M
        kept[link][index[~np.tril(same, -1).any(axis=1)]] = True
    return kept
