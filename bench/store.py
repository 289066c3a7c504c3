"""A small object from S3: our store beside boto3 in threads, both over nginx playing S3."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import boto3
import uvloop
from botocore.config import Config

from bench.documents import BUCKET, SMALL, SMALL_OCTETS, Documents
from bench.load import LoadFailed
from bench.ostiary import s3_store
from bench.peers.nginx import nginx
from bench.table import Goal, Row
from gateway.settings.addresses import Credentials, parse_address
from gateway.stores import Store
from gateway.stores.opening import open_store

OURS, BOTO3 = "gateway.stores (obstore)", "boto3 in 32 threads"
GOAL = Goal(10)
_ABREAST, _ROUNDS = 32, 3
_COUNTS = {OURS: 6_400, BOTO3: 960}


def run(folder: Path) -> list[Row]:
    """Read one object over and over, 32 at a time, with each client in turn."""
    documents = Documents(folder / "docs")
    documents.small()
    found: dict[str, list[float]] = {OURS: [], BOTO3: []}
    with nginx(folder, documents) as source:
        for _ in range(_ROUNDS):
            found[OURS].append(uvloop.run(_ours(s3_store(source.port))))
            found[BOTO3].append(_boto3(source.base))
    return rows(found)


def rows(found: Mapping[str, Sequence[float]]) -> list[Row]:
    """Reads per second with each, and the ratio round by round."""
    told = [
        Row(name, f"{statistics.median(rates):,.0f} GET/s", _COUNTS[name] * _ROUNDS)
        for name, rates in found.items()
    ]
    pairs = zip(found[OURS], found[BOTO3], strict=True)
    ratio = statistics.median(ours / theirs for ours, theirs in pairs)
    return [*told, Row.judged("ours to boto3", ratio, "x", _COUNTS[OURS] * _ROUNDS, GOAL)]


async def _ours(address: str) -> float:
    credentials = Credentials("bench", "bench-secret")
    store = open_store(parse_address(address, credentials), where="bench")
    await _read(store, _ABREAST)
    each = _COUNTS[OURS] // _ABREAST
    began = time.perf_counter()
    await asyncio.gather(*(_read(store, each) for _ in range(_ABREAST)))
    return _COUNTS[OURS] / (time.perf_counter() - began)


async def _read(store: Store, count: int) -> None:
    for _ in range(count):
        body = await store.open(BUCKET, SMALL)
        size = sum([len(chunk) async for chunk in body])
        await body.aclose()
        _expect(size)


def _boto3(endpoint: str) -> float:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="eu-central-1",
        aws_access_key_id="bench",
        aws_secret_access_key="bench-secret",
        config=Config(max_pool_connections=_ABREAST, s3={"addressing_style": "path"}),
    )

    def read(_: int) -> None:
        _expect(len(client.get_object(Bucket=BUCKET, Key=SMALL)["Body"].read()))

    with ThreadPoolExecutor(_ABREAST) as pool:
        list(pool.map(read, range(_ABREAST)))
        began = time.perf_counter()
        list(pool.map(read, range(_COUNTS[BOTO3])))
        return _COUNTS[BOTO3] / (time.perf_counter() - began)


def _expect(size: int) -> None:
    if size != SMALL_OCTETS:
        raise LoadFailed("an object was cut short")
