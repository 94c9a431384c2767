"""The commands, on a system that is none of trinode's own."""

import csv
import dataclasses
import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import scipy.stats
import xarray
from typer.testing import CliRunner

import toy
import trinode as tn
from trinode import _flags
from trinode.cli._answer import bound_words, reach_words
from trinode.cli.evaluate import check_claims
from trinode.cli.main import app
from trinode.experiments import bench

COMMANDS = ("demo", "list", "scenario", "import", "check", "solve", "evaluate", "reproduce", "sweep", "bench", "doctor")


def call(*words, code=0):
    result = CliRunner().invoke(app, [str(word) for word in words])
    if result.exit_code != code:
        raise AssertionError(f"exit code {result.exit_code}: {result.output}") from result.exception
    return result


def read(result):
    """The JSON of a command; strict, so that NaN is refused."""
    return json.loads(result.stdout, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))


@pytest.fixture
def infeasible():
    """A trial that cannot be served."""
    return next(t for t in range(30) if int(tn.solve(tn.draw("toy", 0, t), "even").status) == tn.Status.INFEASIBLE)


def test_help_is_there_and_light():
    shown = call("--help").stdout
    assert all(name in shown for name in COMMANDS)
    for name in COMMANDS:
        assert "Examples:" in call(name, "--help").stdout
    heavy = "{'jax', 'numpy', 'scipy', 'equinox', 'xarray', 'matplotlib', 'pandas'}"
    code = f"import sys, trinode.cli.main; print(*({heavy} & set(sys.modules)))"
    ended = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, timeout=60)
    assert (ended.returncode, ended.stdout.strip()) == (0, b""), ended


def test_version():
    assert call("--version").stdout.strip() == tn.__version__
    words = [sys.executable, "-m", "trinode", "--version"]
    assert subprocess.run(words, check=True, capture_output=True, text=True).stdout.strip() == tn.__version__


def test_numbers_are_those_that_people_write():
    from trinode.cli._network import settings

    texts = ("a=1e6", "b=20e6", "c=1.0e6", "d=010", "e=1_000", "f=-.5", "g=true", "h=1:30", "i=2e-28")
    assert list(settings(list(texts)).values()) == [1000000, 20000000, 1e6, 10, 1000, -0.5, True, "1:30", 2e-28]
    assert isinstance(settings(["a=1e6"])["a"], int)
    assert np.isnan(settings(["a=nan"])["a"])


@pytest.mark.parametrize(
    ("words", "code", "shown"),
    [(["--version"], 0, tn.__version__), (["list", "nothing"], 2, "trinode: "), (["--no-such"], 2, "No such option")],
)
def test_the_program_ends_with_its_code_and_all_it_had_to_say(words, code, shown):
    begin = "import atexit; from trinode.cli.main import run; atexit.register(print, 'last words'); run()"
    ended = subprocess.run(
        [sys.executable, "-c", begin, *words], check=False, capture_output=True, timeout=60, text=True
    )
    assert ended.returncode == code
    assert shown in ended.stdout + ended.stderr
    assert ended.stdout.endswith("last words\n")


def test_a_full_disk_under_the_output_is_one_line():
    begin = "from trinode.cli.main import run; run()"
    with open("/dev/full", "w") as full:
        for words in (["list", "energy"], ["--version"]):
            ended = subprocess.run(
                [sys.executable, "-c", begin, *words], check=False, stdout=full, stderr=subprocess.PIPE, timeout=60
            )
            assert (ended.returncode, ended.stderr.count(b"\n")) == (2, 1), ended.stderr.decode()
            assert b"No space left" in ended.stderr


STUCK = f"""
import ctypes, signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # shells start what runs in the background without it
sys.path.insert(0, {str(Path(__file__).parents[1])!r})
from trinode.cli import _network, main
def stuck(*_, **__):
    lock, mutex = ctypes.CDLL(None).pthread_mutex_lock, ctypes.create_string_buffer(64)
    lock(mutex)
    print("begun", file=sys.stderr, flush=True)
    lock(mutex)  # no signal ends this
_network.network = stuck
main.run()
"""


