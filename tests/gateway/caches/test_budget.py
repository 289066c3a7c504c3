"""The byte budget refuses at once what does not fit, and gives everything back."""

from __future__ import annotations

import pytest

from gateway.caches.budget import ByteBudget
from gateway.errors import Overloaded


def test_what_fits_is_reserved_and_given_back() -> None:
    budget = ByteBudget(100)
    with budget.reserve(60), budget.reserve(40):
        assert budget.used == 100
    assert budget.used == 0


def test_what_does_not_fit_is_refused_with_a_hint() -> None:
    budget = ByteBudget(100)
    with budget.reserve(60):
        with pytest.raises(Overloaded) as caught, budget.reserve(41):
            pytest.fail("entered")
        assert (caught.value.what, budget.used) == ("readers", 60)
    assert caught.value.retry_after > 0


def test_a_failing_reader_gives_its_bytes_back() -> None:
    budget = ByteBudget(100)
    with pytest.raises(ValueError, match="broken"), budget.reserve(100):
        raise ValueError("broken")
    assert budget.used == 0
