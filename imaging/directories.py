"""Directories of a TIFF, counted by their links alone (TIFF 6.0 §2; BigTIFF)."""

from __future__ import annotations

import struct


def count_directories(source: bytes | memoryview, most: int) -> int:
    """How many directories follow each other, up to `most` + 1; a ring ends where it closes.

    What stands in them is not read, so that a chain of thousands costs no more than its links.
    """
    order = "<" if bytes(source[:2]) == b"II" else ">"
    big = bytes(source[2:4]) in (b"+\0", b"\0+")
    link = struct.Struct(order + ("Q" if big else "I"))
    count = struct.Struct(order + ("Q" if big else "H"))
    entry, at = (20, 8) if big else (12, 4)
    seen: set[int] = set()
    while at + link.size <= len(source) and len(seen) <= most:
        [directory] = link.unpack_from(source, at)
        if not directory or directory in seen or directory + count.size > len(source):
            break
        seen.add(directory)
        [entries] = count.unpack_from(source, directory)
        at = directory + count.size + entry * entries
    return len(seen)
