"""Jobs: what a worker is asked for, with its source and how its reply is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

from imaging import protocol
from imaging.conversions import Conversion, Converted
from imaging.limits import Limits
from imaging.rendered import Description, Rendered
from imaging.renditions import Rendition

Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Job(Generic[Answer]):
    """A request with its source; `read` raises what the worker refused."""

    request: Mapping[str, object]
    source: bytes
    read: Callable[[protocol.Head, bytes], Answer]


def rendering(source: bytes, rendition: Rendition, limits: Limits) -> Job[Rendered]:
    return Job(protocol.render_request(rendition, limits), source, protocol.rendered_of)


def improving(source: bytes, rendition: Rendition, limits: Limits) -> Job[Rendered]:
    return Job(protocol.improve_request(rendition, limits), source, protocol.rendered_of)


def converting(source: bytes, conversion: Conversion, limits: Limits) -> Job[Converted]:
    return Job(protocol.convert_request(conversion, limits), source, protocol.converted_of)


def describing(source: bytes, limits: Limits) -> Job[Description]:
    return Job(protocol.describe_request(limits), source, protocol.description_of)
