"""What upstream allowed a moment ago: its yes, and to whom, and never its no."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from gateway.permits import OWN
from gateway.supabase.callers import Caller

LIFE = 30.0
"""How long a yes is good, in seconds from when it was asked for."""
MOST = 100_000

_SLOTS = 4096

Place = tuple[bytes, str, str, str, int]
"""Caller, operation, bucket, key, epoch."""


@dataclass(frozen=True, slots=True)
class Decision:
    """Upstream's yes, good before `until`, in seconds of the epoch.

    `max_age` is what upstream lets everybody keep a public object for, in seconds; `OWN` of what
    is not public.
    """

    until: float
    max_age: int = OWN


class Question(NamedTuple):
    """Something asked of upstream: whose, about what, and what was known of it by then.

    `place` is equal for equal questions with no change of the object told between them; `until`
    is when a yes to it ends.
    """

    place: Place
    until: float

    @property
    def bucket(self) -> str:
        return self.place[2]

    @property
    def key(self) -> str:
        return self.place[3]

    def yes(self, max_age: int = OWN) -> Decision:
        """The decision that a yes to this makes."""
        return Decision(self.until, max_age)


class Decisions:
    """At most `most` decisions, for one event loop; the oldest make room, since they end first.

    Whatever may decide differently is part of the question: the credentials, the operation (a
    policy may read its name), the object. A change that is told (`forget`) counts up an epoch,
    and a yes that was asked for before it is of no use after. Epochs are shared by some objects,
    which costs a few questions more. `clock` gives seconds of the epoch.
    """

    def __init__(self, clock: Callable[[], float], *, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._known: OrderedDict[Place, Decision] = OrderedDict()
        self._epochs = [0] * _SLOTS

    def __len__(self) -> int:
        return len(self._known)

    def question(self, caller: Caller, operation: str, bucket: str, key: str) -> Question:
        """A question to be asked now."""
        return self.questions(caller, operation, bucket, (key,))[0]

    def questions(
        self, caller: Caller, operation: str, bucket: str, keys: Sequence[str]
    ) -> list[Question]:
        """As `question`, for many keys at the price of one look at the caller and the clock."""
        digest, epochs = caller.digest, self._epochs
        until, common = min(self._clock() + LIFE, caller.expires_at), epochs[_slot(bucket)]
        return [
            Question((digest, operation, bucket, key, common + epochs[_slot(bucket, key)]), until)
            for key in keys
        ]

    def known(self, caller: Caller, operation: str, bucket: str, key: str) -> Decision | None:
        """The decision that still holds, if there is one."""
        return self.known_of(caller, operation, bucket, (key,))[0]

    def known_of(
        self, caller: Caller, operation: str, bucket: str, keys: Sequence[str]
    ) -> list[Decision | None]:
        """As `known`, for many keys at the price of one look at the caller and the clock."""
        digest, now, known, epochs = caller.digest, self._clock(), self._known, self._epochs
        common = epochs[_slot(bucket)]
        found = [
            known.get((digest, operation, bucket, key, common + epochs[_slot(bucket, key)]))
            for key in keys
        ]
        # The bound above is for a clock that was set back.
        return [one if one and now < one.until <= now + LIFE else None for one in found]

    def remember(self, question: Question, decision: Decision) -> None:
        """Keep the yes to `question`; one that a change has overtaken is never found."""
        place, now = question.place, self._clock()
        self._known.pop(place, None)
        if decision.until > now:
            self._known[place] = decision
        self._make_room(now)

    def forget(self, bucket: str, key: str) -> None:
        """The object changed or is gone: ask again, whoever comes."""
        self._epochs[_slot(bucket, key)] += 1

    def forget_bucket(self, bucket: str) -> None:
        """The bucket changed (public to private, say): ask again for all in it."""
        self._epochs[_slot(bucket)] += 1

    def _make_room(self, now: float) -> None:
        while self._known:
            place = next(iter(self._known))
            if len(self._known) <= self._most and self._known[place].until > now:
                return
            del self._known[place]


def _slot(bucket: str, key: str = "") -> int:
    """The number of an object's epoch; without a key, which none has, of the bucket's."""
    return hash((bucket, key)) % _SLOTS
