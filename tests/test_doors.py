"""What comes in is checked and nothing of it is stale, whichever way it came."""

import dataclasses

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

import toy
import trinode as tn
from networks import network
from trinode import api
from trinode.channels.traced import TracedChannels
from trinode.systems import doors, registry
from trinode.systems.declared import schema_of, to_arrays
from trinode.systems.registry import system as load

SYSTEMS = ["energy", "fairness", "latency", "region", "threetier"]


@pytest.fixture(autouse=True)
def toy_system(monkeypatch):
    monkeypatch.setitem(registry._loaded, "toy", toy.system)


def made(name, **more):
    return network(name, np.random.default_rng(2), **more)[0]


@pytest.fixture(scope="module", params=SYSTEMS)
def any_network(request):
    return made(request.param)


@pytest.fixture(scope="module")
def latency():
    return made("latency")


def own_fields(scenario):
    """Arrays of the file that are fields, not properties."""
    known = load(type(scenario).__module__.split(".")[2]).scenario_schema
    return [f.name for f in dataclasses.fields(scenario) if f.name in known and getattr(scenario, f.name) is not None]


def rayleigh(*shape):
    rng = np.random.default_rng(3)
    return jnp.asarray(1e-5 * (rng.standard_normal(shape) + 1j * rng.standard_normal(shape)))


STALE = {
    "latency": ("cluster_size", 3, 5, "serving", np.arange(5) < 2 * np.ones((3, 1)), np.ones((3, 5), bool)),
    "energy": ("uplink_rank", 1, 2, "uplink_channel", rayleigh(3, 2, 1) * rayleigh(3, 1, 7), rayleigh(3, 2, 7)),
    "threetier": ("even_edge", True, False, "edge_frequency_hz", np.full(3, 2e9), np.array([2.5e9, 3.5e9, 1.4e9])),
}
"""A static field, what it is before and after an array is another one; the array, before and after."""


@pytest.mark.parametrize("name", sorted(STALE))
def test_static_fields_follow_the_arrays(name):
    field, before, wanted, array, now, value = STALE[name]
    scenario = made(name, **{array: now})
    value = jnp.asarray(value)
    stale = eqx.tree_at(lambda s: getattr(s, array), scenario, value)
    assert getattr(stale, field) == getattr(scenario, field) == before
    fresh = load(name).scenario_from(to_arrays(stale, load(name).scenario_schema))
    replaced = dataclasses.replace(scenario, **{array: value})
    for one in [doors.network(replaced)[1], tn.change(scenario, **{array: value}), doors.network(stale)[1], fresh]:
        assert getattr(one, field) == wanted
        np.testing.assert_array_equal(getattr(one, array), value)
    for stacked in (tn.stack([scenario, fresh]), tn.stack([fresh, scenario]), tn.stack([scenario, replaced])):
        assert getattr(doors.network(stacked, many=True)[1], field) == wanted
    inside = jax.eval_shape(lambda s: doors.network(s)[1], stale)
    assert getattr(inside, field) == wanted


def test_every_static_field_is_looked_after():
    kinds = [(name, field) for name in SYSTEMS for field in dataclasses.fields(load(name).Scenario)]
    assert {(name, f.name) for name, f in kinds if f.metadata.get("static")} == {
        (name, field) for name, (field, *_) in STALE.items()
    }


@pytest.mark.parametrize("name", sorted(STALE))
def test_static_fields_that_are_enough_stay(name):
    """So that a change of something else needs no other program."""
    field, _, wanted, array, now, value = STALE[name]
    scenario = made(name, **{array: now})
    louder = dataclasses.replace(scenario, uplink_channel=2 * scenario.uplink_channel)
    assert jax.tree.structure(doors.network(louder)[1]) == jax.tree.structure(scenario)
    assert jax.tree.structure(tn.change(scenario, task_bits=1e6)) == jax.tree.structure(scenario)
    if name != "threetier":  # links and dimensions that are more than enough do no harm
        larger = made(name, **{array: value})
        assert getattr(doors.network(dataclasses.replace(larger, **{array: jnp.asarray(now)}))[1], field) == wanted


def test_a_network_is_looked_at_once(monkeypatch, any_network):
    name = type(any_network).__module__.split(".")[2]
    looks = []
    monkeypatch.setattr(doors, "_looked_at", lambda values, given, many: looks.append(1) or given)
    doors.network(any_network)
    other = jax.tree.map(lambda leaf: leaf, any_network)
    assert looks == []
    for _ in range(3):
        assert doors.network(other)[0].name == name
    assert looks == [1]
    writable = jax.tree.map(np.array, any_network)
    for _ in range(2):
        doors.network(writable)
    assert looks == [1, 1, 1]


