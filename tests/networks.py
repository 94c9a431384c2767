"""Networks and decisions of every system from random arrays: nothing is drawn, and nothing is compiled."""

import numpy as np

from trinode import api
from trinode.systems.decision import Status
from trinode.systems.registry import system as load

SIZES = {"K": 3, "M": 5, "A": 2, "T": 7, "R": 4, "S": 6, "D": 8, "Q": 9, "*": 10, "2|3": 3}
REGION = {
    "terminals": 5,
    "access_points": 3,
    "ap_antennas": 6,
    "targets": 2,
    "pilots": 4,
    "directions": 61,
    "pattern_mse_max": 0.85,
    "area_m": 900.0,
    "element_spacing": 0.45,
}
"""Parameters of the small region networks that tests share, so that they share programs, too."""


def filled(schema, dice):
    """Arrays of a schema, each entry another."""

    def numbers(shape):
        return dice.uniform(0.1, 0.9, shape)

    made = {}
    for name, field in schema.items():
        shape = tuple(SIZES[letter] for letter in field.dims)
        match field.kind:
            case "complex":
                made[name] = numbers(shape) * np.exp(2j * np.pi * numbers(shape))
            case "bool":
                made[name] = numbers(shape) < 0.5
            case "int":
                made[name] = np.asarray(7)
            case "text":
                made[name] = np.asarray(Status.ITERATION_LIMIT.label)
            case _:
                made[name] = numbers(shape)
    return made


def network(name, dice, **more):
    """A network and its arrays; ``more`` replaces some of them."""
    arrays = filled(load(name).scenario_schema, dice)
    if "terminal_channel" in arrays:
        arrays["terminal_channel"][range(3), range(3)] = 0
    if name == "region":
        root = arrays["error_covariance"].transpose(2, 0, 3, 1, 4).reshape(3, 10, 10)
        whole = root @ root.conj().swapaxes(1, 2)
        arrays["error_covariance"] = whole.reshape(3, 5, 2, 5, 2).transpose(1, 3, 0, 2, 4)
        arrays["ideal_pattern"] = np.eye(5, 8)
        arrays["sensing_ap"] = np.arange(5) < 1
        arrays["target_paired"] = np.arange(5)[:, None] < np.ones(9)
        arrays["pattern_mse_max"] = np.asarray(np.nan)
    arrays |= more
    return api.from_arrays(name, **arrays), arrays
