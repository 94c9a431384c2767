"""What strict JSON can hold."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any


def strict(value: Any) -> Any:
    """The same in lists, dictionaries and numbers that JSON has: NaN and infinity are null, complex numbers pairs."""
    if isinstance(value, Mapping):
        return {str(key): strict(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple):
        return [strict(entry) for entry in value]
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    import numpy as np  # commands that show no arrays do without

    array: Any = np.asarray(value)
    if array.dtype.kind == "c":
        array = np.stack([array.real, array.imag], axis=-1)
    if array.dtype.kind == "f" and not np.all(np.isfinite(array)):
        return strict(array.tolist())
    return array.tolist()
