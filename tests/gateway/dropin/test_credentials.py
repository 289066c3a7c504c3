"""Who calls is said by two fields, each at most once."""

from __future__ import annotations

import pytest

from gateway.dropin.credentials import Credentials
from gateway.errors import CallerRefused


def test_both_are_found_among_others_as_they_came() -> None:
    fields = [(b"host", b"x"), (b"apikey", b"key"), (b"authorization", b"bEARER  t ")]
    assert Credentials.of(fields) == (b"bEARER  t ", b"key")


def test_absent_ones_are_empty() -> None:
    assert Credentials.of([]) == (b"", b"")
    assert Credentials.of([(b"apikey", b"key")]) == (b"", b"key")


@pytest.mark.parametrize("name", [b"authorization", b"apikey"])
@pytest.mark.parametrize("second", [b"one", b"two", b""])
def test_two_of_a_name_are_nobody(name: bytes, second: bytes) -> None:
    with pytest.raises(CallerRefused) as refused:
        Credentials.of([(name, b"one"), (b"host", b"x"), (name, second)])
    assert refused.value.reason == "malformed"


def test_a_representation_shows_neither() -> None:
    assert "canary" not in repr(Credentials(b"canary", b"canary"))
