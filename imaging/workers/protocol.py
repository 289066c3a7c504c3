"""What the pool and its workers say to each other, in frames (imaging/workers/frames.py).

A worker greets with `{"ready": VERSION, "filtered": …}`, then answers each request with one frame.
A request is `{"do": "render", "spec": …, "limits": {…}}`, `{"do": "convert", "name": …, "limits":
{…}}`, or "describe" or "glance" with limits alone, and the source as its body; background workers
know "improve" as well, which has the fields of "render" and its reply. A reply is
`{"ok": "rendered", …}` or `{"ok": "converted", …}` with what was made as its body,
`{"ok": "described", …}`, `{"ok": "glanced", …}`, or `{"error": KIND, …}`. A later engine adds
operations and fields; an operation unknown to a worker is answered with the error "unsupported".
What a redaction in the spec hides stands beside it in "boxes", and what its mark shows in "mark": a
worker knows no database and no settings. With a "picture" the worker may keep what it scaled under
that name, for a request `{"do": "recall", "spec": …, "picture": …}` without a source; one that has
it no more answers with the error "forgotten". With "develop" a reply may tell of a "master", whose
octets stand behind the rendition's; "reprint" is "render" of a master, told of in the same way,
with its source's media type and octets as "origin".

The pool does not trust a worker, which has read hostile bytes: every field of a reply is checked.
"""

from __future__ import annotations

from dataclasses import asdict, replace

from imaging.conversions import Conversion, Converted
from imaging.encoding.glances import Glance, glance_of
from imaging.errors import (
    BrokenSource,
    Forgotten,
    ImagingError,
    MarkBroken,
    PageMissing,
    SourceTooLarge,
)
from imaging.limits import Limits
from imaging.marking.marks import mark_of
from imaging.masters.masters import NO_MASTER, Master
from imaging.masters.masters import master_of as told_master
from imaging.names.redactions import boxes_of, rows_of
from imaging.names.renditions import Rendition, parse_spec
from imaging.rendered import ENGINE_VERSION, LARGEST_SIZE, SIZES, Description, Rendered
from imaging.workers.frames import PREFIX as PREFIX
from imaging.workers.frames import Head as Head
from imaging.workers.frames import ProtocolError as ProtocolError
from imaging.workers.frames import pack as pack
from imaging.workers.frames import unpack_head as unpack_head
from imaging.workers.frames import unpack_prefix as unpack_prefix


def greeting(*, filtered: bool) -> bytes:
    """A worker's first frame; `filtered` says whether the kernel filters its system calls."""
    return pack({"ready": ENGINE_VERSION, "filtered": filtered}, 0)


def render_request(
    rendition: Rendition, limits: Limits, picture: str = "", *, develop: bool = False
) -> dict[str, object]:
    request: dict[str, object] = {"do": "render", "spec": rendition.spec, "limits": asdict(limits)}
    if hidden := rendition.redaction.boxes:
        request["boxes"] = rows_of(hidden)
    if rendition.marked:
        request["mark"] = rendition.mark.told()
    request |= {"develop": True} if develop else {}
    return request | ({"picture": picture} if picture else {})


def recall_request(spec: str, picture: str) -> dict[str, object]:
    return {"do": "recall", "spec": spec, "picture": picture}


def reprint_request(
    rendition: Rendition, limits: Limits, picture: str, master: Master, origin: tuple[str, int]
) -> dict[str, object]:
    media_type, octets = origin
    source = {"media_type": media_type, "octets": octets}
    told: dict[str, object] = {"do": "reprint", "master": master.told(), "origin": source}
    return render_request(rendition, limits, picture) | told


def improve_request(rendition: Rendition, limits: Limits) -> dict[str, object]:
    return {**render_request(rendition, limits), "do": "improve"}


def convert_request(conversion: Conversion, limits: Limits) -> dict[str, object]:
    return {"do": "convert", "name": conversion.name, "limits": asdict(limits)}


def describe_request(limits: Limits) -> dict[str, object]:
    return {"do": "describe", "limits": asdict(limits)}


def rendition_of(head: Head) -> Rendition:
    """The rendition of a request, with the boxes of its redaction and with what its mark shows.

    The engine insists on both.
    """
    try:
        rendition = parse_spec(head.text("spec"))
        if "boxes" in head.fields:
            boxes = boxes_of(head.fields["boxes"])
            rendition = replace(rendition, redaction=replace(rendition.redaction, boxes=boxes))
        if "mark" in head.fields:
            mark = mark_of(rendition.mark.name, head.table("mark").fields)
            rendition = replace(rendition, mark=mark)
        return rendition
    except ValueError as error:
        raise ProtocolError(str(error)) from None


def picture_of(head: Head) -> str:
    """The name under which the worker may keep what it scales; empty when it may not."""
    return head.text("picture") if "picture" in head.fields else ""


def wants_master(head: Head) -> bool:
    """Whether a master is asked for along with the rendition, if there is one."""
    return head.fields.get("develop") is True


