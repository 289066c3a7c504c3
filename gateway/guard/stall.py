"""Whether a client takes anything of its answer."""

from __future__ import annotations

import asyncio
import fcntl
import struct
import termios
from collections.abc import Callable


class StallWatch:
    """While a transport's buffer is full, looks every `seconds` whether the client took octets.

    `give_up` is called when it took none. 0 seconds: nobody looks.
    """

    __slots__ = ("_give_up", "_seconds", "_timer", "_transport")

    def __init__(
        self, transport: asyncio.Transport, seconds: float, give_up: Callable[[], None]
    ) -> None:
        self._transport = transport
        self._seconds = seconds
        self._give_up = give_up
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """The buffer is full: the application waits for the client."""
        if self._seconds:
            self._look_again(self._pending())

    def stop(self) -> None:
        """The buffer has room again, or the connection is gone."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_again(self, before: int) -> None:
        self.stop()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._seconds, self._look, before)

    def _look(self, before: int) -> None:
        pending = self._pending()
        if pending < before:
            self._look_again(pending)
        else:
            self._give_up()

    def _pending(self) -> int:
        """Octets written that the client's kernel has not acknowledged.

        The kernel's own queue counts too (tcp(7), SIOCOUTQ): it takes megabytes and wakes the
        transport late, so that a slow reader would look like none.
        """
        unsent = self._transport.get_write_buffer_size()
        descriptor = self._transport.get_extra_info("socket").fileno()
        queued = fcntl.ioctl(descriptor, termios.TIOCOUTQ, b"\0\0\0\0")
        return unsent + int(struct.unpack("i", queued)[0])
