"""Whole answers: head and body in one step, for an application that has both in hand.

uvicorn judges each field of each answer by two patterns; fields that were checked when they were
made need that no more. What is offered here is an ASGI extension: an application that finds none
sends the standard's messages.
"""

from __future__ import annotations

from typing import Final

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

EXTENSION: Final = "ostiary.whole"


class WholeAnswer:
    """Answers one request at once; it is that request's `scope["extensions"][EXTENSION]`."""

    __slots__ = ("_cycle",)

    def __init__(self, cycle: RequestResponseCycle) -> None:
        self._cycle = cycle

    def __call__(self, status: int, head: bytes, body: bytes) -> bool:
        """Write field lines that frame `body`, and the body; False when it has to be sent.

        The head holds Content-Length where one is due, and is written as it is.
        """
        cycle = self._cycle
        flow: FlowControl = cycle.flow
        if cycle.response_started or flow.write_paused:
            return False
        cycle.response_started = cycle.response_complete = True
        cycle.waiting_for_100_continue = False
        if not cycle.disconnected:
            end = b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n"
            cycle.transport.write(b"".join((STATUS_LINE[status], head, end, body)))
        cycle.message_event.set()
        if not cycle.keep_alive:
            cycle.transport.close()
        cycle.on_response()
        return True
