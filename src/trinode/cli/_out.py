"""Where a command writes: looked at before there is work to lose, and never in the way of the answer."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trinode.errors import InputError, TrinodeError


def check_file(option: str, path: Path | None) -> None:
    """Refuse a file that cannot be written.

    Raises
    ------
    InputError
        Names the option, the file and why not.
    """
    if path is None:
        return
    if path.is_dir():
        raise InputError(option, path, "a file, which this folder is not")
    if not path.parent.is_dir():
        raise InputError(option, path, f"a file in a folder that exists, unlike {path.parent}")
    if path.exists():
        if not os.access(path, os.W_OK):
            raise InputError(option, path, "a file that can be written")
        if not path.is_file():  # a pipe or a device
            return
    _try(option, path.parent)


def check_folder(option: str, path: Path | None) -> None:
    """Refuse a folder that cannot be written; it is made where it is missing.

    Raises
    ------
    InputError
        Names the option, the folder and why not.
    """
    if path is None:
        return
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as fault:
        raise InputError(option, f"{path} ({fault.strerror})", "a folder that is there or can be made") from fault
    _try(option, path)


@contextmanager
def later(faults: list[Exception]) -> Iterator[None]:
    """What goes wrong within waits until the answer is printed (:func:`tell`)."""
    try:
        yield
    except (OSError, TrinodeError) as fault:
        faults.append(fault)


def tell(faults: list[Exception]) -> None:
    """Raise the first that waits."""
    if faults:
        raise faults[0]


def _try(option: str, folder: Path) -> None:
    try:
        with tempfile.TemporaryFile(dir=folder):  # permissions alone do not tell, for instance on a read-only disk
            pass
    except OSError as fault:
        raise InputError(option, f"{folder} ({fault.strerror})", "a folder that can be written") from fault
