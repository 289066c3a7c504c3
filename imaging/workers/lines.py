"""The line in front of workers: who goes next, and to which of them."""

from __future__ import annotations

from typing import Generic, NamedTuple, Protocol, TypeVar

PASSED = 8
"""How many others may go before the first in line because a worker has their picture."""


class Seat(Protocol):
    """Where one job at a time is done."""

    def has(self, picture: str) -> bool:
        """Whether that picture is likely to be scaled there already."""
        ...

    @property
    def warm(self) -> bool:
        """Whether a job can begin there at once."""
        ...


S = TypeVar("S", bound=Seat)
S_contra = TypeVar("S_contra", bound=Seat, contravariant=True)


class Ticket(Protocol[S_contra]):
    """Somebody who waits: is told of a seat, unless gone by then."""

    def set_result(self, result: S_contra, /) -> None: ...

    def done(self) -> bool: ...


class _Waiting(NamedTuple, Generic[S]):
    picture: str
    ticket: Ticket[S]


class Line(Generic[S]):
    """Gives free seats to those who wait, each picture's jobs to the seat that has it.

    One whose picture is being made at this moment waits for that seat: it then costs no decoding.
    Else the first goes first, but for `PASSED` others whose picture a free seat has, and to a seat
    that is warm if one is free. "" is no picture.
    """

    def __init__(self, seats: list[S]) -> None:
        self._free = list(seats)
        self._busy: list[tuple[S, str]] = []
        self._waiting: list[_Waiting[S]] = []
        self._passed = 0

    @property
    def free(self) -> int:
        """Seats without a job."""
        return len(self._free)

    def knows(self, picture: str) -> bool:
        """Whether a seat has the picture or is making it."""
        busy = any(picture == made or seat.has(picture) for seat, made in self._busy)
        return busy or any(seat.has(picture) for seat in self._free)

    def join(self, picture: str, ticket: Ticket[S]) -> None:
        """Wait; the ticket is told at once if a seat is free for it."""
        self._waiting.append(_Waiting(picture, ticket))
        self._serve()

    def leave(self, seat: S) -> None:
        """Give a seat back."""
        self._busy = [one for one in self._busy if one[0] is not seat]
        self._free.append(seat)
        self._serve()

    def _serve(self) -> None:
        self._waiting = [one for one in self._waiting if not one.ticket.done()]
        while self._free and (found := self._next()):
            waiting, seat = found
            self._passed = 0 if waiting is self._waiting[0] else self._passed + 1
            self._waiting.remove(waiting)
            self._free.remove(seat)
            self._busy.append((seat, waiting.picture))
            waiting.ticket.set_result(seat)

    def _next(self) -> tuple[_Waiting[S], S] | None:
        patient = self._waiting if self._passed < PASSED else self._waiting[:1]
        for waiting in patient:
            for seat in self._free:
                if waiting.picture and seat.has(waiting.picture):
                    return waiting, seat
        made = {picture for _, picture in self._busy if picture}
        for waiting in self._waiting:
            if waiting.picture not in made:
                return waiting, next(filter(_warm, reversed(self._free)), self._free[-1])
        return None


def _warm(seat: Seat) -> bool:
    return seat.warm