def test_an_interrupt_ends_a_command_that_does_not_hear_of_it(tmp_path):
    """As the compiler does not."""
    words = [sys.executable, "-c", STUCK, "scenario", "fairness", "--out", str(tmp_path / "x.npz")]
    with subprocess.Popen(words, stderr=subprocess.PIPE, text=True) as command:
        try:
            assert command.stderr.readline() == "begun\n"
            command.send_signal(signal.SIGINT)
            said = command.communicate(timeout=60)[1]
        finally:
            command.kill()  # or leaving would wait for ever
    assert (command.returncode, said) == (130, "trinode: stopped; whatever was finished is kept\n")


def test_list_one_system():
    shown = call("list", "toy").stdout
    assert all(word in shown for word in ("balance", "Equal shares.", "Latency against the line", "quality_min"))
    data = read(call("list", "toy", "--json"))
    assert [row["scheme"] for row in data["schemes"]] == ["balance", "even"]
    assert data["schemes"][0]["default"]
    assert {row["parameter"]: row["default"] for row in data["parameters"]}["line_bps"] == 10.0


def test_list_all(monkeypatch):
    monkeypatch.setattr("trinode.systems.registry.system_names", lambda: ["toy"])
    data = read(call("list", "--json"))
    assert data["systems"][0]["system"] == "toy"
    assert {row["channels"] for row in data["channels"]} >= {"munich"}
    assert "munich" in call("list").stdout


def test_solve_prints_and_writes(tmp_path):
    shown = call("solve", "toy", "--seed", 3, "--trial", 1, "--out", tmp_path / "x.npz").stdout
    assert "balance: converged" in shown
    assert "gap" in shown
    scenario = tn.draw("toy", 3, 1)
    assert np.allclose(tn.load(tmp_path / "x.npz").share, tn.solve(scenario).share)


def test_solve_as_json():
    data = read(call("solve", "toy", "--set", "line_bps=20", "--set", "terminals=4", "--scheme", "even", "--json"))
    scenario = tn.draw("toy", line_bps=20.0, terminals=4)
    report = tn.evaluate(scenario, tn.solve(scenario, "even"), scheme="even")
    assert data["status"] == "converged"
    assert data["objective"] == pytest.approx(float(report.objective))
    assert data["scheme_bound"] == pytest.approx(float(report.scheme_bound))
    assert data["gap"] == pytest.approx(float(report.gap))
    assert len(data["terminals"]) == 4
    assert set(data["residuals"]) == {"1 line", "2 quality"}


def test_infeasible_is_an_answer(infeasible, tmp_path):
    words = ("solve", "toy", "--trial", infeasible)
    assert "infeasible" in call(*words, "--out", tmp_path / "x.npz").stdout
    assert "2 quality [" in call(*words).stdout
    data = read(call(*words, "--json"))
    assert (data["status"], data["objective"], data["gap"]) == ("infeasible", None, None)
    assert (data["feasible"], data["worst_constraint"]) == (False, "2 quality")
    assert not all(data["terminal_feasible"])
    assert np.isnan(float(np.load(tmp_path / "x.npz")["objective"]))


def test_a_file_in_a_start_and_a_file_out(tmp_path):
    network, first, second = tmp_path / "s.npz", tmp_path / "a.npz", tmp_path / "b.npz"
    call("scenario", "toy", "--seed", 0, "--out", network)
    one = read(call("solve", "toy", "--scenario", network, "--out", first, "--json"))
    two = read(call("solve", "toy", "--scenario", network, "--start", first, "--out", second, "--json"))
    assert two["objective"] < one["objective"]
    assert two["files"] == [str(second)]
    judged = read(call("evaluate", "toy", "--scenario", network, "--solution", second, "--json"))
    assert judged["objective"] == pytest.approx(two["objective"])
    assert all(claim["holds"] for claim in judged["claims"])
    assert "What the file claims" in call("evaluate", "toy", "--scenario", network, "--solution", second).stdout


