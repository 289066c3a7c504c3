"""Pacing: the times by which purges are worked off."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.state.leases import FARTHEST


@dataclass(frozen=True, slots=True)
class Pacing:
    """The worker's times, in seconds.

    `second_pass` is the longest time a fetch may take: an answer that a CDN began to fetch before
    the change is stored by then. `lease` is longer than `call`, so that a job is not given out
    twice while its call still runs. What a provider's limits do not drain within `backlog` is
    collapsed to bigger tags; `look` is how often that is judged. The times that a CDN takes are
    multiplied by `settling`; one that can not say for so long as `unsettled` has failed.

    Raises ValueError where a job could be due so late that a clock set back seems the cause.
    """

    second_pass: float = 20.0
    call: float = 15.0
    lease: float = 30.0
    backlog: float = 300.0
    look: float = 1.0
    shortest_pause: float = 0.5
    longest_pause: float = 60.0
    settling: float = 1.0
    unsettled: float = 86_400.0
    poll: float = 0.25
    tick: float = 0.02
    lead: float = 1.0
    keep_feed: float = 7 * 86_400.0
    keep_purges: float = 30 * 86_400.0
    sweep: float = 3_600.0

    def __post_init__(self) -> None:
        if max(self.second_pass, self.lease, self.longest_pause) > FARTHEST / 2:
            raise ValueError(f"no lease, pause or second pass takes more than {FARTHEST / 2:g} s")
