"""Reception: sockets that are listened on anew without a gap when certificates change."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from gateway.errors import ConfigurationError
from gateway.fronts.certificates import CertificateFiles
from gateway.serve.plan import Listeners, listen
from gateway.serve.reception import Reception
from tests.authorities import Authority


class Silent(asyncio.Protocol):
    """Takes a connection and says nothing."""


async def serial(listener: socket.socket, authority: Authority) -> int:
    """The number of the certificate that is shown."""
    context = ssl.create_default_context(cafile=str(authority.file))
    host, port = listener.getsockname()[:2]
    _, writer = await asyncio.open_connection(host, port, ssl=context, server_hostname="localhost")
    certificate = writer.get_extra_info("peercert")
    writer.close()
    return int(certificate["serialNumber"], 16)


def test_new_files_are_shown_to_new_connections_and_faulty_ones_never(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server = authority.issue("localhost", "localhost")
    files = CertificateFiles(str(server.certificate), str(server.key))

    async def scenario() -> None:
        listeners = Listeners(listen("127.0.0.1", 0), listen("127.0.0.1", 0))
        reception = Reception.of(listeners, files, 5)
        opened = await reception.open(Silent)
        assert len(opened) == 2
        first = await serial(listeners.main, authority)
        assert listeners.admin is not None
        assert await serial(listeners.admin, authority) == first
        server.key.write_text("nothing")
        assert not reception.renew()
        assert await serial(listeners.main, authority) == first
        authority.issue("localhost", "localhost")
        assert reception.renew()
        again = await reception.open(Silent)
        for one in opened:
            one.close()
        assert await serial(listeners.main, authority) != first
        for one in again:
            one.close()
        listeners.close()

    asyncio.run(scenario())


def test_without_certificates_there_is_nothing_to_renew() -> None:
    async def scenario() -> None:
        listeners = Listeners(listen("127.0.0.1", 0))
        reception = Reception.of(listeners, CertificateFiles(), 5)
        [server] = await reception.open(Silent)
        _, writer = await asyncio.open_connection(*listeners.main.getsockname()[:2])
        writer.close()
        assert not reception.renew()
        server.close()
        listeners.close()

    asyncio.run(scenario())


def test_faulty_files_hinder_the_start(tmp_path: Path) -> None:
    listeners = Listeners(listen("127.0.0.1", 0))
    with pytest.raises(ConfigurationError):
        Reception.of(listeners, CertificateFiles(str(tmp_path / "a"), str(tmp_path / "b")), 5)
    listeners.close()


def test_a_handshake_that_does_not_end_is_cut(tmp_path: Path) -> None:
    server = Authority(tmp_path).issue("localhost", "localhost")
    files = CertificateFiles(str(server.certificate), str(server.key))

    async def scenario() -> None:
        listeners = Listeners(listen("127.0.0.1", 0))
        [opened] = await Reception.of(listeners, files, 0.1).open(Silent)
        reader, writer = await asyncio.open_connection(*listeners.main.getsockname()[:2])
        writer.write(b"\x16\x03\x01")
        async with asyncio.timeout(20):
            assert await reader.read() == b""
        writer.close()
        opened.close()
        listeners.close()

    asyncio.run(scenario())
