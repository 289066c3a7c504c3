"""Incoming: what a client sends, read while it is passed on, and the moment it leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, Self

import httpcore

from gateway.guard.patience import PATIENCE
from gateway.wire.asgi import Message, Receive


class ClientLeft(Exception):
    """Nobody is there any more to send a body, or to hear an answer."""


def _impatient(_seconds: float) -> None:
    """The server in front has a deadline of its own, or none."""


class Incoming:
    """The only reader of `receive`; as an iterator it is the request's body, chunk by chunk.

    Nothing of it may be missing for longer than `silence`, in seconds; it may take as long as it
    needs beside.
    When upstream answers in mid-body (`answered` is set), what is left is not for it: the
    iterator ends with httpcore's WriteError, which httpcore takes for "look at the answer". The
    first `keeps` octets are kept in `seen`; `whole` tells that the body came to its end.
    """

    def __init__(
        self,
        scope: Mapping[str, Any],
        receive: Receive,
        silence: float,
        *,
        keeps: int = 0,
    ) -> None:
        self._receive = receive
        self._patience = scope.get("extensions", {}).get(PATIENCE, _impatient)
        self._silence = silence
        self._keeps = keeps
        self._message: asyncio.Task[Message] | None = None
        self._over = asyncio.Event()
        self.answered = asyncio.Event()
        self.seen = b""
        self.whole = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        """The next octets. Raises `ClientLeft`."""
        while not self.whole:
            if chunk := await self._chunk():
                return chunk
        raise StopAsyncIteration

    async def read(self) -> bytes:
        """All of it, for one that is short. Raises `ClientLeft`."""
        return b"".join([chunk async for chunk in self])

    async def left(self) -> None:
        """Returns when the client has left; the rest of a body that nobody wants is dropped."""
        await self._over.wait()
        while (await self._next())["type"] != "http.disconnect":
            pass

    def release(self) -> None:
        """Upstream has answered: `left` may read on."""
        self._over.set()
        self._patience(self._silence)

    async def aclose(self) -> None:
        """Wait for no message any more."""
        self.release()
        if self._message is not None:
            self._message.cancel()
            await asyncio.gather(self._message, return_exceptions=True)

    async def _chunk(self) -> bytes:
        message = await self._unless_answered()
        if message["type"] == "http.disconnect":
            raise ClientLeft
        body: bytes = message.get("body", b"")
        if len(self.seen) < self._keeps:
            self.seen += body[: self._keeps - len(self.seen)]
        if not message.get("more_body", False):
            self.whole = True
            self._over.set()
        # While upstream takes the chunk the client may not be at fault for sending no other.
        self._patience(0)
        return body

    async def _unless_answered(self) -> Message:
        self._patience(self._silence)
        message = self._asked()
        answered = asyncio.create_task(self.answered.wait())
        try:
            await asyncio.wait({message, answered}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            answered.cancel()
        if not message.done():
            raise httpcore.WriteError
        return await self._next()

    async def _next(self) -> Message:
        message = self._asked()
        # Not cancelled with its reader: a message taken off the server would be lost.
        await asyncio.wait({message})
        self._message = None
        return message.result()

    def _asked(self) -> asyncio.Task[Message]:
        if self._message is None:
            self._message = asyncio.ensure_future(self._receive())
        return self._message
