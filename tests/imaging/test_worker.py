"""A worker answers every request it understands, refuses the rest, and ends with its socket."""

from __future__ import annotations

import resource
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import pytest

from imaging.conversions import Conversion
from imaging.errors import BrokenSource, PageMissing
from imaging.limits import Limits
from imaging.names.renditions import Rendition
from imaging.rendered import ENGINE_VERSION
from imaging.workers import protocol
from imaging.workers.worker import arm_cpu, serve

ROOT = Path(__file__).resolve().parents[2]
SMALL = Rendition(width=160)


@contextmanager
def serving() -> Iterator[tuple[socket.socket, BinaryIO]]:
    ours, theirs = socket.socketpair()
    # The loop alone, in a thread: without limits that would bind this whole process.
    thread = threading.Thread(target=serve, args=(theirs,))
    before = resource.getrlimit(resource.RLIMIT_CPU)
    thread.start()
    try:
        with ours, ours.makefile("rb") as inbox:
            head, body = received(inbox)
            assert (head.text("ready"), body) == (ENGINE_VERSION, b"")
            yield ours, inbox
    finally:
        ours.close()
        thread.join(20)
        theirs.close()
        resource.setrlimit(resource.RLIMIT_CPU, before)
    assert not thread.is_alive()


def received(inbox: BinaryIO) -> tuple[protocol.Head, bytes]:
    head, body = protocol.unpack_prefix(inbox.read(protocol.PREFIX.size))
    return protocol.unpack_head(inbox.read(head)), inbox.read(body)


def ask(channel: socket.socket, inbox: BinaryIO, request, source: bytes):
    channel.sendall(protocol.pack(request, len(source)) + source)
    return received(inbox)


def test_it_answers_request_after_request(darkroom) -> None:
    photo = darkroom.file(darkroom.quarters())
    with serving() as (channel, inbox):
        for _ in range(2):
            reply = ask(channel, inbox, protocol.render_request(SMALL, Limits()), photo)
            assert protocol.rendered_of(*reply).width == 160
            reply = ask(channel, inbox, protocol.describe_request(Limits()), photo)
            assert protocol.description_of(*reply).width == 800


def test_it_rests_when_there_is_nothing_to_do_and_works_on(darkroom) -> None:
    photo = darkroom.file(darkroom.quarters())
    rested = threading.Event()
    ours, theirs = socket.socketpair()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, struct.pack("ll", 0, 10_000))
    thread = threading.Thread(target=serve, args=(theirs,), kwargs={"rest": rested.set})
    before = resource.getrlimit(resource.RLIMIT_CPU)
    thread.start()
    try:
        with ours, ours.makefile("rb") as inbox:
            received(inbox)
            assert rested.wait(20)
            request = protocol.pack(protocol.describe_request(Limits()), len(photo))
            rested.clear()
            ours.sendall(request[:5])
            assert rested.wait(20), "a silence in the middle of a request ends nothing"
            ours.sendall(request[5:] + photo)
            assert protocol.description_of(*received(inbox)).width == 800
    finally:
        ours.close()
        thread.join(20)
        theirs.close()
        resource.setrlimit(resource.RLIMIT_CPU, before)
    assert not thread.is_alive()


def test_it_converts(darkroom) -> None:
    with serving() as (channel, inbox):
        pdf = darkroom.pdf((100, 100))
        for conversion in (Conversion(), Conversion(1)):
            request = protocol.convert_request(conversion, Limits())
            made = protocol.converted_of(*ask(channel, inbox, request, pdf))
            assert made.body == b""
            assert made.kept == (conversion == Conversion())
        unknown = {**protocol.convert_request(Conversion(), Limits()), "name": "auto"}
        with pytest.raises(BrokenSource, match="unsupported"):
            protocol.converted_of(*ask(channel, inbox, unknown, pdf))


def test_it_answers_errors(darkroom) -> None:
    photo = darkroom.file(darkroom.quarters())
    with serving() as (channel, inbox):
        second = protocol.render_request(Rendition(page=2, width=160), Limits())
        with pytest.raises(PageMissing):
            protocol.rendered_of(*ask(channel, inbox, second, photo))
        unknown = {**protocol.describe_request(Limits()), "do": "dream"}
        with pytest.raises(BrokenSource, match="unsupported"):
            protocol.rendered_of(*ask(channel, inbox, unknown, photo))


@pytest.mark.parametrize("sent", [b"", b"OSI1", protocol.pack({"do": "render"}, 100) + b"half"])
def test_it_ends_when_the_other_side_goes_away(sent: bytes) -> None:
    with serving() as (channel, _):
        channel.sendall(sent)
        channel.shutdown(socket.SHUT_WR)


def test_it_ends_when_nobody_takes_the_answer(darkroom) -> None:
    photo = darkroom.file(darkroom.texture((2000, 1500)))
    with serving() as (channel, _):
        request = protocol.render_request(Rendition(width=2000, format="png"), Limits())
        channel.sendall(protocol.pack(request, len(photo)) + photo)


def test_cpu_time_counts_from_what_was_used() -> None:
    before = resource.getrlimit(resource.RLIMIT_CPU)
    try:
        arm_cpu(1000)
        soft, hard = resource.getrlimit(resource.RLIMIT_CPU)
        assert soft > 1000
        assert hard == before[1]
    finally:
        resource.setrlimit(resource.RLIMIT_CPU, before)


LIMITED = """
import sys, os, signal
sys.path.insert(0, sys.argv[1])
from imaging.workers import worker
import resource
resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))
resource.setrlimit(resource.RLIMIT_CPU, (5, 5))
worker.limit()
worker.arm_cpu(1000)
print(resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_CPU))
try:
    bytearray(2 << 30)
except MemoryError:
    print("no memory")
try:
    os.write(os.open(sys.argv[2], os.O_CREAT | os.O_WRONLY), b"x")
except OSError as error:
    print(error.strerror)
"""


def test_a_limited_process_can_neither_grow_nor_write(tmp_path: Path) -> None:
    command = [sys.executable, "-c", LIMITED, str(ROOT), str(tmp_path / "file")]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    # Limits that were tighter before stay as they were.
    assert done.stdout.splitlines() == ["(20, 20) (5, 5)", "no memory", "File too large"]


def test_a_job_beyond_its_cpu_time_is_ended_by_the_kernel() -> None:
    spin = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "from imaging.workers.worker import arm_cpu\n"
        "arm_cpu(0)\n"
        "while True: pass"
    )
    done = subprocess.run([sys.executable, "-c", spin], check=False, timeout=120)
    assert done.returncode == -24  # SIGXCPU
