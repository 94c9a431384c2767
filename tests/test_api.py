"""Draw, solve, judge, keep; single and in batches."""

import subprocess
import sys

import equinox as eqx
import jax
import numpy as np
import pytest

import toy
import trinode as tn
from trinode import _batch, _pool, api
from trinode.systems import registry


@pytest.fixture(autouse=True)
def toy_system(monkeypatch):
    monkeypatch.setitem(registry._loaded, "toy", toy.system)
    return toy.system


def same(one, other):
    return all(np.array_equal(a, b, equal_nan=True) for a, b in zip(jax.tree.leaves(one), jax.tree.leaves(other)))


def test_importing_the_package_imports_nothing_heavy():
    heavy = "{'jax', 'numpy', 'equinox', 'scipy', 'xarray', 'matplotlib', 'typer', 'pandas'}"
    code = f"import sys, trinode; trinode.system_names(); sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=60).returncode == 0


def test_public_names_exist():
    for name in tn.__all__:
        assert getattr(tn, name) is not None
    assert set(tn.__all__) <= set(dir(tn))
    with pytest.raises(AttributeError):
        tn.no_such_name  # noqa: B018


def test_the_package_offers_what_its_page_of_reference_shows():
    assert set(api.__all__) <= set(tn.__all__)
    homes = "trinode.api", "trinode.networks"
    offered = {name for name in tn.__all__ if getattr(getattr(tn, name), "__module__", "") in homes}
    assert offered <= set(api.__all__)


def test_arrays_become_a_network_as_a_file_would():
    drawn = tn.draw("toy")
    arrays = {"load": [1, 2], "line_bps": 5, "quality": np.float32([0.5, 0.25]), "quality_min": 0.0}
    made = tn.from_arrays("toy", **arrays)
    assert jax.tree.structure(made) == jax.tree.structure(drawn)
    assert [leaf.dtype for leaf in jax.tree.leaves(made)] == [leaf.dtype for leaf in jax.tree.leaves(drawn)]
    assert np.array_equal(made.load, [1.0, 2.0])
    for wrong, said in (
        ({"line_bps": -5}, "line_bps"),
        ({"quality": [0.5] * 3}, "quality"),
        ({"loads": 1}, "mean load"),
    ):
        with pytest.raises(tn.InputError, match=said):
            tn.from_arrays("toy", **(arrays | wrong))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: tn.draw("toys"), "system: got toys; allowed: did you mean toy"),
        (lambda: tn.draw("toy", users=2), "users: got a parameter that toy does not have; allowed: did you mean"),
        (lambda: tn.draw("toy", K=2), "allowed: did you mean terminals"),
        (lambda: tn.draw("toy", task_spread=2), "task_spread: got a parameter that toy does not have but fairness has"),
        (lambda: tn.draw("toy", fronthaul=2), "does not have; nearest are fronthaul_max_bps of latency, backhaul_bps"),
        (lambda: tn.draw("toy", xyzzy=2), "xyzzy: got a parameter that toy does not have; allowed: one of terminals"),
        (
            lambda: tn.draw("fairness", layout="bs-centered"),
            "layout: got bs-centered; allowed: did you mean bs-centred",
        ),
        (lambda: tn.solve(tn.draw("toy"), "evn"), "scheme: got evn; allowed: did you mean even?"),
        (lambda: tn.solve(tn.draw("toy"), "isac"), "scheme: got isac, which toy does not have but region has; allowed"),
    ],
)
def test_what_may_have_been_meant_is_said(call, said):
    with pytest.raises(tn.InputError) as caught:
        call()
    assert said in str(caught.value)


def test_draws_are_keyed_by_seed_system_and_trial():
    assert same(tn.draw("toy", 1, 2), tn.draw("toy", 1, 2))
    drawn = [tn.draw("toy", seed, trial).load.tolist() for seed in (0, 1) for trial in (0, 1)]
    assert len({tuple(loads) for loads in drawn}) == 4
    more = tn.draw("toy", 1, 2, terminals=5)
    assert np.array_equal(more.load[:3], tn.draw("toy", 1, 2).load)


def test_a_batch_of_draws_is_the_draws():
    batch = tn.draw_batch("toy", 3, range(4, 15), line_bps=7.0)
    for trial, one in zip(range(4, 15), tn.unstack(batch)):
        assert same(one, tn.draw("toy", 3, trial, line_bps=7.0))


@pytest.mark.parametrize("count", [1, 7, 8, 9, 30])
def test_a_batch_of_solves_is_the_solves(count):
    scenarios = tn.draw_batch("toy", 0, count)
    solutions = tn.solve_batch(scenarios)
    reports = tn.evaluate_batch(scenarios, solutions, scheme="balance")
    for k, (scenario, solution) in enumerate(zip(tn.unstack(scenarios), tn.unstack(solutions))):
        alone = tn.solve(scenario)
        assert np.allclose(alone.share, solution.share, rtol=1e-12)
        report = tn.evaluate(scenario, alone, scheme="balance")
        assert np.allclose(report.objective, reports.objective[k], rtol=1e-12, equal_nan=True)
        assert np.allclose(report.bound, reports.bound[k], rtol=1e-12)


