"""trinode: networks that sense, communicate and compute at once, over cell-free massive MIMO.

>>> import trinode as tn
>>> scenario = tn.draw("latency", seed=0)
>>> solution = tn.solve(scenario)
>>> report = tn.evaluate(scenario, solution)
>>> print(report.objective, report.gap)

Names are loaded when they are first used, so that importing the package costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from trinode import _pool

if TYPE_CHECKING:
    from trinode.api import (
        bound,
        bound_batch,
        bundled,
        change,
        draw,
        draw_batch,
        evaluate,
        evaluate_batch,
        from_arrays,
        from_channels,
        load,
        parameters,
        save,
        solve,
        solve_batch,
        stack,
        unstack,
    )
    from trinode.errors import FileFormatError, InputError, MissingExtraError, TrinodeError
    from trinode.systems.contract import Report, Scenario, Scheme, Solution, Status, System
    from trinode.systems.registry import register, system, system_names

__all__ = [
    "FileFormatError",
    "InputError",
    "MissingExtraError",
    "Report",
    "Scenario",
    "Scheme",
    "Solution",
    "Status",
    "System",
    "TrinodeError",
    "bound",
    "bound_batch",
    "bundled",
    "change",
    "draw",
    "draw_batch",
    "evaluate",
    "evaluate_batch",
    "from_arrays",
    "from_channels",
    "load",
    "parameters",
    "register",
    "save",
    "solve",
    "solve_batch",
    "stack",
    "system",
    "system_names",
    "unstack",
]

_HOMES = {
    "trinode.errors": ("FileFormatError", "InputError", "MissingExtraError", "TrinodeError"),
    "trinode.systems.contract": ("Report", "Scenario", "Scheme", "Solution", "Status", "System"),
    "trinode.systems.registry": ("register", "system", "system_names"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

_pool.reserve()  # before anything can start JAX


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("trinode")
    if name not in __all__:
        raise AttributeError(f"module 'trinode' has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, "trinode.api")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
