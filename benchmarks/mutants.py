"""Are the judges tested? Small changes of every system's ``model.py``, each of which a test has to notice.

python benchmarks/mutants.py [--system NAME] [--sample 12] [--seed 0] [--jobs 1] [--limit 120] [--list]

Changes: ``+`` and ``-``, ``*`` and ``/`` exchanged, a term or factor dropped, a comparison turned, a number changed,
two indices of an ``einsum`` exchanged, ``conj()`` or a minus sign left out, ``max`` and ``min`` exchanged. Each change
runs the system's model tests in a process of its own, forked from one that has JAX imported; the changed module is
loaded from a temporary file, and no file of the project is touched. Without ``--sample``, all changes are tried.
"""

from __future__ import annotations

import argparse
import ast
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SYSTEMS = ("latency", "threetier", "region", "fairness", "energy")

SWAPPED = {
    **{ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult},
    **{ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitAnd},
}
TURNED = {
    **{ast.Gt: ast.LtE, ast.LtE: ast.Gt, ast.Lt: ast.GtE, ast.GtE: ast.Lt},
    **{ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.Is: ast.IsNot, ast.IsNot: ast.Is},
}
RENAMED = {"maximum": "minimum", "minimum": "maximum", "max": "min", "min": "max", "any": "all", "argmax": "argmin"}


@dataclass(frozen=True)
class Mutant:
    """A changed source and what is changed in it."""

    line: int
    column: int
    before: str
    after: str
    source: str

    def __str__(self) -> str:
        return f"line {self.line}, column {self.column}: {self.before}  ->  {self.after}"


def mutants(source: str) -> list[Mutant]:
    """Every change of a source, in the order of its lines; docstrings, annotations and imports stay."""
    tree = ast.parse(source)
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line.encode()))
    data = source.encode()
    skipped = {id(node) for part in _silent(tree) for node in ast.walk(part)}
    found = []
    for node in ast.walk(tree):
        if id(node) in skipped or not isinstance(node, ast.expr):
            continue
        first, last = starts[node.lineno - 1] + node.col_offset, starts[(node.end_lineno or 0) - 1]
        last += node.end_col_offset or 0
        old = data[first:last].decode()
        for new in _changes(node, source):
            changed = (data[:first] + new.encode() + data[last:]).decode()
            found.append(Mutant(node.lineno, node.col_offset + 1, " ".join(old.split()), new, changed))
    return sorted(found, key=lambda m: (m.line, m.column))


def _silent(tree: ast.AST) -> Iterator[ast.AST]:
    """Parts of a module that say nothing: docstrings, annotations, and what stands in for a divisor of zero.

    The latter is in ``x / where(d > 0, d, 1.0)``, whose outcome an outer ``where`` throws away.
    """
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node
        elif isinstance(node, ast.AnnAssign):
            yield node.annotation
        elif isinstance(node, ast.FunctionDef):
            yield from [node.returns] if node.returns else []
            yield from [a.annotation for a in node.args.args if a.annotation]
            if node.name in ("_safe", "_or_one"):
                yield from _stand_ins(node.body[-1])
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.Mult):
            yield from _stand_ins(node.right)
        elif isinstance(node, ast.Subscript) and ast.unparse(node.value).startswith("jnp.linalg.solve("):
            yield node.slice  # the only column, whatever its number: JAX keeps an index within its axis


def _stand_ins(node: ast.AST) -> list[ast.AST]:
    """Numbers that a ``where`` gives."""
    node = node.value if isinstance(node, ast.Return) else node
    if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "where"):
        return []
    return [one for one in node.args[1:] if isinstance(one, ast.Constant)]


def _changes(node: ast.expr, source: str) -> Iterator[str]:
    def text(part: ast.expr) -> str:
        return ast.unparse(part)

    match node:
        case ast.BinOp(left, op, right):
            if type(op) in SWAPPED:
                yield f"({text(ast.BinOp(left, SWAPPED[type(op)](), right))})"
            if isinstance(op, ast.Add | ast.Sub | ast.Mult | ast.BitAnd | ast.BitOr | ast.Div):
                yield f"({text(left)})"
            if isinstance(op, ast.Add | ast.Mult | ast.BitAnd | ast.BitOr):
                yield f"({text(right)})"
        case ast.Compare(left, [op], [right]) if type(op) in TURNED:
            yield f"({text(ast.Compare(left, [TURNED[type(op)]()], [right]))})"
        case ast.UnaryOp(ast.USub() | ast.Invert(), operand):
            yield f"({text(operand)})"
        case ast.Constant(bool()):
            yield str(not node.value)
        case ast.Constant(int() | float() as value):
            yield repr(type(value)(value + 1))
            if value not in (0, 1):
                yield repr(type(value)(0))
        case ast.Constant(str() as value) if "->" in value:
            yield from map(repr, _indices(value))
        case ast.Call(ast.Attribute(inner, "conj"), []):
            yield text(inner)
        case ast.Attribute(inner, name) if name in RENAMED:
            yield f"{text(inner)}.{RENAMED[name]}"


