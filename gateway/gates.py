"""Gates: whether a link or a permit may be used now, and for how long its delivery may go on."""

from __future__ import annotations

from collections.abc import Callable
from time import time

from gateway.companions.folders import Folders, HeldLink
from gateway.errors import GatewayError, ResidencyRefused
from gateway.making.selections import Pass
from gateway.permits import Permit
from gateway.rules import Rules
from gateway.state.guards import Guard
from gateway.state.ledger import Ledger
from imaging.marking.viewers import NOBODY, Viewer
from signing.errors import AudienceRefused, LinkRefused, LinkRevoked, SigningError
from signing.folders import FolderLink
from signing.links import Link, check_generation, check_grant
from signing.targets import ABSENT


class Gate:
    """Judges what was verified, by what was taken back, who looks, and what is granted."""

    def __init__(self, rules: Rules, ledger: Ledger, clock: Callable[[], float] = time) -> None:
        self._zones = rules.zones
        self._signer = rules.signer
        self._renditions = rules.renditions
        self._residency = rules.residency
        self._revocations = rules.revocations
        self._folders = Folders(rules, ledger)
        self._clock = clock

    def admit(self, link: Pass, viewer: Viewer = NOBODY) -> bool:
        """Whether the link may be used now; False asks to `reread` the revocations first.

        `viewer` is who was proved to ask. Raises signing's refusals, `ViewerRefused` and
        `ResidencyRefused`.
        """
        self._revocations.fresh()
        counted = link.key
        if isinstance(link, FolderLink):
            self._folders.check(link, self._clock())
            counted = link.folder
        known = self._revocations.generation(self._zones[link.zone], link.bucket, counted)
        if link.generation > known:
            return False
        _check_generation(link, known)
        self._check_use(link, viewer)
        return True

    async def reread(self, link: Pass, viewer: Viewer = NOBODY) -> None:
        """Admit a link of a generation that was not known: ask the authority, then decide."""
        await self._revocations.refresh()
        _check_generation(link, self._generation(link))
        if isinstance(link, FolderLink):
            self._folders.check(link, self._clock())
        self._check_use(link, viewer)

    async def check_revoked(self, link: Link) -> None:
        """Raise what the link's generation says, before anybody is asked who looks."""
        self._revocations.fresh()
        if link.generation > self._generation(link):
            await self._revocations.refresh()
        _check_generation(link, self._generation(link))

    def _generation(self, link: Pass) -> int:
        """What is known of what the link's own counts: the document, or the folder alone."""
        counted = link.folder if isinstance(link, FolderLink) else link.key
        return self._revocations.generation(self._zones[link.zone], link.bucket, counted)

    def _check_use(self, link: Pass, viewer: Viewer) -> None:
        if not isinstance(link, Permit):
            if link.audience != ABSENT:
                self._check_audience(link, viewer)
            self._check_grant(link)
        if not self._residency.admits(self._zones[link.zone]):
            raise ResidencyRefused

    def _check_audience(self, link: Link, viewer: Viewer) -> None:
        if not self._signer.binds(link, viewer.id, self._revocations.returns(viewer.id)):
            raise AudienceRefused
        self._revocations.check_viewer(viewer.id)

    def _check_grant(self, link: Link) -> None:
        name = link.rendition
        original = name == "original"
        if link.kid in self._revocations.keys:
            raise LinkRefused("kid")
        check_grant(
            link,
            declared=original or self._renditions.declared(name),
            carries_original=original or self._renditions.carries_original(name),
        )

    def watch(self, link: Pass, viewer: Viewer, abort: Callable[[], None]) -> Guard:
        """Have `abort` called when the link, its key or its viewer is revoked.

        Closing the guard ends it.
        """
        place = self._zones[link.zone], link.bucket, link.key
        alone = isinstance(link, FolderLink)  # whose own generation counts less than the document's
        generation = self._revocations.generation(*place) if alone else link.generation
        if isinstance(link, Permit):
            who, kid = link.viewer, ""
        else:
            who, kid = viewer.id if for_one(link) else "", link.kid
        guard = self._revocations.register(*place, generation, abort, viewer=who, kid=kid)
        if alone and not self._stands(link, viewer):
            guard.end()
        return guard

    def _stands(self, link: Pass, viewer: Viewer) -> bool:
        """Whether nothing was taken back since the link was admitted."""
        try:
            return self.admit(link, viewer)
        except (GatewayError, SigningError):
            return False


def _check_generation(link: Pass, known: int) -> None:
    """A permit is made for its request alone: any other generation came after it."""
    if not isinstance(link, Permit):
        check_generation(link, known)
    elif link.generation != known:
        raise LinkRevoked


def for_one(link: Pass) -> bool:
    """Whether the answer is for one viewer or one use, and nobody else's to keep."""
    if isinstance(link, Permit):
        return False
    return link.audience != ABSENT or link.one_time != ABSENT or isinstance(link, HeldLink)