@pytest.mark.parametrize(
    ("change", "claim"),
    [
        ({"objective": 0.1}, "objective"),
        ({"share": np.array([0.9, 0.9, 0.9])}, "status"),
        ({"status": np.asarray("infeasible"), "objective": np.nan}, "status"),
        ({"bound": 10.0}, "bound"),
    ],
)
def test_false_claims_are_found(tmp_path, change, claim):
    network, path = tmp_path / "s.npz", tmp_path / "x.npz"
    call("scenario", "toy", "--out", network)
    call("solve", "toy", "--scenario", network, "--out", path)
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **(arrays | change))
    words, code = ("evaluate", "toy", "--scenario", network, "--solution", path), int(claim != "bound")
    claims = read(call(*words, "--json", code=code))["claims"]
    assert {row["claim"]: row["holds"] for row in claims}[claim] is False
    assert ("1 line is broken by 1.7, relatively" in call(*words, code=code).stdout) == ("share" in change)


@pytest.mark.parametrize(
    ("stated", "found", "holds"),
    [(np.inf, np.inf, True), (np.nan, 1.0, None), (np.inf, 1.0, False), (1.0, np.inf, True), (1.0, np.nan, None)],
)
def test_bounds_that_are_infinite_or_none_are_compared_as_such(stated, found, holds):
    report = toy.evaluate(tn.draw("toy"), tn.solve(tn.draw("toy"), "even"))
    report = dataclasses.replace(report, bound=np.asarray(found))
    claims = check_claims({"status": "converged", "objective": 1.0, "bound": stated}, report, toy.system)
    assert {row["claim"]: row["holds"] for row in claims}["bound"] is holds


def test_sentences_of_bounds_and_of_what_could_be_reached():
    assert bound_words(toy.system, np.nan) == ""
    assert bound_words(toy.system, np.inf) == "; no solution has a finite largest latency"
    assert bound_words(toy.system, 0.25) == "; no solution is better than 250 ms"
    asked = SimpleNamespace(sensing_sinr_min=np.array([1.0, 10.0]))
    reached = SimpleNamespace(sensing_margin_max=0.5, sensing_sinr_max=2.0, pattern_mse_min=np.nan)
    assert reach_words(asked, reached) == [
        "all echo requirements could be met if changed by -3.01 dB (sensing_margin_max)",
        "echo SINR: 0.00 to 10.00 dB asked for, at most 3.01 dB reached by all at once (sensing_sinr_max)",
    ]


def test_evaluate_tells_what_rounding_it_repaired(tmp_path):
    scenario = tn.draw("toy")
    network, path = tmp_path / "network.npz", tmp_path / "answer.npz"
    tn.save(network, scenario)
    tn.save(path, scenario, tn.solve(scenario, "even"))
    words = ("evaluate", "toy", "--scenario", network, "--solution", path)
    assert read(call(*words, "--json"))["repairs"] == []
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["share"][1] = -1e-12
    np.savez(path, **arrays)
    (repair,) = read(call(*words, "--json", code=1))["repairs"]  # and its objective is not what it was
    assert (repair["array"], repair["count"]) == ("share", 1)
    assert repair["size"] == pytest.approx(1e-12 / arrays["share"].max())
    assert "repaired: share: 1 entries below 0 set to 0, off by at most 3e-12" in call(*words, code=1).stdout


