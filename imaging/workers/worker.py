"""One worker process: takes a job from its socket, renders, answers, until the socket ends.

It is started with an empty environment, its socket as standard input, and no other descriptor.
Before the first job it does everything once that takes a file, then gives up files, processes
and sockets for good. When its parent dies, the socket ends and so does it; in mid-job the CPU
limit is the last word.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import BinaryIO, TypeAlias, cast

from PIL import AvifImagePlugin, Image

from imaging.conversions import Conversion, find_conversion
from imaging.engine import convert, describe, glance, render
from imaging.errors import BrokenSource, ImagingError
from imaging.media import PAGED
from imaging.names.renditions import Rendition
from imaging.rendered import MEDIA_TYPES
from imaging.workers import protocol, seccomp
from imaging.workers.memos import Memo
from imaging.workers.renderings import KINDS, rendered
from imaging.workers.specimens import SPECIMENS

MEMORY = 1 << 30
"""Address space for jobs, beyond what the process has once everything is imported."""

CPU_SECONDS = 10
_DESCRIPTORS = 32
_TRIED_WIDTH = 200
# Whoever asks for what is made already comes first on a machine that has no core to spare.
_NICE = 10
# Seconds without a job after which the memo's memory is given back, as a struct timeval.
_IDLE = struct.pack("ll", 10, 0)


Answerer: TypeAlias = Callable[[protocol.Head, bytes], tuple[dict[str, object], bytes]]
"""Makes of a request and its source the head and the body of a reply."""


def main() -> None:
    """Serves the socket on descriptor 0."""
    begin(_NICE)
    prepare()
    memo, trim = Memo(), find_trim()

    def rest() -> None:
        memo.clear()
        trim(0)

    work(partial(answer, memo=memo), rest)


def work(answerer: Answerer, rest: Callable[[], None] = lambda: None) -> None:
    """Serves the socket on descriptor 0, confined to what jobs need."""
    with socket.socket(fileno=0) as channel:
        channel.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _IDLE)
        serve(channel, filtered=confine(), answerer=answerer, rest=rest)


def find_trim() -> Callable[[int], object]:
    """What gives freed memory back to the machine, in C libraries that keep some for later."""
    trim: Callable[[int], object] = getattr(ctypes.CDLL(None), "malloc_trim", lambda pad: 0)
    return trim


def begin(nice: int) -> None:
    """Makes way for other processes, and leaves signals to the parent.

    One to the whole group is for the parent, who drains; the socket's end is for us.
    """
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    os.nice(nice)


def prepare() -> None:
    """Loads all that any job may need, by doing each kind of job once.

    What is loaded later would be a file opened in a job.
    """
    # One job has one core; and no thread can be started later.
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1
    Image.init()
    for media_type, makers in SPECIMENS.items():
        for make in makers:
            with suppress(KeyError, OSError):  # this Pillow does not write that format
                _try_out(make(), media_type)


def answer(
    head: protocol.Head, source: bytes, memo: Memo | None = None
) -> tuple[dict[str, object], bytes]:
    """The reply to a request, errors too, within `CPU_SECONDS`; `memo` keeps what it may."""
    arm_cpu()
    try:
        if head.text("do") in KINDS:
            made = rendered(head, source, memo or Memo())
            return protocol.rendered_reply(made), made.body + made.master.body
        limits = protocol.limits_of(head)
        match head.text("do"):
            case "convert" if conversion := find_conversion(head.text("name")):
                converted = convert(source, conversion, limits)
                return protocol.converted_reply(converted), converted.body
            case "describe":
                return protocol.described_reply(describe(source, limits)), b""
            case "glance":
                return protocol.glanced_reply(glance(source, limits)), b""
            case _:
                raise BrokenSource("unsupported")
    except ImagingError as error:
        return protocol.error_reply(error), b""


def serve(
    channel: socket.socket,
    *,
    filtered: bool = False,
    answerer: Answerer = answer,
    rest: Callable[[], None] = lambda: None,
) -> None:
    """Greets, then answers request after request; returns when the other side is gone.

    `rest` is called when there has been nothing to do for the channel's SO_RCVTIMEO.
    """
    with channel.makefile("rb") as inbox:
        try:
            channel.sendall(protocol.greeting(filtered=filtered))
            while request := _receive(inbox, rest):
                reply, body = answerer(*request)
                channel.sendall(protocol.pack(reply, len(body)))
                channel.sendall(body)
        except (BrokenPipeError, ConnectionResetError):
            return


def confine() -> bool:
    """Takes from a hijacked decoder what no job needs, for good.

    Returns whether the kernel filters system calls; where it can not, the limits hold alone.
    """
    limit()
    return seccomp.install()


def limit() -> None:
    """Bounds memory, descriptors, files and core dumps."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        base = int(statm.read().split()[0]) * resource.getpagesize()
    for bound, most in (
        (resource.RLIMIT_AS, base + MEMORY),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _lower(bound, most)


def arm_cpu(seconds: int = CPU_SECONDS) -> None:
    """Gives the job that begins now that much CPU time; the kernel ends what takes more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


def _try_out(specimen: bytes, media_type: str) -> None:
    """Everything that can be asked of a source; that some of it is refused is no matter."""
    for format in MEDIA_TYPES:
        with suppress(ImagingError):
            render(specimen, Rendition(width=_TRIED_WIDTH, format=format))
    for look in (describe, glance):
        with suppress(ImagingError):
            look(specimen)
    for conversion in (Conversion(), Conversion(page=1)) if media_type in PAGED else ():
        with suppress(ImagingError):
            convert(specimen, conversion)


def _lower(bound: int, most: int) -> None:
    _, hard = resource.getrlimit(bound)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(bound, (most, most))


def _receive(inbox: BinaryIO, rest: Callable[[], None]) -> tuple[protocol.Head, bytes] | None:
    prefix = _exactly(inbox, protocol.PREFIX.size, rest)
    if len(prefix) < protocol.PREFIX.size:
        return None
    head_length, body_length = protocol.unpack_prefix(prefix)
    head, body = _exactly(inbox, head_length), _exactly(inbox, body_length)
    if len(head) + len(body) < head_length + body_length:
        return None
    return protocol.unpack_head(head), body


def _exactly(inbox: BinaryIO, length: int, rest: Callable[[], None] = lambda: None) -> bytes:
    """So many octets, fewer only at the end; a silence longer than SO_RCVTIMEO is time to rest."""
    got = b""
    while len(got) < length:
        # None is what a silence reads as.
        more = cast("bytes | None", inbox.read(length - len(got)))
        if more == b"":
            break
        got += more or b""
        if more is None:
            rest()
    return got
