"""Errors of option models that point at the exact key, and the hint at the nearest right name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_core import InitErrorDetails, PydanticCustomError


def located_error(location: tuple[int | str, ...], message: str, value: object) -> ValidationError:
    """Build a validation error that a validator may raise about a key below its own field.

    Pydantic puts the location of the field in front of ``location`` when such an error leaves a validator,
    which names the key without the branch labels that a tagged union would add.

    Args:
        location: Path from the validator's field to the key in question; empty for the field itself.
        message: What came and what is allowed.
        value: The value that came.

    Returns:
        The error, ready to be raised.
    """
    kind = PydanticCustomError("refused_option", "{reason}", {"reason": message})
    return ValidationError.from_exception_data(
        "options", [InitErrorDetails(type=kind, loc=location, input=value)]
    )


def allowed_names(given: str, names: Iterable[str]) -> str:
    """Say which names are allowed and which of them is nearest to the given one.

    Args:
        given: The name that came.
        names: The allowed names, in the order to be shown.

    Returns:
        Text such as ``allowed: iid, dirichlet; did you mean 'dirichlet'?``; nearness ignores capitals.
    """
    listed = list(names)
    folded = {name.casefold(): name for name in listed}
    close = difflib.get_close_matches(given.casefold(), folded, n=1)
    hint = f"; did you mean {folded[close[0]]!r}?" if close else ""
    return f"allowed: {', '.join(listed)}{hint}"


def unknown_name(what: str, given: str, names: Iterable[str], planned: Iterable[str] = ()) -> str:
    """Say why a name is refused: unknown, or planned for a later version.

    Args:
        what: What the name should have named, such as ``partition kind``.
        given: The name that came.
        names: The allowed names.
        planned: Names that will be allowed later.

    Returns:
        The message for the user.
    """
    if given in planned:
        return f"{what} {given!r} is planned but not built yet; allowed: {', '.join(names)}"
    return f"unknown {what} {given!r}; {allowed_names(given, names)}"
