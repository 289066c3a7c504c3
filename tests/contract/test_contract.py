"""The stand-in is faithful: every recorded read, made again, is answered as the real server did."""

from __future__ import annotations

import asyncio
import time

import httpx
import pytest

from tests.contract import replay
from tests.contract.replay import Exchange
from tests.contract.server import ContractServer
from tests.contract.server.desk import Backend

CASES = [
    pytest.param(backend, exchange, id=f"{backend}-{number}-{exchange.label}")
    for backend in ("file", "s3")
    for number, exchange in enumerate(replay.exchanges(backend))
]


def answered(server: ContractServer, call: replay.Sent) -> httpx.Response:
    """The answer to the call, the target as it stands."""

    async def asked() -> httpx.Response:
        transport = httpx.ASGITransport(app=server.app)
        path, _, query = call.target.partition("?")
        url = httpx.URL("http://contract").copy_with(
            raw_path=f"{path}?{query}".encode() if query else path.encode()
        )
        async with httpx.AsyncClient(transport=transport, headers={"accept": "*/*"}) as client:
            request = client.build_request(call.method, url, headers=call.fields, content=call.body)
            return await client.send(request)

    return asyncio.run(asked())


@pytest.mark.parametrize(("backend", "exchange"), CASES)
def test_a_recorded_call_is_answered_as_it_was(backend: Backend, exchange: Exchange) -> None:
    clock = time.time if exchange.who.startswith("s3_") else replay.moment
    server = ContractServer(backend=backend, clock=clock, algorithm="ES256")
    replay.prepared(server, exchange.client)
    call = replay.sent(exchange, server, "contract", clock)
    assert replay.differences(exchange, call, answered(server, call)) == []


def test_an_answer_that_is_not_as_recorded_is_told() -> None:
    exchange = next(e for e in replay.exchanges("file") if e.label == "public GET")
    server = replay.prepared(ContractServer(clock=replay.moment), exchange.client)
    call = replay.sent(exchange, server, "contract", replay.moment)
    other = httpx.Response(404, headers={"etag": '"other"'}, content=b"none")
    told = replay.differences(exchange, call, other)
    assert any(line.startswith("status 404") for line in told)
    assert any(line.startswith("etag: '\"other\"'") for line in told)
    assert "4 octets, recorded 360829" in told


def test_the_record_holds_no_credential() -> None:
    text = (replay.Path(replay.__file__).parent / "recorded.json").read_text()
    assert "eyJ" not in text
    assert len(text) < 150_000
