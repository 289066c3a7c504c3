"""Log files: the octets of access logs, plain or gzipped, one file after the other."""

from __future__ import annotations

import gzip
import sys
import zlib
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from io import BufferedReader, RawIOBase
from itertools import chain, islice
from pathlib import Path
from typing import BinaryIO, cast

import click

from gateway.simulation.formats import recognised
from gateway.simulation.portions import Portion, pieces

_GZIP = b"\x1f\x8b"
_LOOKED_AT = 50


def pieces_in(names: Sequence[str]) -> Iterator[bytes]:
    """Whole lines of the files, `-` for standard input. Raises `click.ClickException`."""
    for name in names:
        with ExitStack() as stack:
            try:
                yield from pieces(_opened(name, stack))
            except (EOFError, zlib.error, gzip.BadGzipFile):
                raise click.ClickException(
                    f"{name} is damaged: its gzip can not be read to its end"
                ) from None


def _opened(name: str, stack: ExitStack) -> BinaryIO:
    raw = _standard_input(stack) if name == "-" else _file(name, stack)
    if not raw.peek(2).startswith(_GZIP):
        return raw
    return cast(BinaryIO, stack.enter_context(gzip.GzipFile(fileobj=raw)))


def _file(name: str, stack: ExitStack) -> BufferedReader:
    return stack.enter_context(Path(name).open("rb"))


def _standard_input(stack: ExitStack) -> BufferedReader:
    """With a look ahead, and not closed in the end: it is not ours."""
    reader: BufferedReader = BufferedReader(cast(RawIOBase, sys.stdin.buffer))
    stack.callback(reader.detach)
    return reader


def format_of(pieces: Iterator[bytes]) -> tuple[str, Iterator[bytes]]:
    """The format that the first lines are in, and all of them. Raises `click.UsageError`."""
    looked_at: list[bytes] = []
    lines: list[str] = []
    for piece in pieces:
        looked_at.append(piece)
        lines += islice(Portion(piece).lines(), _LOOKED_AT - len(lines))
        if len(lines) == _LOOKED_AT:
            break
    name = recognised(lines)
    if not any(map(str.strip, lines)):
        raise click.UsageError("there is no line in the log")
    if not name:
        raise click.UsageError("none of the formats reads the first lines; name one with --format")
    return name, chain(looked_at, pieces)
