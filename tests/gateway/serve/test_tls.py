"""TLS of the gateway's own: who is let in by which certificate, and how they are changed."""

from __future__ import annotations

import http.client
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.authorities import Authority, Identity

BODY = b"%PDF-1.7\n" + bytes(3_000_000)
REFUSED = (httpx.TransportError, ssl.SSLError)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def ours(place: Path) -> Authority:
    """Vouches for the server."""
    return Authority(place, "ours")


@pytest.fixture(scope="module")
def theirs(place: Path) -> Authority:
    """Vouches for every customer of the CDN."""
    return Authority(place, "theirs")


@pytest.fixture(scope="module")
def by_digest(theirs: Authority) -> Identity:
    return theirs.issue("nobody-in-particular")


@pytest.fixture(scope="module")
def secure(
    gateway_in: Callable[..., Any],
    ours: Authority,
    theirs: Authority,
    by_digest: Identity,
    spare_port: Callable[[], int],
) -> Iterator[Any]:
    """A gateway that speaks TLS, and whose zone is read by one CDN alone."""
    server = ours.issue("localhost", "localhost")
    names = ["CDN.example.org", by_digest.digest.upper()]
    gateway = gateway_in(
        server={
            "certificate": str(server.certificate),
            "key": str(server.key),
            "client_ca": str(theirs.file),
        },
        admin={"port": spare_port()},
        clinic={"pull": "cdn"},
        cdn={"edge": {"provider": "null", "certificates": names}},
    )
    context = ssl.create_default_context(cafile=str(ours.file))
    gateway.client.close()
    gateway.operator.close()
    gateway.client = httpx.Client(base_url=f"https://localhost:{gateway.port}", verify=context)
    gateway.operator = httpx.Client(
        base_url=f"https://localhost:{gateway.admin_port}", verify=context
    )
    gateway.start()
    gateway.put("a.pdf", BODY)
    yield gateway
    gateway.client.close()
    gateway.operator.close()


@pytest.fixture
def asked(secure: Any, ours: Authority) -> Iterator[Callable[..., httpx.Response]]:
    """Asks for a link with a certificate."""
    url = secure.link("a.pdf")
    made: list[httpx.Client] = []

    def ask(identity: Identity) -> httpx.Response:
        client = httpx.Client(
            base_url=f"https://localhost:{secure.port}", verify=identity.client(ours.file)
        )
        made.append(client)
        return client.get(url)

    yield ask
    for client in made:
        client.close()


def test_the_cdn_is_let_in_by_a_name_of_its_certificate(
    asked: Callable[..., httpx.Response], theirs: Authority
) -> None:
    for identity in (
        theirs.issue("cdn.example.org"),
        theirs.issue("x", "other.example.org", "Cdn.example.org"),
    ):
        answer = asked(identity)
        assert (answer.status_code, answer.content) == (200, BODY)


def test_the_cdn_is_let_in_by_the_digest_of_its_certificate(
    asked: Callable[..., httpx.Response], by_digest: Identity
) -> None:
    assert asked(by_digest).status_code == 200


def test_every_request_of_a_connection_is_proved(secure: Any, ours: Any, theirs: Any) -> None:
    context = theirs.issue("cdn.example.org").client(ours.file)
    url = secure.link("a.pdf")
    connection = http.client.HTTPSConnection("localhost", secure.port, context=context)
    with closing(connection):
        for _ in range(3):
            connection.request("GET", url, headers={"Range": "bytes=0-3"})
            answer = connection.getresponse()
            assert (answer.status, answer.read()) == (206, b"%PDF")


def test_another_customer_of_the_same_authority_is_refused(
    asked: Callable[..., httpx.Response], theirs: Authority
) -> None:
    """A common name counts only where there are no alternative ones."""
    for identity in (
        theirs.issue("other.example.org"),
        theirs.issue("cdn.example.org", "other.example.org"),
        theirs.issue("y", "cdn.example.org.evil.example", "*.example.org"),
    ):
        answer = asked(identity)
        assert (answer.status_code, answer.json()["code"]) == (403, "puller.refused")


