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

if TYPE_CHECKING:
    from trinode import channels, online, problems
    from trinode.api import (
        bound,
        bound_batch,
        bundled,
        change,
        check,
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
    from trinode.bring import network
    from trinode.compose.angle_echo import AngleEcho
    from trinode.compose.beampattern import Beampattern
    from trinode.compose.detection import Detection
    from trinode.compose.downlink import Downlink
    from trinode.compose.echo import Echo
    from trinode.compose.expression import Expression, db, largest, log, log1p, number, smallest, total
    from trinode.compose.illumination import Illumination
    from trinode.compose.offloading import Offloading
    from trinode.compose.part import Part
    from trinode.compose.powers import Powers
    from trinode.compose.problem import Maximize, Minimize, Problem
    from trinode.compose.secrecy import Secrecy
    from trinode.compose.stream_echo import StreamEcho
    from trinode.compose.target_echo import TargetEcho
    from trinode.compose.uplink import Uplink
    from trinode.define import define_system
    from trinode.errors import FileFormatError, InputError, MissingExtraError, TrinodeError
    from trinode.solving.answer import Answer, Answers
    from trinode.systems.contract import Scheme, System
    from trinode.systems.decision import Solution, Status
    from trinode.systems.network import Scenario
    from trinode.systems.params import Params
    from trinode.systems.registry import register, system, system_names
    from trinode.systems.report import Report

__all__ = [
    "AngleEcho",
    "Answer",
    "Answers",
    "Beampattern",
    "Detection",
    "Downlink",
    "Echo",
    "Expression",
    "FileFormatError",
    "Illumination",
    "InputError",
    "Maximize",
    "Minimize",
    "MissingExtraError",
    "Offloading",
    "Params",
    "Part",
    "Powers",
    "Problem",
    "Report",
    "Scenario",
    "Scheme",
    "Secrecy",
    "Solution",
    "Status",
    "StreamEcho",
    "System",
    "TargetEcho",
    "TrinodeError",
    "Uplink",
    "bound",
    "bound_batch",
    "bundled",
    "change",
    "channels",
    "check",
    "db",
    "define_system",
    "draw",
    "draw_batch",
    "evaluate",
    "evaluate_batch",
    "from_arrays",
    "from_channels",
    "largest",
    "load",
    "log",
    "log1p",
    "network",
    "number",
    "online",
    "parameters",
    "problems",
    "register",
    "save",
    "smallest",
    "solve",
    "solve_batch",
    "stack",
    "system",
    "system_names",
    "total",
    "unstack",
]

_HOMES = {
    "trinode.bring": ("network",),
    "trinode.compose.angle_echo": ("AngleEcho",),
    "trinode.compose.beampattern": ("Beampattern",),
    "trinode.compose.detection": ("Detection",),
    "trinode.compose.downlink": ("Downlink",),
    "trinode.compose.echo": ("Echo",),
    "trinode.compose.expression": ("Expression", "db", "largest", "log", "log1p", "number", "smallest", "total"),
    "trinode.compose.illumination": ("Illumination",),
    "trinode.compose.offloading": ("Offloading",),
    "trinode.compose.part": ("Part",),
    "trinode.compose.powers": ("Powers",),
    "trinode.compose.problem": ("Maximize", "Minimize", "Problem"),
    "trinode.compose.secrecy": ("Secrecy",),
    "trinode.compose.stream_echo": ("StreamEcho",),
    "trinode.compose.target_echo": ("TargetEcho",),
    "trinode.compose.uplink": ("Uplink",),
    "trinode.define": ("define_system",),
    "trinode.solving.answer": ("Answer", "Answers"),
    "trinode.errors": ("FileFormatError", "InputError", "MissingExtraError", "TrinodeError"),
    "trinode.systems.contract": ("Scheme", "System"),
    "trinode.systems.decision": ("Solution", "Status"),
    "trinode.systems.network": ("Scenario",),
    "trinode.systems.params": ("Params",),
    "trinode.systems.report": ("Report",),
    "trinode.systems.registry": ("register", "system", "system_names"),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("trinode")
    if name in ("channels", "gym", "online", "problems"):
        return import_module(f"trinode.{name}")
    if name not in __all__:
        raise AttributeError(f"module 'trinode' has no attribute {name!r}")
    return getattr(import_module(_HOME.get(name, "trinode.api")), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
