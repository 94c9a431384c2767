"""The paper's distributed algorithm as agents: base stations, a cloud, and messages between them."""

from trinode.systems.threetier.agents.cloud import Cloud, Rules, Run, Start
from trinode.systems.threetier.agents.transport import InProcess, Processes, StationLost, Traffic, Transport

__all__ = ["Cloud", "InProcess", "Processes", "Rules", "Run", "Start", "StationLost", "Traffic", "Transport"]