def test_what_a_file_may_not_hold_comes_in_nowhere(any_network):
    """Each array with a NaN, each of terminals with another length, and each that has a sign with the wrong one."""
    inner = schema_of(type(any_network), inner=True)
    schema = {**load(type(any_network).__module__.split(".")[2]).scenario_schema, **inner}
    for name in [*own_fields(any_network), *inner]:
        field, array = schema[name], np.array(getattr(any_network, name))
        wrong = []
        if field.kind in ("float", "complex") and not field.nan:
            holes = array.copy()
            holes.reshape(-1)[-1] = np.nan
            wrong.append(holes)
        if "K" in field.dims:
            axis = field.dims.index("K")
            wrong += [np.concatenate([array, array], axis), array[None]]
        if field.sign != "any":
            wrong.append(-np.maximum(array, 1.0))
        for one in wrong:
            bad = dataclasses.replace(any_network, **{name: jnp.asarray(one)})
            for call in (api.bound, tn.solve, lambda s: tn.save("nowhere.npz", s)):
                with pytest.raises(tn.InputError):
                    call(bad)
            if name not in inner:
                with pytest.raises(tn.InputError, match=name):
                    tn.change(any_network, **{name: one})


@pytest.mark.parametrize("name", ["latency", "threetier"])
def test_no_terminal_hears_itself(name):
    scenario = made(name)
    loud = scenario.terminal_channel + 1e-6
    for bad in (dataclasses.replace(scenario, terminal_channel=loud), tn.stack([scenario, scenario])):
        many = bad.task_bits.ndim == 2
        bad = dataclasses.replace(bad, terminal_channel=bad.terminal_channel.at[..., 1, 1, 0, 0].set(1.0))
        with pytest.raises(tn.InputError, match="terminal_channel: got a diagonal"):
            (api.bound_batch if many else api.bound)(bad)
    with pytest.raises(tn.InputError, match="terminal_channel: got a diagonal"):
        tn.change(scenario, terminal_channel=loud)


def test_arrays_come_in_as_people_write_them(latency):
    changed = tn.change(latency, task_bits=[1, 2, 3], bandwidth_hz=8_000_000, edge_max_frequency_hz=2e9, serving=True)
    np.testing.assert_array_equal(changed.task_bits, [1, 2, 3])
    np.testing.assert_array_equal(changed.edge_max_frequency_hz, [2e9] * 5)
    assert changed.serving.shape == (3, 5)
    assert changed.serving.all()
    assert changed.task_bits.dtype == changed.bandwidth_hz.dtype == float
    replaced = dataclasses.replace(latency, task_bits=[7, 8, 9], terminal_max_power_w=np.ones(3, np.float32))
    one = doors.network(replaced)[1]
    assert one.task_bits.dtype == one.terminal_max_power_w.dtype == float
    assert tn.change(latency, ap_position_m=None).ap_position_m is None
    assert latency.task_bits.tolist() != [1, 2, 3]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"task_bit": 1.0}, "task_bit: got an unknown name; allowed: did you mean task_bits"),
        ({"task_bits": [1.0, 2.0]}, r"task_bits: got shape \(2,\); allowed: K = 3"),
        ({"task_bits": [[1.0], [2.0, 3.0]]}, "task_bits: got .*; allowed: an array of shape"),
        ({"task_bits": "many"}, "task_bits: got dtype"),
        ({"task_bits": None}, "task_bits: got dtype object"),
        ({"task_bits": -1.0}, "task_bits: got a negative value"),
        ({"bandwidth_hz": 0.0}, "bandwidth_hz: got a value of 0; allowed: values above 0"),
        ({"uplink_channel": 0.0}, "uplink_channel: got shape"),
        ({"serving": [1, 1, 0]}, "serving: got dtype int64"),
    ],
)
def test_changes_that_cannot_be_are_named(latency, given, said):
    with pytest.raises(tn.InputError, match=said):
        tn.change(latency, **given)


def test_echoes_change_as_files_hold_them():
    scenario = made("energy")
    echo = np.array(rayleigh(3, 3, 6, 7))
    np.testing.assert_allclose(tn.change(scenario, echo_channel=echo).echo_channel, echo, atol=1e-18)
    np.testing.assert_array_equal(tn.change(scenario, channel_error=0.3).echo_receive, scenario.echo_receive)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda s, x: tn.solve(tn.stack([s, s])), "scenario: got a batch of 2 networks; .* tn.solve_batch takes many"),
        (lambda s, x: tn.solve(x), "scenario: got a solution of toy; allowed: a network of toy, as tn.draw makes it"),
        (lambda s, x: tn.evaluate(tn.stack([s, s]), x), "scenario: got a batch of 2 networks; .* tn.evaluate_batch"),
        (lambda s, x: tn.evaluate(x, s), "scenario: got a solution of toy"),
        (lambda s, x: tn.evaluate(s, tn.stack([x, x])), "solution: got a batch of 2 solutions"),
        (lambda s, x: tn.solve(s, start=tn.stack([x, x])), "start: got a batch of 2 solutions"),
        (lambda s, x: tn.solve_batch([s, s]), "scenario: got a list; .* tn.stack"),
        (lambda s, x: tn.evaluate_batch(tn.stack([s, s]), x), "solutions: got one solution"),
        (lambda s, x: tn.solve(None), "scenario: got an object of type NoneType"),
        (lambda s, x: tn.change(tn.stack([s, s]), load=1.0), "scenario: got a batch of 2 networks"),
        (lambda s, x: tn.save("nowhere.npz", tn.stack([s, s])), "scenario: got a batch of 2 networks"),
    ],
)
def test_one_is_told_from_many(call, said):
    scenario = tn.draw("toy")
    with pytest.raises(tn.InputError, match=said):
        call(scenario, tn.solve(scenario))


