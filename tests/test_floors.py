"""A floor imports only from the floors below it, and a system never imports another system."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
PACKAGE = SOURCE / "trinode"

FLOORS = [
    ("errors", "_flags", "_cache", "_json", "_memory", "_runtime", "_pool", "_words"),
    ("numerics",),
    ("radio",),
    ("sensing",),
    ("computing",),
    ("channels",),
    ("compose",),
    ("problems",),
    ("systems",),
    ("_batch", "_programs", "_sizes"),
    ("solving",),
    ("define",),
    ("_calls",),
    ("networks",),
    ("api",),
    ("bring",),
    ("online",),
    ("gym",),
    ("reference",),
    ("experiments",),
    ("plots",),
    ("serve",),
    ("cli", "__main__"),
]
"""From the ground up. What is not named here is the package itself, which loads the others when asked."""

RANK = {name: rank for rank, names in enumerate(FLOORS) for name in names}


def modules():
    return sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    parts = path.relative_to(SOURCE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path):
    """Every module of the package that a file imports anywhere, also inside functions, with the line."""
    package = name_of(path) if path.name == "__init__.py" else name_of(path).rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        found = []
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            up = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            home = ".".join([*up, *([node.module] if node.module else [])])
            found = [_resolve(home, alias.name) for alias in node.names]
        for name in found:
            if name == "trinode" or name.startswith("trinode."):
                yield name, node.lineno


def _resolve(home, name):
    """``from a import b`` imports the module ``a.b`` where there is one, else the module ``a``."""
    path = SOURCE.joinpath(*home.split("."), name)
    return f"{home}.{name}" if path.is_dir() or path.with_suffix(".py").is_file() else home


def floor(module):
    return module.split(".")[1] if "." in module else ""


def own_system(module):
    """The folder of ``trinode.systems`` that a module lives in, or nothing."""
    parts = module.split(".")
    inside = len(parts) > 2 and parts[1] == "systems" and (PACKAGE / "systems" / parts[2]).is_dir()
    return parts[2] if inside else ""


def test_every_floor_is_named():
    there = {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in modules()} - {"__init__"}
    assert there <= set(RANK), f"give {sorted(there - set(RANK))} a place in FLOORS"


@pytest.mark.parametrize("path", modules(), ids=name_of)
def test_imports_point_downwards(path):
    module = name_of(path)
    if module == "trinode":
        pytest.skip("the package loads its floors when they are asked for")
    for target, line in imports(path):
        if target == "trinode":
            assert RANK[floor(module)] > RANK["api"], f"{path}:{line} imports the package from inside"
            continue
        assert RANK[floor(target)] <= RANK[floor(module)], f"{path}:{line} imports {target}, a floor above"
        own, other = own_system(module), own_system(target)
        if floor(module) == "systems":
            assert other in ("", own), f"{path}:{line} imports {target}: a system knows no other system"


def test_what_is_above_systems_knows_none():
    """Only files named after a system may import it; all others go through the registry."""
    for path in modules():
        module = name_of(path)
        if floor(module) in ("systems", ""):
            continue
        for target, line in imports(path):
            if system := own_system(target):
                assert system in module, f"{path}:{line} imports {target}; use the registry"


def test_loops_are_those_that_end_in_a_batch():
    """See :mod:`trinode.numerics.loops`."""
    raw = [path for path in modules() if ".while_loop(" in path.read_text(encoding="utf-8") and path.stem != "loops"]
    assert not raw, raw
