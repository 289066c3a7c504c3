"""Answers: what the API tells of links that were refused and of purges, as JSON values."""

from __future__ import annotations

import pytest

from cdn.purge import PurgeState
from gateway.api.answers import link_answer, purge_answer
from gateway.errors import DocumentNotFound, ResidencyRefused, StoreUnavailable
from gateway.issuing.issue import Refused, Wanted
from gateway.state.receipts import ProviderStatus, PurgeRow, PurgeStatus
from signing.errors import Unsignable

WANTED = Wanted(zone="clinic", bucket="documents", key="a.pdf")


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DocumentNotFound(), 404, "document.not-found"),
        (ResidencyRefused(), 451, "residency.refused"),
        (StoreUnavailable("the secret path"), 503, "store.unavailable"),
        (Unsignable("key"), 422, "link.unsignable"),
    ],
)
def test_a_refusal_is_the_problem_that_a_request_would_get(
    error: DocumentNotFound, status: int, code: str
) -> None:
    answer = link_answer(Refused(WANTED, error))
    assert isinstance(answer, dict)
    assert answer["document"] == {"zone": "clinic", "bucket": "documents", "key": "a.pdf"}
    told = answer["error"]
    assert isinstance(told, dict)
    assert (told["status"], told["code"]) == (status, code)
    assert told["type"] == f"urn:ostiary:problem:{code}"
    assert told["title"]
    assert "secret" not in str(answer)


def test_a_purge_tells_how_far_each_cdn_is() -> None:
    row = PurgeRow("p-1", '{"scopes": ["d:clinic/documents/a.pdf"]}', True, "why", "me", 12.7, 1)
    providers = (
        ProviderStatus("edge", PurgeState.SENT, 3, 2, 1, "ref-1", ""),
        ProviderStatus("other", PurgeState.FAILED, 1, 0, 0, "", "denied"),
    )
    answer = purge_answer(PurgeStatus(row, providers))
    assert isinstance(answer, dict)
    assert (answer["id"], answer["soft"], answer["reason"]) == ("p-1", True, "why")
    assert (answer["asked_by"], answer["asked_at"]) == ("me", 12)
    assert answer["state"] in ("queued", "sent", "confirmed", "failed")
    assert answer["providers"] == [
        {
            "provider": "edge",
            "state": "sent",
            "tags": 3,
            "sent": 2,
            "confirmed": 1,
            "reference": "ref-1",
            "error": "",
        },
        {
            "provider": "other",
            "state": "failed",
            "tags": 1,
            "sent": 0,
            "confirmed": 0,
            "reference": "",
            "error": "denied",
        },
    ]
    assert "a.pdf" not in str(answer), "a purge's answer names no document"