def test_the_split_changes_nothing(monkeypatch):
    scenarios = tn.draw_batch("toy", 0, 30)
    monkeypatch.setattr(_pool, "programs", lambda: 4)
    many = tn.solve_batch(scenarios)
    monkeypatch.setattr(_pool, "programs", lambda: 1)
    assert same(many, tn.solve_batch(scenarios))
    few = tn.solve_batch(jax.tree.map(lambda leaf: leaf[:5], scenarios))
    assert same(few, jax.tree.map(lambda leaf: leaf[:5], many))


def test_programs_are_compiled_once(monkeypatch):
    traces = []

    class Counted(toy.Balance):
        def solve(self, scenario, start=None):
            traces.append(1)
            return super().solve(scenario, start)

    for seed in range(3):
        tn.solve(tn.draw("toy", seed, line_bps=1.0 + seed), Counted())
    assert len(traces) == 1
    for count in (2, 11, 20):
        tn.solve_batch(tn.draw_batch("toy", 0, count), Counted())
    assert len(traces) == 1
    tn.solve(tn.draw("toy"), Counted(rate=0.4))
    assert len(traces) == 2


def test_warm_starts_reach_single_and_batched_solves():
    scenarios = tn.draw_batch("toy", 0, 10)
    cold = tn.solve_batch(scenarios)
    warm = tn.solve_batch(scenarios, start=cold)
    cold_value = tn.evaluate_batch(scenarios, cold, bound=False).objective
    warm_value = tn.evaluate_batch(scenarios, warm, bound=False).objective
    assert (warm_value[~np.isnan(warm_value)] <= cold_value[~np.isnan(cold_value)]).all()
    one, start = tn.unstack(scenarios)[0], tn.unstack(cold)[0]
    assert np.allclose(tn.solve(one, start=start).share, tn.unstack(warm)[0].share)


def test_host_schemes_are_called_as_they_are():
    class Host(toy.Even):
        host = True

        def solve(self, scenario, start=None):
            assert not isinstance(scenario.load, jax.core.Tracer)
            return super().solve(scenario, start)

    scenarios = tn.draw_batch("toy", 0, 3)
    assert np.allclose(tn.solve_batch(scenarios, Host()).share, 1 / 3)
    assert np.allclose(tn.solve(tn.draw("toy"), Host()).share, 1 / 3)


def test_bounds_of_a_report():
    scenario = tn.draw("toy")
    solution = tn.solve(scenario, "even")
    assert np.isnan(tn.evaluate(scenario, solution, bound=False).bound)
    plain = tn.evaluate(scenario, solution)
    assert plain.bound <= plain.objective
    assert np.isnan(plain.scheme_bound)
    known = tn.evaluate(scenario, solution, scheme="even")
    assert np.isclose(known.scheme_bound, known.objective)
    assert tn.evaluate(scenario, solution, scheme="balance").scheme_bound == plain.bound


def test_files_say_what_they_are(tmp_path):
    scenario = tn.draw("toy")
    solution = tn.solve(scenario)
    tn.save(tmp_path / "s.npz", scenario)
    tn.save(tmp_path / "x.npz", scenario, solution)
    assert same(tn.load(tmp_path / "s.npz"), scenario)
    assert same(tn.load(tmp_path / "x.npz"), solution)
    (tmp_path / "junk.npz").write_bytes(b"junk")
    np.savez(tmp_path / "other.npz", format=np.asarray("trinode/none-scenario/1"))
    for name in ("junk.npz", "other.npz", "absent.npz"):
        with pytest.raises(tn.FileFormatError):
            tn.load(tmp_path / name)


def test_stacks_come_apart_again():
    drawn = [tn.draw("toy", 0, trial) for trial in range(3)]
    assert all(same(a, b) for a, b in zip(drawn, tn.unstack(tn.stack(drawn))))
    with pytest.raises(tn.InputError, match="at least one"):
        tn.stack([])
    with pytest.raises(tn.InputError, match="entry 1"):
        tn.stack([drawn[0], tn.draw("toy", terminals=4)])
    with pytest.raises(tn.InputError, match="leading axis"):
        tn.solve_batch(drawn[0])


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: tn.draw("nothing"), "system"),
        (lambda: tn.draw("toy", no_such=1), "no_such"),
        (lambda: tn.draw("toy", terminals=2.5), "terminals"),
        (lambda: tn.draw("toy", line_bps="fast"), "line_bps"),
        (lambda: tn.draw("toy", seed=-1), "seed"),
        (lambda: tn.draw("toy", trial=1.5), "trial"),
        (lambda: tn.solve(tn.draw("toy"), "nothing"), "scheme"),
        (lambda: tn.solve(tn.draw("toy"), "even", tn.solve(tn.draw("toy"))), "start"),
        (lambda: tn.solve(tn.draw("toy"), start=3), "start"),
        (lambda: tn.solve(tn.draw("toy"), start=tn.solve(tn.draw("toy", terminals=4))), "start"),
        (lambda: tn.evaluate(tn.draw("toy"), tn.solve(tn.draw("toy", terminals=4))), "solution"),
        (lambda: tn.evaluate(tn.draw("toy"), tn.draw("toy")), "solution"),
    ],
)
def test_wrong_input_is_named(call, field):
    with pytest.raises(tn.InputError) as caught:
        call()
    assert caught.value.field.startswith(field)


