"""Many improvements of one document are told of once."""

from __future__ import annotations

from gateway.documents import DocumentRef
from gateway.making.improvements import Announcements

ONE, TWO = (DocumentRef("clinic", "documents", key) for key in ("1.pdf", "2.pdf"))


def idle(document: str) -> bool:
    return False


def test_twenty_improvements_are_one_purge() -> None:
    announcements = Announcements(gather=12, longest=60)
    for second in range(12):
        announcements.note(ONE, 100.0 + second)
        assert announcements.due(100.0 + second, idle) == ()
    assert announcements.due(112.0, idle) == (ONE,)
    assert announcements.due(500.0, idle) == (), "it was told"
    announcements.note(ONE, 600.0)
    assert announcements.due(612.0, idle) == (ONE,)


def test_it_waits_for_a_document_that_is_not_finished_but_not_for_ever() -> None:
    announcements = Announcements(gather=12, longest=60)
    announcements.note(ONE, 100.0)
    announcements.note(TWO, 105.0)
    assert announcements.due(130.0, lambda document: document == ONE.id) == (TWO,)
    assert announcements.due(159.9, lambda document: True) == ()
    assert announcements.due(160.0, lambda document: True) == (ONE,)


def test_all_that_is_left_can_be_taken_at_the_end() -> None:
    announcements = Announcements(gather=12, longest=60)
    announcements.note(ONE, 100.0)
    announcements.note(TWO, 100.0)
    assert announcements.rest() == (ONE, TWO)
    assert announcements.rest() == ()
