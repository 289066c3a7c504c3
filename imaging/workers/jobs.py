"""Jobs: what a worker is asked for, with its source and how its reply is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from imaging.conversions import Conversion, Converted
from imaging.encoding.glances import Glance
from imaging.limits import Limits
from imaging.masters.masters import Master
from imaging.names.renditions import ORIGIN, Rendition
from imaging.rendered import Description, Rendered
from imaging.workers import protocol

Answer = TypeVar("Answer")

PICTURES = 4
"""How many scaled pictures a worker keeps at most."""


@dataclass(frozen=True, slots=True)
class Job(Generic[Answer]):
    """A request with its source; `read` raises what the worker refused.

    `picture` names what a worker may keep of it, empty when that is nothing.
    """

    request: Mapping[str, object]
    source: bytes
    read: Callable[[protocol.Head, bytes], Answer]
    picture: str = ""

    def recalled(self) -> Job[Answer]:
        """The same for a worker that has the picture: it needs no source."""
        request = protocol.recall_request(str(self.request["spec"]), self.picture)
        return replace(self, request=request, source=b"")


def rendering(
    source: bytes, rendition: Rendition, limits: Limits, of: str = "", *, develop: bool = False
) -> Job[Rendered]:
    picture = picture_of(of, rendition)
    request = protocol.render_request(rendition, limits, picture, develop=develop)
    return Job(request, source, protocol.rendered_of, picture)


def reprinting(
    master: Master, rendition: Rendition, limits: Limits, of: str, origin: tuple[str, int]
) -> Job[Rendered]:
    picture = picture_of(of, rendition)
    request = protocol.reprint_request(rendition, limits, picture, master, origin)
    return Job(request, master.body, protocol.rendered_of, picture)


def recalling(rendition: Rendition, of: str) -> Job[Rendered]:
    """A job for a worker that has the picture already."""
    picture = picture_of(of, rendition)
    request = protocol.recall_request(rendition.spec, picture)
    return Job(request, b"", protocol.rendered_of, picture)


def picture_of(of: str, rendition: Rendition) -> str:
    """What all formats and qualities of one size of a document's version share, by its name.

    `of` names the document's version. What is hidden in a page, cut from it or written over it is
    shared with nobody: the name is empty.
    """
    shown = Rendition(
        rendition.page,
        rendition.width,
        rendition.height,
        rendition.fit,
        gravity=rendition.gravity,
        window=rendition.window,
    )
    if not of or replace(rendition, quality=0, format="", label="") != shown:
        return ""
    return "" if rendition.format == ORIGIN else f"{of}/{shown.spec}"


def improving(source: bytes, rendition: Rendition, limits: Limits) -> Job[Rendered]:
    return Job(protocol.improve_request(rendition, limits), source, protocol.rendered_of)


def converting(source: bytes, conversion: Conversion, limits: Limits) -> Job[Converted]:
    return Job(protocol.convert_request(conversion, limits), source, protocol.converted_of)


def glancing(source: bytes, limits: Limits) -> Job[Glance]:
    return Job(protocol.glance_request(limits), source, protocol.glance_in)


def describing(source: bytes, limits: Limits) -> Job[Description]:
    return Job(protocol.describe_request(limits), source, protocol.description_of)
