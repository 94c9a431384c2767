"""The gallery shows the examples as they are, and the quickest of them runs."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SPEC = importlib.util.spec_from_file_location("make_gallery", ROOT / "docs" / "make_gallery.py")
gallery = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(gallery)


def test_the_page_is_that_of_the_scripts():
    assert (ROOT / "docs" / "gallery.md").read_text(encoding="utf-8") == gallery.page(), (
        "run python docs/make_gallery.py --page"
    )


@pytest.mark.parametrize("name", gallery.NAMES)
def test_every_example_asks_a_question_and_shows_a_picture(name):
    question, rest = gallery.words(name)
    assert question.endswith("?")
    assert rest
    script = (ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8")
    assert "import trinode as tn\n" in script
    assert len(script.splitlines()) <= 60
    picture = (ROOT / "docs" / "images" / "gallery" / f"{name}.png").read_bytes()
    assert picture[:4] == b"\x89PNG"
    assert len(picture) <= gallery.LARGEST


@pytest.mark.slow
def test_the_tutorial_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    notebook = json.loads((ROOT / "examples" / "tutorial.ipynb").read_text(encoding="utf-8"))
    monkeypatch.chdir(tmp_path)
    names = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            assert (cell["outputs"], cell["execution_count"]) == ([], None)
            exec("".join(cell["source"]), names)
    shown = capsys.readouterr().out
    assert "largest latency" in shown
    assert shown.endswith("True\n")
    assert len(names["table"]) == 10
    assert float(names["quick"].objective) < float(names["report"].objective) <= float(names["simple"].objective)
    assert names["networks"]["gap"].between(-1e-9, 0.5).all()


@pytest.mark.slow
def test_an_example_runs_anywhere(tmp_path):
    script = str(ROOT / "examples" / "one_array.py")
    env = os.environ | {"MPLCONFIGDIR": str(tmp_path)}
    ended = subprocess.run([sys.executable, script], cwd=tmp_path, capture_output=True, text=True, timeout=300, env=env)
    assert ended.returncode == 0, ended.stderr
    assert (tmp_path / "out" / "examples" / "one_array.png").stat().st_size > 10_000
