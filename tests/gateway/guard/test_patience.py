from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from gateway.guard.patience import Patience


def cycle(*, more_body: bool = True, disconnected: bool = False, closing: bool = False) -> Any:
    transport = SimpleNamespace(is_closing=lambda: closing)
    return SimpleNamespace(more_body=more_body, disconnected=disconnected, transport=transport)


def test_a_body_under_way_gets_the_time_it_is_granted() -> None:
    granted: list[float] = []
    patience = Patience(cycle(), granted.append)
    patience(60)
    patience(0)
    assert granted == [60, 0]


@pytest.mark.parametrize(
    "over", [{"more_body": False}, {"disconnected": True}, {"closing": True}], ids=str
)
def test_a_body_that_is_over_moves_no_deadline(over: dict[str, bool]) -> None:
    granted: list[float] = []
    Patience(cycle(**over), granted.append)(60)
    assert granted == []
