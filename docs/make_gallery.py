"""Run the examples and write ``docs/gallery.md`` from them: ``python docs/make_gallery.py [NAME ...]``.

Without names all examples run; ``--page`` only writes the page, ``--made`` takes the pictures that the examples left in
``out/examples``. Pictures are made small enough for the repository.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAMES = (
    "serving_points",
    "echo_price",
    "blocked_street",
    "full_edge",
    "battery",
    "radar_budget",
    "region_size",
    "one_array",
)
LARGEST = 80_000
"""Bytes of a picture."""

HEAD = """# Gallery

Eight short scripts, each of which asks one question and answers it with a picture. They need nothing but trinode:
`python examples/serving_points.py` writes `out/examples/serving_points.png`.
"""
TAIL = """## How the pictures look

"""


def words(name: str) -> tuple[str, str]:
    """The question of an example, and what it does."""
    text = ast.get_docstring(ast.parse((ROOT / "examples" / f"{name}.py").read_text(encoding="utf-8"))) or ""
    question, _, rest = text.partition("\n")
    return question, rest.strip()


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    for name in NAMES:
        question, rest = words(name)
        parts.append(f"## {question}\n\n![{question}](images/gallery/{name}.png)\n\n{rest}\n\n{code(name)}\n")
    return "\n".join([*parts, TAIL, f"{code('picture')}\n"])


def code(name: str) -> str:
    """An example as a block of code."""
    return f"```py\n{(ROOT / 'examples' / f'{name}.py').read_text(encoding='utf-8').strip()}\n```"


def run(name: str, folder: Path) -> None:
    """Run an example in a folder."""
    subprocess.run([sys.executable, str(ROOT / "examples" / f"{name}.py")], cwd=folder, check=True)


def keep(name: str, folder: Path) -> None:
    """Keep the picture that an example left in a folder, in few colours."""
    from PIL import Image

    picture = Image.open(folder / "out" / "examples" / f"{name}.png").convert("RGB")
    place = ROOT / "docs" / "images" / "gallery" / f"{name}.png"
    place.parent.mkdir(parents=True, exist_ok=True)
    for colours in (128, 64, 32, 16):
        picture.quantize(colours).save(place, optimize=True)
        if place.stat().st_size <= LARGEST:
            return
    sys.exit(f"{place} is larger than {LARGEST} bytes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME")
    parser.add_argument("--page", action="store_true", help="write the page, run nothing")
    parser.add_argument("--made", action="store_true", help="take the pictures in out/examples, run nothing")
    given = parser.parse_args()
    for name in () if given.page else given.names or NAMES:
        with tempfile.TemporaryDirectory() as folder:
            if not given.made:
                run(name, Path(folder))
            keep(name, ROOT if given.made else Path(folder))
    Path(__file__).with_name("gallery.md").write_text(page(), encoding="utf-8")


if __name__ == "__main__":
    main()
