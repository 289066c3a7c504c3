"""One process that answers on the main and the admin socket in one event loop."""

from __future__ import annotations

import asyncio
import gc
import os
import resource
import signal
import socket
from collections.abc import Awaitable, Callable
from time import monotonic
from types import FrameType
from typing import Any, Protocol, TypeAlias, cast

import structlog
import uvicorn
import uvloop
from uvicorn.importer import import_from_string

from gateway.errors import ConfigurationError
from gateway.guard import guarded
from gateway.serve.plan import Listeners, Plan
from gateway.serve.reception import Reception
from gateway.telemetry import Draining, LineWriter
from gateway.wire.asgi import App, Receive, Scope, Send

STARTUP_FAILED = 1
FORCE = signal.SIGUSR1
TWICE = 0.5
"""Signals this many seconds apart are one: managers signal a process, then its whole group."""

_log = structlog.stdlib.get_logger(__name__)


class Applications(Protocol):
    """What a worker serves: `start` and `close` are awaited once each, around the serving."""

    @property
    def main(self) -> App: ...
    @property
    def admin(self) -> App | None: ...
    @property
    def start(self) -> Callable[[], Awaitable[None]]: ...
    @property
    def close(self) -> Callable[[], Awaitable[None]]: ...
    @property
    def refused(self) -> Callable[[str], None]: ...


Factory: TypeAlias = Callable[..., Applications]


class Ports:
    """The two applications as one: the port that a connection came in by chooses."""

    def __init__(self, applications: Applications, admin_port: int) -> None:
        self._applications = applications
        self._main = applications.main
        self._admin = applications.admin or applications.main
        self._admin_port = admin_port

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Awaitable[None]:
        if scope["type"] == "lifespan":
            return self._live(receive, send)
        application = self._admin if scope["server"][1] == self._admin_port else self._main
        return application(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self._applications.start()
        except Exception:
            _log.exception("start_failed")
            await send({"type": "lifespan.startup.failed", "message": ""})
            return
        _set_aside()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._applications.close()
        await send({"type": "lifespan.shutdown.complete"})


def _set_aside() -> None:
    """Spare the collector what lives as long as the process: code, settings, all that is made once.

    To go through it takes a tenth of a second, in which nobody is answered.
    """
    gc.collect()
    gc.freeze()


class Server(uvicorn.Server):
    """uvicorn's server that drains at the first signal and is forced by the second.

    A supervised one is forced by `FORCE` alone and ends when its supervisor is gone: terminals
    and process managers send SIGINT and SIGTERM to every process at once, beside the supervisor's.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        reception: Reception,
        draining: Draining,
        grace: float,
        ready: Callable[[], None] | None,
    ) -> None:
        super().__init__(config)
        self._reception = reception
        self._renewing: set[asyncio.Task[None]] = set()
        self._draining = draining
        self._grace = grace
        self._ready = ready
        self._supervised = ready is not None
        self._parent = os.getppid()
        self._asked_at = 0.0

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve, and say so."""
        await super().startup([])
        self.servers = await self._reception.open(self._connection)
        if self._ready is not None:
            signal.signal(FORCE, lambda _number, _frame: self._force())
            self._ready()
        else:
            later = asyncio.get_running_loop().call_soon_threadsafe
            signal.signal(signal.SIGHUP, lambda _number, _frame: later(self._stay))

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Take a signal; not calling uvicorn's own spares us its raising the signal again."""
        now = monotonic()
        if self._supervised and sig == signal.SIGINT:
            return
        if not self._asked_at:
            self._leave(now)
        elif not self._supervised and now - self._asked_at > TWICE:
            self._force()

    async def on_tick(self, counter: int) -> bool:
        """uvicorn's own, ten times a second."""
        now = monotonic()
        if self._supervised and not self._asked_at and os.getppid() != self._parent:
            _log.warning("supervisor_gone")
            self._leave(now)
        if self._asked_at and now >= self._asked_at + self._grace:
            self.should_exit = True
        return await super().on_tick(counter)

    def _leave(self, now: float) -> None:
        self._draining.begin()
        self._asked_at = now

    def _force(self) -> None:
        self.should_exit = self.force_exit = True

    def _stay(self) -> None:
        """One process can not be replaced by another: it serves on, with new certificates."""
        _log.warning("not_reloaded", reason="there is one worker: restart it")
        if not self._asked_at and self._reception.renew():
            renewing = asyncio.ensure_future(self._renew())
            self._renewing.add(renewing)
            renewing.add_done_callback(self._renewing.discard)

    async def _renew(self) -> None:
        """Connections that are open stay as they are; new ones see the new certificates."""
        former, self.servers = self.servers, await self._reception.open(self._connection)
        for server in former:
            server.close()
        _log.info("certificates_renewed")

    def _connection(self) -> asyncio.Protocol:
        make = cast("Callable[..., asyncio.Protocol]", self.config.http_protocol_class)
        return make(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


async def answer(
    plan: Plan, listeners: Listeners, writer: LineWriter, ready: Callable[[], None] | None = None
) -> None:
    """Serve until a signal ends it; `ready`, given by a supervisor, is told of the start."""
    draining = Draining()
    reception = Reception.of(listeners, plan.certificates, plan.limits.head)
    factory = cast(Factory, import_from_string(plan.factory))
    applications = factory(plan.config, writer, draining)
    config = uvicorn.Config(
        cast(Any, Ports(applications, listeners.admin_port)),
        http=guarded(plan.limits, applications.refused),
        ws="none",
        interface="asgi3",
        lifespan="on",
        log_config=None,
        access_log=False,
        # Whose word is taken on that stands in the settings; gateway/fronts/proxies.py reads them.
        proxy_headers=False,
        date_header=False,
        server_header=False,
        timeout_graceful_shutdown=plan.drain,
    )
    await Server(config, reception, draining, plan.grace, ready).serve(listeners.all)


def work(
    plan: Plan, listeners: Listeners, writer: LineWriter, ready: Callable[[], None] | None = None
) -> int:
    """Be a worker; returns the process's exit status."""
    # A core file would hold the keys, and documents.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(answer(plan, listeners, writer, ready))
    except (SystemExit, ConfigurationError):
        return STARTUP_FAILED
    except Exception:
        _log.exception("worker_failed")
        return STARTUP_FAILED
    return 0
