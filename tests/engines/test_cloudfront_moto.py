"""CloudFront's wire format against moto's server; its limits are the stub CDN's affair."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from typing import Any

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from cdn.errors import PurgeRefused
from cdn.providers import Provider, Tools, build
from cdn.setups import Setup
from gateway.purges.distributions import distribution

pytestmark = pytest.mark.engines

KEYS = {"aws_access_key_id": "AKIAEXAMPLE", "aws_secret_access_key": "a-secret"}


@pytest.fixture(scope="module")
def cloudfront() -> Iterator[Any]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield boto3.client("cloudfront", "us-east-1", endpoint_url=f"http://{host}:{port}", **KEYS)
    server.stop()


def made(cloudfront: Any, tag_field: str) -> str:
    """A distribution that reads tags from a field; its id."""
    origin = {"Id": "o", "DomainName": "docs.example.org", "CustomOriginConfig": {}}
    origin["CustomOriginConfig"] = {
        "HTTPPort": 80,
        "HTTPSPort": 443,
        "OriginProtocolPolicy": "https-only",
    }
    config = {
        "CallerReference": tag_field,
        "Comment": "",
        "Enabled": True,
        "Origins": {"Quantity": 1, "Items": [origin]},
        "DefaultCacheBehavior": {"TargetOriginId": "o", "ViewerProtocolPolicy": "https-only"},
        "CacheTagConfig": {"HeaderName": tag_field},
    }
    told = cloudfront.create_distribution(DistributionConfig=config)
    return str(told["Distribution"]["Id"])


def provider(cloudfront: Any, distribution_id: str) -> Provider:
    url = cloudfront.meta.endpoint_url
    setup = Setup("edge", url, distribution_id, secret="a-secret", access_key="AKIAEXAMPLE")
    client = httpx.AsyncClient(transport=httpx.MockTransport(lambda request: httpx.Response(500)))
    return build("cloudfront", setup, Tools(client, time.time, None, distribution))  # type: ignore[arg-type]


def test_an_invalidation_of_tags_is_kept_as_it_was_asked(cloudfront: Any) -> None:
    found = made(cloudfront, "Cache-Tag")
    edge = provider(cloudfront, found)
    assert asyncio.run(edge.check()).detail == "reads our tags"
    receipt = asyncio.run(edge.purge(["d-1", "v-2"], soft=False, key="a-key"))
    kept = cloudfront.get_invalidation(DistributionId=found, Id=receipt.reference)
    assert asyncio.run(edge.settled(receipt.reference))
    batch = kept["Invalidation"]["InvalidationBatch"]
    assert batch["CallerReference"] == "a-key"
    assert batch["Paths"] == {"Quantity": 2, "Items": ["#d-1", "#v-2"]}


def test_a_distribution_that_reads_another_field_is_told(cloudfront: Any) -> None:
    with pytest.raises(PurgeRefused, match="reads no tags from Cache-Tag"):
        asyncio.run(provider(cloudfront, made(cloudfront, "X-Tags")).check())


def test_a_distribution_that_is_not_there_is_dead(cloudfront: Any) -> None:
    with pytest.raises(PurgeRefused, match="404 NoSuchDistribution") as refused:
        asyncio.run(provider(cloudfront, "E0").purge(["d-1"], soft=False))
    assert refused.value.dead
