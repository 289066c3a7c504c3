"""What the bench of renditions works with: copies, kinds, readers and scores."""

from __future__ import annotations

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from threading import Thread

import pytest
from PIL import Image, ImageCms

from bench.documents import Documents
from bench.imaging import readers
from bench.imaging.copies import Copies, commented
from bench.imaging.pictures import PHOTO, photographed, told
from bench.imaging.scores import seen
from bench.load import LoadFailed
from bench.processes import Server
from gateway.samples.papers import report


def jpeg(size: tuple[int, int] = (64, 48), **options) -> bytes:
    out = BytesIO()
    Image.effect_noise(size, 60).convert("RGB").save(out, "JPEG", **options)
    return out.getvalue()


def test_copies_are_other_octets_and_the_same_picture(tmp_path: Path) -> None:
    copies = Copies(Documents(tmp_path), [jpeg(), jpeg((32, 32))])
    with copies.made(4) as names:
        bodies = [(tmp_path / "documents" / name).read_bytes() for name in names]
        assert len(set(bodies)) == 4
        sizes = [Image.open(BytesIO(body)).size for body in bodies]
        assert sizes == [(64, 48), (32, 32)] * 2
        with copies.made(1) as others:
            assert not {*others} & {*names}
    assert not list((tmp_path / "documents").iterdir())


def test_what_is_no_jpeg_gets_no_comment() -> None:
    with pytest.raises(ValueError, match="SOI"):
        commented(b"\x89PNG", "a")


def test_documents_are_told_by_what_they_show() -> None:
    photo = told(jpeg((900, 600)))
    assert photo is not None
    assert (photo.kind, photo.page, photo.width) == (PHOTO, "", 900)
    assert photographed(photo, 500_000)
    assert not photographed(photo, 600_000)
    letter = told(report())
    assert letter is not None
    assert (letter.kind, letter.page) == ("PDF, text", "p1-")
    assert told(b"no document") is None


def test_a_picture_is_compared_upright_and_in_srgb() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    with Image.open(BytesIO(jpeg(exif=exif))) as turned:
        assert seen(turned).size == (48, 64)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    with Image.open(BytesIO(jpeg(icc_profile=srgb))) as plain:
        assert seen(plain).mode == "RGB"


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b"" if self.path == "/nothing" else b"four"
        self.send_response(404 if self.path == "/missing" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[Server]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Answering) as listening:
        thread = Thread(target=listening.serve_forever)
        thread.start()
        try:
            yield Server(os.getpid(), listening.server_port)
        finally:
            listening.shutdown()
            thread.join()


def test_each_target_is_asked_for_once(server: Server) -> None:
    assert readers.drive(server, [f"/{n}" for n in range(30)], 30).requests == 30


def test_readers_stop_at_their_time(server: Server) -> None:
    with pytest.raises(LoadFailed, match="too few"):
        readers.drive(server, ["/a"] * 30, -1)


@pytest.mark.parametrize("target", ["/missing", "/nothing"])
def test_a_refusal_or_an_empty_answer_is_no_figure(server: Server, target: str) -> None:
    with pytest.raises(LoadFailed):
        readers.drive(server, ["/a", target], 30)


def test_a_rate_is_the_sum_of_every_readers_own() -> None:
    found = readers.load([[0.5, 0.5], [0.1] * 10, []], 0.6)
    assert found.rate == pytest.approx(2 + 10)
    assert (found.requests, found.cpu) == (12, pytest.approx(5e4))
