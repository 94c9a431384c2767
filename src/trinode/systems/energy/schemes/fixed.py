"""The paper's benchmarks of one offloaded share for everybody: nothing, everything, half."""

from __future__ import annotations

from typing import ClassVar, final

from trinode.systems.energy.schemes._shares import Numbers


@final
class FullLocal(Numbers):
    """FL: every terminal computes its whole task itself."""

    name: ClassVar[str] = "full-local"
    summary: ClassVar[str] = "every terminal computes its whole task itself"
    family: ClassVar[str] = "full-local"
    share: ClassVar[float] = 0.0


@final
class FullOffload(Numbers):
    """FO: every terminal sends its whole task, with the best beams and powers for that."""

    name: ClassVar[str] = "full-offload"
    summary: ClassVar[str] = "every terminal offloads its whole task"
    family: ClassVar[str] = "full-offload"
    share: ClassVar[float] = 1.0


@final
class HalfOffload(Numbers):
    """HO: every terminal sends half of its task, with the best beams and powers for that."""

    name: ClassVar[str] = "half-offload"
    summary: ClassVar[str] = "every terminal offloads half of its task"
    family: ClassVar[str] = "half-offload"
    share: ClassVar[float] = 0.5
