"""Answers a worker's requests for renditions: of a source, of a master, of what it still keeps."""

from __future__ import annotations

from dataclasses import replace

from imaging.engine import render
from imaging.errors import BrokenSource, Forgotten
from imaging.masters.printing import reprint
from imaging.names.renditions import Rendition
from imaging.pixels.scaled import Scaled
from imaging.rendered import Rendered
from imaging.sources import guarded
from imaging.workers import protocol
from imaging.workers.memos import Memo

KINDS = frozenset({"render", "recall", "reprint"})
"""The requests that are answered here."""


def rendered(head: protocol.Head, source: bytes, memo: Memo) -> Rendered:
    """What the request asks for. Raises what the engine raises, and `Forgotten`."""
    rendition, picture = protocol.rendition_of(head), protocol.picture_of(head)
    if head.text("do") == "recall":
        return _recalled(memo, picture, rendition)

    def finish(scaled: Scaled, rendition: Rendition, below: int) -> Rendered:
        memo.keep(picture, scaled, below)
        made = scaled.encoded(rendition, below)
        if scaled.negative is None or not protocol.wants_master(head):
            return made
        return replace(made, master=scaled.negative.developed())

    limits = protocol.limits_of(head)
    if head.text("do") == "render":
        return render(source, rendition, limits, finish)
    master = protocol.master_of(head, source)
    if not master:
        raise BrokenSource("unsupported")
    return reprint(master, rendition, protocol.origin_of(head), limits, finish)


def _recalled(memo: Memo, picture: str, rendition: Rendition) -> Rendered:
    kept = memo.find(picture)
    if kept is None:
        raise Forgotten
    with guarded():
        return kept.scaled.encoded(rendition, kept.below)
