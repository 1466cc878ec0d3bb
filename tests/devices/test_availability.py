"""Options of the availability section."""

import pytest
from pydantic import ValidationError

from devices.availability import AlwaysAvailable


def test_always_is_the_default_and_takes_no_options():
    assert AlwaysAvailable().model == "always"
    with pytest.raises(ValidationError):
        AlwaysAvailable.model_validate({"model": "always", "rate": 1})
    with pytest.raises(ValidationError):
        AlwaysAvailable.model_validate({"model": "diurnal"})
