"""What the pages say is true: their code runs, their tables are those of the code, their links lead somewhere."""

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import fresh
from trinode.systems.registry import system_names

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```", re.DOTALL | re.MULTILINE)


def blocks(page, language):
    found = [text for name, text in BLOCK.findall(page.read_text(encoding="utf-8")) if name == language]
    return [text for text in found if "--8<--" not in text]


@pytest.mark.slow
@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=lambda p: p.stem)
def test_python_on_pages_runs(page, tmp_path):
    """All blocks of a page, one after the other, as a reader would paste them."""
    code, logs = "\n".join(blocks(page, "python")), tmp_path / "logs"
    logs.mkdir()
    ended = fresh.Process(code, folder=tmp_path, logs=logs).end(timeout=400)
    assert ended.code == 0, ended.err
    assert "Warning" not in ended.err


def test_sweeps_and_mobile_networks_on_pages_are_that(tmp_path):
    from trinode.experiments.mobility import read_mobility
    from trinode.experiments.spec import read_sweep

    texts = [text for page in PAGES for text in blocks(page, "yaml")]
    assert texts
    for text in texts:
        (tmp_path / "file.yaml").write_text(text)
        (read_mobility if "slots:" in text else read_sweep)(tmp_path / "file.yaml")


def test_commands_on_pages_exist():
    """Every ``trinode ...`` line parses: the command and its options are there."""
    from typer.main import get_command

    from trinode.cli.main import app

    known = get_command(app).commands
    lines = [line for page in PAGES for text in blocks(page, "") for line in text.splitlines()]
    lines += [code for page in PAGES for code in re.findall(r"`(trinode [^`]+)`", page.read_text(encoding="utf-8"))]
    used = [line.split("#")[0].split() for line in lines if line.startswith("trinode ")]
    assert len(used) > 10
    for words in used:
        words = [words[0], *words[3:]] if words[1] == "--load" else words
        assert words[1] in known or words[1] == "COMMAND", f"there is no {' '.join(words)}"
        if words[1] in known:
            options = {name for parameter in known[words[1]].params for name in parameter.opts} | {"--help"}
            for word in words[2:]:
                assert not word.startswith("--") or word in options, f"{' '.join(words)}: no {word}"


def script(name):
    """A script of the docs as a module."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_formats_are_those_of_the_files():
    made = script("make_formats").page()
    assert (ROOT / "docs" / "formats.md").read_text(encoding="utf-8") == made, "run python docs/make_formats.py"


def test_pages_are_those_of_the_code_the_examples_and_each_other():
    for path, content in script("make_pages").pages().items():
        said = f"{path.relative_to(ROOT)} is old: run python docs/make_pages.py"
        assert path.read_text(encoding="utf-8") == content, said


def test_pages_need_nothing_that_only_the_site_fills_in():
    for page in PAGES:
        assert "--8<--" not in page.read_text(encoding="utf-8"), page


def test_the_papers_are_named_as_in_the_citation_file():
    import yaml

    from trinode.systems.registry import system

    sources = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))["references"]
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for name in system_names():
        found = system(name)
        (source,) = [one for one in sources if one["title"] in found.paper]
        plain = " ".join(found.bibtex.replace("{", "").replace("}", "").split())
        assert source["title"] in plain
        assert all(f"{one['family-names']}, {one['given-names']}" in plain for one in source["authors"])
        assert found.doi == source.get("doi", "")
        assert found.paper in readme
        assert (found.doi or "none stated") in readme


def test_the_glossary_has_every_synonym():
    from trinode._words import SYNONYMS

    page = (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8").lower()
    assert [word for word in SYNONYMS if word.removesuffix("es").removesuffix("s") not in page] == []


def test_the_table_of_the_readme_is_what_was_measured():
    made = script("make_readme").readme()
    assert (ROOT / "README.md").read_text(encoding="utf-8") == made, "run python docs/make_readme.py"
    assert all(f"[{name}](docs/systems/{name}.md), `" in made for name in system_names())


@pytest.mark.slow
def test_the_site_builds_without_a_broken_link(tmp_path):
    pytest.importorskip("mkdocs")
    words = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)]
    env = os.environ | {"NO_MKDOCS_2_WARNING": "1"}
    ended = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=300, env=env)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.slow
def test_the_example_of_an_own_scheme_meets_the_contract(tmp_path):
    code = f"import runpy; runpy.run_path({str(ROOT / 'examples' / 'own_scheme.py')!r}, run_name='__main__')"
    ended = fresh.Process(code, folder=tmp_path, logs=tmp_path).end(timeout=300)
    assert ended.code == 0, ended.err
    assert "meets the contract" in ended.out


def test_a_scheme_joins_through_an_entry_point(tmp_path):
    """As an installed package would bring it: metadata beside a module, nothing else."""
    info = tmp_path / "own_scheme-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-scheme\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[trinode.schemes]\nfairness.fractional = own_scheme:SCHEME\n")
    code = "import trinode as tn\nfrom trinode.systems.registry import system\nprint(*system('fairness').schemes)"
    path = os.pathsep.join([str(tmp_path), str(ROOT / "examples")])
    env = os.environ | {"PYTHONPATH": path}
    shown = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=100, check=True
    )
    assert "fractional" in shown.stdout.split()


def test_the_map_leads_to_what_is_there():
    """Each file that the page about the inside names exists, and defines the names that stand behind it."""
    package, checked = ROOT / "src" / "trinode", 0
    for row in (ROOT / "docs" / "internals.md").read_text(encoding="utf-8").splitlines():
        source = ""
        for token in re.findall(r"`([^`]+)`", row) if row.startswith("|") else []:
            if token.endswith((".py", "/")) and "/" in token:
                assert (package / token).exists(), token
                source = (package / token).read_text(encoding="utf-8") if token.endswith(".py") else ""
            elif source and re.fullmatch(r"[A-Za-z_.]+", token) and not token.endswith(".py"):
                for name in token.split("."):
                    assert re.search(rf"^\s*(def|class) {name}\b", source, re.MULTILINE), f"{token}: {row}"
                checked += 1
    assert checked > 12
