"""`ostiary receipt check`: what the CDN of a zone answers to links that were taken back."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest


@dataclass
class Front:
    """A CDN that answers everything alike; `asked` are the targets, as they came."""

    url: str = ""
    code: int = 410
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def front() -> Iterator[Front]:
    front = Front()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            front.asked.append(self.path)
            self.send_response(front.code)
            self.send_header("Content-Length", "0")
            self.send_header("Location", front.url)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        front.url = f"http://127.0.0.1:{server.server_port}"
        yield front
        server.shutdown()
        thread.join()


@pytest.fixture
def fronted(shell: Any, front: Front) -> Any:
    return shell.configure(cache="windowed", public_url=front.url, revocable=["documents/letters/"])


def signed(shell: Any, front: Front, key: str = "letters/a b é'(1).txt", *options: str) -> str:
    """The path and query of a new link."""
    return str(shell.sign(key, *options)).removeprefix(front.url)


def revoked(shell: Any, *named: str) -> str:
    return str(shell.json("revoke", *named)["id"])


@pytest.mark.parametrize(
    "named",
    [
        ("--document", "clinic/documents/letters/a b é'(1).txt"),
        ("--prefix", "clinic/documents/letters/"),
        ("--bucket", "clinic/documents"),
        ("--zone", "clinic"),
    ],
)
def test_the_very_links_that_died_are_asked_for(
    fronted: Any, front: Front, named: tuple[str, ...]
) -> None:
    dead = {signed(fronted, front), signed(fronted, front, "letters/b.txt", "--download")}
    purge = revoked(fronted, *named)
    signed(fronted, front)
    told = fronted.says("receipt check", purge)
    expected = {one for one in dead if "b.txt" not in one} if named[0] == "--document" else dead
    assert sorted(front.asked) == sorted(expected)
    assert told.count("410 refused") == len(expected)


def test_a_pinned_link_with_a_sealed_address_is_asked_for(fronted: Any, front: Front) -> None:
    fronted.configure(cache="windowed", public_url=front.url, sealed=True)
    text = fronted.config.read_text()
    fronted.config.write_text(text.replace("[signing]", f'[signing]\nseal_key = "{"7c" * 64}"'))
    dead = signed(fronted, front, "a.txt", "--pinned")
    assert "410 refused" in fronted.says("receipt check", revoked(fronted, "--zone", "clinic"))
    assert front.asked == [dead]


def test_links_of_a_revoked_key_are_asked_for(fronted: Any, front: Front) -> None:
    dead = signed(fronted, front)
    fronted.rotate()
    purge = revoked(fronted, "--key", "k1")
    signed(fronted, front)
    front.code = 403
    assert "403 refused" in fronted.says("receipt check", purge)
    assert front.asked == [dead]


@pytest.mark.parametrize(
    ("code", "says", "status"),
    [
        (200, "GIVEN AWAY", 1),
        (304, "A COPY LIVES ON", 1),
        (302, "says nothing", 4),
        (503, "says nothing", 4),
    ],
)
def test_what_is_no_refusal_is_told_apart(
    fronted: Any, front: Front, code: int, says: str, status: int
) -> None:
    signed(fronted, front)
    purge = revoked(fronted, "--zone", "clinic")
    front.code = code
    assert says in fronted.says("receipt check", purge, status=status)
    assert len(front.asked) == 1


def test_a_cdn_that_does_not_answer_says_nothing(shell: Any) -> None:
    shell.configure(cache="windowed", public_url="http://127.0.0.1:9")
    shell.sign("a.txt")
    purge = revoked(shell, "--zone", "clinic")
    assert "no answer" in shell.says("receipt check", purge, status=4)


def test_links_that_no_cache_keeps_are_not_asked_for(fronted: Any, front: Front) -> None:
    signed(fronted, front, "letters/a.txt", "--one-time", "--grant", "original")
    signed(fronted, front, "letters/a.txt", "--audience", "ada")
    fronted.run("sign", "--folder", "clinic/documents/letters")
    purge = revoked(fronted, "--zone", "clinic")
    assert "nothing to ask" in fronted.says("receipt check", purge, status=4)
    assert front.asked == []


def test_nothing_is_asked_before_the_revocation_is_confirmed(fronted: Any, front: Front) -> None:
    fronted.add('[cdn.far]\nprovider = "varnish"\nurl = "http://127.0.0.1:9"\nsecret = "s"\n')
    signed(fronted, front)
    purge = str(fronted.json("revoke", "--zone", "clinic", "--wait", "0")["id"])
    assert "queued" in fronted.says("receipt check", purge, status=3)
    assert front.asked == []


def test_other_purges_are_not_checked(fronted: Any) -> None:
    purged = fronted.json("purge", "--zone", "clinic")["id"]
    for id in (str(purged), "p-none", "\udcff"):
        assert "no revocation" in fronted.says("receipt check", id, status=1)
