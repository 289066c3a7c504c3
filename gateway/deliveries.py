"""Deliveries: the answer that a request and a representation make (RFC 9110 sections 13 to 15)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

from gateway.errors import RequestRefused
from gateway.originals import Originals
from gateway.representations import Ready
from gateway.streams import Stream
from gateway.wire.heads import Head
from gateway.wire.preconditions import (
    UNCONDITIONAL,
    Preconditions,
    Verdict,
    evaluate,
    range_applies,
)
from gateway.wire.ranges import (
    ByteRange,
    Multipart,
    Several,
    Single,
    Unsatisfiable,
    Whole,
    content_range,
    select,
    unsatisfied_range,
)
from imaging.marking.viewers import NOBODY, Viewer

FieldList: TypeAlias = list[tuple[bytes, bytes]]

WHOLE = Whole()


class Request(NamedTuple):
    """What delivery needs of a request; `now` is Unix time in seconds.

    Whoever admits the request says who the `viewer` is, where that is proved, and whether it is
    `proven` that an edge asks which verifies links itself and keeps copies without the token.
    `asked` are path and query as they came.
    """

    head: bool
    preconditions: Preconditions
    range: bytes
    accept: str
    now: float
    viewer: Viewer = NOBODY
    proven: bool = False
    asked: tuple[bytes, bytes] = (b"", b"")


class Delivery(NamedTuple):
    """An answer: status, a head made earlier and fields made now, a body in hand or a stream.

    `level` is the cache level it came from, "memory" or "disk", or "miss"; empty for an error.
    `shown` is the name of what was sent, where it is another than was asked for.
    """

    status: int
    head: Head
    fields: FieldList
    body: bytes | Stream
    level: str = ""
    document: str = ""
    shown: str = ""


def unmodified(request: Request, ready: Ready, varying: FieldList, level: str) -> Delivery | None:
    """The 304 that the preconditions ask for, None when they let the request go on.

    Raises `RequestRefused` (412).
    """
    if request.preconditions is UNCONDITIONAL:  # as nearly every request is
        return None
    method = "HEAD" if request.head else "GET"
    verdict = evaluate(method, request.preconditions, ready.validators)
    if verdict is Verdict.NOT_MODIFIED:
        document = ready.representation.document.id
        return Delivery(304, ready.unchanged, varying, b"", level, document)
    if verdict is Verdict.FAILED:
        raise RequestRefused(412, "precondition.failed", "The document is another version now.")
    return None


def selected(
    request: Request, ready: Ready, head: Head, varying: FieldList, level: str, originals: Originals
) -> Delivery:
    """The 200 or 206 with what the Range field selects; HEAD ignores it.

    `varying` is completed. Raises `RequestRefused` (416).
    """
    size, document = ready.representation.size, ready.representation.document.id
    selection: Whole | Single | Several | Unsatisfiable = WHOLE
    ranged = request.range and not request.head
    if ranged and range_applies(request.preconditions, ready.validators):
        selection = select(request.range, size)
    if isinstance(selection, Whole):
        varying.append((b"content-length", b"%d" % size))
        whole = b"" if request.head or size == 0 else ready.representation.body
        if whole is None:
            stream = _stream(ready, [ByteRange(0, size - 1)], originals)
            return Delivery(200, head, varying, stream, level, document)
        return Delivery(200, head, varying, whole, level, document)
    if isinstance(selection, Single):
        part = selection.range
        varying.append((b"content-range", content_range(part, size)))
        varying.append((b"content-length", b"%d" % part.length))
        return Delivery(206, head, varying, _body(ready, [part], originals), level, document)
    if isinstance(selection, Several):
        fields, parts = _parts(ready, selection)
        body = _body(ready, parts, originals)
        return Delivery(
            206, head.without(b"content-type"), [*varying, *fields], body, level, document
        )
    raise RequestRefused(
        416,
        "range.unsatisfiable",
        "No octet of the document lies in the range asked for.",
        fields=((b"content-range", unsatisfied_range(size)),),
    )


def _parts(ready: Ready, several: Several) -> tuple[FieldList, list[bytes | ByteRange]]:
    """The fields that a multipart answer has of its own, and its body's parts (section 14.6)."""
    representation = ready.representation
    multipart = Multipart(
        several.ranges, representation.size, representation.media.text, representation.etag
    )
    fields = [
        (b"content-type", multipart.content_type),
        (b"content-length", b"%d" % multipart.length),
    ]
    parts: list[bytes | ByteRange] = []
    for preamble, part in multipart.parts:
        parts += [preamble, part]
    return fields, [*parts, multipart.closing]


def _body(ready: Ready, parts: Sequence[bytes | ByteRange], originals: Originals) -> bytes | Stream:
    body = ready.representation.body
    if body is None:
        return _stream(ready, parts, originals)
    return b"".join(
        part if isinstance(part, bytes) else body[part.first : part.last + 1] for part in parts
    )


def _stream(ready: Ready, parts: Sequence[bytes | ByteRange], originals: Originals) -> Stream:
    representation = ready.representation
    return Stream(representation.document, parts, representation.source or originals)
