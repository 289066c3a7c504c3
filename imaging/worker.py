"""One worker process: takes a job from its socket, renders, answers, until the socket ends.

It is started with an empty environment, its socket as standard input, and no other descriptor.
It never opens a path for a job and never writes to disk. When its parent dies, the socket ends
and so does it; in mid-job the CPU limit is the last word.
"""

from __future__ import annotations

import resource
import signal
import socket
from contextlib import suppress
from typing import BinaryIO

from PIL import AvifImagePlugin, Image

from imaging import heif, protocol
from imaging.conversions import find_conversion
from imaging.engine import ENGINE_VERSION, convert, describe, render
from imaging.errors import BrokenSource, ImagingError
from imaging.renditions import parse_spec

MEMORY = 1 << 30
"""Address space for jobs, beyond what the process has once everything is imported."""

CPU_SECONDS = 10
_DESCRIPTORS = 32


def main() -> None:
    """Serves the socket on descriptor 0."""
    # A signal to the whole group is for the parent, who drains; the socket's end is for us.
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, signal.SIG_IGN)
    prepare()
    with socket.socket(fileno=0) as channel:
        confine()
        serve(channel)


def prepare() -> None:
    """Loads every decoder there is: one found later would be a file opened in a job."""
    with suppress(BrokenSource):
        heif.prepare()
    Image.init()
    # One job has one core; and each thread of a decoder would take its stack from the limit.
    AvifImagePlugin.DEFAULT_MAX_THREADS = 1


def serve(channel: socket.socket) -> None:
    """Greets, then answers request after request; returns when the other side is gone."""
    with channel.makefile("rb") as inbox:
        try:
            channel.sendall(protocol.pack({"ready": ENGINE_VERSION}, 0))
            while request := _receive(inbox):
                reply, body = _answer(*request)
                channel.sendall(protocol.pack(reply, len(body)))
                channel.sendall(body)
        except (BrokenPipeError, ConnectionResetError):
            return


def confine() -> None:
    """Limits what a hijacked decoder can do: memory, descriptors, files, core dumps."""
    with open("/proc/self/statm", encoding="ascii") as statm:
        base = int(statm.read().split()[0]) * resource.getpagesize()
    for limit, most in (
        (resource.RLIMIT_AS, base + MEMORY),
        (resource.RLIMIT_NOFILE, _DESCRIPTORS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        _lower(limit, most)


def arm_cpu(seconds: int = CPU_SECONDS) -> None:
    """Gives the job that begins now that much CPU time; the kernel ends what takes more."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    soft = int(used.ru_utime + used.ru_stime) + 1 + seconds
    resource.setrlimit(
        resource.RLIMIT_CPU, (soft if hard == resource.RLIM_INFINITY else min(soft, hard), hard)
    )


def _lower(limit: int, most: int) -> None:
    _, hard = resource.getrlimit(limit)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(limit, (most, most))


def _receive(inbox: BinaryIO) -> tuple[protocol.Head, bytes] | None:
    prefix = inbox.read(protocol.PREFIX.size)
    if len(prefix) < protocol.PREFIX.size:
        return None
    head_length, body_length = protocol.unpack_prefix(prefix)
    head, body = inbox.read(head_length), inbox.read(body_length)
    if len(head) + len(body) < head_length + body_length:
        return None
    return protocol.unpack_head(head), body


def _answer(head: protocol.Head, source: bytes) -> tuple[dict[str, object], bytes]:
    arm_cpu()
    try:
        limits = protocol.limits_of(head)
        match head.text("do"):
            case "render":
                rendered = render(source, parse_spec(head.text("spec")), limits)
                return protocol.rendered_reply(rendered), rendered.body
            case "convert" if conversion := find_conversion(head.text("name")):
                converted = convert(source, conversion, limits)
                return protocol.converted_reply(converted), converted.body
            case "describe":
                return protocol.described_reply(describe(source, limits)), b""
            case _:
                raise BrokenSource("unsupported")
    except ImagingError as error:
        return protocol.error_reply(error), b""
