from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdn.purge import Purge, PurgeState


@pytest.mark.parametrize("names", [(), ("",), ("d-1", "A"), ("a b",), ("a\r\nx: y",)])
def test_a_purge_of_no_real_tag_can_not_be_built(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="tag"):
        Purge(names)


def test_a_purge_is_hard_unless_it_is_asked_to_be_soft() -> None:
    assert not Purge(("d-1",)).soft


@given(st.lists(st.integers(0, 50), min_size=1), st.integers(1, 20), st.booleans())
def test_batches_hold_every_tag_once_within_the_limit(
    numbers: list[int], size: int, soft: bool
) -> None:
    tags = tuple(f"d-{number}" for number in numbers)
    batches = list(Purge(tags, soft).batches(size))
    sent = [tag for batch in batches for tag in batch.tags]
    assert sorted(sent) == sorted(set(tags))
    assert all(len(batch.tags) <= size and batch.soft is soft for batch in batches)
    assert all(len(batch.tags) == size for batch in batches[:-1])


def test_the_states_are_stored_by_their_names() -> None:
    assert [str(state) for state in PurgeState] == ["queued", "sent", "confirmed", "failed"]
