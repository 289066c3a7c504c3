"""A backend is a host and a port, and nothing that could break out of a configuration."""

from __future__ import annotations

import pytest

from gateway.edges.backends import Backend


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("127.0.0.1:8080", "127.0.0.1", 8080),
        ("gateway:1", "gateway", 1),
        ("a-b.example.org:65535", "a-b.example.org", 65535),
        ("[::1]:8080", "::1", 8080),
    ],
)
def test_a_host_and_a_port(text: str, host: str, port: int) -> None:
    backend = Backend.parse(text)
    assert (backend.host, backend.port, backend.authority) == (host, port, text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "gateway",
        "gateway:",
        ":80",
        "gateway:0",
        "gateway:65536",
        "gateway:8a",
        "::1:80",
        "[gateway]:80",
        "[fe80::1%eth0]:80",
        'gate"way:80',
        "gate way:80",
        "gateway:80\n",
        "-gateway:80",
        "gäteway:80",
        f"{'a' * 64}:80",
        f"{'a.' * 127}a:80",
        "gateway:٨٠",
    ],
)
def test_anything_else_is_no_backend(text: str) -> None:
    with pytest.raises(ValueError, match="is"):
        Backend.parse(text)
