"""Distance: a relay that makes what is near seem far, by a model of TCP's slow start.

Not every kernel has netem, and it needs root. So a relay takes octets at once, and gives them on as
a path of that round trip would:

- A new connection costs the browser one round trip before its first byte leaves it.
- Every byte takes half a round trip, either way.
- The server may have `cwnd` octets under way: ten segments of 1,448 at first (RFC 6928). What
  arrives is acknowledged half a round trip later, and each octet acknowledged lets one more go:
  the window doubles in each round trip (RFC 9438 section 4.10, RFC 5681 section 3.1).
- A connection that was idle for a second begins anew with its first window (RFC 5681 section 4.1).
- Requests are small and fit any window.

The path loses nothing and has no limit of its own, so the window never shrinks; acknowledgements
are not delayed; there is no TLS, which would cost either side of a comparison one more round trip.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from queue import Queue
from threading import Thread

SEGMENT = 1_448
FIRST = 10 * SEGMENT
IDLE = 1.0
_BLOCK, _UNBOUND = 1 << 16, 1 << 30


@dataclass(slots=True)
class Window:
    """What a sender may have under way, in octets, and when what is under way is acknowledged.

    Times are seconds of any clock that only grows.
    """

    round_trip: float
    first: int = FIRST
    cwnd: int = field(init=False)
    _under_way: int = 0
    _busy: float = 0.0
    _flights: deque[tuple[float, int]] = field(default_factory=deque[tuple[float, int]])

    def __post_init__(self) -> None:
        self.cwnd = self.first

    def send(self, octets: int, now: float) -> int:
        """Take up to so many octets; how many the window has room for at this moment."""
        self._acknowledge(now)
        if not self._flights and now - self._busy > IDLE:
            self.cwnd = self.first
        taken = min(octets, self.cwnd - self._under_way)
        if taken:
            self._under_way += taken
            self._flights.append((now + self.round_trip, taken))
            self._busy = now + self.round_trip
        return taken

    def wait(self, now: float) -> float:
        """Seconds until the next octets are acknowledged."""
        return max(0.0, self._flights[0][0] - now) if self._flights else 0.0

    def _acknowledge(self, now: float) -> None:
        while self._flights and self._flights[0][0] <= now:
            _, octets = self._flights.popleft()
            self._under_way -= octets
            self.cwnd += octets


@contextmanager
def far(port: int, round_trip: float) -> Iterator[int]:
    """Serve what listens on `port` as if it were so far away; where, as a port.

    It runs in a thread of its own. What is under way at the end of the block is lost.
    """
    ready = Queue[tuple[int, Callable[[], object]]]()

    async def serve() -> None:
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        async with asyncio.TaskGroup() as relays:

            def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                relays.create_task(_relay(reader, writer, port, round_trip))

            server = await asyncio.start_server(meet, "127.0.0.1", 0, limit=_BLOCK)
            ready.put(
                (server.sockets[0].getsockname()[1], partial(loop.call_soon_threadsafe, over.set))
            )
            await over.wait()
            server.close()
            raise _Over

    def run() -> None:
        with suppress(BaseExceptionGroup):
            asyncio.run(serve())

    thread = Thread(target=run, name="far")
    thread.start()
    place, end = ready.get()
    try:
        yield place
    finally:
        end()
        thread.join()


class _Over(Exception):
    """The end of a relay's block."""


async def _relay(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, round_trip: float
) -> None:
    with suppress(OSError):
        near, to_near = await asyncio.open_connection("127.0.0.1", port, limit=_BLOCK)
        with closing(writer), closing(to_near):
            # The handshake: the browser's first bytes leave it a round trip after it called.
            await asyncio.sleep(round_trip)
            asked = asyncio.create_task(_carry(reader, to_near, Window(round_trip, _UNBOUND)))
            try:
                await _carry(near, writer, Window(round_trip))
            finally:
                asked.cancel()


async def _carry(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, window: Window
) -> None:
    """Carry octets, each half a round trip late, until the sender has no more."""
    loop = asyncio.get_running_loop()
    arriving = asyncio.Queue[tuple[float, bytes]]()

    async def arrive() -> None:
        while (arrival := await arriving.get())[1]:
            await asyncio.sleep(arrival[0] - loop.time())
            writer.write(arrival[1])

    arrivals = asyncio.create_task(arrive())
    try:
        while octets := await reader.read(_BLOCK):
            while octets:
                if taken := window.send(len(octets), loop.time()):
                    arriving.put_nowait((loop.time() + window.round_trip / 2, octets[:taken]))
                    octets = octets[taken:]
                else:
                    await asyncio.sleep(window.wait(loop.time()))
        arriving.put_nowait((0.0, b""))
        await arrivals
    finally:
        arrivals.cancel()
