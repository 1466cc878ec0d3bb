"""Messages about names, and errors that keep the location of the key below the field."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, BeforeValidator, ValidationError

from models.option_errors import allowed_names, located_error, unknown_name


def test_nearest_name_ignores_capitals():
    assert (
        allowed_names("MNIST5", ["mnist5k", "glyphs"]) == "allowed: mnist5k, glyphs; did you mean 'mnist5k'?"
    )
    assert allowed_names("qqq", ["mnist5k", "glyphs"]) == "allowed: mnist5k, glyphs"


def test_planned_names_are_told_from_unknown_ones():
    assert unknown_name("kind", "b", ["a"], ["b"]) == "kind 'b' is planned but not built yet; allowed: a"
    assert unknown_name("kind", "zz", ["a"], ["b"]) == "unknown kind 'zz'; allowed: a"


def test_the_location_is_kept_below_the_field():
    def refuse(value: Any) -> Any:
        raise located_error(("inner", 2), "a {brace} came; nothing is allowed", value)

    class Outer(BaseModel):
        field: Annotated[int, BeforeValidator(refuse)]

    with pytest.raises(ValidationError) as caught:
        Outer(field=1)
    (error,) = caught.value.errors()
    assert error["loc"] == ("field", "inner", 2)
    assert error["msg"] == "a {brace} came; nothing is allowed"
