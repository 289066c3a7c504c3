"""A stub at work: served on a free port of 127.0.0.1, in the event loop of the caller."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

from tests.stub_cdn.app import StubCdn


@asynccontextmanager
async def serving(stub: StubCdn, port: int = 0) -> AsyncIterator[str]:
    """Serve `stub` until the end of the block; yields its URL."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        # The other parser knows no SOFTPURGE.
        options = {"http": "h11", "lifespan": "off", "log_config": None}
        config = uvicorn.Config(stub, timeout_graceful_shutdown=1, **options)  # type: ignore[arg-type]
        server = uvicorn.Server(config)
        task = asyncio.create_task(server.serve([listener]))
        try:
            while not server.started:  # noqa: ASYNC110
                await asyncio.sleep(0.005)
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            await task
