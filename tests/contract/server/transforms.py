"""Rendition options as the server tells them to its image proxy; a stub is the picture."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from typing import Any

STUB_SIZE = 70
_RESIZING = {"cover": "fill", "contain": "fit", "fill": "force"}
_LEAST, _MOST = 1, 2000


def _chunk(kind: bytes, data: bytes) -> bytes:
    body = kind + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def _png() -> bytes:
    """One all but transparent pixel."""
    head = _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 6, 0, 0, 0))
    pixel = _chunk(b"IDAT", zlib.compress(bytes(range(5)), 9))
    return b"\x89PNG\r\n\x1a\n" + head + pixel + _chunk(b"IEND", b"")


def _webp() -> bytes:
    """One transparent pixel, followed by a chunk that readers skip."""
    pixel = bytes.fromhex("2f00000010071011118888fe0700")
    picture = b"VP8L" + struct.pack("<I", 13) + pixel
    rest = STUB_SIZE - 12 - len(picture) - 8
    padding = b"FILL" + struct.pack("<I", rest) + bytes(rest)
    return b"RIFF" + struct.pack("<I", STUB_SIZE - 8) + b"WEBP" + picture + padding


PNG, WEBP = _png(), _webp()


def stub(accept: str, options: Mapping[str, Any]) -> tuple[str, bytes]:
    """Media type and bytes of the picture; WebP where Accept has it and `origin` is not asked."""
    if "image/webp" in accept and options.get("format") != "origin":
        return "image/webp", WEBP
    return "image/png", PNG


def proxied(options: Mapping[str, Any]) -> str:
    """The x-transformations field; sizes are clamped without a word, none is left out."""
    steps = _sizes(options)
    if steps:
        steps.append(f"resizing_type:{_RESIZING.get(options.get('resize', ''), 'fill')}")
    if "quality" in options:
        steps.append(f"quality:{options['quality']}")
    if options.get("format", "origin") != "origin":
        steps.append(f"format:{options['format']}")
    if "gravity" in options:
        steps.append(_gravity(options))
    return ",".join(steps)


def tokened(options: Mapping[str, Any]) -> str:
    """The options inside the token of a signed URL; the format is told apart."""
    steps = _sizes(options)
    if steps:
        steps.append(f"resize:{options.get('resize', 'undefined')}")
    if "quality" in options:
        steps.append(f"quality:{options['quality']}")
    if "gravity" in options:
        steps.append(_gravity(options))
    return ",".join(steps)


def untokened(text: str) -> dict[str, Any]:
    """Options from the token of a signed URL."""
    options: dict[str, Any] = {}
    for step in filter(None, text.split(",")):
        name, _, value = step.partition(":")
        if name == "gravity":
            kind, *offsets = value.split(":")
            options["gravity"] = kind
            options.update(zip(("x_offset", "y_offset"), map(float, offsets), strict=False))
        elif name != "resize":
            options[name] = int(value)
        elif value != "undefined":
            options["resize"] = value
    return options


def _sizes(options: Mapping[str, Any]) -> list[str]:
    return [
        f"{name}:{min(max(options[name], _LEAST), _MOST)}"
        for name in ("height", "width")
        if options.get(name)
    ]


def _gravity(options: Mapping[str, Any]) -> str:
    offsets = [f"{options[name]:g}" for name in ("x_offset", "y_offset") if name in options]
    return ":".join(["gravity", options["gravity"], *offsets])