def test_a_weaker_bound_is_no_false_claim(tmp_path):
    network, path = tmp_path / "s.npz", tmp_path / "x.npz"
    call("scenario", "toy", "--out", network)
    call("solve", "toy", "--scenario", network, "--out", path)
    with np.load(path) as archive:
        arrays = dict(archive)
    np.savez(path, **(arrays | {"bound": 0.5 * arrays["bound"]}))
    claims = read(call("evaluate", "toy", "--scenario", network, "--solution", path, "--json"))["claims"]
    assert all(row["holds"] for row in claims)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("solve", "nothing"), "system: got nothing"),
        (("solve", "toy", "--scheme", "nothing"), "scheme: got nothing"),
        (("solve", "toy", "--set", "nothing=1"), "nothing: got"),
        (("solve", "toy", "--set", "nothing"), "--set: got nothing"),
        (("solve", "toy", "--set", "terminals=2", "--set", "terminals=3"), "--set"),
        (("solve", "toy", "--set", "line_bps=fast"), "line_bps: got fast"),
        (("solve", "toy", "--layout", 1), "--layout"),
        (("solve", "toy", "--scenario", "absent.npz"), "absent.npz"),
        (("solve", "toy", "--scenario", "absent.npz", "--seed", 1), "--seed"),
        (("solve", "toy", "--channels", "munich", "--trial", 1), "--trial"),
        (("solve", "toy", "--channels", "nowhere"), "nowhere"),
        (("solve", "toy", "--start", "absent.npz"), "absent.npz"),
        (("solve", "toy", "--seed", -1), "seed"),
        (("reproduce", "toy", "nothing"), "figure: got nothing"),
        (("bench", "toy"), "bench: got toy"),
        (("list", "nothing"), "system: got nothing"),
    ],
)
def test_errors_are_one_line(words, said):
    result = call(*words, code=2)
    assert said in result.stderr
    assert result.stderr.count("\n") == 1
    assert "Traceback" not in result.output
    assert not result.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("scenario", "toy", "--out"),
        ("solve", "toy", "--out"),
        ("solve", "toy", "--plot"),
        ("demo", "toy", "--out"),
        ("reproduce", "toy", "line", "--out"),
        ("sweep", "SWEEP", "--out"),
        ("region", "--plot"),
        ("train", "fairness", "--model", "labels", "--out"),
        ("bench", "toy", "--out"),
    ],
)
def test_where_to_write_is_looked_at_before_anything_is_computed(tmp_path, monkeypatch, words):
    for name in ("draw", "draw_batch", "from_channels", "solve"):
        monkeypatch.setattr(f"trinode.api.{name}", lambda *_, **__: pytest.fail("computed"))
    monkeypatch.setattr("trinode.cli.bench._benchmarks", lambda name: {"a": lambda *_: pytest.fail("measured")})
    sweep = _written(tmp_path, "system: toy\nschemes: [even]\n")
    named = [sweep if word == "SWEEP" else word for word in words]
    result = call(*named, sweep / "below-a-file" / "x", code=2)
    assert words[-1] in result.stderr
    assert result.stderr.count("\n") == 1


