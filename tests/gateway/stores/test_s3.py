"""The S3 store against a source that breaks, stalls, lies or changes in the middle."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import DocumentChanged, StoreUnavailable
from gateway.settings import Credentials, StoreAddress
from gateway.stores import CHUNK, Body, StoredObject
from gateway.stores.s3 import Patience, S3Body, S3Store

PAIR = Credentials("AKIAEXAMPLE", "a-secret")
LARGE = bytes(range(256)) * (3 * CHUNK // 256) + b"the end"


async def octets(body: Body) -> bytes:
    try:
        return b"".join([chunk async for chunk in body])
    finally:
        await body.aclose()


Answer = Callable[[asyncio.StreamWriter, str], Awaitable[None]]
FAST = Patience(connect=0.3, read=0.3, answer=5.0, backoff=0.001)


class Source:
    """Gives one answer to each request, in order; the last one again and again."""

    def __init__(self, *answers: Answer) -> None:
        self._answers = answers
        self._connections: set[asyncio.Task[None]] = set()
        self.heads: list[str] = []
        self.left = asyncio.Event()

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[str]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        try:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        finally:
            server.close()
            for connection in self._connections:
                connection.cancel()
            await asyncio.gather(*self._connections)
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        try:
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                answer = self._answers[min(len(self.heads), len(self._answers) - 1)]
                self.heads.append(head)
                await answer(writer, head)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            writer.transport.abort()
        self.left.set()

    @property
    def ranges(self) -> list[str]:
        """The Range field of each request, empty where there was none."""
        rows = [dict(row.partition(": ")[::2] for row in head.split("\r\n")) for head in self.heads]
        return [row.get("range", "") for row in rows]


@contextlib.asynccontextmanager
async def misbehaving(
    *answers: Answer, patience: Patience = FAST
) -> AsyncIterator[tuple[S3Store, Source]]:
    source = Source(*answers)
    async with source.listening() as endpoint:
        yield (
            S3Store(
                StoreAddress("s3", endpoint=endpoint, credentials=PAIR),
                buckets=["b"],
                patience=patience,
            ),
            source,
        )


def fields(status: str, length: int, *more: str, etag: str = '"abc"') -> bytes:
    lines = [
        f"HTTP/1.1 {status}",
        f"Content-Length: {length}",
        f"ETag: {etag}",
        "Last-Modified: Mon, 23 Nov 2026 00:00:00 GMT",
        *more,
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def status(line: str) -> Answer:
    async def answer(writer: asyncio.StreamWriter, head: str) -> None:
        writer.write(f"HTTP/1.1 {line}\r\nContent-Length: 0\r\n\r\n".encode())

    return answer


def whole(data: bytes = LARGE, *more: str, etag: str = '"abc"') -> Answer:
    async def answer(writer: asyncio.StreamWriter, head: str) -> None:
        writer.write(fields("200 OK", len(data), *more, etag=etag) + data)

    return answer


def cut(sent: int, stated: int = len(LARGE)) -> Answer:
    async def answer(writer: asyncio.StreamWriter, head: str) -> None:
        writer.write(fields("200 OK", stated) + LARGE[:sent])
        await writer.drain()
        writer.close()

    return answer


def rest(etag: str = '"abc"', sent: int | None = None) -> Answer:
    """The asked range, or its first octets and then silence by closing."""

    async def answer(writer: asyncio.StreamWriter, head: str) -> None:
        asked = head.partition("range: bytes=")[2].partition("\r\n")[0]
        first, last = map(int, asked.split("-"))
        span = f"Content-Range: bytes {first}-{last}/{len(LARGE)}"
        data = LARGE[first : last + 1]
        writer.write(fields("206 Partial Content", len(data), span, etag=etag) + data[:sent])
        if sent is not None:
            await writer.drain()
            writer.close()

    return answer


async def stall(writer: asyncio.StreamWriter, head: str) -> None:
    await asyncio.sleep(60)


async def stall_in_the_middle(writer: asyncio.StreamWriter, head: str) -> None:
    writer.write(fields("200 OK", len(LARGE)) + LARGE[:CHUNK])
    await writer.drain()
    await asyncio.sleep(60)


def outcome(*answers: Answer, patience: Patience = FAST, **asked: Any) -> tuple[bytes, list[str]]:
    """The octets that one open brought, and the ranges that the source was asked for."""

    async def run() -> tuple[bytes, list[str]]:
        async with misbehaving(*answers, patience=patience) as (store, source):
            return await octets(await store.open("b", "k", **asked)), source.ranges

    return asyncio.run(asyncio.wait_for(run(), 30))


@given(
    st.text(st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\/"), min_size=1)
)
def test_the_request_names_the_key_octet_for_octet(key: str) -> None:
    async def run() -> str:
        async with misbehaving(whole(b"x")) as (store, source):
            await octets(await store.open("a b?", f"p/{key}/q"))
            return source.heads[0].split(" ")[1]

    if key not in {".", ".."}:
        assert asyncio.run(run()) == f"/a%20b%3F/p/{quote(key, safe='-._~')}/q"


def test_a_busy_source_is_asked_again() -> None:
    busy = status("503 Slow Down")
    assert outcome(busy, busy, whole()) == (LARGE, ["", "", ""])


def test_a_source_that_stays_busy_is_unavailable_after_four_tries() -> None:
    async def run() -> int:
        async with misbehaving(status("503 Slow Down")) as (store, source):
            with pytest.raises(StoreUnavailable):
                await store.head("b", "k")
            return len(source.heads)

    assert asyncio.run(run()) == 1 + FAST.retries


def test_a_body_cut_short_is_resumed_where_it_broke() -> None:
    data, ranges = outcome(cut(CHUNK + 5), rest())
    assert data == LARGE
    assert ranges == ["", f"bytes={CHUNK + 5}-{len(LARGE) - 1}"]


def test_a_range_cut_short_is_resumed_within_the_range() -> None:
    data, ranges = outcome(rest(sent=10), rest(), first=100, last=CHUNK)
    assert data == LARGE[100 : CHUNK + 1]
    assert ranges == [f"bytes=100-{CHUNK}", f"bytes=110-{CHUNK}"]


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(rest(etag='"other"'), id="another version"),
        pytest.param(status("412 Precondition Failed"), id="precondition"),
        pytest.param(status("404 Not Found"), id="deleted"),
        pytest.param(whole(), id="range ignored"),
        pytest.param(rest(sent=1), id="cut again and again"),
        pytest.param(status("500 Broken"), id="broken for good"),
    ],
)
def test_a_body_that_cannot_be_resumed_never_ends_cleanly(then: Answer) -> None:
    with pytest.raises(StoreUnavailable):
        outcome(cut(CHUNK), then)


def test_a_content_length_above_the_body_never_ends_cleanly() -> None:
    with pytest.raises(StoreUnavailable):
        outcome(cut(len(LARGE), stated=len(LARGE) + 1), status("416 Range Not Satisfiable"))


def test_octets_beyond_the_content_length_are_never_delivered() -> None:
    assert outcome(cut(sent=30, stated=10))[0] == LARGE[:10]


class ShortResult:
    """An answer that ends cleanly with fewer (or more) octets than its range has."""

    range = (0, 10)

    def __init__(self, *chunks: bytes) -> None:
        self._chunks = chunks

    async def stream(self, min_chunk_size: int) -> AsyncIterator[bytes]:
        for chunk in self._chunks:
            yield chunk


@pytest.mark.parametrize("chunks", [[], [b"123"], [b"12345678901"]])
def test_a_wrong_number_of_octets_never_ends_cleanly(chunks: list[bytes]) -> None:
    result: Any = ShortResult(*chunks)
    with pytest.raises(StoreUnavailable, match="length"):
        asyncio.run(octets(S3Body(StoredObject("e", "", 10, 0), result)))


def test_a_stalled_body_is_resumed_or_given_up() -> None:
    assert outcome(stall_in_the_middle, rest())[0] == LARGE
    with pytest.raises(StoreUnavailable):
        outcome(stall_in_the_middle, stall)


def test_a_slow_reader_is_no_stall() -> None:
    async def run() -> bytes:
        patience = Patience(connect=1, read=1)
        async with misbehaving(whole(LARGE * 8), patience=patience) as (store, source):
            body = await store.open("b", "k")
            data = bytes(await anext(aiter(body)))
            await asyncio.sleep(1.5)
            data += await octets(body)
            assert not any(source.ranges)
            return data

    assert asyncio.run(run()) == LARGE * 8


def test_a_silent_source_is_unavailable_within_the_patience() -> None:
    with pytest.raises(StoreUnavailable, match="failed"):
        outcome(stall, patience=Patience(read=0.1, retries=1, backoff=0.001))
    with pytest.raises(StoreUnavailable, match="timeout"):
        outcome(stall, patience=Patience(read=30, answer=0.2))


def test_a_refused_connection_is_an_unavailable_store() -> None:
    async def run() -> None:
        async with misbehaving(whole()) as (store, _):
            pass
        for call in [store.head("b", "k"), store.open("b", "k"), store.check()]:
            with pytest.raises(StoreUnavailable):
                await call

    asyncio.run(run())


@pytest.mark.parametrize("line", ["403 Forbidden", "401 Unauthorized"])
def test_denied_is_never_not_found(line: str) -> None:
    async def run() -> None:
        async with misbehaving(status(line)) as (store, _):
            for call in [store.head("b", "k"), store.open("b", "k"), store.check()]:
                with pytest.raises(StoreUnavailable, match="denied"):
                    await call

    asyncio.run(run())


@pytest.mark.parametrize(
    "answer",
    [status("301 Moved Permanently"), status("400 Bad Request"), whole(etag="")],
)
def test_an_answer_without_sense_is_an_unavailable_store(answer: Answer) -> None:
    with pytest.raises(StoreUnavailable):
        outcome(answer)


def test_a_range_that_is_refused_though_it_is_there_is_an_unavailable_store() -> None:
    with pytest.raises(StoreUnavailable):
        outcome(status("416 Range Not Satisfiable"), whole(), first=5, last=9)


def test_a_range_answered_by_the_whole_object_is_not_delivered() -> None:
    with pytest.raises(StoreUnavailable):
        outcome(whole(), first=5, last=9)


def test_a_precondition_that_fails_is_a_changed_document() -> None:
    with pytest.raises(DocumentChanged):
        outcome(status("412 Precondition Failed"))


def test_a_weak_etag_and_the_version_null_are_trimmed() -> None:
    async def run() -> StoredObject:
        answer = whole(b"x", "x-amz-version-id: null", etag='W/"abc"')
        async with misbehaving(answer) as (store, _):
            return (await store.open("b", "k")).stored

    stored = asyncio.run(run())
    assert (stored.etag, stored.version_id) == ("abc", "")


def test_an_error_never_tells_the_documents_name() -> None:
    async def run() -> BaseException:
        async with misbehaving(status("500 Broken")) as (store, _):
            with pytest.raises(StoreUnavailable) as caught:
                await store.head("b", "a-secret-name")
            return caught.value

    error = asyncio.run(run())
    assert "secret" not in str(error)
    assert error.__suppress_context__


@pytest.mark.parametrize("read", [False, True])
def test_a_closed_body_drops_its_connection(read: bool) -> None:
    async def endless(writer: asyncio.StreamWriter, head: str) -> None:
        writer.write(fields("200 OK", 10**12))
        while True:
            writer.write(LARGE)
            await writer.drain()

    async def run() -> None:
        async with misbehaving(endless) as (store, source):
            body = await store.open("b", "k")
            if read:
                await anext(aiter(body))
            await body.aclose()
            await body.aclose()
            await asyncio.wait_for(source.left.wait(), 30)
            with pytest.raises(StoreUnavailable):
                await octets(body)

    asyncio.run(run())


def test_a_given_key_pair_is_not_mixed_with_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "from-the-environment")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAENVIRONMENT")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    heads = asyncio.run(signed(PAIR)), asyncio.run(signed(Credentials()))
    assert "AKIAEXAMPLE" in heads[0]
    assert "from-the-environment" not in heads[0]
    assert "AKIAENVIRONMENT" in heads[1]
    assert "from-the-environment" in heads[1]


async def signed(credentials: Credentials) -> str:
    """The fields of a request made with these credentials."""
    source = Source(whole(b"x"))
    async with source.listening() as endpoint:
        store = S3Store(
            StoreAddress("s3", endpoint=endpoint, region="eu-west-1", credentials=credentials)
        )
        await octets(await store.open("b", "k"))
        await store.aclose()
    assert "/eu-west-1/s3/" in source.heads[0]
    return source.heads[0]


def test_plain_http_is_refused_unless_the_endpoint_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def run() -> list[str]:
        source = Source(whole(b"x"))
        async with source.listening() as endpoint:
            monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
            monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
            with pytest.raises(StoreUnavailable):
                await S3Store(StoreAddress("s3", credentials=PAIR), patience=FAST).head("b", "k")
        return source.heads

    assert asyncio.run(run()) == []