def channels(**changes):
    """K = 4, M = 3, A = 2, T = 6, R = 5."""
    between = np.array(rayleigh(4, 4, 5, 6))
    between[np.arange(4), np.arange(4)] = 0
    rng = np.random.default_rng(1)
    parts = {
        "uplink_channel": np.array(rayleigh(4, 3, 2, 6)),
        "terminal_channel": between,
        "terminal_position_m": rng.uniform(0, 90, (4, 3)),
        "ap_position_m": rng.uniform(0, 90, (3, 3)),
        "carrier_hz": 3.5e9,
    }
    return TracedChannels(**(parts | changes))


SIZES = {"K": 4, "M": 3, "A": 2, "T": 6, "R": 5}


@pytest.mark.parametrize("name", SYSTEMS)
def test_channels_are_checked_like_files(name):
    good = channels()
    hole = good.uplink_channel.copy()
    hole[0, 0, 0, 0] = np.nan
    wrong = {
        "uplink_channel": [hole, good.uplink_channel[0]],
        "terminal_channel": [good.terminal_channel + 1e-9, good.terminal_channel[:, :3]],
        "terminal_position_m": [good.terminal_position_m[:3], good.terminal_position_m * np.inf],
        "ap_position_m": [good.ap_position_m[:, :1]],
        "carrier_hz": [-1.0, 0.0, "fast"],
    }
    for field, values in wrong.items():
        for value in values:
            with pytest.raises(tn.InputError, match=field):
                api.from_channels(channels(**{field: value}), name, **({"pilots": 2} if name == "region" else {}))


OTHERS = {
    "cross_echo": "physical",
    "interference": "printed",
    "noise": "printed",
    "path_loss": "amplitude",
    "layout": "bs-centred",
    "pilot_rule": "spread",
    "broadside": False,
    "central": True,
    "aligned_target": True,
    "serving": 2,
    "targets": 2,
}
"""Other values of static parameters; 7 for all others."""


@pytest.mark.parametrize("name", SYSTEMS)
def test_what_channels_fix_is_refused_and_all_else_counts(name):
    """A parameter that is neither refused nor has a say in the network would be ignored in silence."""
    system = load(name)
    fixed = {parameter: SIZES[letter] for parameter, letter in system.channel_sizes.items()}
    base = fixed | {"region": {"pilots": 3, "detection_probability_min": 0.8}, "energy": {"channel_error": 0.2}}.get(
        name, {}
    )
    given = channels()

    def program(**changes):
        leaves, tree = jax.tree.flatten(api.parameters(system, base | changes))
        return jax.make_jaxpr(lambda x: system.from_channels(given, jax.tree.unflatten(tree, x), jax.random.key(0)))(
            leaves
        )

    def ignored():
        traced = program()
        counts = {v for v in traced.jaxpr.outvars if isinstance(v, jax.extend.core.Var)}
        for equation in reversed(traced.jaxpr.eqns):
            if counts & set(equation.outvars):
                counts |= {v for v in equation.invars if isinstance(v, jax.extend.core.Var)}
        params = api.parameters(system, base)
        numbers = [f.name for f in dataclasses.fields(params) if eqx.is_array(getattr(params, f.name))]
        yield from (number for number, v in zip(numbers, traced.jaxpr.invars, strict=True) if v not in counts)
        for field in (f.name for f in dataclasses.fields(params) if f.name not in {*numbers, *fixed}):
            if str(program(**{field: OTHERS.get(field, 7)})) == str(traced):
                yield field

    assert set(ignored()) == set(system.channel_fixed) | ({"pattern_mse_max"} if name == "region" else set())
    for parameter in [*fixed, *system.channel_fixed]:
        with pytest.raises(tn.InputError, match=f"{parameter}: got .* allowed: nothing beside channels"):
            api.from_channels(channels(), name, **{parameter: getattr(system.Params(), parameter)})
