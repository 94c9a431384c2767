"""Environments for learning: slots of the five systems with trinode's own decision and the bound beside each action.

Needs the extra ``learn`` (Gymnasium). Importing this module makes ``gymnasium.make("trinode/fairness-v0")`` known, and
the same for the other systems.
"""

from __future__ import annotations

from trinode.errors import MissingExtraError
from trinode.online.plans import SYSTEMS

try:
    import gymnasium
except ImportError as fault:
    raise MissingExtraError("gymnasium", "learn") from fault

from trinode.gym.slots import SlotEnv
from trinode.online.quotas import Quotas, acted, quotas

for _name in SYSTEMS:
    gymnasium.register(f"trinode/{_name}-v0", entry_point="trinode.gym:SlotEnv", kwargs={"system": _name})

__all__ = ["Quotas", "SlotEnv", "acted", "quotas"]
