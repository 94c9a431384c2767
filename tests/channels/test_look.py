"""A look before solving: slips made on purpose are named, networks as they are are not warned of."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from typer.testing import CliRunner

import trinode as tn
from trinode.channels.bundled import layout_count, load_bundled
from trinode.channels.look import SLIPS, look
from trinode.channels.look.seen import seen
from trinode.channels.look.slips import phase_alignment
from trinode.cli.main import app
from trinode.errors import InputError
from trinode.systems.registry import system as find_system

PATH = Path(__file__).parents[2] / "benchmarks" / "slips.py"
SPEC = importlib.util.spec_from_file_location("slips", PATH)
slips = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(slips)

SYSTEMS = ("energy", "fairness", "latency", "region", "threetier")
DRAWN = {"energy": slips.CROWDED, "fairness": slips.SQUARE["fairness"]}
TYPICAL = {
    "noise_w": 1e-13,
    "ap_max_power_w": 1.0,
    "terminal_max_power_w": 0.2,
    "task_bits": 1e6,
    "cycles_per_bit": 500.0,
    "frequency_hz": 2e9,
    "capacity_hz": 9e9,
    "bandwidth_hz": 1e7,
    "bps": 1e8,
    "sinr_min": 1.5,
    "echo_gain": 1e-5,
    "downlink_symbols": 35.0,
    "ap_power": 2e12,
}
SAMPLES = Path(__file__).parents[3] / "shared" / "samples" / "sionna_like.npz"


def typical(name, dice):
    """Arrays of a network as one may bring it: Rayleigh fading on gains that fall with the distance; 6 by 6."""
    schema, sizes = find_system(name).scenario_schema, {"A": 4, "T": 3, "R": 5, "S": 2, "D": 7, "Q": 4}
    sizes |= {"K": 8, "M": 1} if name == "energy" else {"K": 6, "M": 6}
    place = {who: dice.uniform(0, 300, (sizes[n], 2)) for who, n in (("terminal", "K"), ("ap", "M"))}
    gain = 10 ** (-3 - 3.6 * np.log10(10 + np.linalg.norm(place["terminal"][:, None] - place["ap"][None], axis=-1)))

    def rayleigh(dims):
        shape = [sizes[letter] for letter in dims]
        fading = (dice.standard_normal(shape) + 1j * dice.standard_normal(shape)) / np.sqrt(2)
        if "M" not in dims or dims[:2] == ("M", "M"):
            return 1e-5 * fading
        large = np.sqrt(gain if dims.index("K") < dims.index("M") else gain.T)
        return fading * np.expand_dims(large, tuple(at for at, letter in enumerate(dims) if letter not in "KM"))

    made = {}
    for key, field in schema.items():
        shape = tuple(sizes.get(letter, 2) for letter in field.dims)
        size = next((value for ending, value in TYPICAL.items() if key.endswith(ending)), 1.0)
        if key.endswith("position_m"):
            made[key] = place[key.partition("_")[0]]
        elif key == "target_echo_gain":
            made[key] = np.full(shape, 1e-13)
        elif field.kind == "complex":
            made[key] = rayleigh(field.dims) if "steering" not in key else np.exp(1j * dice.uniform(0, 6, shape))
        elif field.kind == "bool":
            made[key] = np.ones(shape, dtype=bool)
        else:
            made[key] = size * dice.uniform(0.9, 1.1, shape)
    return SimpleNamespace(**made)


ABSENT = {
    "energy": {"swapped-terminals-and-aps"},
    "fairness": {"echo-loss-twice"},
    "region": {"density-for-noise", "mega-for-one", "bytes-for-bits"},
}


@pytest.mark.parametrize(("name", "drawn"), [*((name, False) for name in SYSTEMS), *((name, True) for name in DRAWN)])
def test_slips_are_named_and_nothing_else_is(name, drawn):
    """A share of ``benchmarks/slips.py``, of which only some are drawn here, as that takes a compiler."""
    dice = np.random.default_rng(5)
    those = slips.networks(name, 3, 3, DRAWN[name]) if drawn else [typical(name, dice) for _ in range(4)]
    assert slips.alarms(name, those) == {}
    absent = set()
    for slip, ways in slips.MADE.items():
        counts = {how: slips.named(name, slip, how, those) for how in ways}
        assert all(told == made for made, told in counts.values()), f"{slip}: {counts}"
        absent |= set() if any(made for made, _ in counts.values()) else {slip}
    assert absent == ABSENT.get(name, set())


def test_no_layout_that_ships_is_warned_of_until_it_is_mirrored():
    for layout in range(layout_count("munich")):
        traced = load_bundled("munich", layout)
        assert look(traced).slips == ()
    for change in slips.MIRRORED.values():
        assert [s.name for s in look(replace(traced, uplink_channel=change(traced.uplink_channel))).slips] in (
            ["mirrored-angles"],
            [],
        )
    traced = load_bundled("munich", 3)
    for change in slips.MIRRORED.values():
        (slip,) = look(replace(traced, uplink_channel=change(traced.uplink_channel))).slips
        assert slip.name == "mirrored-angles"
        assert "14 of 14 links" in slip.text


def line_of_sight(carrier_hz=3.5e9, antennas=6):
    """Free space to arrays along y, over a ground that reflects: 2 access points, 5 terminals."""
    dice = np.random.default_rng(4)
    ap = np.array([[0.0, 0.0, 10.0], [60.0, 5.0, 12.0]])
    ue = np.column_stack([dice.uniform(10, 50, 5), dice.uniform(-40, 40, 5), np.full(5, 1.5)])
    wavelength, between = 299_792_458.0 / carrier_hz, ue[:, None] - ap[None]
    path = np.linalg.norm(between, axis=-1)
    longer = np.linalg.norm(between * [1, 1, 0] + (ue[:, None] + ap[None]) * [0, 0, 1], axis=-1)
    waves = [np.exp(-2j * np.pi * d / wavelength) / d for d in (path, longer)]
    turn = np.exp(1j * np.pi * between[..., 1, None] / path[..., None] * (np.arange(antennas) - (antennas - 1) / 2))
    channel = wavelength / (4 * np.pi) * (waves[0] - 0.3 * waves[1])[..., None, None] * turn[..., None]
    known = {"terminal_position_m": ue, "ap_position_m": ap, "carrier_hz": carrier_hz, "terminal_channel": None}
    return SimpleNamespace(array=channel[None], relative_to_noise=False, **known)


def test_delays_from_the_first_path_and_mirrors_are_told_in_a_small_world():
    world = line_of_sight()
    assert look(world).slips == ()
    first = np.exp(-1j * np.angle(world.array.mean(axis=3, keepdims=True)))  # the middle of the array in phase
    world.array = world.array * first
    (slip,) = look(world).slips
    assert slip.name == "aligned-phases"
    assert "10 links agree to 1.00" in slip.text
    for channel in (line_of_sight().array.conj(), line_of_sight().array[:, :, :, ::-1]):
        world.array = channel
        assert [slip.name for slip in look(world).slips] == ["mirrored-angles"]


@pytest.mark.skipif(not SAMPLES.is_file(), reason="the samples are not here")
def test_samples_are_not_warned_of_and_their_default_delays_are():
    with np.load(SAMPLES) as sample:
        places = {"terminal_position_m": sample["ue"], "ap_position_m": sample["ap"]}
        truth, default = sample["uplink_truth"], sample["cir_default"][..., 0].sum(axis=-1).transpose(2, 0, 1, 3)
    known = {**places, "carrier_hz": 3.5e9, "terminal_channel": None, "relative_to_noise": False}
    assert look(SimpleNamespace(array=truth[None], **known)).slips == ()
    assert [slip.name for slip in look(SimpleNamespace(array=default[None], **known)).slips] == ["aligned-phases"]


def test_what_a_look_tells():
    channel = np.zeros((3, 2, 4, 5), dtype=complex)
    wave = np.exp(1j * np.arange(4))[:, None] * np.exp(0.3j * np.arange(5))
    for k, m, db in ((0, 0, -90), (0, 1, -80), (1, 0, -100), (2, 1, -70)):
        channel[k, m] = 10 ** (db / 20) * wave * np.exp(1j * k)
    schema = {name: find_system("latency").scenario_schema[name] for name in ("uplink_channel", "ap_noise_w")}
    schema["terminal_max_power_w"] = find_system("latency").scenario_schema["terminal_max_power_w"]
    arrays = {"uplink_channel": channel, "ap_noise_w": np.full(2, 1e-12), "terminal_max_power_w": np.full(3, 0.1)}
    found = look(SimpleNamespace(**arrays), schema)
    assert found.sizes == {"S": 1, "K": 3, "M": 2, "A": 4, "T": 5}
    np.testing.assert_allclose(found.gain_db, (-92.5, -85, -77.5))
    np.testing.assert_allclose(found.snr_db, (20, 30, 35))
    assert found.blocked == pytest.approx(1 / 3)
    assert found.plane == pytest.approx(1)
    phases = np.exp(1j * np.array([0, 0, 1, 2]))
    assert found.alignment == pytest.approx(max(abs(phases.mean()), abs((phases**2).mean())))
    assert phase_alignment(seen(SimpleNamespace(**arrays), schema))[1] == 4
    lines = str(found).splitlines()
    assert lines[0] == "3 terminals, 2 access points, 4 antennas each, 5 antennas of a terminal"
    assert lines[1] == "gain of links: -85.0 dB (-92.5 to -77.5 dB in the middle half); 33% blocked"
    assert lines[-1] == "no slips seen"


def test_slips_are_silenced_by_name():
    arrays = typical("fairness", np.random.default_rng(6)).__dict__
    arrays |= {
        "terminal_max_power_w": np.full(6, 23.0),
        "task_bits": np.full(6, 1e5),
        "cycles_per_bit": np.full(6, 8e3),
    }
    network = tn.from_arrays("fairness", **arrays)
    found = tn.check(network)
    assert [slip.name for slip in found.slips] == ["dbm-for-watt", "bytes-for-bits"]
    assert "23 W for one terminal; 23 dBm would be 0.2 W" in str(found.slips[0])
    assert "8000 cycles for one bit; cycles per byte would be 1000 per bit; task_bits would then be 8e+05" in str(found)
    assert [slip.name for slip in tn.check(network, ["dbm-for-watt"]).slips] == ["bytes-for-bits"]
    assert tn.check(network, silence=SLIPS).slips == ()
    with pytest.raises(InputError, match="silence: got dbm; allowed: did you mean dbm-for-watt"):
        tn.check(network, "dbm")


def test_the_command_says_the_same(tmp_path):
    network = tn.from_arrays("fairness", **typical("fairness", np.random.default_rng(6)).__dict__)
    tn.save(tmp_path / "net.npz", network.with_(subcarrier_bandwidth_hz=5.0))
    shown = CliRunner().invoke(app, ["check", str(tmp_path / "net.npz")])
    assert shown.exit_code == 0
    assert shown.stdout == f"net.npz\n{tn.check(tmp_path / 'net.npz')}\n"
    assert "mega-for-one: subcarrier_bandwidth_hz: 5 Hz; 5 MHz would be 5e+06 Hz" in shown.stdout
    words = ["check", str(tmp_path / "net.npz"), "--json", "--silence", "mega-for-one"]
    data = json.loads(CliRunner().invoke(app, words).stdout)
    assert data["slips"] == []
    assert data["sizes"]["M"] == 6
    (tmp_path / "other.npz").write_bytes(b"nothing")
    assert CliRunner().invoke(app, ["check", str(tmp_path / "other.npz")]).exit_code == 2


def test_every_slip_is_made_somewhere_and_on_the_page():
    assert set(slips.MADE) | {"mirrored-angles"} == set(SLIPS)
    page = (Path(__file__).parents[2] / "docs" / "check.md").read_text(encoding="utf-8")
    assert [line.split("`")[1] for line in page.splitlines() if line.startswith("| `")] == list(SLIPS)