def test_channels_from_outside():
    from trinode.channels.traced import TracedChannels

    rng = np.random.default_rng(0)
    channels = TracedChannels(
        uplink_channel=rng.normal(size=(4, 2, 3, 2)) + 0j,
        terminal_channel=np.zeros((4, 4, 2, 2), complex),
        terminal_position_m=np.zeros((4, 3)),
        ap_position_m=np.zeros((2, 3)),
        carrier_hz=3.5e9,
        building_lines=np.zeros((1, 2, 2), np.float32),
    )
    scenario = api.from_channels(channels, "toy", terminals=4)
    assert np.allclose(scenario.load, 1 + (np.abs(channels.uplink_channel) ** 2).sum(axis=(1, 2, 3)))


def test_a_guest_leaves_the_environment_as_it_is_and_finds_room_in_the_pool():
    code = (
        "import os; os.environ.pop('NPROC', None); before = dict(os.environ);"
        "import trinode as tn; from trinode import api, _pool; import jax;"
        "assert dict(os.environ) == before; assert _pool.programs() == _pool.cores();"
        "jax.numpy.zeros(1); _pool._reserved = False; _pool.start(); assert _pool.programs() == 1;"
        "assert dict(os.environ) == before"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_where_jax_runs_already_programs_run_one_by_one():
    code = "import jax; jax.numpy.zeros(1); from trinode import api, _pool; assert _pool.programs() == 1"
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


@pytest.mark.slow
def test_programs_side_by_side_do_not_wait_for_each_other():
    """Batched LAPACK calls on every core at once: what stands still for good in a pool of one thread per core."""
    code = """
import numpy as np, trinode, jax, jax.numpy as jnp
from trinode import _batch, _pool
_pool.programs = lambda: max(2, _pool.cores())

def value(h, x):
    signal = jnp.einsum("kmat,kmt->kma", h, x)
    power = jnp.eye(8) + jnp.einsum("kmat,kmt,kmu,kmbu->mab", h, x, x.conj(), h.conj())
    others = power - jnp.einsum("kma,kmb->kmab", signal, signal.conj())
    ratio = jnp.einsum("kma,kma->km", signal.conj(), jnp.linalg.solve(others, signal[..., None])[..., 0]).real
    return jnp.sum(jnp.log(1 + ratio))

def one(h):
    def step(_, x):
        slope = jax.grad(value, 1)(h, x).conj()
        return x + 0.01 * slope / jnp.linalg.norm(slope)
    return jax.lax.fori_loop(0, 40, step, jnp.full((6, 6, 8), 0.1 + 0j))

rng = np.random.default_rng(0)
channels = rng.normal(size=(80, 6, 6, 8, 8)) + 1j * rng.normal(size=(80, 6, 6, 8, 8))
assert np.isfinite(_batch.map_parts(jax.jit(one), jax.jit(jax.vmap(one)), (channels,), 4)).all()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)


def test_parts_are_of_one_size():
    shapes = set()

    def program(part):
        shapes.add(part.shape)
        return part

    for count in (1, 8, 9, 50):
        values = np.arange(count)
        assert np.array_equal(_batch.map_parts(None, program, (values,), 5), values)
    assert shapes == {(5,)}


def test_outside_schemes_join_a_system(monkeypatch):
    class Entry:
        def __init__(self, name, thing):
            self.name, self.thing, self.module = name, thing, "elsewhere"

        def load(self):
            return self.thing

    class Own(toy.Even):
        name = "own"

    groups = {
        "trinode.systems": {"toy": Entry("toy", toy.system)},
        "trinode.schemes": {"toy.own": Entry("toy.own", Own()), "other.own": Entry("other.own", None)},
    }
    monkeypatch.setattr(registry, "_loaded", {})
    monkeypatch.setattr(registry, "_entries", groups.__getitem__)
    assert tn.system_names() == ["toy"]
    assert list(tn.system("toy").schemes) == ["balance", "even", "own"]
    assert np.allclose(tn.solve(tn.draw("toy"), "own").share, 1 / 3)
    with pytest.raises(tn.InputError, match="toy"):
        tn.system("other")
    with pytest.raises(tn.InputError, match="type Thing"):
        registry.system_of(type("Thing", (eqx.Module,), {})())
