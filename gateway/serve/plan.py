"""What is to be served: the same facts for the supervisor and for each of its workers."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path

from gateway.fronts.certificates import CertificateFiles
from gateway.guard import Limits

BACKLOG = 2048


@dataclass(frozen=True, slots=True)
class Plan:
    """How to serve; it goes to the workers whole, so it holds no secret and nothing open.

    `factory` names ("module:function") what a worker calls with `config`, the log writer and
    the `Draining` switch to get its `Applications`. Of the `drain` seconds that requests under
    way have to end, none is used up by the `grace` seconds in which `/readyz` already says no
    and new connections are still taken. The files of `certificates` are read by each worker.
    """

    factory: str
    config: Path | None = None
    workers: int = 1
    drain: int = 30
    grace: float = 0.0
    limits: Limits = field(default_factory=Limits)
    certificates: CertificateFiles = field(default_factory=CertificateFiles)


class PortTaken(Exception):
    """The address can not be listened on; the text says which and why."""


def listen(host: str, port: int) -> socket.socket:
    """A socket that is bound and listens. Raises `PortTaken`."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        raise PortTaken(f"can not listen on {host} port {port}: {error.strerror}") from error
    listener.setblocking(False)
    return listener


@dataclass(frozen=True, slots=True)
class Listeners:
    """The main socket, and the admin socket where there is one."""

    main: socket.socket
    admin: socket.socket | None = None

    @property
    def all(self) -> list[socket.socket]:
        return [self.main] if self.admin is None else [self.main, self.admin]

    @property
    def admin_port(self) -> int:
        """The admin socket's real port; -1, which no connection has, without one."""
        return -1 if self.admin is None else int(self.admin.getsockname()[1])

    def close(self) -> None:
        """Stop listening here; workers have their own hold on the sockets."""
        for listener in self.all:
            listener.close()
