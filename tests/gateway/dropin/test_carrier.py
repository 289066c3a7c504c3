from __future__ import annotations

import asyncio
import datetime
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from gateway.dropin.carrier import AHEAD, Carrier, request_of
from gateway.errors import RequestRefused, UpstreamUnavailable

MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key and its own certificate for 127.0.0.1, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "upstream")])
    now = datetime.datetime.now(datetime.UTC)
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "upstream.pem"
    form, plain = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    pem = serialization.Encoding.PEM
    path.write_bytes(key.private_bytes(pem, form, plain) + built.public_bytes(pem))
    return path


@pytest.fixture
def tls_upstream(certificate: Path, upstream: Any, serve: Any) -> Iterator[str]:
    with serve(upstream, "httptools", ssl_certfile=str(certificate)) as port:
        yield f"https://127.0.0.1:{port}"


def test_uploads_and_answers_cross_tls(
    tls_upstream: str, upstream: Any, certificate: Path, pass_to: Any
) -> None:
    passing = pass_to(tls_upstream, tls=ssl.create_default_context(cafile=str(certificate)))
    upstream.body = b"y" * 5 * MEGABYTE
    for size in (3, 20 * MEGABYTE):
        answer = passing.ask("PUT", "/storage/v1/object/documents/a", content=b"x" * size)
        assert answer.content == upstream.body
        assert upstream.asked[-1].size == size
    passing.close()


def test_an_upstream_that_can_not_prove_its_name_is_not_spoken_to(
    tls_upstream: str, upstream: Any, pass_to: Any
) -> None:
    passing = pass_to(tls_upstream)
    for size in (3, MEGABYTE):
        answer = passing.ask("PUT", "/storage/v1/object/documents/a", content=b"x" * size)
        assert answer.status_code == 503
    assert upstream.asked == []


def carried(fields: list[tuple[bytes, bytes]], url: bytes) -> int:
    async def carry() -> int:
        carrier = Carrier(ssl.create_default_context(), 5)
        try:
            request = request_of("GET", url, b"/storage/v1/bucket", fields, b"")
            async with carrier.answered(request, None) as answer:
                return answer.status
        finally:
            await carrier.aclose()

    return asyncio.run(carry())


def test_fields_that_no_server_takes_are_refused(upstream: Any) -> None:
    host = (b"host", b"a")
    assert carried([host], upstream.url.encode()) == 200
    with pytest.raises(RequestRefused):
        carried([host, (b"x", b"a\nb")], upstream.url.encode())


def test_nothing_of_a_request_is_in_the_error_that_tells_of_no_answer(spare_port: Any) -> None:
    url = f"http://127.0.0.1:{spare_port()}".encode()
    with pytest.raises(UpstreamUnavailable) as told:
        carried([(b"host", b"a"), (b"authorization", b"Bearer secret")], url)
    assert str(told.value) == "ConnectError"
    assert told.value.__cause__ is None


def test_connections_for_requests_in_hand_are_used_again(passing: Any, upstream: Any) -> None:
    for _ in range(3):
        assert passing.ask("GET", "/storage/v1/bucket").status_code == 200
    assert len(upstream.peers) == 1


def test_a_cookie_of_upstream_is_kept_for_nobody(passing: Any, upstream: Any) -> None:
    upstream.fields = [(b"set-cookie", b"a=1; Path=/")]
    with httpx.Client() as client:
        client.get(passing.url + "/storage/v1/bucket")
    passing.ask("GET", "/storage/v1/bucket")
    assert upstream.asked[1].values(b"cookie") == []


def test_little_comes_ahead_of_a_client_that_stands_still(upstream: Any) -> None:
    """Twice what is asked for, as the kernel counts its own needs (socket(7)); else megabytes."""

    async def room() -> int:
        carrier = Carrier(ssl.create_default_context(), 5)
        try:
            request = request_of("GET", upstream.url.encode(), b"/", [(b"host", b"a")], b"")
            async with carrier.answered(request, None) as answer:
                line = answer.extensions["network_stream"].get_extra_info("socket")
                return int(line.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF))
        finally:
            await carrier.aclose()

    assert 0 < asyncio.run(room()) <= 2 * AHEAD[2]
    assert AHEAD[2] <= MEGABYTE
