"""The one family of errors that a user can cause.

Every subclass lives in the module that raises it. Its message is one line that says what was expected, what was found and what to do; the
commands print it and exit 1, the service answers it as a 4xx.
"""


class SearchdError(Exception):
    """Something outside the program is wrong: a file, a setting, a query, a model."""

    code = "invalid"


def reason(error: Exception) -> str:
    """What an exception says, without the number and the path that an OSError adds to it."""
    return getattr(error, "strerror", None) or str(error)
