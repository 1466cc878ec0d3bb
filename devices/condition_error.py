"""The error of a scenario whose disturbances cannot be built."""

from __future__ import annotations


class ConditionError(ValueError):
    """Availability or disturbances that cannot be built, with the place in the scenario that is to blame.

    Args:
        key_path: Key path in the scenario, such as ``disturbances.outages.0.what``.
        message: "What came; what is allowed".
    """

    def __init__(self, key_path: str, message: str) -> None:
        super().__init__(message)
        self.key_path = key_path
        came, _, allowed = message.partition("; ")
        self.came = came
        """What was given."""
        self.allowed = allowed
        """What would have been right."""
