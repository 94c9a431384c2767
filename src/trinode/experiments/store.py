"""Where finished work items are kept: one file each, complete or absent, whatever happens to the process."""

from __future__ import annotations

import os
import time
import uuid
import zipfile
from collections.abc import Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from trinode.experiments.items import Item

_RECORD = "record"
SYNC = 1.0
"""Seconds after which the names of new files are sent to the disk; a loss of power costs no more."""


class Store:
    """A folder of finished items.

    A file appears under its name only when it is whole, and is believed only when it can be read to its end
    and was made from exactly the parameters that are asked for.
    """

    def __init__(self, folder: str | Path):
        self.folder = Path(folder) / "items"
        self._synced = 0.0

    def path(self, item: Item) -> Path:
        """File of an item."""
        return self.folder / f"{item.key}.npz"

    def failure_path(self, item: Item) -> Path:
        """File that tells why an item could not be computed."""
        return self.folder / f"{item.key}.failed.txt"

    def load(self, item: Item) -> dict[str, np.ndarray] | None:
        """Arrays of a finished item; None where it is missing, damaged or made from other parameters."""
        try:
            with zipfile.ZipFile(self.path(item)) as archive:
                whole = _array(archive.read("item.npy"))
            arrays = {name: whole["arrays"][name] for name in whole["arrays"].dtype.names}
            record = whole[_RECORD].item()
        except Exception:  # a damaged archive fails in many ways that share no base class
            return None
        return arrays if record == item.text.encode() else None

    def outdated(self, missing: Sequence[Item]) -> int:
        """How many of the items that are missing are there of other code."""
        names = [path.stem for path in self.folder.glob("*.npz")] if missing else []
        known = {name.partition("-")[0] for name in names}
        nameless = sum("-" not in name for name in names)  # from before items knew their code
        return max(sum(item.asked in known for item in missing), min(nameless, len(missing)))

    def save(self, item: Item, arrays: Mapping[str, np.ndarray]) -> None:
        """Keep the result of an item, and forget that it ever failed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        final = self.path(item)
        partial = final.with_suffix(f".{uuid.uuid4().hex}.partial")
        # as one array: an archive of many takes several times as long to read
        record = np.asarray(item.text.encode())
        parts = {name: np.asarray(one) for name, one in arrays.items()}
        fields = [(name, one.dtype, one.shape) for name, one in parts.items()]
        whole = np.empty((), [(_RECORD, record.dtype), ("arrays", fields)])
        whole[_RECORD] = record
        for name, one in parts.items():
            whole["arrays"][name] = one
        try:
            with open(partial, "wb") as handle:
                np.savez(handle, allow_pickle=False, item=whole)
                handle.flush()
                os.fsync(handle.fileno())
            os.replace(partial, final)
        finally:
            partial.unlink(missing_ok=True)
        if time.monotonic() > self._synced + SYNC:
            self.sync()
        self.failure_path(item).unlink(missing_ok=True)

    def sync(self) -> None:
        """Make what was saved outlive a loss of power."""
        _sync_folder(self.folder)
        self._synced = time.monotonic()

    def save_failure(self, item: Item, reason: str) -> None:
        """Keep why an item failed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.failure_path(item).write_text(f"{item.label}\n{item.text}\n\n{reason}", encoding="utf-8")

    def failure(self, item: Item) -> str:
        """Why an item failed; empty where it did not."""
        path = self.failure_path(item)
        return path.read_text(encoding="utf-8") if path.is_file() else ""


def _array(content: bytes) -> Any:
    """The one element of an array file."""
    if content[6:8] != b"\x01\x00":  # names beyond Latin letters, or a very long description
        return np.lib.format.read_array(BytesIO(content), allow_pickle=False)
    head = 10 + int.from_bytes(content[8:10], "little")
    return np.frombuffer(content, _kind(content[:head]), 1, head)[0]


@lru_cache(maxsize=256)
def _kind(head: bytes) -> np.dtype[Any]:
    """Type of the element from the head of its file, which the items of a sweep share: parsing takes half of a load."""
    file = BytesIO(head)
    np.lib.format.read_magic(file)
    return np.lib.format.read_array_header_1_0(file)[2]


def _sync_folder(folder: Path) -> None:
    """Make a rename in a folder outlive a loss of power, where the system can."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:
        return
    try:
        os.fsync(handle)
    except OSError:
        pass
    finally:
        os.close(handle)
