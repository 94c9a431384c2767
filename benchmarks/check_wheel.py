"""Does trinode work without its repository? Wheel, fresh environment, fresh home, demo, and the README's Python.

python benchmarks/check_wheel.py [--folder FOLDER]

Everything happens in a temporary folder (or FOLDER, which is kept, and where the environment of an earlier run is used
again). Prints the seconds of each step.
"""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PASSED_ON = re.compile(r"^(PIP_|SSL_|REQUESTS_|CURL_|LANG|LC_)|proxy$", re.IGNORECASE)


def step(name: str, words: list[str], env: dict[str, str], folder: Path) -> str:
    """Run a command outside the repository; its output, or the end of it all."""
    began = time.perf_counter()
    ended = subprocess.run(words, cwd=folder, env=env, capture_output=True, text=True, check=False)
    print(f"{name:28s} {time.perf_counter() - began:7.1f} s", flush=True)
    if ended.returncode:
        sys.exit(f"{name} failed:\n{ended.stdout[-3000:]}\n{ended.stderr[-3000:]}")
    if ended.stderr.strip() and "pip" not in words:
        print(f"  on stderr: {ended.stderr.strip()[:500]}")
    return ended.stdout


def check(folder: Path) -> None:
    """All steps in a folder."""
    home, place = folder / "home", folder / "elsewhere"
    for one in (home, place):
        one.mkdir(parents=True, exist_ok=True)
    python = folder / "venv" / "bin" / "python"
    outside = {name: value for name, value in os.environ.items() if PASSED_ON.search(name)}
    env = outside | {"HOME": str(home), "PATH": f"{python.parent}:/usr/local/bin:/usr/bin:/bin"}
    step("wheel", [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(folder), str(ROOT)], env, folder)
    (wheel,) = folder.glob("trinode-*.whl")
    print(f"  {wheel.name}, {wheel.stat().st_size / 1e6:.1f} MB")
    if not python.exists():
        step("environment", [sys.executable, "-m", "venv", str(folder / "venv")], env, folder)
        step("install", [str(python), "-m", "pip", "install", "-q", str(wheel)], env, folder)
    else:
        words = ["-m", "pip", "install", "-q", "--no-deps", "--force-reinstall", str(wheel)]
        step("install again", [str(python), *words], env, folder)
    where = step("where", [str(python), "-c", "import trinode; print(trinode.__file__)"], env, place)
    assert str(folder) in where, where
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```", readme, re.DOTALL | re.MULTILINE))
    print(step("README's Python", [str(python), "-c", code], env, place).strip())
    print(step("README's Python again", [str(python), "-c", code], env, place).strip())
    step("trinode demo", [str(python.with_name("trinode")), "demo"], env, place)
    made = sorted(path.name for path in (place / "out").glob("*"))
    print(f"  {len(made)} files in out/: {', '.join(made)}")
    assert any(name.endswith(".png") for name in made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path)
    given = parser.parse_args()
    if given.folder:
        check(given.folder.resolve())
        return
    with tempfile.TemporaryDirectory(prefix="trinode-wheel-") as folder:
        check(Path(folder))


if __name__ == "__main__":
    main()
