"""A real browser opens links: pictures show, pages of scans show, an expired link has its page."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageDraw

from gateway.samples import write_samples

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def door(gateway_in: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Any:
    gateway = gateway_in()
    folder = tmp_path_factory.mktemp("samples")
    for sample in write_samples(folder):
        path = folder / sample.bucket / sample.key
        gateway.put(sample.key, path.read_bytes())
    return gateway.start()


def seen(url: str, profile: Path, *options: str) -> str:
    """The document that the browser made of an address."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("NOT TESTED: chromium is absent (apt install chromium)")
    done = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-sync"),
            *("--disable-component-update", f"--user-data-dir={profile}"),
            *options,
            *("--dump-dom", url),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("key", "rendition", "size"),
    [
        ("photos/hills.jpg", "w640", "(640×480)"),
        ("discharge letter.pdf", "p1-w640-webp", "(640×905)"),
        ("intake form.tif", "p2-w640", "(640×905)"),
    ],
)
def test_a_rendition_is_shown_at_its_size(
    door: Any, tmp_path: Path, key: str, rendition: str, size: str
) -> None:
    document = seen(door.url + door.link(key, rendition), tmp_path)
    assert "<img" in document
    assert size in document, "the browser tells a picture's size in its title"


BOXES = """<script>
const told = document.body.appendChild(document.createElement("pre"));
const box = (image) => `${image.offsetWidth}x${image.offsetHeight}`;
const images = [...document.images];
const before = images.map(box);
const loaded = images.map((image) => new Promise((done) => (image.onload = image.onerror = done)));
Promise.all(loaded).then(() => {
  const lines = images.map((image, at) => `${before[at]} ${box(image)} ${image.naturalWidth}`);
  told.textContent = lines.join(", ");
});
</script>"""


def drawn_page() -> bytes:
    """A page of two colours, which comes with all its pixels from the rung w1280 on."""
    page = Image.new("1", (1700, 2200), 1)
    draw = ImageDraw.Draw(page)
    for line in range(100, 2_100, 40):
        draw.line((120, line, 1_500, line), width=12)
    out = BytesIO()
    page.save(out, "TIFF", compression="group4")
    return out.getvalue()


@pytest.mark.parametrize(
    ("style", "boxes"),
    [
        ("", ["640x480", "640x905", "640x828"]),
        ("img { width: 1300px; height: auto }", ["1300x975", "1300x1838", "1300x1682"]),
    ],
)
def test_a_picture_is_laid_out_before_it_is_there_and_stays_so(
    door: Any, tmp_path: Path, style: str, boxes: list[str]
) -> None:
    door.put("fax.tif", drawn_page())
    keys = ["photos/hills.jpg", "discharge letter.pdf", "fax.tif"]
    documents = [{"zone": "clinic", "bucket": "documents", "key": key} for key in keys]
    links = door.post("/v1/links", {"documents": documents}).json()["links"]
    # Without AVIF: WebP is what comes larger than its rung.
    pictures = [re.sub('<source type="image/avif".*?>', "", link["picture"]) for link in links]
    page = tmp_path / "page.html"
    page.write_text(f"<!doctype html><style>{style}</style><body>{''.join(pictures)}{BOXES}")
    # Lazy images load when they are near, and here all are.
    options = ("--virtual-time-budget=60000", "--window-size=1400,6000")
    document = seen(page.as_uri(), tmp_path / "profile", *options)
    found = re.search("<pre>([^<]+)</pre>", document)
    assert found, document
    told = [line.split() for line in found[1].split(", ")]
    assert [line[:2] for line in told] == [[box, box] for box in boxes]
    assert all(int(natural) for _, _, natural in told), "every picture was loaded"
    larger = int(told[2][2]) > int(boxes[2].partition("x")[0])
    assert larger == bool(style), "at 1300 pixels it is the page with all its own"


def test_a_broken_link_shows_no_document(door: Any, tmp_path: Path) -> None:
    url = door.link("photos/hills.jpg")
    document = seen(door.url + url[:-1] + ("A" if url[-1] != "A" else "B"), tmp_path)
    assert "<img" not in document
    assert "link.refused" in document


def test_a_revoked_link_has_a_page_for_people(door: Any, tmp_path: Path) -> None:
    url = door.link("intake form.tif")
    reference = {"zone": "clinic", "bucket": "documents", "key": "intake form.tif"}
    door.post("/admin/revoke", {"documents": [reference]})
    assert "taken back" in seen(door.url + url, tmp_path)
