"""`ostiary doctor --edge`: whose links it asks with, and what it says of the answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import click
import pytest

from gateway.cli.probing import address
from gateway.state import proofs
from gateway.state.database import Database

CDN = '[cdn.varnish]\nprovider = "varnish"\nurl = "http://127.0.0.1:9"\nsecret = "s"\n'


class Says(BaseHTTPRequestHandler):
    server: Stub

    def log_message(self, format: str, *args: object) -> None:
        del format, args

    def do_GET(self) -> None:
        self.server.seen.append(self.path)
        self.send_response(self.server.status)
        self.send_header("Content-Length", "0")
        self.end_headers()


class Stub(ThreadingHTTPServer):
    status = 403

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Says)
        self.seen: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A CDN that says one thing to everything."""
    with Stub() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def found(shell: Any, *words: str) -> dict[str, dict[str, str]]:
    return {one["name"]: one for one in shell.json("doctor", *words, status=1)}


def test_a_cdn_that_refuses_good_links_is_told_with_a_hint(shell: Any, stub: Stub) -> None:
    said = found(shell, "--edge", stub.url)
    assert said["good link"]["state"] == "FAIL"
    assert "docs/cdns.md" in said["good link"]["hint"]
    assert said["edge"]["what"] == "not shown to guard links"
    [target] = stub.seen
    assert target.startswith("/d/original/clinic/~canary/-/kept/")


def test_a_cdn_that_says_yes_to_everything_gives_documents_away(shell: Any, stub: Stub) -> None:
    stub.status = 200
    text = shell.says("doctor", "--edge", stub.url, status=1)
    assert "GIVES DOCUMENTS AWAY" in text
    assert "for about a minute" in text


def test_where_nobody_answers_nothing_is_shown(shell: Any, stub: Stub) -> None:
    stub.shutdown()
    stub.server_close()
    said = found(shell, "--edge", stub.url)
    assert "ConnectError" in said["good link"]["what"]


@pytest.mark.parametrize("own", [True, False])
def test_what_it_finds_at_a_zone_s_own_address_counts(shell: Any, stub: Stub, own: bool) -> None:
    stub.status = 200
    public = stub.url if own else "https://docs.example.org"
    shell.configure(cache="windowed", public_url=public).add(CDN)
    found(shell, "--edge", stub.url)
    database = Database.open(shell.folder / "data" / "ostiary.db")
    known = database.read_now(proofs.known)
    database.close()
    assert [proof.outcome for proof in known.values()] == (["failed"] if own else [])
    if own:
        assert found(shell)["canary clinic"]["state"] == "FAIL"


def test_of_several_zones_the_one_with_that_address_is_meant(shell: Any, stub: Stub) -> None:
    shell.configure(public_url=stub.url)
    shell.add('[zones.ward]\nstore = "main"\nbuckets = ["scans"]\n')
    found(shell, "--edge", stub.url)
    assert "/clinic/" in stub.seen[-1]
    found(shell, "--edge", stub.url, "--zone", "ward")
    assert "/ward/" in stub.seen[-1]
    assert "whose links" in shell.says("doctor", "--edge", "http://127.0.0.1:9", status=2)
    assert "there is no zone" in shell.says(
        "doctor", "--edge", stub.url, "--zone", "wrad", status=2
    )


def test_a_zone_alone_asks_nobody(shell: Any) -> None:
    assert "--edge" in shell.says("doctor", "--zone", "clinic", status=2)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "docs.example.org",
        "ftp://a",
        "https://a/b",
        "https://a?b",
        "http://u@a",
        "http://[",
        "/",
    ],
)
def test_an_address_is_scheme_and_host_alone(text: str) -> None:
    with pytest.raises(click.BadParameter):
        address(text)


def test_an_address_stands_without_a_slash() -> None:
    assert address("https://docs.example.org/") == "https://docs.example.org"
    assert address("http://[::1]:8080") == "http://[::1]:8080"
