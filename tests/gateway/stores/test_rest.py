"""The REST store against a source that lies, stalls or breaks, octet for octet."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpcore
import pytest

from gateway.errors import StoreUnavailable
from gateway.originals import REMOTE_READER
from gateway.settings import Credentials, StoreAddress
from gateway.stores import CHUNK, Body, StoredObject
from gateway.stores.rest import AHEAD, Patience, Rest
from gateway.stores.supabase import SupabaseStore

LARGE = bytes(range(256)) * (3 * CHUNK // 256) + b"the end"
FAST = Patience(connect=0.3, read=0.3, retries=2, backoff=0.001)
Answer = Callable[[asyncio.StreamWriter, str], Awaitable[None]]


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
        with contextlib.suppress(
            asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError
        ):
            while not writer.is_closing():
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                answer = self._answers[min(len(self.heads), len(self._answers) - 1)]
                self.heads.append(head.lower())
                await answer(writer, head)
                await writer.drain()
        writer.transport.abort()
        self.left.set()

    @property
    def ranges(self) -> list[str]:
        """The Range field of each request, empty where there was none."""
        return [head.partition("\r\nrange: ")[2].partition("\r\n")[0] for head in self.heads]


@contextlib.asynccontextmanager
async def misbehaving(
    *answers: Answer, patience: Patience = FAST
) -> AsyncIterator[tuple[SupabaseStore, Source]]:
    source = Source(*answers)
    async with source.listening() as url:
        address = StoreAddress("supabase", root=url, credentials=Credentials(secret_key="key"))
        store = SupabaseStore(address, patience=patience)
        try:
            yield store, source
        finally:
            await store.aclose()


def told(line: str, data: bytes = b"", *more: str, length: int | None = None) -> Answer:
    """An answer as it stands; `length` -1 leaves Content-Length out."""

    async def answer(writer: asyncio.StreamWriter, head: str) -> None:
        stated = len(data) if length is None else length
        lines = [f"HTTP/1.1 {line}", *more]
        lines += [f"Content-Length: {stated}"] if stated >= 0 else []
        writer.write("\r\n".join([*lines, "", ""]).encode() + data)
        if stated != len(data):
            await writer.drain()
            writer.close()

    return answer


ETAG = 'ETag: "abc"'


def whole(data: bytes = LARGE, *more: str, etag: str = ETAG, length: int | None = None) -> Answer:
    date = "Last-Modified: Mon, 23 Nov 2026 00:00:00 GMT"
    return told("200 OK", data, etag, date, *more, length=length)


def rest(first: int, data: bytes, *, size: int = len(LARGE), etag: str = ETAG) -> Answer:
    span = f"Content-Range: bytes {first}-{first + len(data) - 1}/{size}"
    return told("206 Partial Content", data, etag, span)


async def stall(writer: asyncio.StreamWriter, head: str) -> None:
    await asyncio.sleep(60)


async def hang_up(writer: asyncio.StreamWriter, head: str) -> None:
    writer.close()


async def octets(body: Body) -> bytes:
    try:
        return b"".join([bytes(chunk) async for chunk in body])
    finally:
        await body.aclose()


def outcome(*answers: Answer, patience: Patience = FAST, **asked: Any) -> tuple[bytes, list[str]]:
    """The octets that one open brought, and the ranges that the source was asked for."""

    async def run() -> tuple[bytes, list[str]]:
        async with misbehaving(*answers, patience=patience) as (store, source):
            return await octets(await store.open("b", "k", **asked)), source.ranges

    return asyncio.run(asyncio.wait_for(run(), 30))


def stored(answer: Answer) -> StoredObject:
    async def run() -> StoredObject:
        async with misbehaving(answer) as (store, _):
            return await store.head("b", "k")

    return asyncio.run(run())


def test_a_connection_that_breaks_before_the_answer_is_tried_again() -> None:
    assert outcome(hang_up, hang_up, whole())[0] == LARGE


def test_a_source_that_always_hangs_up_is_unavailable() -> None:
    with pytest.raises(StoreUnavailable, match="failed"):
        outcome(hang_up)


def test_little_comes_ahead_of_a_reader_that_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Readers are reckoned with `REMOTE_READER` octets; the kernel's own room is megabytes."""
    rooms: list[int] = []
    connect = httpcore.AnyIOBackend.connect_tcp

    async def watched(*args: Any, **options: Any) -> httpcore.AsyncNetworkStream:
        stream = await connect(*args, **options)
        line = stream.get_extra_info("socket")
        rooms.append(line.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
        return stream

    monkeypatch.setattr(httpcore.AnyIOBackend, "connect_tcp", watched)
    assert outcome(whole())[0] == LARGE
    # The kernel counts twice what is asked for (socket(7)).
    assert rooms
    assert max(rooms) <= 2 * AHEAD[2] <= REMOTE_READER


def test_a_source_whose_fields_do_not_end_is_unavailable_within_the_patience() -> None:
    """However little of them comes at a time: no silence is as long as it may be."""

    async def trickle(writer: asyncio.StreamWriter, head: str) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nX-Slow: y")
        await stall(writer, head)

    with pytest.raises(StoreUnavailable, match="timeout"):
        outcome(trickle, patience=Patience(read=30, answer=0.4))


def test_a_silent_source_is_unavailable_within_the_patience() -> None:
    with pytest.raises(StoreUnavailable, match="timeout"):
        outcome(stall)


def test_a_refused_connection_is_an_unavailable_store() -> None:
    async def run() -> None:
        async with misbehaving(whole()) as (store, _):
            pass
        for call in [store.head("b", "k"), store.open("b", "k"), store.check()]:
            with pytest.raises(StoreUnavailable):
                await call
        await store.aclose()

    asyncio.run(run())


def test_a_stalled_body_is_resumed_or_given_up() -> None:
    async def stop_midway(writer: asyncio.StreamWriter, head: str) -> None:
        await whole(LARGE[: CHUNK // 2], length=len(LARGE))(writer, head)

    data, ranges = outcome(stop_midway, rest(CHUNK // 2, LARGE[CHUNK // 2 :]))
    assert data == LARGE
    assert ranges == ["", f"bytes={CHUNK // 2}-{len(LARGE) - 1}"]
    with pytest.raises(StoreUnavailable):
        outcome(stop_midway, stall)


def test_a_slow_reader_is_no_stall() -> None:
    async def run() -> bytes:
        async with misbehaving(whole(LARGE * 8)) as (store, source):
            body = await store.open("b", "k")
            data = bytes(await anext(aiter(body)))
            await asyncio.sleep(3 * FAST.read)
            data += await octets(body)
            assert source.ranges == [""]
            return data

    assert asyncio.run(run()) == LARGE * 8


@pytest.mark.parametrize(
    "then",
    [
        pytest.param(whole(), id="range ignored"),
        pytest.param(rest(5, LARGE[5:]), id="another range"),
        pytest.param(rest(CHUNK // 2, b"xy"), id="too few"),
        pytest.param(rest(CHUNK // 2, LARGE[CHUNK // 2 :], size=9**9), id="another size"),
        pytest.param(told("416 No"), id="refused"),
        pytest.param(told("500 Broken"), id="broken for good"),
    ],
)
def test_a_body_that_cannot_be_resumed_never_ends_cleanly(then: Answer) -> None:
    with pytest.raises(StoreUnavailable):
        outcome(whole(LARGE[: CHUNK // 2], length=len(LARGE)), then)


def test_a_content_length_above_the_body_never_ends_cleanly() -> None:
    with pytest.raises(StoreUnavailable):
        outcome(whole(length=len(LARGE) + 1), told("416 Range Not Satisfiable"))


def test_octets_beyond_the_content_length_are_never_delivered() -> None:
    assert outcome(whole(LARGE[:30], length=10))[0] == LARGE[:10]


@pytest.mark.parametrize("data", [b"12345", b"123456789012"])
def test_a_range_of_another_length_than_it_states_never_ends_cleanly(data: bytes) -> None:
    async def chunked(writer: asyncio.StreamWriter, head: str) -> None:
        fields = f"HTTP/1.1 206 OK\r\n{ETAG}\r\nContent-Range: bytes 0-9/10\r\n"
        body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(data), data)
        writer.write(fields.encode() + b"Transfer-Encoding: chunked\r\n\r\n" + body)

    with pytest.raises(StoreUnavailable):
        outcome(chunked, told("416 No"), last=9)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(whole(etag="X: y"), id="no ETag"),
        pytest.param(whole(etag='ETag: ""'), id="empty ETag"),
        pytest.param(whole(b"", length=-1), id="no length"),
        pytest.param(whole(LARGE, "Content-Encoding: gzip"), id="coded"),
        pytest.param(told("206 Partial", b"x", ETAG), id="no span"),
        pytest.param(told("206 Partial", b"x", ETAG, "Content-Range: bytes 0-0/*"), id="no size"),
        pytest.param(rest(0, LARGE[:9]), id="a part instead of all"),
        pytest.param(told("301 Moved", b"", "Location: /elsewhere"), id="moved"),
        pytest.param(told("200 OK\r\nbroken"), id="no HTTP"),
    ],
)
def test_an_answer_without_sense_is_an_unavailable_store(answer: Answer) -> None:
    with pytest.raises(StoreUnavailable):
        outcome(answer)


@pytest.mark.parametrize("line", ["200 OK", "400 Bad Request", "404 Not Found", "500 Broken"])
def test_what_is_packed_is_not_unpacked(line: str) -> None:
    said = b'{"statusCode":"404","error":"not_found","message":"Object not found"}'
    packed = told(line, gzip.compress(said), ETAG, "Content-Encoding: gzip")
    with pytest.raises(StoreUnavailable, match="coding"):
        outcome(packed)


@pytest.mark.parametrize("coding", ["gzip", "br"])
def test_packed_words_of_an_object_are_not_unpacked(coding: str) -> None:
    packed = told("200 OK", gzip.compress(b'{"metadata":{}}'), f"Content-Encoding: {coding}")

    async def run() -> None:
        async with Source(packed).listening() as url:
            words = Rest(url, "key", FAST)
            try:
                await words.said("/object/info/b/k")
            finally:
                await words.aclose()

    with pytest.raises(StoreUnavailable, match="coding"):
        asyncio.run(run())


def test_a_range_answered_by_the_whole_object_is_not_delivered() -> None:
    with pytest.raises(StoreUnavailable):
        outcome(whole(), first=5, last=9)


def test_a_head_answered_by_the_whole_object_knows_its_size_and_drops_the_rest() -> None:
    async def endless(writer: asyncio.StreamWriter, head: str) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\n{ETAG}\r\nContent-Length: {10**12}\r\n\r\n".encode())
        while True:
            writer.write(LARGE)
            await writer.drain()

    async def run() -> int:
        async with misbehaving(endless) as (store, source):
            size = (await store.head("b", "k")).size
            await asyncio.wait_for(source.left.wait(), 30)
            return size

    assert asyncio.run(run()) == 10**12


def test_a_weak_etag_names_the_version_too() -> None:
    assert stored(whole(b"x", etag='ETag: W/"abc"')).identity == "abc"


@pytest.mark.parametrize(
    ("date", "seconds"),
    [
        ("Mon, 23 Nov 2026 00:00:00 GMT", 1_795_392_000),
        ("yesterday", 0),
        ("", 0),
        ("Mon, 99 Nov 2026 00:00:00 GMT", 0),
    ],
)
def test_a_date_that_is_none_is_the_beginning_of_time(date: str, seconds: int) -> None:
    answer = told("200 OK", b"x", ETAG, f"Last-Modified: {date}")
    assert stored(answer).modified_at == seconds


@pytest.mark.parametrize(
    ("info", "modified_at"),
    [
        (b'{"size":0,"etag":"\\"e\\"","last_modified":"2026-11-23T00:00:00.404Z"}', 1_795_392_000),
        (b'{"size":0,"etag":"e","last_modified":null}', 0),
    ],
)
def test_an_object_without_octets_is_known_from_the_table(info: bytes, modified_at: int) -> None:
    async def run() -> StoredObject:
        async with misbehaving(told("500 Broken"), told("200 OK", info)) as (store, source):
            found = await store.head("b", "k")
            assert "/object/info/authenticated/b/k" in source.heads[1]
            return found

    assert asyncio.run(run()) == StoredObject("e", "", 0, modified_at)


@pytest.mark.parametrize(
    "info", [b"", b"[]", b'{"size":5,"etag":"e"}', b'{"size":0}', b'{"size":0,"etag":null}']
)
def test_a_table_that_tells_of_octets_or_no_version_is_no_help(info: bytes) -> None:
    async def run() -> None:
        async with misbehaving(told("500 Broken"), told("200 OK", info)) as (store, _):
            with pytest.raises(StoreUnavailable):
                await store.head("b", "k")

    asyncio.run(run())


@pytest.mark.parametrize("broken", [False, True])
def test_an_error_too_long_or_cut_short_is_still_an_error(broken: bool) -> None:
    body = b'{"statusCode":"404","error":"not_found"}'.ljust(100_000)
    with pytest.raises(StoreUnavailable, match="failed"):
        outcome(told("400 Bad Request", body[:50] if broken else body, length=100_000))


def test_cookies_of_one_answer_do_not_go_up_with_the_next() -> None:
    async def run() -> list[str]:
        async with misbehaving(whole(b"x", "Set-Cookie: a=b; Path=/")) as (store, source):
            for _ in range(2):
                await octets(await store.open("b", "k"))
            return source.heads

    heads = asyncio.run(run())
    assert len(heads) == 2
    assert not any("cookie:" in head for head in heads)


def test_an_error_never_tells_the_documents_name_or_the_key() -> None:
    async def run(answer: Answer) -> BaseException:
        async with misbehaving(answer) as (store, _):
            with pytest.raises(StoreUnavailable) as caught:
                await store.head("b", "a-secret-name")
            return caught.value

    for answer in (told("500 Broken"), hang_up, stall):
        error = asyncio.run(run(answer))
        assert "secret" not in str(error)
        assert "key" not in str(error)
        ours = error.__context__ is None or isinstance(error.__context__, StoreUnavailable)
        assert ours or error.__suppress_context__


@pytest.mark.parametrize("read", [False, True])
def test_a_closed_body_drops_its_connection_and_brings_nothing_more(read: bool) -> None:
    async def run() -> None:
        async with misbehaving(whole(LARGE, length=10**9)) as (store, source):
            body = await store.open("b", "k")
            if read:
                await anext(aiter(body))
            await body.aclose()
            await body.aclose()
            await asyncio.wait_for(source.left.wait(), 30)
            with pytest.raises(StoreUnavailable):
                await octets(body)
            assert len(source.heads) == 1

    asyncio.run(run())
