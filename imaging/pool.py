"""A pool of worker processes that decode hostile bytes so that this process never has to."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass

from imaging import jobs, protocol
from imaging.conversions import Conversion, Converted
from imaging.errors import ImagingError, PoolBusy, SourceTooLarge, WorkerLost
from imaging.jobs import Answer, Job
from imaging.limits import Limits
from imaging.processes import WORKER, launch, resident
from imaging.rendered import ENGINE_VERSION, Description, Rendered
from imaging.renditions import Rendition


@dataclass(frozen=True, slots=True)
class Lifetime:
    """After how many jobs, or beyond how many resident octets, a worker makes room for another.

    A decoder's leaks and fragmented memory end with its process.
    """

    jobs: int = 200
    octets: int = 400 * 1024 * 1024


_STARTUP = 30.0
_LIMITS = Limits()
_LIFETIME = Lifetime()


class RenderPool:
    """Renders in `workers` processes, one job each at a time, no try longer than `timeout` s.

    At most `queue` more requests wait (four per worker unless said); the next one is refused
    with PoolBusy. A worker that dies in a job is replaced and the job tried once more; one that
    is too slow is killed, and its job with it. Use `start()` before, and `aclose()` after; a pool
    that is not started begins each worker with its first job. `module` is what workers run.
    """

    def __init__(
        self,
        workers: int,
        queue: int | None = None,
        timeout: float = 15.0,
        limits: Limits = _LIMITS,
        lifetime: Lifetime = _LIFETIME,
        *,
        executable: str = sys.executable,
        module: str = WORKER,
    ) -> None:
        if workers < 1 or timeout <= 0 or (queue is not None and queue < 0):
            raise ValueError("a pool needs a worker, a queue of 0 or more, and a time above 0")
        self._room = workers + (4 * workers if queue is None else queue)
        self._timeout = timeout
        self._limits = limits
        self._turn = asyncio.Semaphore(workers)
        self._idle = [_Worker(executable, lifetime, module) for _ in range(workers)]
        self._all = tuple(self._idle)
        self._admitted = 0
        self._closed = False

    @property
    def depth(self) -> int:
        """Requests waiting for a worker."""
        return max(0, self._admitted - len(self._all))

    @property
    def busy(self) -> int:
        """Workers in a job."""
        return len(self._all) - len(self._idle)

    @property
    def pids(self) -> tuple[int, ...]:
        """The process ids of the workers that run now."""
        return tuple(worker.pid for worker in self._all if worker.pid)

    @property
    def filtered(self) -> bool:
        """Whether the kernel filters the system calls of every worker that greeted."""
        return all(worker.filtered for worker in self._all)

    async def start(self) -> None:
        """Starts every worker and waits until each is ready, so that a broken setup shows now."""
        try:
            for worker in self._all:
                worker.spawn()
            for worker in self._all:
                await worker.ready()
        except _BROKEN:
            await self.aclose()
            raise WorkerLost("start") from None

    async def aclose(self) -> None:
        """Ends every worker, also those in a job, and leaves no process behind."""
        self._closed = True
        for worker in self._all:
            worker.kill()
        # A job ends by itself once its worker is gone; only then is the channel free to close.
        for _ in self._all:
            await self._turn.acquire()
        await asyncio.gather(*(worker.end() for worker in self._all))
        for _ in self._all:
            self._turn.release()

    async def rest(self) -> None:
        """Ends the workers that are in no job; each comes up again with its next one."""
        resting: list[_Worker] = []
        while not self._turn.locked():  # then a turn is had without waiting
            await self._turn.acquire()
            resting.append(self._idle.pop())
        try:
            await asyncio.gather(*(worker.end() for worker in resting))
        finally:
            self._idle += resting
            for _ in resting:
                self._turn.release()

    async def render(self, source: bytes, rendition: Rendition) -> Rendered:
        """The rendition; raises BrokenSource and its kin, PageMissing, PoolBusy."""
        return await self._ask(jobs.rendering(source, rendition, self._limits))

    async def improve(self, source: bytes, rendition: Rendition) -> Rendered:
        """The rendition as well as a background worker can make it; raises as `render` does.

        It is the same as `render` gives where no better one was found.
        """
        return await self._ask(jobs.improving(source, rendition, self._limits))

    async def convert(self, source: bytes, conversion: Conversion) -> Converted:
        """The conversion; raises as `render` does."""
        return await self._ask(jobs.converting(source, conversion, self._limits))

    async def describe(self, source: bytes) -> Description:
        """What the source's header tells; raises as `render` does."""
        return await self._ask(jobs.describing(source, self._limits))

    async def _ask(self, job: Job[Answer]) -> Answer:
        if self._closed or self._admitted >= self._room:
            raise PoolBusy
        if len(job.source) > self._limits.octets:
            raise SourceTooLarge("octets")
        self._admitted += 1
        try:
            async with self._turn:
                worker = self._idle.pop()
                try:
                    return await self._try_twice(worker, job)
                finally:
                    self._idle.append(worker)
        finally:
            self._admitted -= 1

    async def _try_twice(self, worker: _Worker, job: Job[Answer]) -> Answer:
        """A death, which may be the fault of an earlier job, is forgiven once."""
        for _ in range(2):
            if self._closed:
                break
            with suppress(_Died):
                return await worker.ask(job, self._timeout)
        raise PoolBusy if self._closed else WorkerLost("crash")


class _Died(Exception):
    """The worker's process ended, or spoke nonsense, in the middle of a job."""


_BROKEN = (OSError, EOFError, protocol.ProtocolError)


class _Worker:
    """The seat of one worker process; the process comes and goes."""

    def __init__(self, executable: str, lifetime: Lifetime, module: str) -> None:
        self._executable = executable
        self._module = module
        self._lifetime = lifetime
        self._process: subprocess.Popen[bytes] | None = None
        self._channel: socket.socket | None = None
        self._greeted = False
        self._jobs = 0
        self.filtered = False

    @property
    def pid(self) -> int:
        """The process id, 0 while there is no process."""
        return self._process.pid if self._process and self._process.poll() is None else 0

    async def ask(self, job: Job[Answer], seconds: float) -> Answer:
        """The job's answer; _Died when there will be none, WorkerLost when there is no time.

        A worker that does not even come up is no fault of the job's: that is PoolBusy.
        """
        try:
            channel = await self.ready()
            async with asyncio.timeout(seconds):
                await _send(channel, protocol.pack(job.request, len(job.source)), job.source)
                answer = job.read(*await _receive(channel))
        except ImagingError:
            await self._replace_if_spent()
            raise
        except _BROKEN as error:  # TimeoutError is an OSError
            greeted, code = self._greeted, await self.end()
            if not greeted:
                raise PoolBusy from None
            if isinstance(error, TimeoutError) or code == -signal.SIGXCPU:
                raise WorkerLost("timeout") from None
            raise _Died from None
        except BaseException:
            # Cancelled or out of time: whatever it is doing is void.
            await self.end()
            raise
        await self._replace_if_spent()
        return answer

    async def ready(self) -> socket.socket:
        """Starts the process where there is none, waits for its greeting; the way to it."""
        channel = self._channel
        if channel is None or not self.pid:
            await self.end()
            channel = self.spawn()
        if not self._greeted:
            async with asyncio.timeout(_STARTUP):
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
        if channel:
            channel.close()
        if process is None:
            return 0
        process.kill()
        return await asyncio.shield(asyncio.to_thread(process.wait))

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
