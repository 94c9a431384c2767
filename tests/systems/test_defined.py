"""A problem as a system: the example of the docs against the contract, in commands, on workers; what is refused."""

import dataclasses
import json
from functools import partial
from pathlib import Path

import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from jaxtyping import Array, Complex, Float
from typer.testing import CliRunner

import trinode as tn
from trinode.cli.main import app
from trinode.errors import InputError
from trinode.experiments import code, execute, items, runner
from trinode.experiments.places import Cluster
from trinode.solving import stated
from trinode.systems import checks, registry
from trinode.systems.figure import Sweep

EXAMPLE = Path(__file__).parents[2] / "examples" / "sixth_system.py"
SMALL = {"terminals": 3, "access_points": 2, "ap_antennas": 4, "targets": 1}
HOPELESS = {"illumination_min_w": 1.0}
SET = [word for name, value in SMALL.items() for word in ("--set", f"{name}={value}")]


@pytest.fixture(scope="module", autouse=True)
def sixth():
    """The example's system, known as long as this file is tested."""
    registry.run_file(EXAMPLE)
    yield tn.system("sixth")
    del registry._loaded["sixth"]


@pytest.fixture(scope="module")
def networks():
    return tn.unstack(tn.draw_batch("sixth", 4, 3, **SMALL))


@pytest.fixture(scope="module")
def solutions(networks):
    return tn.solve_batch(tn.stack(networks))


def test_the_example_is_short():
    assert len(EXAMPLE.read_text(encoding="utf-8").splitlines()) <= 80


def test_the_example_meets_the_contract(sixth, networks, tmp_path):
    checks.check_scheme(sixth, sixth.scheme(), networks, lambda batch, start=None: tn.solve_batch(batch, "", start))
    hopeless = tn.draw("sixth", **SMALL, **HOPELESS)
    answers = tn.solve_batch(tn.stack([hopeless]))
    checks.check_feasible(sixth, tn.stack([hopeless]), answers)
    (answer,) = tn.unstack(answers)
    assert int(answer.status) == tn.Status.INFEASIBLE
    checks.check_file(sixth, hopeless, answer, tmp_path / "answer.npz")


def test_a_report_is_what_the_parts_say(sixth, networks, solutions):
    network, solution = networks[0], tn.unstack(solutions)[0]
    report = tn.evaluate(network, solution)
    w, h = np.asarray(solution.precoder), np.asarray(network.channel)
    heard = np.abs(np.einsum("kma,msa->ks", h, w)) ** 2
    sinr = np.diag(heard) / (heard.sum(axis=1) - np.diag(heard) + 1e-12)
    np.testing.assert_allclose(report.metrics["sinr"], sinr, rtol=1e-9)
    np.testing.assert_allclose(report.metrics["rate_bps"], 20e6 * np.log2(1 + sinr), rtol=1e-9)
    cost = np.max(report.metrics["latency_s"]) + 0.1 * np.sum(report.metrics["energy_j"])
    assert float(report.objective) == pytest.approx(cost, rel=1e-12)
    assert report.feasible
    assert np.isnan(report.bound) or float(report.bound) <= float(report.objective)
    assert sixth.bound_reason(network)
    louder = eqx.tree_at(lambda s: s.precoder, solution, 1.1 * solution.precoder)
    judged = tn.evaluate(network, louder, bound=False)
    assert str(judged.worst_constraint) == "air: power"
    assert float(judged.worst_residual) == pytest.approx(0.21, rel=1e-3)
    assert not judged.feasible
    faster = eqx.tree_at(lambda s: s.edge_frequency_hz, solution, 1.5 * solution.edge_frequency_hz)
    judged = tn.evaluate(network, faster, bound=False)
    assert float(judged.residuals["work: edge servers"]) == pytest.approx(0.5, rel=1e-6)
    assert not judged.feasible
    wrong = eqx.tree_at(lambda s: s.edge_frequency_hz, solution, jnp.ones((3, 2)))
    with pytest.raises(InputError, match=r"edge_frequency_hz: got shape \(3, 2\); allowed: shape \(3, 1\)"):
        tn.evaluate(network, wrong)


def test_everything_has_its_letters_and_units(sixth):
    assert sixth.scenario_schema["target"].dims == ("Q", "M", "A")
    assert sixth.scenario_schema["server_frequency_hz"].unit == "Hz"
    assert sixth.solution_schema["precoder"].dims == ("M", "K", "A")
    assert sixth.solution_schema["edge_frequency_hz"].dims == ("K", "*")
    assert sixth.metrics["antenna_power_w"].dims == ("M", "A")
    assert (sixth.sense, sixth.objective_unit) == ("min", "s")
    assert [one.parameter for one in (spec.sweep for spec in sixth.figures.values())] == list(sixth.figures)


