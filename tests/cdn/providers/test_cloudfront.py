from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from cdn.errors import PurgeLost, PurgeRefused

Saying = Callable[[Mapping[str, Any] | Exception], Any]


class ClientError(Exception):
    """As botocore's: what it knows stands in `response`."""

    def __init__(self, status: int, code: str) -> None:
        super().__init__(f"a message with AKIASTUB and stub-secret: {code}")
        meta = {"HTTPStatusCode": status}
        self.response = {"Error": {"Code": code}, "ResponseMetadata": meta}


def config(name: str) -> Mapping[str, Any]:
    return {"DistributionConfig": {"CacheTagConfig": {"HeaderName": name}}}


def test_tags_are_items_of_one_batch_under_the_key_of_the_purge(boto: Saying) -> None:
    bench = boto({"Invalidation": {"Id": "I1", "Status": "InProgress"}})
    work = lambda provider: provider.purge(["d-1", "v-2"], soft=True, key="a-key")  # noqa: E731
    assert bench.run("cloudfront", work).reference == "I1"
    paths = {"Quantity": 2, "Items": ["#d-1", "#v-2"]}
    batch = {"Paths": paths, "CallerReference": "a-key"}
    assert bench.boto.told == [{"DistributionId": "thing-1", "InvalidationBatch": batch}]


def test_purges_without_a_key_are_never_taken_for_one(boto: Saying) -> None:
    bench = boto({"Invalidation": {"Id": "I1"}})
    bench.purge("cloudfront", "d-1")
    bench.purge("cloudfront", "d-1")
    keys = {told["InvalidationBatch"]["CallerReference"] for told in bench.boto.told}
    assert len(keys) == 2


def test_a_check_looks_whether_our_tags_are_read(boto: Saying) -> None:
    assert boto(config("cache-tag")).check("cloudfront").detail == "reads our tags"
    for said in (config("X-Tags"), {"DistributionConfig": {}}, {}):
        with pytest.raises(PurgeRefused, match="Cache-Tag") as refused:
            boto(said).check("cloudfront")
        assert refused.value.dead
        assert "CacheTagConfig" in refused.value.hint


@pytest.mark.parametrize(
    ("error", "dead", "hint"),
    [
        (ClientError(400, "TooManyInvalidationsInProgress"), False, ""),
        (ClientError(400, "Throttling"), False, ""),
        (ClientError(429, "Slow"), False, ""),
        (ClientError(503, "ServiceUnavailable"), False, ""),
        (ClientError(400, "InvalidArgument"), True, ""),
        (ClientError(404, "NoSuchDistribution"), True, ""),
        (ClientError(403, "AccessDenied"), True, "credentials"),
        (ConnectionError("stub-secret"), False, ""),
        (TimeoutError(), False, ""),
    ],
)
def test_an_error_is_judged_by_its_code_and_never_repeated(
    error: Exception, dead: bool, hint: str, boto: Saying
) -> None:
    with pytest.raises(PurgeRefused) as refused:
        boto(error).purge("cloudfront", "d-1")
    assert refused.value.dead is dead
    assert hint in refused.value.hint
    assert "stub-secret" not in str(refused.value)


def test_an_invalidation_that_can_not_be_asked_about_is_asked_for_again(boto: Saying) -> None:
    with pytest.raises(PurgeRefused, match="without a name") as refused:
        boto({"Invalidation": {}}).purge("cloudfront", "d-1")
    assert not refused.value.dead


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ({"Invalidation": {"Status": "Completed"}}, True),
        ({"Invalidation": {"Status": "COMPLETED"}}, True),
        ({"Invalidation": {"Status": "InProgress"}}, False),
        ({"Invalidation": {}}, False),
        ({}, False),
    ],
)
def test_it_is_settled_when_the_invalidation_is_completed(
    said: Mapping[str, Any], done: bool, boto: Saying
) -> None:
    bench = boto(said)
    assert bench.run("cloudfront", lambda provider: provider.settled("I1")) is done
    assert bench.boto.told == [{"DistributionId": "thing-1", "Id": "I1"}]


@pytest.mark.parametrize(
    ("error", "lost"),
    [
        (ClientError(404, "NoSuchInvalidation"), True),
        (ClientError(403, "AccessDenied"), False),
        (ConnectionError("stub-secret"), False),
    ],
)
def test_only_an_unknown_invalidation_is_lost(error: Exception, lost: bool, boto: Saying) -> None:
    with pytest.raises(PurgeRefused) as refused:
        boto(error).run("cloudfront", lambda provider: provider.settled("I1"))
    assert isinstance(refused.value, PurgeLost) is lost