def test_who_shows_no_certificate_reads_nothing_but_reaches_the_rest(secure: Any) -> None:
    answer = secure.client.get(secure.link("a.pdf"))
    assert (answer.status_code, answer.json()["code"]) == (403, "puller.refused")
    assert secure.client.get("/livez").status_code == 200


def test_a_name_in_a_field_proves_nothing(secure: Any) -> None:
    fields = {"Ostiary-Shield": "cdn.example.org", "Ostiary-Peer": "cdn.example.org"}
    assert secure.client.get(secure.link("a.pdf"), headers=fields).status_code == 403


@pytest.mark.parametrize("kind", ["another authority", "ended", "not begun"])
def test_a_certificate_that_does_not_hold_ends_the_connection(
    kind: str, asked: Callable[..., httpx.Response], ours: Authority, theirs: Authority
) -> None:
    identity = {
        "another authority": lambda: ours.issue("cdn.example.org"),
        "ended": lambda: theirs.issue("cdn.example.org", ends=-0.5),
        "not begun": lambda: theirs.issue("cdn.example.org", begins=1),
    }[kind]()
    with pytest.raises(REFUSED):
        asked(identity)


def test_tls_below_1_2_is_not_spoken(secure: Any, ours: Authority) -> None:
    context = ssl.create_default_context(cafile=str(ours.file))
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is deprecated"):
        context.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    with socket.create_connection(("localhost", secure.port)) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost")


def test_tls_1_2_proves_a_client_as_well(secure: Any, ours: Authority, theirs: Authority) -> None:
    context = theirs.issue("cdn.example.org").client(ours.file)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with httpx.Client(base_url=f"https://localhost:{secure.port}", verify=context) as client:
        assert client.get(secure.link("a.pdf")).status_code == 200


def test_nothing_is_answered_without_tls(secure: Any) -> None:
    for port in (secure.port, secure.admin_port):
        with socket.create_connection(("localhost", port)) as plain:
            plain.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
            assert b"HTTP/1.1" not in plain.recv(100)


def test_operators_have_tls_and_are_asked_for_no_certificate(secure: Any) -> None:
    assert secure.operator.get("/livez").status_code == 200
    assert secure.post("/admin/purge", {"zone": "clinic"}).status_code in (200, 202)


