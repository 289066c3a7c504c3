"""Timeless: moving AVIF without the second at which it was written, so that equal is the same."""

from __future__ import annotations

_AROUND = frozenset({b"moov", b"trak", b"mdia"})
_TOLD = frozenset({b"mvhd", b"tkhd", b"mdhd"})
_HEAD = 8
# The shortest of them, in version 0, is four octets longer.
_LEAST = _HEAD + 20


def timeless(sequence: bytes) -> bytes:
    """The sequence with its times of creation and of change at zero.

    ISO 14496-12, 8.2.2, 8.3.2 and 8.4.2: they are the first two fields of a full box, of 32 bits
    each in version 0 and of 64 in version 1.
    """
    octets = bytearray(sequence)
    _clear(octets, 0, len(octets))
    return bytes(octets)


def _clear(octets: bytearray, at: int, end: int) -> None:
    while at + _HEAD <= end:
        size, kind = int.from_bytes(octets[at : at + 4]), bytes(octets[at + 4 : at + _HEAD])
        if size < _HEAD:
            return  # its length is told elsewhere; only the pictures themselves are that long
        body = at + _HEAD
        if kind in _AROUND:
            _clear(octets, body, min(at + size, end))
        elif kind in _TOLD and _LEAST <= size <= end - at:
            both = 16 if octets[body] == 1 else 8
            octets[body + 4 : body + 4 + both] = bytes(both)
        at += size
