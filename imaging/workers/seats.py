"""Seats of a pool: each is a worker process that comes and goes, and the way to it."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from imaging.errors import Forgotten, ImagingError, PoolBusy, WorkerLost
from imaging.rendered import ENGINE_VERSION
from imaging.workers import protocol
from imaging.workers.jobs import PICTURES, Answer, Job
from imaging.workers.processes import launch, resident

_STARTUP = 30.0


@dataclass(frozen=True, slots=True)
class Lifetime:
    """After how many jobs, or beyond how many resident octets, a worker makes room for another.

    A decoder's leaks and fragmented memory end with its process.
    """

    jobs: int = 200
    octets: int = 400 * 1024 * 1024


class Died(Exception):
    """The worker's process ended, or spoke nonsense, in the middle of a job."""


BROKEN = (OSError, EOFError, protocol.ProtocolError)
"""What shows that a worker is of no more use."""


class Seat:
    """The seat of one worker process; the process comes and goes."""

    def __init__(self, executable: str, lifetime: Lifetime, module: str) -> None:
        self._executable = executable
        self._module = module
        self._lifetime = lifetime
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._greeted = False
        self._jobs = 0
        self._pictures: deque[str] = deque(maxlen=PICTURES)
        self.filtered = False

    def has(self, picture: str) -> bool:
        """Whether the process keeps that picture, as far as can be known here."""
        return picture in self._pictures

    @property
    def warm(self) -> bool:
        """Whether the process has greeted; another one may still be starting."""
        return self._greeted

    @property
    def pid(self) -> int:
        """The process id, 0 while there is no process."""
        return self._process.pid if self._process and self._process.poll() is None else 0

    async def ask(self, job: Job[Answer], seconds: float) -> Answer:
        """The job's answer; Died when there will be none, WorkerLost when there is no time.

        A worker that does not even come up is no fault of the job's: that is PoolBusy.
        """
        try:
            channel = await self.ready(seconds)
            async with asyncio.timeout(seconds):
                await _send(channel, protocol.pack(job.request, len(job.source)), job.source)
                answer = job.read(*await _receive(channel))
        except ImagingError as error:
            if isinstance(error, Forgotten):
                self._forget(job.picture)
            await self._replace_if_spent()
            raise
        except BROKEN as error:  # TimeoutError is an OSError
            greeted, code = self._greeted, await self.end()
            if not greeted:
                raise PoolBusy from None
            if isinstance(error, TimeoutError) or code == -signal.SIGXCPU:
                raise WorkerLost("timeout") from None
            raise Died from None
        except BaseException:
            # Cancelled or out of time: whatever it is doing is void.
            await self.end()
            raise
        self._remember(job)
        await self._replace_if_spent()
        return answer

    async def ready(self, seconds: float = 0.0) -> socket.socket:
        """Starts the process where there is none, waits for its greeting; the way to it.

        To start it has as long as its job at least: one of low priority may need that.
        """
        channel = self._channel
        if channel is None or not self.pid:
            await self.end()
            channel = self.spawn()
        if not self._greeted:
            async with asyncio.timeout(max(_STARTUP, seconds)):
                head, _ = await _receive(channel)
            if head.text("ready") != ENGINE_VERSION:
                raise protocol.ProtocolError("another engine")
            self._greeted = True
            self.filtered = head.fields.get("filtered") is True
        return channel

    def spawn(self) -> socket.socket:
        """Starts a process, and returns our end of the socket pair to it."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = launch(self._executable, theirs.fileno(), self._module)
        except OSError:
            ours.close()
            raise
        ours.setblocking(False)
        self._channel, self._greeted, self._jobs = ours, False, 0
        return ours

    def kill(self) -> None:
        """Ends the process at once; its channel stays, for a job may wait on it."""
        if self._process:
            self._process.kill()

    async def end(self) -> int:
        """Ends the process and everything held for it; the exit status, negative for a signal."""
        process, self._process = self._process, None
        channel, self._channel = self._channel, None
        self._greeted = False
        self._pictures.clear()
        if channel:
            channel.close()
        if process is None:
            return 0
        process.kill()
        return await asyncio.shield(asyncio.to_thread(process.wait))

    def _remember(self, job: Job[Answer]) -> None:
        if job.picture:
            self._forget(job.picture)
            self._pictures.append(job.picture)

    def _forget(self, picture: str) -> None:
        with suppress(ValueError):
            self._pictures.remove(picture)

    async def _replace_if_spent(self) -> None:
        self._jobs += 1
        worn = self._jobs >= self._lifetime.jobs
        if worn or resident(self.pid) > self._lifetime.octets:
            await self.end()
            with suppress(OSError):
                self.spawn()


async def _send(channel: socket.socket, *parts: bytes) -> None:
    for part in parts:
        await asyncio.get_running_loop().sock_sendall(channel, part)


async def _receive(channel: socket.socket) -> tuple[protocol.Head, bytes]:
    prefix = await _exactly(channel, protocol.PREFIX.size)
    head_length, body_length = protocol.unpack_prefix(prefix)
    head = protocol.unpack_head(await _exactly(channel, head_length))
    return head, await _exactly(channel, body_length)


async def _exactly(channel: socket.socket, length: int) -> bytes:
    loop, buffer = asyncio.get_running_loop(), bytearray(length)
    rest = memoryview(buffer)
    while rest:
        received = await loop.sock_recv_into(channel, rest)
        if not received:
            raise EOFError
        rest = rest[received:]
    return bytes(buffer)
