"""The React hook, in React."""

from __future__ import annotations

from typing import Any

import pytest

pytestmark = pytest.mark.engines

FIRST = "https://cdn.example.org/documents/a.jpg?1"
SECOND = "https://cdn.example.org/documents/a.jpg?2"


@pytest.fixture(scope="module")
def told(node: Any) -> Any:
    return node.told("hook_in_react.mjs")


def test_a_link_is_renewed_when_it_says_so(told: Any) -> None:
    scene = told["renews"]
    assert (scene["first"], scene["before"], scene["after"]) == (FIRST, FIRST, SECOND)
    assert scene["asked"] == [0, 81], "nothing is asked for after the page is left"


def test_pages_do_not_all_renew_at_one_moment(told: Any) -> None:
    assert told["spread"]["early"] == [0]
    [_, again] = told["spread"]["asked"]
    assert 80 < again <= 88, "within a tenth of the time"


def test_a_hidden_page_asks_for_nothing_and_catches_up(told: Any) -> None:
    scene = told["hidden"]
    assert scene["meanwhile"] == [0]
    assert (scene["asked"], scene["after"]) == ([0, 500], SECOND)


def test_a_link_for_longer_than_a_timer_holds_is_not_renewed_at_once(told: Any) -> None:
    assert told["far"] == {"early": 1, "asked": 2}


def test_an_answer_after_the_page_is_left_changes_nothing(told: Any) -> None:
    assert told["unmounted"] == {"asked": [0], "changed": 0}


def test_another_document_never_shows_the_last_ones_url(told: Any) -> None:
    seen = told["another"]["seen"]
    assert seen[:2] == [None, FIRST]
    assert None in seen[2:]
    assert seen[-1] == "https://cdn.example.org/documents/b.jpg?2"
    at = seen.index(None, 2)
    assert FIRST not in seen[at:]


def test_a_failure_leaves_the_last_url_and_is_tried_again(told: Any) -> None:
    scene = told["failing"]
    assert scene["meanwhile"] == [FIRST, "no network"]
    assert scene["after"] == ["https://cdn.example.org/documents/a.jpg?4", None]
    assert scene["asked"] == [0, 81, 82, 84]


def test_a_plain_no_is_not_asked_again(told: Any) -> None:
    assert told["refused"] == {"last": [None, "There is no such document"], "asked": [0]}


def test_a_link_as_text_is_renewed_before_the_expiry_in_it(told: Any) -> None:
    assert told["text"] == {"early": [0], "asked": [0, 81], "other": 1}


def test_react_has_nothing_to_complain_of(told: Any) -> None:
    assert told["complaints"] == []
