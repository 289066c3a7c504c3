"""What can go wrong between a document's bytes and a rendition.

    ImagingError
    ├── UnknownRendition        the name is no declared rendition and no exact spec
    ├── BrokenSource            these bytes can not become a picture; `reason` says why
    │   ├── SourceTooLarge      more octets, pixels, pages or scans than the limits allow
    │   └── WorkerLost          the worker died or was killed over these bytes
    ├── PageMissing             the document has fewer pages
    ├── MarkBroken              a mark can not be drawn, whatever the document is
    ├── Forgotten               a worker keeps a picture no more, and needs its source
    └── PoolBusy                every worker is busy and the queue is full

Reasons: "empty", "unsupported", "damaged", "truncated", "encrypted", "pdf-engine-missing",
"heif-engine-missing", "no-text", "no-redaction" (nobody told what it hides); of DICOM
"transfer-syntax" (a compression not known here), "no-picture", and of all else "no-window";
"octets", "pixels", "pages", "scans", "elements", "memory"; "timeout", "crash". None tells of the
content.
"""

from __future__ import annotations


class ImagingError(Exception):
    """Base of everything this package raises on purpose."""


class UnknownRendition(ImagingError):
    """No rendition of that name; `nearest` is the declared name closest to it, or empty.

    `reason` is "unknown", "not-made" for a reserved name that the engine can not make, or
    "redaction" or "mark" for one whose redaction is not stored or whose mark is not declared.
    """

    def __init__(self, name: str, nearest: str = "", *, reason: str = "unknown") -> None:
        super().__init__(f"unknown rendition {name[:64]!r}")
        self.name = name
        self.nearest = nearest
        self.reason = reason


class BrokenSource(ImagingError):
    """These bytes can not become a picture; `reason` is a short code, never content."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class SourceTooLarge(BrokenSource):
    """The source passes a limit; `reason` names which."""


class WorkerLost(BrokenSource):
    """The worker died ("crash") or ran out of time ("timeout") over these bytes."""


class PageMissing(ImagingError):
    """The document has only `pages` pages."""

    def __init__(self, pages: int) -> None:
        super().__init__(f"the document has {pages} pages")
        self.pages = pages


class MarkBroken(ImagingError):
    """A mark can not be drawn, which is no document's fault; nothing is shown without it.

    `reason` is "image" for a logo that can not be decoded, "undrawn" for a mark without content.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Forgotten(ImagingError):
    """The worker keeps that picture no more: it needs the source."""


class PoolBusy(ImagingError):
    """Every worker is busy and the queue is full; `retry_after` is in seconds."""

    def __init__(self, retry_after: int = 2) -> None:
        super().__init__("every worker is busy")
        self.retry_after = retry_after
