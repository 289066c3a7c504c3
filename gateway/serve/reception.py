"""Reception: the sockets of one process, listened on in the way that its certificates say."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from time import time

import structlog

from gateway.errors import ConfigurationError
from gateway.fronts.certificates import CertificateFiles, Contexts
from gateway.serve.plan import BACKLOG, Listeners

Connect = Callable[[], asyncio.Protocol]

_log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class Reception:
    """Opens the sockets, and opens them anew when the files have changed.

    `patience` is how many seconds a handshake may take.
    """

    listeners: Listeners
    files: CertificateFiles
    patience: float
    contexts: Contexts

    @classmethod
    def of(cls, listeners: Listeners, files: CertificateFiles, patience: float) -> Reception:
        """Read the files; raises `ConfigurationError`, told in the log."""
        try:
            return cls(listeners, files, patience, files.contexts(time()))
        except ConfigurationError as error:
            _log.error("certificates_refused", faults=[str(fault) for fault in error.faults])
            raise

    async def open(self, connect: Connect) -> list[asyncio.Server]:
        """A server on each socket; the sockets themselves stay open when it is closed."""
        contexts = self.contexts
        opened = []
        for listener, context in (
            (self.listeners.main, contexts.main),
            (self.listeners.admin, contexts.admin),
        ):
            if listener is not None:
                server = await asyncio.get_running_loop().create_server(
                    connect,
                    sock=listener.dup(),
                    ssl=context,
                    backlog=BACKLOG,
                    ssl_handshake_timeout=self.patience if context else None,
                )
                opened.append(server)
        return opened

    def renew(self) -> bool:
        """Read the files again; whether there is something new to listen with.

        What is wrong with them is logged, and what was read before stays.
        """
        if not self.files.certificate:
            return False
        try:
            self.contexts = self.files.contexts(time())
        except ConfigurationError as error:
            _log.error("certificates_kept", faults=[str(fault) for fault in error.faults])
            return False
        return True
