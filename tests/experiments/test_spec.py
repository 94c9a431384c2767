"""Sweep files: what they say, and how they are refused."""

import random

import pytest

from trinode.errors import FileFormatError, InputError
from trinode.experiments import Measure, Sweep, run
from trinode.experiments.spec import read_sweep

GOOD = """\
# how fast must the line be?
system: toy
schemes: [balance, even]
parameter: line_bps
values: [5, 10.0]
fixed:
  quality_min: 0.1
series:
  three: {}
  four:
    terminals: 4
trials: 7
measures:
  - name: slowest
    metric: latency_s
    reduce: max
"""

PIECES = ["", " ", ":", "-", "[", "}", "é", "9", "&a", "*a", "!", "\t", "\n"]


def refused(tmp_path, text):
    path = tmp_path / "sweep.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FileFormatError) as caught:
        read_sweep(path)
    return str(caught.value).replace(str(path), "FILE")


def test_a_file_is_the_sweep_it_says(tmp_path, toy_system):
    path = tmp_path / "sweep.yaml"
    path.write_text(GOOD, encoding="utf-8")
    assert read_sweep(path) == Sweep(
        system="toy",
        schemes=("balance", "even"),
        parameter="line_bps",
        values=(5, 10.0),
        fixed={"quality_min": 0.1},
        series={"three": {}, "four": {"terminals": 4}},
        trials=7,
        measures=(Measure("slowest", "latency_s", "max"),),
    )


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("trials: 7", "trials: 0", "FILE line 12, trials: got 0; allowed: Input should be greater than or equal to 1"),
        (
            "trials: 7",
            "trial: 7",
            "FILE line 12, trial: got 7; allowed: did you mean trials? else one of system, schemes",
        ),
        ("trials: 7", "trials: seven", "FILE line 12, trials: got seven"),
        ("system: toy", "system: toys", "FILE line 2, system: got toys; allowed: did you mean toy? else one of"),
        ("system: toy\n", "", "system: got nothing"),
        ("[balance, even]", "[balance, odd]", "FILE line 3, schemes.1: got odd; allowed: one of balance, even"),
        ("[balance, even]", "[]", "FILE line 3, schemes: got []"),
        ("[5, 10.0]", "[5, 5]", "FILE line 5, values: got (5, 5)"),
        ("[5, 10.0]", "[5, [1]]", "FILE line 5, values.1"),
        ("quality_min: 0.1", "quality: 0.1", "FILE line 7, fixed.quality: got a parameter that toy does not have"),
        (
            "parameter: line_bps",
            "parameter: line_bsp",
            "FILE line 4, parameter: got line_bsp, a parameter that toy does not have; allowed: did you mean line_bps?",
        ),
        ("[5, 10.0]", "[5, fast]", "FILE line 5, values of line_bps: got fast; allowed: a number"),
        ("quality_min: 0.1", "line_bps: 7", "FILE line 6, fixed: got line_bps = 7; allowed: parameters beside"),
        ("schemes: ", "scheme: ", "FILE line 3, scheme: got ['balance', 'even']; allowed: did you mean schemes or"),
        ("    terminals: 4", "    terminals: 0", "FILE line 11, series.four.terminals: got 0"),
        ("    reduce: max", "    reduce: most", "FILE line 16, measures.0.reduce: got most"),
        (
            "    metric: latency_s",
            "    metric: latncy_s",
            "FILE line 15, measures.0.metric: got latncy_s, which toy does not have; allowed: did you mean latency_s?",
        ),
        (
            "    metric: latency_s",
            "    metric: gini",
            "got gini, which toy does not have but fairness has; allowed: one of",
        ),
        ("    metric: latency_s\n", "", "FILE line 14, measures.0.metric: got nothing"),
        (GOOD, "- a\n- b\n", "FILE: got list; allowed: names and values"),
        (GOOD, "a: [1", "FILE: got while parsing"),
        (GOOD, "", "FILE: got NoneType"),
        (GOOD, "system: 2001-99-99", "FILE"),
    ],
)
def test_refusals_name_line_field_value_and_what_is_allowed(tmp_path, toy_system, old, new, said):
    assert old in GOOD
    assert said in refused(tmp_path, GOOD.replace(old, new))


def test_numbers_are_those_that_people_write(tmp_path, toy_system):
    """YAML 1.1 takes 1e6 for a text, 010 for eight and 1:30 for ninety."""
    path = tmp_path / "sweep.yaml"
    path.write_text(GOOD.replace("[5, 10.0]", "[1e6, 20e6, 1.5e6, 010, 1_000, .5, 2E-3]"))
    values = read_sweep(path).values
    assert values == (1_000_000, 20_000_000, 1_500_000.0, 10, 1000, 0.5, 0.002)
    assert [type(value) for value in values] == [int, int, float, int, int, float, float]
    path.write_text(GOOD.replace("trials: 7", "trials: 1e3"))
    assert read_sweep(path).trials == 1000
    assert "values of line_bps: got 1:30" in refused(tmp_path, GOOD.replace("[5, 10.0]", "[5, 1:30]"))


def test_a_metric_that_needs_a_parameter_is_refused_without_it(tmp_path):
    text = "system: energy\nschemes: [joint]\nmeasures: [{name: late, metric: worst_lateness}]\n"
    assert "line 3, measures.0.metric: got worst_lateness, which needs channel_error" in refused(tmp_path, text)
    (tmp_path / "sweep.yaml").write_text(text + "fixed: {channel_error: 0.1}\n")
    assert read_sweep(tmp_path / "sweep.yaml").measures[0].metric == "worst_lateness"


def test_a_wrong_metric_ends_a_sweep_before_anything_runs(tmp_path, toy_system):
    def never(item):
        pytest.fail("ran")

    sweep = Sweep("toy", ("even",), trials=2, measures=(Measure("x", "latncy_s"),))
    with pytest.raises(InputError, match="metric: got latncy_s"):
        run(sweep, tmp_path, execute=never)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(FileFormatError, match="No such file"):
        read_sweep(tmp_path / "none.yaml")


def test_no_mutation_does_more_than_be_refused(tmp_path, toy_system):
    """Characters changed, left out and put in at random: a sweep or a refusal, nothing else."""
    dice = random.Random(5)
    path = tmp_path / "sweep.yaml"
    outcomes = []
    for _ in range(1500):
        text = list(GOOD)
        for _ in range(dice.randint(1, 4)):
            at = dice.randrange(len(text))
            text[at : at + dice.randint(0, 2)] = dice.choice(
                ["", " ", ":", "-", "[", "}", "é", "9", "&a", "*a", "!", "\t"]
            )
        path.write_text("".join(text), encoding="utf-8")
        try:
            outcomes.append(isinstance(read_sweep(path), Sweep))
        except FileFormatError:
            outcomes.append(False)
    assert any(outcomes)
    assert not all(outcomes)
