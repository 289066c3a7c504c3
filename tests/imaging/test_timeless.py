"""Moving AVIF: the same frames are the same octets, whenever they were written."""

from __future__ import annotations

import struct
from io import BytesIO

import pytest
from PIL import Image

from imaging.encoding.encoders import encode_moving
from imaging.encoding.timeless import timeless

FRAMES = [Image.new("RGB", (16, 12), colour) for colour in ("red", "green", "blue")]


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def told(kind: bytes, version: int, seconds: int) -> bytes:
    """A box that tells two times, and ends with a field of another meaning."""
    form = ">QQ" if version else ">II"
    return box(kind, bytes([version, 0, 0, 3]) + struct.pack(form, seconds, seconds) + b"\7" * 8)


def sequence(version: int, seconds: int) -> bytes:
    media = box(b"mdia", told(b"mdhd", version, seconds))
    track = box(b"trak", told(b"tkhd", version, seconds) + media)
    movie = box(b"moov", told(b"mvhd", version, seconds) + track)
    # Octets of pictures may look like a box of times, and are none.
    return box(b"ftyp", b"avis") + movie + box(b"mdat", told(b"mvhd", version, 5))


@pytest.mark.parametrize("version", [0, 1])
def test_the_times_of_a_sequence_are_taken_out_and_nothing_else(version: int) -> None:
    assert timeless(sequence(version, 3_900_000_000)) == sequence(version, 0)


def test_what_breaks_off_or_is_no_sequence_stays_as_it_is() -> None:
    whole = sequence(1, 0)
    short = box(b"moov", box(b"mvhd", b""))
    long = struct.pack(">I4s", 1, b"mdat") + bytes(32)
    for text in (b"", b"avif", whole[:7], whole[:40], bytes(64), short, long):
        assert timeless(text) == text


def test_a_moving_picture_tells_no_time_and_still_moves() -> None:
    made = encode_moving(FRAMES, "avif", 60, [40, 40, 40], 0)
    assert timeless(made.body) == made.body
    at = made.body.index(b"mvhd")
    assert made.body[at + 4] == 1
    assert made.body[at + 8 : at + 24] == bytes(16)
    with Image.open(BytesIO(made.body)) as moving:
        assert getattr(moving, "n_frames", 1) == 3
