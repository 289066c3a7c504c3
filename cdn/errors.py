"""What can go wrong between Ostiary and a cache.

CdnError
├── ProviderMisconfigured   an unknown or unbuilt kind of CDN, or settings it can not work with
└── PurgeRefused            the CDN did not confirm a purge
    └── PurgeLost           it took a purge, and will not carry it out
"""

from __future__ import annotations


class CdnError(Exception):
    """Base of everything this package raises on purpose."""


class ProviderMisconfigured(CdnError):
    """A CDN's settings can not work; `fault` says what, `hint` how to mend it."""

    def __init__(self, fault: str, *, hint: str = "") -> None:
        super().__init__(f"{fault} ({hint})" if hint else fault)
        self.fault = fault
        self.hint = hint


class PurgeRefused(CdnError):
    """The CDN did not confirm a purge.

    `retry_after` is in seconds, None when the CDN named no time; `dead` says that trying again
    can not help before somebody acts on `hint`.
    """

    def __init__(
        self,
        detail: str,
        *,
        retry_after: float | None = None,
        dead: bool = False,
        hint: str = "",
    ) -> None:
        super().__init__(f"{detail} ({hint})" if hint else detail)
        self.detail = detail
        self.retry_after = retry_after
        self.dead = dead
        self.hint = hint


class PurgeLost(PurgeRefused):
    """The CDN took a purge and failed, or knows nothing of it: it has to be asked for again."""
