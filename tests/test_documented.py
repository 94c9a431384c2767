"""What a modeller touches says what it takes, with shapes and units: functions and methods of the public modules."""

import inspect
from enum import IntEnum

import trinode as tn


def _undocumented():
    """Public functions and methods that say nothing of what they take; what overrides one is described there."""
    found, seen = [], set()

    def look(where, owner, name, thing):
        if id(thing) in seen:
            return
        seen.add(id(thing))
        takes = [one for one in inspect.signature(thing).parameters if one not in ("self", "cls")]
        inherited = any(hasattr(base, name) for base in (owner.__mro__[1:] if owner else ()))
        said = inspect.getdoc(thing) or ""
        if takes and not inherited and "Parameters\n---" not in said and "Attributes\n---" not in said:
            found.append(f"{where}.{name}")
        for key, value in vars(thing).items() if inspect.isclass(thing) else ():
            value = getattr(value, "__func__", value)
            if not key.startswith("_") and key not in ("tree_flatten", "tree_unflatten") and inspect.isfunction(value):
                look(f"{where}.{name}", thing, key, value)

    for module in (tn, tn.problems, tn.channels, tn.online):
        for name in getattr(module, "__all__", [one for one in vars(module) if not one.startswith("_")]):
            thing = getattr(module, name)
            own = str(getattr(thing, "__module__", "")).startswith("trinode.")
            if callable(thing) and own and not (inspect.isclass(thing) and issubclass(thing, IntEnum | Exception)):
                look(module.__name__, None, name, thing)
    return found


def test_what_a_modeller_touches_says_what_it_takes():
    assert not _undocumented()
