from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.telemetry.writer import LineBuffer, LineWriter, pieces

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    reading, writing = os.pipe()
    yield reading, writing
    os.close(reading)
    os.close(writing)


def test_lines_come_out_whole_and_in_order(pipe: Pipe) -> None:
    writer = LineWriter(pipe[1])
    writer.write(b"one\ntwo\n")
    writer.write(b"three\n")
    writer.close()
    assert os.read(pipe[0], 100) == b"one\ntwo\nthree\n"


def test_a_reader_that_stands_still_costs_lines_and_never_blocks(pipe: Pipe) -> None:
    writer = LineWriter(pipe[1], pending=200_000)
    for _ in range(100):
        writer.write(b"x" * 9_999 + b"\n")
    assert 60 <= writer.dropped <= 93
    seen = 0
    kept = (100 - writer.dropped) * 10_000
    while seen < kept:
        seen += len(os.read(pipe[0], 65_536))
    assert seen == kept
    writer.write(b"again\n")
    assert os.read(pipe[0], 100) == b"again\n"
    writer.close()


def test_a_descriptor_that_does_not_block_is_waited_for(pipe: Pipe) -> None:
    os.set_blocking(pipe[1], False)
    writer = LineWriter(pipe[1])
    writer.write(b"y\n" * 100_000)
    seen = b""
    while len(seen) < 200_000:
        seen += os.read(pipe[0], 65_536)
    assert seen == b"y\n" * 100_000
    assert writer.dropped == 0
    writer.close()


def test_a_reader_that_left_is_counted_not_raised() -> None:
    reading, writing = os.pipe()
    os.close(reading)
    writer = LineWriter(writing)
    writer.write(b"a\nb\n")
    writer.close()
    assert writer.dropped == 2
    os.close(writing)


@given(st.lists(st.binary(max_size=40).map(lambda line: line.replace(b"\n", b"") + b"\n")))
def test_pieces_end_at_line_ends_and_lose_nothing(lines: list[bytes]) -> None:
    blob = b"".join(lines)
    cut = list(pieces(blob, 32))
    assert b"".join(cut) == blob
    assert all(piece.endswith(b"\n") for piece in cut)
    assert all(len(piece) <= 32 or piece.count(b"\n") == 1 for piece in cut)


def test_a_blob_without_a_line_end_is_one_piece() -> None:
    assert list(pieces(b"z" * 50, 32)) == [b"z" * 50]


class Collected(LineWriter):
    def __init__(self) -> None:
        self.blobs: list[bytes] = []
        self.dropped = 0
        self.came = asyncio.Event()

    def write(self, blob: bytes) -> None:
        self.blobs.append(blob)
        self.came.set()


def test_a_loop_hands_its_lines_over_together_after_a_moment() -> None:
    writer = Collected()

    async def run() -> None:
        buffer = LineBuffer(writer, every=0.01)
        buffer.add("one\n")
        buffer.add("two\n")
        assert writer.blobs == []
        async with asyncio.timeout(10):
            await writer.came.wait()
        buffer.add("three\n")
        buffer.flush()
        buffer.flush()

    asyncio.run(run())
    assert writer.blobs == [b"one\ntwo\n", b"three\n"]


def test_a_full_buffer_does_not_wait() -> None:
    writer = Collected()

    async def run() -> None:
        buffer = LineBuffer(writer, every=3600, size=10)
        for line in ("12345\n", "67890\n", "next\n"):
            buffer.add(line)

    asyncio.run(run())
    assert writer.blobs == [b"12345\n67890\n"]


def test_without_a_loop_every_line_goes_at_once() -> None:
    writer = Collected()
    buffer = LineBuffer(writer)
    buffer.add("one\n")
    buffer.add("two\n")
    assert writer.blobs == [b"one\n", b"two\n"]
