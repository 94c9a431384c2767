"""The errors a user can meet: each names the field, the value and what is allowed."""

from __future__ import annotations


class TrinodeError(Exception):
    """Base of every error raised on purpose by trinode."""


class InputError(TrinodeError, ValueError):
    """A value that the caller gave is not allowed.

    Parameters
    ----------
    field : str
        Name of the argument, parameter or array.
    value : object
        What was given (shown shortened).
    allowed : str
        What would have been accepted.
    """

    def __init__(self, field: str, value: object, allowed: str):
        shown = str(value)
        if len(shown) > 200:
            shown = shown[:197] + "..."
        super().__init__(f"{field}: got {shown}; allowed: {allowed}")
        self.field, self.value, self.allowed = field, value, allowed


class FileFormatError(InputError):
    """A file does not follow the format it should.

    Parameters
    ----------
    field, value, allowed
        As of :class:`InputError`.
    """


class MissingExtraError(TrinodeError, ImportError):
    """An optional package is needed and absent.

    Parameters
    ----------
    package : str
        The importable package that is missing.
    extra : str
        The extra of trinode that installs it; none where it is installed by itself.
    """

    def __init__(self, package: str, extra: str = ""):
        what = f"'trinode[{extra}]'" if extra else package
        super().__init__(f"{package} is not installed; run: pip install {what}")
        self.package, self.extra = package, extra


class StoreError(TrinodeError):
    """Results could not be kept, or a worker died; what was finished before is kept, and the same run goes on."""
