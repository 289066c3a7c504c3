from __future__ import annotations

from dataclasses import FrozenInstanceError
from typing import Any

import pytest

from cdn.policy import NoStore, Private, Revalidate, Shared
from cdn.tags import Tags

TAGS = Tags(("d-1",))


def test_what_a_shared_cache_may_keep_can_not_be_built_without_tags() -> None:
    for build in (Shared, Revalidate):
        with pytest.raises(TypeError, match="tags"):
            build()  # type: ignore[call-arg]


@pytest.mark.parametrize(
    "times",
    [
        {"browser_ttl": -1},
        {"cdn_ttl": -1},
        {"stale_while_revalidate": -1},
        {"stale_if_error": -1},
    ],
)
def test_negative_times_can_not_be_built(times: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="negative"):
        Shared(TAGS, **{"browser_ttl": 0, "cdn_ttl": 0, **times})


def test_a_negative_private_time_can_not_be_built() -> None:
    with pytest.raises(ValueError, match="negative"):
        Private(-1)


def test_policies_are_values() -> None:
    assert NoStore() == NoStore()
    assert Shared(TAGS, 1, 2) == Shared(TAGS, 1, 2, 0, 0, immutable=False)
    with pytest.raises(FrozenInstanceError):
        Private(1).browser_ttl = 2  # type: ignore[misc]
