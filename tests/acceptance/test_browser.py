"""A real browser opens links: pictures show, pages of scans show, an expired link has its page."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

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


def seen(url: str, profile: Path) -> str:
    """The document that the browser made of an address."""
    browser = shutil.which("chromium")
    if browser is None:
        pytest.skip("NOT TESTED: chromium is absent (apt install chromium)")
    done = subprocess.run(
        [
            *(browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"),
            *("--no-first-run", "--disable-background-networking", "--disable-sync"),
            *("--disable-component-update", f"--user-data-dir={profile}", "--dump-dom", url),
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