def test_a_malformed_request_is_refused_over_tls_too(secure: Any, ours: Authority) -> None:
    context = ssl.create_default_context(cafile=str(ours.file))
    with (
        socket.create_connection(("localhost", secure.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        client.sendall(b"GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 400 ")
        assert client.recv(1000) == b""


def test_links_are_issued_with_https(secure: Any) -> None:
    assert secure.run("sign", "clinic/documents/a.pdf").stdout.startswith("https://127.0.0.1:")
    document = {"zone": "clinic", "bucket": "documents", "key": "a.pdf"}
    [issued] = secure.post("/v1/links", {"documents": [document]}).json()["links"]
    assert issued["url"].startswith(f"https://localhost:{secure.port}/d/")


def serial(port: int, authority: Authority) -> str:
    context = ssl.create_default_context(cafile=str(authority.file))
    with (
        socket.create_connection(("localhost", port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        certificate = client.getpeercert()
    assert certificate is not None
    return str(certificate["serialNumber"])


def within(seconds: float, holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def alone(
    gateway_in: Callable[..., Any], server: Identity, authority: Authority, *options: str
) -> Any:
    files = {"certificate": str(server.certificate), "key": str(server.key)}
    # Nothing may hold up an end for so long.
    gateway = gateway_in(server={**files, "shutdown_timeout": 3600})
    gateway.client.close()
    context = ssl.create_default_context(cafile=str(authority.file))
    gateway.client = httpx.Client(base_url=f"https://localhost:{gateway.port}", verify=context)
    return gateway.start(*options)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_new_certificate_is_taken_over_by_a_signal_and_a_broken_one_is_not(
    workers: int, gateway_in: Callable[..., Any], place: Path
) -> None:
    authority = Authority(place, f"for {workers}")
    server = authority.issue("localhost", "localhost", file=f"server-{workers}")
    gateway = alone(gateway_in, server, authority, "--workers", str(workers))
    first = serial(gateway.port, authority)
    connection = http.client.HTTPSConnection(
        "localhost", gateway.port, context=ssl.create_default_context(cafile=str(authority.file))
    )
    with closing(connection):
        connection.request("GET", "/livez")
        assert connection.getresponse().read() is not None
        good = server.certificate.read_bytes(), server.key.read_bytes()
        server.certificate.write_text("nothing of the kind")
        gateway.process.send_signal(signal.SIGHUP)
        gateway.told(1, event="certificates_kept" if workers == 1 else "replacement_failed")
        assert {serial(gateway.port, authority) for _ in range(6)} == {first}
        if workers == 1:  # a supervised worker drains its connections when it is replaced
            connection.request("GET", "/livez")
            assert connection.getresponse().status == 200
    authority.issue("localhost", "localhost", file=f"server-{workers}")
    assert (server.certificate.read_bytes(), server.key.read_bytes()) != good
    gateway.process.send_signal(signal.SIGHUP)
    within(30, lambda: first not in {serial(gateway.port, authority) for _ in range(6)})
    gateway.client.close()
    assert gateway.stop() == 0


def test_a_client_that_says_no_goodbye_does_not_hold_up_the_end(
    gateway_in: Callable[..., Any], place: Path
) -> None:
    authority = Authority(place, "for goodbyes")
    server = authority.issue("localhost", "localhost", file="goodbyes")
    gateway = alone(gateway_in, server, authority)
    context = ssl.create_default_context(cafile=str(authority.file))
    with (
        socket.create_connection(("localhost", gateway.port)) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as client,
    ):
        client.sendall(b"GET /livez HTTP/1.1\r\nHost: a\r\n\r\n")
        assert client.recv(1000).startswith(b"HTTP/1.1 200 ")
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(20) == 0, "sooner than the half minute of OpenSSL's loop"
    gateway.client.close()


def test_a_faulty_certificate_hinders_the_start_and_is_told(
    gateway_in: Callable[..., Any], place: Path
) -> None:
    authority = Authority(place, "of the past")
    server = authority.issue("localhost", ends=-0.5, file="ended")
    files = {"certificate": str(server.certificate), "key": str(server.key)}
    gateway = gateway_in(server=files)
    done = gateway.run("serve", check=False)
    assert done.returncode == 1
    assert "server.certificate: ended at 20" in done.stderr


def test_a_shield_is_rotated_by_signals_without_a_gap(gateway_in: Callable[..., Any]) -> None:
    shield = {"provider": "null", "shield": ["the-old-one"]}
    gateway = gateway_in(clinic={"pull": "cdn"}, cdn={"edge": shield}).start("--workers", "2")
    gateway.put("a.pdf", b"%PDF-1.7 x")
    url, written = gateway.link("a.pdf"), gateway.config.read_text()

    def statuses(secret: str) -> set[int]:
        """Of connections of their own, so that each worker is met."""
        fields = {"Ostiary-Shield": secret, "Connection": "close"}
        return {gateway.client.get(url, headers=fields).status_code for _ in range(8)}

    def reloaded(secrets: str) -> None:
        gateway.config.write_text(written.replace('["the-old-one"]', secrets))
        before = len(gateway.events(event="worker_serves"))
        gateway.process.send_signal(signal.SIGHUP)
        gateway.told(before + 2, event="worker_serves")

    assert (statuses("the-old-one"), statuses("the-new-one")) == ({200}, {403})
    reloaded('["the-new-one", "the-old-one"]')
    within(30, lambda: statuses("the-new-one") == {200})
    assert statuses("the-old-one") == {200}
    reloaded('["the-new-one"]')
    within(30, lambda: statuses("the-old-one") == {403})
    assert statuses("the-new-one") == {200}