def test_tables_of_many_networks(networks, solutions):
    report = tn.evaluate_batch(tn.stack(networks), solutions, bound=False)
    assert report.to_pandas("target")["illumination_w"].shape == (3 * 1,)
    assert list(report.to_pandas()["latency_s"].index.names) == ["network", "terminal"]
    assert report.to_pandas("network")["feasible"].all()


def test_a_solution_begins_another(networks, solutions, tmp_path):
    network, solution = networks[1], tn.unstack(solutions)[1]
    tn.save(tmp_path / "solution.npz", network, solution)
    again = tn.load(tmp_path / "solution.npz")
    np.testing.assert_array_equal(again.precoder, solution.precoder)
    better = tn.unstack(tn.solve_batch(tn.stack([network]), start=tn.stack([again])))[0]
    assert int(better.iterations) <= int(solution.iterations)
    with pytest.raises(InputError, match="a decision without variables"):
        tn.solve(network, start=eqx.tree_at(lambda s: s.variables, again, None))
    other = tn.draw("sixth", **(SMALL | {"terminals": 5}))
    with pytest.raises(InputError, match="K = 5"):
        tn.solve_batch(tn.stack([other]), start=tn.stack([again]))


def call(*words, code=0):
    result = CliRunner().invoke(app, ["--load", str(EXAMPLE), *map(str, words)])
    if result.exit_code != code:
        raise AssertionError(f"exit code {result.exit_code}: {result.output}") from result.exception
    return result


def test_commands(tmp_path):
    network, decision = tmp_path / "network.npz", tmp_path / "decision.npz"
    shown = call("list", "sixth").stdout
    assert "What an access point sends at most" in shown
    assert "latency of the work" in shown
    call("scenario", "sixth", "--seed", 4, *SET, "--out", network)
    words = ("solve", "sixth", "--scenario", network, "--out", decision, "--plot", tmp_path, "--json")
    shown = json.loads(call(*words).stdout)
    assert (tmp_path / "sixth-terminals.png").stat().st_size > 10_000
    assert (shown["system"], shown["scheme"], shown["status"]) == ("sixth", "general", "converged")
    assert len(shown["terminals"]) == 3
    assert (shown["bound"] is None) == bool(shown["bound_reason"])
    shown = call("evaluate", "sixth", "--scenario", network, "--solution", decision).stdout
    assert "radar.illumination_w >= limit" in shown
    assert ("no bound: " in shown) != ("no solution is better than" in shown)
    assert "converged" in call("solve", "sixth", "--scenario", network, "--start", decision).stdout
    assert "channels from outside" in call("solve", "sixth", "--channels", "munich", code=2).stderr
    found = CliRunner().invoke(app, ["list"], env={"TRINODE_SYSTEMS": str(EXAMPLE)})
    assert "sixth" in found.stdout


def test_a_file_without_a_system_is_refused(tmp_path):
    (tmp_path / "empty.py").write_text("x = 1\n")
    for name, said in (("empty.py", "defines a system"), ("missing.py", "missing.py; allowed: a Python file")):
        result = CliRunner().invoke(app, ["--load", str(tmp_path / name), "list"])
        assert (result.exit_code, said in result.stderr) == (2, True), result.output


def test_a_sweep_and_a_figure(sixth, tmp_path, monkeypatch):
    file, fixed = tmp_path / "sweep.yaml", ", ".join(f"{name}: {value}" for name, value in SMALL.items())
    file.write_text(
        "system: sixth\nschemes: [general]\nparameter: illumination_min_w\nvalues: [1.0e-10, 1.5e-10]\n"
        f"trials: 2\nseed: 4\nfixed: {{{fixed}}}\nmeasures: [{{name: slowest, metric: latency_s, reduce: max}}]\n"
    )
    shown = json.loads(call("sweep", file, "--out", tmp_path / "s", "--json").stdout)
    assert shown["items"] == {"total": 4, "reused": 0, "computed": 4}
    assert shown["counts"]["trials_kept"] == 2
    assert (tmp_path / "s" / "sweep.png").stat().st_size > 10_000
    spec = sixth.figures["energy_weight"]
    spec = dataclasses.replace(spec, sweep=dataclasses.replace(spec.sweep, fixed=SMALL, values=(0.1,)))
    monkeypatch.setitem(registry._loaded, "sixth", dataclasses.replace(sixth, figures={spec.name: spec}))
    shown = call("reproduce", "--all", "sixth", "--trials", 2, "--out", tmp_path / "f")
    assert "report.html" in shown.stdout
    assert (tmp_path / "f" / "sixth-energy_weight" / "energy_weight.png").stat().st_size > 10_000


