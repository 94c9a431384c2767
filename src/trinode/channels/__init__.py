"""Channels: files, ray tracers, and arrays from elsewhere."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trinode.channels.imported import Channels, ChannelWarning
    from trinode.channels.paths import panel
    from trinode.channels.reading import read

__all__ = ["ChannelWarning", "Channels", "panel", "read"]

_HOMES = {"ChannelWarning": "imported", "Channels": "imported", "panel": "paths", "read": "reading"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(f"module 'trinode.channels' has no attribute {name!r}")
    return getattr(import_module(f"trinode.channels.{_HOMES[name]}"), name)