def test_the_decision_is_printed_whatever_becomes_of_its_file(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("trinode.api.save", full)
    words = ("solve", "toy", "--seed", 3, "--out", tmp_path / "x.npz")
    result = call(*words, code=2)
    assert "balance: " in result.stdout
    assert result.stderr.endswith("No space left on device\n")
    assert read(call(*words, "--json", code=2))["files"] == []


def test_a_file_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "s.npz"
    call("scenario", "toy", "--out", path)
    before = path.read_bytes()

    def full(handle, **_):
        handle.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("numpy.savez_compressed", full)
    call("scenario", "toy", "--seed", 1, "--out", path, code=2)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_a_solution_of_another_network_is_refused(tmp_path):
    call("scenario", "toy", "--set", "terminals=4", "--out", tmp_path / "four.npz")
    call("solve", "toy", "--out", tmp_path / "x.npz")
    words = ("--scenario", tmp_path / "four.npz", "--solution", tmp_path / "x.npz")
    assert "K = 4, as in the scenario" in call("evaluate", "toy", *words, code=2).stderr


def test_bugs_keep_their_traceback(monkeypatch):
    def broken(*_args, **_more):
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("trinode.api.solve", broken)
    result = CliRunner().invoke(app, ["solve", "toy"])
    assert isinstance(result.exception, ZeroDivisionError)


def test_interrupted_commands_end_with_130(monkeypatch):
    def interrupted(*_args, **_more):
        raise KeyboardInterrupt

    monkeypatch.setattr("trinode.api.solve", interrupted)
    assert "stopped" in call("solve", "toy", code=130).stderr


def test_reproduce(tmp_path):
    words = ("reproduce", "toy", "line", "--trials", 3, "--out", tmp_path)
    shown = call(*words).stdout
    assert "A faster line is better." in shown
    assert "of 3 trials" in shown
    data = read(call(*words, "--json"))
    assert data["items"]["computed"] == 0
    assert data["counts"]["trials"] == 3
    assert {row["scheme"] for row in data["lines"]} == {"balance", "even", "bound"}
    assert sorted(os.path.basename(file) for file in data["files"]) == [
        "line.csv",
        "line.nc",
        "line.pdf",
        "line.png",
    ]
    assert all(os.path.exists(file) for file in data["files"])


def test_reproduce_quickly(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(_flags, "add", asked.append)
    words = ("reproduce", "toy", "line", "--trials", 2, "--out", tmp_path)
    call(*words)
    assert asked == []
    call(*words, "--quickly")
    assert asked == [_flags.QUICKLY]


def test_reproduce_says_when_something_failed(tmp_path, monkeypatch):
    def broken(*_args, **_more):
        raise ValueError("a bug")

    monkeypatch.setattr("trinode.api.solve_batch", broken)
    result = call("reproduce", "toy", "line", "--trials", 2, "--out", tmp_path, "--json", code=1)
    assert len(read(result)["failed"]) == 6
    assert "a bug" in read(result)["failed"][0]


def test_reproduce_everything_of_a_system(tmp_path):
    shown = call("reproduce", "toy", "--all", "--trials", 2, "--out", tmp_path).stdout
    assert "line" in shown
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "A faster line is better." in page
    assert "data:image/png;base64," in page
    assert "http" not in page.replace("data:", "")
    data = read(call("reproduce", "toy", "--all", "--trials", 2, "--out", tmp_path, "--json"))
    assert [(f["figure"], f["items"]["computed"]) for f in data["figures"]] == [("line", 0)]


def test_sweep(tmp_path):
    file = tmp_path / "sweep.yaml"
    file.write_text("system: toy\nschemes: [even]\nparameter: line_bps\nvalues: [5, 8]\ntrials: 4\nblock: 2\n")
    words = ("sweep", file, "--out", tmp_path / "s")
    assert "6 items: 0 reused, 6 computed" in call(*words, "--shard", "1/2", "--memory", "2M").stdout
    data = read(call(*words, "--zarr", "--json"))
    assert data["items"]["total"] == data["items"]["reused"] + data["items"]["computed"]
    assert data["items"]["reused"] > 0
    assert data["counts"]["trials_missing"] == 0
    files = ["dataset.nc", "dataset.zarr", "sweep.pdf", "sweep.png", "sweep.csv"]
    assert [os.path.basename(one) for one in data["files"]] == files
    with open(tmp_path / "s" / "sweep.csv", newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [(row["scheme"], row["x"]) for row in rows] == [(s, x) for s in ("even", "bound") for x in ("5.0", "8.0")]
    known = xarray.load_dataset(tmp_path / "s" / "dataset.nc").isel(scheme=0, line_bps=0, drop=True)
    values = known["objective"].values[known["kept"].values]
    assert float(rows[0]["mean"]) == pytest.approx(values.mean())
    half = scipy.stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    assert float(rows[0]["confidence_95"]) == pytest.approx(half)
    shown = call(*words).stdout
    assert f"{values.mean():.4g} ± {half:.4g} s" in shown or f"{1e3 * values.mean():.4g} ± {1e3 * half:.4g} ms" in shown
    assert (
        "line 2" in call("sweep", _written(tmp_path, "system: toy\nscheme: [even]\n"), "--out", tmp_path, code=2).stderr
    )
    for wrong, said in (
        (("--memory", "much"), "memory: got much"),
        (("--shard", "3/2"), "shard: got 3/2"),
        (("--jobs", 2, "--dask", "tcp://a"), "one of --jobs"),
        (("--jobs", 0), "jobs: got 0"),
    ):
        assert said in call(*words, *wrong, code=2).stderr


def _written(folder, text):
    path = folder / "other.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_demo_on_bundled_channels(tmp_path):
    shown = call("demo", "toy", "--layout", 1, "--out", tmp_path).stdout
    assert all(word in shown for word in ("munich, layout 1", "balance", "even", "Schemes"))
    assert (tmp_path / "solution.npz").exists()
    data = read(call("demo", "toy", "--out", tmp_path, "--json"))
    assert [answer["scheme"] for answer in data["answers"]] == ["balance", "even"]


def test_doctor(monkeypatch):
    found = read(call("doctor", "--json"))
    assert found["check"]["passed"]
    assert found["versions"]["jax"]
    assert "device 0" in call("doctor").stdout
    monkeypatch.setattr("trinode.cli.doctor._check", lambda: {"passed": False})
    call("doctor", code=1)


def test_bench_runs_what_the_system_has(tmp_path, monkeypatch):
    asked = []

    def speed(trials, say):
        asked.append(trials)
        say("measuring")
        return [{"title": "Speed", "columns": ["what", "s"], "rows": [["a", 1.5]], "note": ""}]

    monkeypatch.setattr("trinode.cli.bench._benchmarks", lambda name: {"speed": speed, "other": pytest.fail})
    result = call("bench", "toy", "--trials", 5, "--only", "speed", "--out", tmp_path / "b.json")
    assert asked == [5]
    assert "Speed" in result.stdout
    assert "measuring" in result.stderr
    assert json.loads((tmp_path / "b.json").read_text())["machine"]["cores"]
    assert read(call("bench", "toy", "--only", "speed", "--json"))["tables"][0]["rows"] == [["a", 1.5]]
    call("bench", "toy", "--only", "speed", "--out", tmp_path / "b.md")
    assert (tmp_path / "b.md").read_text().startswith("# Toy system: measurements\n\nMade by `trinode bench toy")
    assert "only: got none" in call("bench", "toy", "--only", "none", code=2).stderr


def test_a_bench_that_is_stopped_keeps_what_is_over(tmp_path, monkeypatch):
    def stopped(trials, say):
        raise KeyboardInterrupt

    tables = [{"title": "Speed", "columns": ["s"], "rows": [[1.5]], "note": ""}]
    sections = {"speed": lambda trials, say: tables, "other": stopped}
    monkeypatch.setattr("trinode.cli.bench._benchmarks", lambda name: sections)
    call("bench", "toy", "--out", tmp_path / "b.json", code=130)
    kept = json.loads((tmp_path / "b.json").read_text())
    assert [entry["rows"] for entry in kept["tables"]] == [[[1.5]]]


def test_bench_keeps_what_a_page_has_of_other_sections(tmp_path, monkeypatch):
    def section(title):
        return lambda trials, say: [bench.table(title, ["trials"], [[trials]])]

    monkeypatch.setattr("trinode.cli.bench._benchmarks", lambda name: {"a": section("first"), "b": section("second")})
    page = tmp_path / "page.md"
    call("bench", "toy", "--trials", 5, "--out", page)
    call("bench", "toy", "--only", "b", "--trials", 7, "--out", page)
    blocks = page.read_text().split("Made by `")
    assert [block.partition("`")[0] for block in blocks[1:]] == [
        "trinode bench toy --only a --trials 5",
        "trinode bench toy --only b --trials 7",
    ]
    assert "| 5 |" in blocks[1]
    assert "| 7 |" in blocks[2]


def test_a_solution_does_not_replace_its_network(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call("scenario", "toy", "--out", "network.npz")
    content = (tmp_path / "network.npz").read_bytes()
    (tmp_path / "link.npz").symlink_to("network.npz")
    (tmp_path / "hard.npz").hardlink_to("network.npz")
    ways = ["network.npz", tmp_path / "network.npz", f"../{tmp_path.name}/network.npz", "link.npz", "hard.npz"]
    for out in ways:
        shown = call("solve", "toy", "--scenario", "network.npz", "--out", out, code=2)
        assert "--out" in shown.output + shown.stderr
        assert "--scenario" in shown.output + shown.stderr
    assert (tmp_path / "network.npz").read_bytes() == content
