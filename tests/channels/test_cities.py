"""Files of layouts that are made on demand."""

import json

import numpy as np
import pytest

from trinode.channels.cities import (
    LAYOUTS,
    SCENES,
    SIZES,
    city_path,
    load_city,
    made_layouts,
    save_city,
    sizes_of,
)
from trinode.channels.traced import TracedChannels
from trinode.errors import FileFormatError, InputError

GENERATOR = np.random.default_rng(3)


def layout(sizes):
    """Channels of these sizes, their numbers those of single precision."""
    k, m, a, t, r = (sizes[letter] for letter in "KMATR")

    def draw(*shape):
        return (GENERATOR.normal(size=(*shape, 2)) @ [1e-5, 1e-5j]).astype(np.complex64).astype(complex)

    between = draw(k, k, r, t)
    between[np.arange(k), np.arange(k)] = 0
    return TracedChannels(
        uplink_channel=draw(k, m, a, t),
        terminal_channel=between,
        terminal_position_m=GENERATOR.normal(size=(k, 3)),
        ap_position_m=GENERATOR.normal(size=(m, 3)),
        carrier_hz=3.5e9,
        building_lines=GENERATOR.normal(size=(9, 2, 2)).astype(np.float32),
    )


def test_sizes_are_few_and_within_what_is_meant():
    assert LAYOUTS % len(SIZES) == 0
    assert [sizes_of(n) for n in range(len(SIZES))] == list(SIZES)
    assert sizes_of(len(SIZES)) == SIZES[0]
    for sizes in SIZES:
        assert 4 <= sizes["K"] <= 12
        assert 4 <= sizes["M"] <= 10
        assert 4 <= sizes["A"] <= 16


def test_what_is_saved_comes_back(tmp_path):
    made = layout(sizes_of(1))
    save_city(city_path(tmp_path, "etoile", 1), made, {"scene": "etoile"})
    found = load_city(tmp_path, "etoile", 1)
    for name, value in vars(made).items():
        np.testing.assert_array_equal(getattr(found, name), value, err_msg=name)
    save_city(city_path(tmp_path, "munich", 7), layout(sizes_of(7)), {})
    assert made_layouts(tmp_path) == [("etoile", 1), ("munich", 7)]


def test_what_is_wrong_is_named(tmp_path):
    path = city_path(tmp_path, SCENES[1], 2)
    save_city(path, layout(sizes_of(1)), {})
    with pytest.raises(InputError, match="'K': 6"):
        load_city(tmp_path, SCENES[1], 2)
    save_city(path, layout(sizes_of(2)), {"scene": SCENES[1]})
    arrays = dict(np.load(path))
    assert json.loads(str(arrays["metadata"]))["scene"] == SCENES[1]
    arrays["uplink_channel"][0, 0, 0, 0] *= 1.001
    np.savez(path, **arrays)
    with pytest.raises(FileFormatError, match="hash"):
        load_city(tmp_path, SCENES[1], 2)
    with pytest.raises(InputError, match="florence"):
        load_city(tmp_path, "atlantis", 0)
    with pytest.raises(FileFormatError, match="existing"):
        load_city(tmp_path, SCENES[0], 0)
    with pytest.raises(InputError, match="make_cities"):
        made_layouts(tmp_path / "nowhere")