def master_of(head: Head, body: bytes) -> Master:
    """The master that ends the body; none where the head tells of none."""
    if "master" not in head.fields:
        return NO_MASTER
    try:
        return told_master(head.table("master").fields, body)
    except ValueError as error:
        raise ProtocolError(str(error)) from None


def origin_of(head: Head) -> tuple[str, int]:
    """The media type and the octets of a master's source."""
    told = head.table("origin")
    return told.text("media_type"), told.count("octets")


def glance_request(limits: Limits) -> dict[str, object]:
    return {"do": "glance", "limits": asdict(limits)}


def limits_of(head: Head) -> Limits:
    """The limits of a request."""
    table = head.table("limits")
    return Limits(*(table.count(name) for name in ("octets", "pixels", "pages", "scans")))


def rendered_reply(rendered: Rendered) -> dict[str, object]:
    """The head of a reply whose body is the rendition's, and its master's behind that."""
    along: dict[str, object] = {"master": rendered.master.told()} if rendered.master else {}
    return along | {
        "ok": "rendered",
        "media_type": rendered.media_type,
        "width": rendered.width,
        "height": rendered.height,
        "quality": rendered.quality,
        "effort": rendered.effort,
        "placeholder": rendered.placeholder.hex(),
        "source": rendered.source,
    }


def converted_reply(converted: Converted) -> dict[str, object]:
    return {"ok": "converted", "media_type": converted.media_type, "engine": converted.engine}


def described_reply(description: Description) -> dict[str, object]:
    return {"ok": "described", **asdict(description)}


def glanced_reply(glance: Glance) -> dict[str, object]:
    return {"ok": "glanced", **glance.fields}


def error_reply(error: ImagingError) -> dict[str, object]:
    match error:
        case PageMissing(pages=pages):
            return {"error": "page", "pages": pages}
        case Forgotten():
            return {"error": "forgotten"}
        case MarkBroken(reason=reason):
            return {"error": "mark", "reason": reason}
        case SourceTooLarge(reason=reason):
            return {"error": "large", "reason": reason}
        case BrokenSource(reason=reason):
            return {"error": "broken", "reason": reason}
        case _:
            return {"error": "broken", "reason": "unsupported"}


def rendered_of(head: Head, body: bytes) -> Rendered:
    """The rendition in a reply, or the error in it raised."""
    _expect(head, "rendered")
    width, height, quality = (head.count(name) for name in ("width", "height", "quality"))
    try:
        media_type, effort = head.text("media_type"), head.text("effort")
        placeholder = bytes.fromhex(head.text("placeholder"))
        master = master_of(head, body)
        shown = placeholder, _pixels(head), master
        own = body[: len(body) - len(master.body)]
        return Rendered(own, media_type, width, height, quality, effort, *shown)
    except ValueError as error:
        raise ProtocolError(str(error)) from None


def converted_of(head: Head, body: bytes) -> Converted:
    """The conversion in a reply, or the error in it raised."""
    _expect(head, "converted")
    try:
        return Converted(body, head.text("media_type"), head.text("engine"))
    except ValueError as error:
        raise ProtocolError(str(error)) from None


def description_of(head: Head, body: bytes) -> Description:
    """The description in a reply, or the error in it raised."""
    _expect(head, "described")
    if body:
        raise ProtocolError("a description has no body")
    width, height, pages = (head.count(name) for name in ("width", "height", "pages"))
    return Description(head.text("media_type"), width, height, pages, _sizes(head))


def glance_in(head: Head, body: bytes) -> Glance:
    """The glance in a reply, or the error in it raised."""
    _expect(head, "glanced")
    try:
        return glance_of(head.text, head.count)
    except ValueError as error:
        raise ProtocolError(str(error)) from None


def _pixels(head: Head) -> tuple[int, int]:
    match head.fields.get("source"):
        case [int() as width, int() as height] if (
            0 <= width < LARGEST_SIZE and 0 <= height < LARGEST_SIZE
        ):
            return width, height
        case _:
            raise ProtocolError("a source has two sides")


def _sizes(head: Head) -> tuple[tuple[float, float], ...]:
    match head.fields.get("sizes"):
        case list() as told if len(told) <= SIZES:
            return tuple(_size(one) for one in told)
        case _:
            raise ProtocolError("sizes are a short list")


def _size(told: object) -> tuple[float, float]:
    match told:
        case [float() | int() as width, float() | int() as height] if (
            0 <= width < LARGEST_SIZE and 0 <= height < LARGEST_SIZE
        ):
            return width, height
        case _:
            raise ProtocolError("a size is two numbers")


def _expect(head: Head, kind: str) -> None:
    if "error" in head.fields:
        raise _error_of(head)
    if head.text("ok") != kind:
        raise ProtocolError("a reply to another question")


def _error_of(head: Head) -> ImagingError:
    match head.text("error"):
        case "page":
            return PageMissing(head.count("pages"))
        case "forgotten":
            return Forgotten()
        case "mark":
            return MarkBroken(head.text("reason"))
        case "large":
            return SourceTooLarge(head.text("reason"))
        case "broken":
            return BrokenSource(head.text("reason"))
        case _:
            raise ProtocolError("an unknown error")