@pytest.mark.slow
def test_workers_of_a_cluster_run_the_file_that_defines_it(tmp_path):
    """They have neither the file nor its system: the text travels with the work."""
    distributed = pytest.importorskip("distributed")
    copy = tmp_path / "elsewhere" / "own.py"
    copy.parent.mkdir()
    copy.write_text(EXAMPLE.read_text(encoding="utf-8").replace('"sixth"', '"own"'))
    registry.run_file(copy)
    sweep = Sweep("own", ("general",), fixed=SMALL, trials=2, seed=4, bound=False)
    try:
        (item,) = items.expand(sweep)
        files = [registry.carried("own")]
        copy.unlink()
        work = partial(runner._execute, memory=execute.MEMORY, files=files)
        with distributed.LocalCluster(n_workers=1, threads_per_worker=1, dashboard_address=None) as cluster:
            (done,) = Cluster(cluster.scheduler_address).work([item], work, lambda _: None)
        assert done.arrays is not None, done.trace
        np.testing.assert_allclose(done.arrays["objective"], execute.execute(item)["objective"], rtol=1e-5)
    finally:
        del registry._loaded["own"]


def test_a_sweep_that_begins_while_its_file_is_run_is_refused(tmp_path):
    """Every worker would begin it again."""
    file = tmp_path / "unguarded.py"
    file.write_text(
        "from trinode.experiments import Sweep, run\n"
        f"run(Sweep('latency', ('local',), trials=1), {str(tmp_path / 's')!r})\n"
    )
    with pytest.raises(InputError, match="__main__"):
        registry.run_file(file)


def test_other_code_makes_other_items(sixth):
    before = code.code_of(sixth)
    assert before == code.code_of(dataclasses.replace(sixth))
    assert before != code.code_of(dataclasses.replace(sixth, sources=(*sixth.sources, tn.problems)))
    names = {}
    exec("def problem(network):\n    return None", names)
    with pytest.raises(InputError, match="problem of no file"):
        code.code_of(dataclasses.replace(sixth, sources=(names["problem"],)))


class Params(eqx.Module):
    terminals: int = eqx.field(static=True, default=3)
    power_w: float = 1.0


class Loose(eqx.Module):
    terminals: int = 3


class Bare(eqx.Module):
    power_w: float


class Net(tn.Scenario):
    channel: Complex[Array, "K M A"]
    power_w: Float[Array, ""]


class Unnamed(tn.Scenario):
    channel: Array


class Alone(tn.Scenario):
    channel: Complex[Array, "M A"]


def draw(key, params):
    return Net(1.0 + 1j * jnp.arange(24.0).reshape(params.terminals, 2, 4), jnp.asarray(params.power_w, float))


def problem(network):
    """Two airs of one kind."""
    airs = [tn.Downlink(network.channel, noise, network.power_w) for noise in (1.0, 2.0)]
    return tn.Problem(tn.Maximize(tn.smallest(airs[0].sinr) + tn.smallest(airs[1].sinr)))


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"name": "My System"}, "name: got My System"),
        ({"name": "latency"}, "no system of trinode"),
        ({"Params": dict}, "equinox.Module"),
        ({"Params": Loose}, r"Params.terminals: got 3; allowed: eqx.field\(static"),
        ({"Params": Bare}, "Params.power_w: got no default"),
        ({"draw": lambda key, params: jnp.zeros(3)}, "trinode.Scenario"),
        ({"draw": lambda key, params: Unnamed(jnp.zeros(3))}, "Unnamed.channel"),
        ({"draw": lambda key, params: Alone(jnp.ones((2, 4), complex))}, "no axis K"),
        ({"draw": lambda key, params: tn.system("sixth").Scenario(*[jnp.ones((2, 2, 2))] * 6)}, "of sixth"),
        ({"problem": lambda network: None}, "returns a NoneType"),
        ({"meanings": {"speed": "how fast"}}, "meanings: got speed"),
    ],
)
def test_what_is_missing_is_said(wrong, said):
    given = {"name": "other", "Params": Params, "draw": draw, "problem": problem} | wrong
    with pytest.raises(InputError, match=said):
        tn.define_system(**given)
    assert "other" not in tn.system_names()


def test_parts_that_share_names_keep_them_apart():
    try:
        made = tn.define_system("pair", Params, draw, problem)
    finally:
        registry._loaded.pop("pair", None)
    assert {"air1_precoder", "air2_precoder"} < set(made.solution_schema)
    assert {"air1_sinr", "air2_sinr"} < set(made.metrics)
    assert made.title == "Two airs of one kind."
    assert stated.labels([], []) == []


def test_problems_of_other_parts_are_refused():
    def changing(network):
        air = tn.Downlink(network.channel, 1.0, network.power_w)
        goal = tn.smallest(air.sinr)
        return tn.Problem(tn.Maximize(goal) if network.power_w == 1 else tn.Minimize(goal))

    made = stated.Stated(changing, changing(draw(None, Params())), ("channel", 0))
    with pytest.raises(InputError, match="as of others"):
        made(draw(None, Params(power_w=2.0)))
