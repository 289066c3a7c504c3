"""A pool of worker processes that decode hostile bytes so that this process never has to."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

from imaging.conversions import Conversion, Converted
from imaging.encoding.glances import Glance
from imaging.errors import Forgotten, PoolBusy, SourceTooLarge, WorkerLost
from imaging.limits import Limits
from imaging.masters.masters import Master
from imaging.names.renditions import Rendition
from imaging.rendered import Description, Rendered
from imaging.workers import jobs
from imaging.workers.jobs import Answer, Job
from imaging.workers.lines import Line
from imaging.workers.processes import WORKER
from imaging.workers.seats import BROKEN, Died, Lifetime, Seat

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
        self._all = tuple(Seat(executable, lifetime, module) for _ in range(workers))
        self._line = Line(list(self._all))
        self._admitted = 0
        self._closed = False

    @property
    def depth(self) -> int:
        """Requests waiting for a worker."""
        return max(0, self._admitted - len(self._all))

    @property
    def busy(self) -> int:
        """Workers in a job."""
        return len(self._all) - self._line.free

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
        except BROKEN:
            await self.aclose()
            raise WorkerLost("start") from None

    async def aclose(self) -> None:
        """Ends every worker, also those in a job, and leaves no process behind."""
        self._closed = True
        for worker in self._all:
            worker.kill()
        # A job ends by itself once its worker is gone; only then is the channel free to close.
        ended = [await self._turn() for _ in self._all]
        await asyncio.gather(*(worker.end() for worker in ended))
        for worker in ended:
            self._line.leave(worker)

    async def rest(self) -> None:
        """Ends the workers that are in no job; each comes up again with its next one."""
        # Where one is free a turn is had without waiting.
        resting = [await self._turn() for _ in range(self._line.free)]
        try:
            await asyncio.gather(*(worker.end() for worker in resting))
        finally:
            for worker in resting:
                self._line.leave(worker)

    async def render(
        self, source: bytes, rendition: Rendition, of: str = "", *, develop: bool = False
    ) -> Rendered:
        """The rendition; raises BrokenSource and its kin, PageMissing, PoolBusy.

        `of` is a name for these very octets that no source and no request can choose: under it a
        worker keeps what it has scaled for other formats of that size. Without it none does.
        `develop` asks for a master along with it, where the page is worth one.
        """
        return await self._ask(jobs.rendering(source, rendition, self._limits, of, develop=develop))

    async def reprint(
        self, master: Master, rendition: Rendition, of: str, origin: tuple[str, int]
    ) -> Rendered:
        """The rendition made of a master; `origin` is its source's media type, and its octets.

        Raises as `render` does; BrokenSource is about the master.
        """
        return await self._ask(jobs.reprinting(master, rendition, self._limits, of, origin))

    async def recall(self, rendition: Rendition, of: str) -> Rendered | None:
        """The rendition of a picture that a worker keeps, or is scaling, of what is named so.

        The same octets as `render` gives; None when no worker keeps it. Raises PoolBusy.
        """
        job = jobs.recalling(rendition, of)
        if not (job.picture and self._line.knows(job.picture)):
            return None
        with suppress(Forgotten, WorkerLost):
            return await self._ask(job)
        return None

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

    async def glance(self, source: bytes) -> Glance:
        """What page one shows, and about what it weighs; raises as `render` does."""
        return await self._ask(jobs.glancing(source, self._limits))

    async def _ask(self, job: Job[Answer]) -> Answer:
        if self._closed or self._admitted >= self._room:
            raise PoolBusy
        if len(job.source) > self._limits.octets:
            raise SourceTooLarge("octets")
        self._admitted += 1
        try:
            worker = await self._turn(job.picture)
            try:
                return await self._try_twice(worker, job)
            finally:
                self._line.leave(worker)
        finally:
            self._admitted -= 1

    async def _turn(self, picture: str = "") -> Seat:
        """A worker without a job, the one that has the picture if that can be."""
        ticket: asyncio.Future[Seat] = asyncio.get_running_loop().create_future()
        self._line.join(picture, ticket)
        try:
            return await ticket
        except asyncio.CancelledError:
            if ticket.done() and not ticket.cancelled():
                self._line.leave(ticket.result())
            raise

    async def _try_twice(self, worker: Seat, job: Job[Answer]) -> Answer:
        """A death, which may be the fault of an earlier job, is forgiven once."""
        for _ in range(2):
            if self._closed:
                break
            with suppress(Died):
                if worker.has(job.picture):
                    with suppress(Forgotten):
                        return await worker.ask(job.recalled(), self._timeout)
                return await worker.ask(job, self._timeout)
        raise PoolBusy if self._closed else WorkerLost("crash")
