"""Logos: the image files that marks are made of, checked by structure: no pixel is decoded."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from zlib import crc32, decompressobj
from zlib import error as ZlibError

from imaging.media import sniff

LARGEST = 256 << 10
"""The most octets of a file: it goes to the worker with each job."""

SMALLEST_SIDE, LARGEST_SIDE = 16, 2_000

_PNG_HEAD = 8
# Four samples of sixteen bits to a pixel, and the filters' octets of all passes.
_MOST = 8 * LARGEST_SIDE**2 + 16 * LARGEST_SIDE
_ALPHA, _PALETTE = frozenset({4, 6}), 3
_ANIMATED_FLAG, _ALPHA_FLAG = 0x02, 0x10


def check_logo(octets: bytes) -> None:
    """ValueError says why a file is no PNG or WebP with alpha, whole and of a fit size.

    A logo without alpha would be an opaque box.
    """
    if len(octets) > LARGEST:
        raise ValueError(f"is larger than {LARGEST >> 10} KiB")
    readers = {"image/png": _png, "image/webp": _webp}
    reader = readers.get(sniff(octets))
    if reader is None:
        raise ValueError("is no PNG and no WebP")
    try:
        width, height, alpha = reader(octets)
    except (struct.error, IndexError):
        raise ValueError("is damaged") from None
    if not alpha:
        raise ValueError("has no alpha channel, so it would be an opaque box")
    if not all(SMALLEST_SIDE <= side <= LARGEST_SIDE for side in (width, height)):
        raise ValueError(f"has sides of other than {SMALLEST_SIDE} to {LARGEST_SIDE:,} pixels")


def _png(octets: bytes) -> tuple[int, int, bool]:
    """Width, height and whether there is alpha (PNG, third edition, 5 and 11.2.1)."""
    chunks = list(_chunks(octets))
    kinds = [kind for kind, _ in chunks]
    if kinds[0] != "IHDR" or kinds[-1] != "IEND":
        raise ValueError("is damaged")
    if "acTL" in kinds:
        raise ValueError("moves")
    if not _unpacks(b"".join(body for kind, body in chunks if kind == "IDAT")):
        raise ValueError("is damaged")
    width, height, _, colours = struct.unpack_from(">IIBB", chunks[0][1])
    return width, height, colours in _ALPHA or (colours <= _PALETTE and "tRNS" in kinds)


def _unpacks(pixels: bytes) -> bool:
    """Whether it is one whole stream of no more octets than the largest logo has."""
    unpacking = decompressobj()
    try:
        unpacking.decompress(pixels, _MOST)
    except ZlibError:
        return False
    return unpacking.eof


def _chunks(octets: bytes) -> Iterator[tuple[str, bytes]]:
    at = _PNG_HEAD
    while at < len(octets):
        length, kind = struct.unpack_from(">I4s", octets, at)
        body = octets[at + 8 : at + 8 + length]
        (check,) = struct.unpack_from(">I", octets, at + 8 + length)
        if check != crc32(kind + body):
            raise ValueError("is damaged")
        yield kind.decode("latin-1"), body
        at += 12 + length


def _webp(octets: bytes) -> tuple[int, int, bool]:
    """The same of a WebP (RFC 9649, 2.5 to 2.7)."""
    size, kind = struct.unpack_from("<I4x4s", octets, 4)
    if size + 8 > len(octets):
        raise ValueError("is damaged")
    if kind == b"VP8X":
        if octets[20] & _ANIMATED_FLAG:
            raise ValueError("moves")
        width, height = (1 + int.from_bytes(octets[at : at + 3], "little") for at in (24, 27))
        return width, height, bool(octets[20] & _ALPHA_FLAG)
    if kind != b"VP8L":
        return SMALLEST_SIDE, SMALLEST_SIDE, False
    (packed,) = struct.unpack_from("<I", octets, 21)
    return 1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF), bool(packed >> 28 & 1)
