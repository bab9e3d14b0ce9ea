"""Errors with a message written for a person.

A front end prints ``str(error)`` on one line and exits with a code other than 0; it shows a traceback
only with ``--debug``. The message therefore names the file, key, column or row, and what to do about it.
"""


class UserError(Exception):
    """Something the user can fix; the message says what and how, on one line."""


class ConfigError(UserError):
    """A registry, an override or a run request that cannot be used as it stands."""


class MisuseError(ConfigError):
    """An invalid command line: an unknown name, a value of the wrong kind, options that clash."""


class DataError(UserError):
    """A data folder or file that is missing, foreign, damaged or too small for what was asked."""


class RunError(UserError):
    """A run folder that is damaged, or a request that its present state does not allow."""


class CheckpointError(RunError):
    """A checkpoint that is missing, damaged, or written by a version this one cannot read."""


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message, or its type's name if it has none."""
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