def _indices(formula: str) -> Iterator[str]:
    """An einsum with two neighbouring indices of one operand, or of the result, exchanged."""
    inputs, _, output = formula.partition("->")
    operands = [*inputs.split(","), output]
    for place, operand in enumerate(operands):
        for at in range(len(operand) - 1):
            a, b = operand[at], operand[at + 1]
            if a != b and "." not in (a, b):
                changed = [*operands]
                changed[place] = operand[:at] + b + a + operand[at + 2 :]
                yield ",".join(changed[:-1]) + "->" + changed[-1]


class _Instead(importlib.abc.MetaPathFinder):
    """Loads one module from another file."""

    def __init__(self, name: str, path: Path):
        self.name, self.path = name, path

    def find_spec(self, fullname, path=None, target=None):
        return importlib.util.spec_from_file_location(fullname, self.path) if fullname == self.name else None


def _run(system: str, source: str, folder: Path, number: int) -> int:
    """Fork a process that runs the tests of a system on a changed model; its id."""
    child = os.fork()
    if child:
        return child
    code = 3
    try:
        os.setsid()
        sink = os.open(folder / f"{system}-{number}.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(sink, 1)
        os.dup2(sink, 2)
        path = folder / f"{system}_{number}.py"
        path.write_text(source, encoding="utf-8")
        sys.meta_path.insert(0, _Instead(f"trinode.systems.{system}.model", path))
        import pytest

        tests = sorted(str(path) for path in Path("tests/systems").glob("test_models_pinned*.py"))
        tests += [f"tests/systems/test_{system}_model.py", "-k", system]
        code = int(pytest.main(["-x", "-p", "no:cacheprovider", *tests]))
    finally:
        sys.stdout.flush()
        os._exit(code)


def results(system: str, chosen: list[Mutant], jobs: int, limit: float, folder: Path) -> Iterator[tuple[Mutant, str]]:
    """Each change with ``killed``, ``timed out`` or ``survived``, as they end."""
    waiting, running = list(enumerate(chosen)), {}
    while waiting or running:
        while waiting and len(running) < jobs:
            number, mutant = waiting.pop(0)
            running[_run(system, mutant.source, folder, number)] = (mutant, time.monotonic())
        time.sleep(0.05)
        for child, (mutant, began) in list(running.items()):
            ended, status = os.waitpid(child, os.WNOHANG)
            late = time.monotonic() - began > limit
            if late and not ended:
                os.killpg(child, signal.SIGKILL)
                os.waitpid(child, 0)
            if ended or late:
                del running[child]
                code = os.waitstatus_to_exitcode(status) if ended else -9
                yield mutant, "timed out" if not ended else "survived" if code == 0 else "killed"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--system", choices=SYSTEMS)
    parser.add_argument("--sample", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--limit", type=float, default=120.0, help="seconds for one change")
    parser.add_argument("--list", action="store_true", help="only show the changes")
    given = parser.parse_args()
    os.chdir(ROOT)
    # a kept program does not know that the model has changed; what is compiled may be kept
    os.environ |= {"TRINODE_CACHE_DIR": "", "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0"}
    os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(Path(tempfile.gettempdir()) / "trinode-mutants-cache"))
    import cvxpy  # noqa: F401
    import equinox  # noqa: F401
    import jax  # noqa: F401
    import matplotlib  # noqa: F401
    import pytest  # noqa: F401
    import scipy.stats  # noqa: F401

    killed = total = 0
    with tempfile.TemporaryDirectory(prefix="trinode-mutants-") as place:
        for system in [given.system] if given.system else SYSTEMS:
            source = (ROOT / "src" / "trinode" / "systems" / system / "model.py").read_text(encoding="utf-8")
            every = mutants(source)
            dice = random.Random(f"{system} {given.seed}")
            chosen = dice.sample(every, min(given.sample, len(every))) if given.sample else every
            print(f"{system}: {len(chosen)} of {len(every)} changes", flush=True)
            if given.list:
                print(*chosen, sep="\n")
                continue
            same = [Mutant(0, 0, "", "", source)]
            if [word for _, word in results(system, same, 1, 280, Path(place))] != ["survived"]:
                print((Path(place) / f"{system}-0.log").read_text(encoding="utf-8")[-2000:])
                sys.exit(f"{system}: the tests fail on the unchanged model")
            began, own = time.monotonic(), 0
            for mutant, word in results(system, chosen, given.jobs, given.limit, Path(place)):
                own += word != "survived"
                if word != "killed":
                    print(f"  {word}: {mutant}", flush=True)
            killed, total = killed + own, total + len(chosen)
            print(f"{system}: {own} of {len(chosen)} killed, {time.monotonic() - began:.0f} s", flush=True)
    if total:
        print(f"{killed} of {total} killed: {100 * killed / total:.1f} %")


if __name__ == "__main__":
    main()
