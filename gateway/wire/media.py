"""Media types that documents are delivered with: an allow-list, confirmed by the bytes.

What a store was told is a hint. A type that browsers run (HTML, SVG, XML, script) is never
named, not even truthfully: a proxy that drops the sandbox must not make it run.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MediaType:
    """A Content-Type, whether it may be shown in place, and whether it is a PDF."""

    text: bytes
    inline: bool
    pdf: bool = False


UNKNOWN = MediaType(b"application/octet-stream", inline=False)

_SHOWN = frozenset(
    {
        "image/jpeg",
        "image/png",
        "image/gif",
        "image/webp",
        "image/avif",
        "image/tiff",
        "image/bmp",
        "image/heic",
        "image/heif",
        "image/jp2",
        "image/jxl",
        "audio/mpeg",
        "audio/mp4",
        "audio/wav",
        "audio/flac",
        "video/mp4",
        "video/webm",
    }
)
_SAVED = frozenset(
    {
        "application/dicom",
        "application/rtf",
        "application/gzip",
        "application/vnd.rar",
        "application/x-7z-compressed",
        "video/quicktime",
    }
)
# Office files are containers: the signature proves the container, the extension tells which.
_ZIPPED = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "odp": "application/vnd.oasis.opendocument.presentation",
    "epub": "application/epub+zip",
    "zip": "application/zip",
}
_OLE = {
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
    "ppt": "application/vnd.ms-powerpoint",
    "msg": "application/vnd.ms-outlook",
}
_CONTAINERS = {"application/zip": _ZIPPED, "application/x-ole-storage": _OLE}

_TEXT_EXTENSIONS = {
    "txt": "text/plain",
    "log": "text/plain",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "md": "text/markdown",
    "markdown": "text/markdown",
    "json": "application/json",
}
_TEXTS = frozenset(_TEXT_EXTENSIONS.values())
# What stores say when they were told nothing.
_UNTOLD = frozenset({"", "application/octet-stream", "binary/octet-stream"})
# WHATWG MIME Sniffing §3: octets that no text holds.
_BINARY = re.compile(rb"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f]")


def delivery_type(stored_type: str, key: str, head: bytes, sniffed: str) -> MediaType:
    """The type to deliver a document with.

    `stored_type` is what the store was told, `head` the document's first octets (a few KiB),
    `sniffed` the type that those prove, or "" when they prove none.
    """
    extension = _extension(key)
    if sniffed == "application/pdf":
        return MediaType(b"application/pdf", inline=True, pdf=True)
    if sniffed in _SHOWN or sniffed in _SAVED:
        return MediaType(sniffed.encode(), inline=sniffed in _SHOWN)
    if sniffed in _CONTAINERS:
        kinds = _CONTAINERS[sniffed]
        return MediaType(kinds[extension].encode(), inline=False) if extension in kinds else UNKNOWN
    return UNKNOWN if sniffed else _text_type(_told(stored_type), extension, head)


def _text_type(told: str, extension: str, head: bytes) -> MediaType:
    """Text that was called text, by its store or else by its name."""
    named = _TEXT_EXTENSIONS.get(extension, "") if told in _UNTOLD else told
    if named == "text/plain":  # many stores call every text plain; the name may know better
        named = _TEXT_EXTENSIONS.get(extension, named)
    if named not in _TEXTS or _BINARY.search(head):
        return UNKNOWN
    if not _is_utf8(head):
        # Some old eight-bit encoding: the reader guesses. JSON has none but UTF-8 (RFC 8259 §8.1).
        return UNKNOWN if named == "application/json" else MediaType(named.encode(), inline=True)
    charset = b"" if named == "application/json" else b"; charset=utf-8"
    return MediaType(named.encode() + charset, inline=True)


def _told(stored_type: str) -> str:
    """Type and subtype without parameters, in lower case (RFC 9110 §8.3.1)."""
    return stored_type.partition(";")[0].strip().lower()


def _extension(key: str) -> str:
    _, dot, extension = key.rpartition("/")[2].rpartition(".")
    return extension.lower() if dot else ""


def _is_utf8(head: bytes) -> bool:
    """Whether it is UTF-8 so far; a character cut in two at the end is forgiven."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return False
    return True
