"""Peers: what a certificate that was proved is called."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID

from gateway.fronts.certificates import CertificateFiles
from gateway.fronts.peers import EXTENSION, NOBODY, names_of, peer_of
from tests.authorities import Authority, Identity

NOW = time.time()
DAY = 86_400


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def names(authority: Authority) -> Callable[[Identity | None], frozenset[str]]:
    """What a server calls a client, after a handshake in memory."""
    server = authority.issue("docs.example.org", "docs.example.org")
    files = CertificateFiles(str(server.certificate), str(server.key), str(authority.file))
    context = files.contexts(NOW).main
    assert context is not None

    def shaken(identity: Identity | None, now: float = NOW) -> frozenset[str]:
        asking = ssl.create_default_context(cafile=str(authority.file))
        if identity:
            asking = identity.client(authority.file)
        there, here = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = asking.wrap_bio(here, there, server_hostname="docs.example.org")
        answering = context.wrap_bio(there, here, server_side=True)
        for _ in range(4):
            for side in (client, answering):
                with suppress(ssl.SSLWantReadError):
                    side.do_handshake()
        return names_of(answering, now)

    return shaken


def test_a_certificate_is_called_by_its_names_and_its_digest(
    authority: Authority, names: Callable[[Identity | None], frozenset[str]]
) -> None:
    plain = authority.issue("CDN.example.org")
    assert names(plain) == {"cdn.example.org", f"sha256:{plain.digest}"}
    rich = authority.issue("cdn.example.org", "a.example", "B.example", "*.c.example")
    known = {"a.example", "b.example", "*.c.example", f"sha256:{rich.digest}"}
    assert names(rich) == known


def test_a_name_of_a_directory_is_passed_over(
    authority: Authority, names: Callable[[Identity | None], frozenset[str]]
) -> None:
    directory = x509.DirectoryName(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "x")]))
    rich = authority.issue("cdn.example.org", "a.example", directory)
    assert names(rich) == {"a.example", f"sha256:{rich.digest}"}
    bare = authority.issue("cdn.example.org", directory)
    assert names(bare) == {"cdn.example.org", f"sha256:{bare.digest}"}


def test_a_certificate_that_ended_proves_nothing_in_a_session_that_is_resumed(
    authority: Authority, names: Callable[..., frozenset[str]]
) -> None:
    """The session was begun while the certificate held, so that nothing verifies it again."""
    brief, now = authority.issue("cdn.example.org", ends=1), time.time()
    assert names(brief, now + DAY - 60)
    assert names(brief, now + DAY + 60) == NOBODY


def test_who_shows_none_has_no_name(names: Callable[[Identity | None], frozenset[str]]) -> None:
    assert names(None) == NOBODY
    assert names_of(None, NOW) == NOBODY


def test_a_scope_has_the_names_of_its_peer_or_none() -> None:
    assert peer_of({"extensions": {EXTENSION: frozenset("a")}}) == {"a"}
    for scope in ({}, {"extensions": None}, {"extensions": {}}):
        assert peer_of(scope) == NOBODY
