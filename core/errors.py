"""Errors whose message is written for a person.

A front end prints ``str(error)`` on one line and exits with a code other than 0; it shows a traceback
only when asked to. The message therefore names the file, key, column or row, and what to do about it.
"""


class UserError(Exception):
    """Something the user can mend; the message says what and how, on one line."""


class ConfigError(UserError):
    """A registry, an override or a run request that cannot be used as it stands."""


class MisuseError(ConfigError):
    """A command line that cannot be meant: an unknown name, a value not of its kind, options that clash."""


class DataError(UserError):
    """A data folder or file that is missing, foreign, damaged or too small for what was asked."""


class RunError(UserError):
    """A run folder, or a request to it, that cannot be honoured in its present state."""


class CheckpointError(RunError):
    """A checkpoint that is missing, damaged, or written by a version this one cannot read."""
