"""Options that are chosen by a key `kind`, so that what is wrong with them is told at the exact key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pydantic import BaseModel

from models.option_errors import located_error, unknown_name


def chosen_by_kind(what: str, kinds: Mapping[str, type[BaseModel]], default: str) -> Callable[[Any], Any]:
    """Return a validator that takes a mapping for the options its `kind` names; left out = the default's.

    Args:
        what: what is chosen, as a message calls it.
        kinds: the options of every kind.
        default: the kind that counts where none is stated.
    """

    def choose(value: object) -> object:
        if isinstance(value, tuple(kinds.values())):
            return value
        if not isinstance(value, Mapping):
            meant = value if isinstance(value, str) and value in kinds else default
            message = f"{value!r} is no {what}; allowed: a mapping such as {{kind: {meant}}}"
            raise located_error((), message, value)
        kind = value.get("kind", default)
        if not isinstance(kind, str) or kind not in kinds:
            raise located_error(("kind",), unknown_name(f"{what} kind", str(kind), kinds), kind)
        return kinds[kind].model_validate(dict(value))

    return choose
