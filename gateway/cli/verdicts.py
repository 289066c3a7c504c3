"""Verdicts: whether a link opens anything now, judged in the order the gateway judges it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from gateway.app import signer_of
from gateway.cli.generations import Generation, generation_of
from gateway.cli.renditions import renditions_of
from gateway.cli.targets import PathTarget, StorageTarget, Target
from gateway.documents import Zone
from gateway.regions import Residency
from gateway.settings import Settings
from imaging.errors import UnknownRendition
from imaging.names.renditions import Rendition, Renditions
from signing.desks import CLOCK_SKEW
from signing.errors import (
    GenerationAhead,
    GrantRefused,
    LinkExpired,
    LinkRefused,
    LinkRevoked,
)
from signing.folders import FolderLink
from signing.links import Link, check_generation, check_grant
from signing.targets import ABSENT

State = Literal["good", "expired", "revoked", "used", "refused", "upstream"]

REFUSALS = {
    "length": "it is over 2,048 octets",
    "query": "its query is not the one parameter t",
    "token": "its token is not of the grammar",
    "path": "its path is not of the grammar",
    "kid": "no key of this configuration has its key id",
    "zone": "no zone of this configuration has its zone's name",
    "signature": "its signature is not right",
    "spelling": "its address is spelled otherwise than the canonical way",
    "too-far": "it lives longer than its zone allows, or the clocks differ",
    "seal": "its sealed address does not open with this seal_key",
    "bucket": "no zone over a supabase: store has its bucket",
    "no-token": "there is no token in its query",
    "tokens": "there are several tokens in its query",
    "folder": "its address lies in no folder that its token opens",
    "sealed": "its zone seals its addresses, and folder links would show them",
    "one-time": "the storage routes have no links that are good once",
    "route": "its token is not for this storage route",
    "place": "our tokens are for object/sign and render/image/sign alone",
}
_UPSTREAM = {
    "upstream": "its token is Supabase's own and is passed on to be judged there",
    "tokenless": "it is no signed link: Supabase is asked, by the caller's own credentials",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the gateway would make of a link, and why.

    `good` does not promise a document: only the store knows whether it is there. `answer` is the
    status and the problem's code, empty when nothing is refused.
    """

    state: State
    why: str
    answer: str = ""

    @property
    def what(self) -> str:
        return f"{self.why}, {self.answer}" if self.answer else self.why

    @property
    def good(self) -> bool:
        return self.state == "good"


def moment(seconds: int) -> str:
    """Unix seconds as people read them."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def judge(target: Target, settings: Settings, now: int) -> Verdict:
    """The verdict on what a link's text asks for."""
    verdict = _judge(target, settings, now)
    beside = isinstance(target, PathTarget) and target.beside
    if verdict.answer and (beside or isinstance(target, StorageTarget)):
        return replace(verdict, answer="by an answer in Supabase's words")
    return verdict


def _judge(target: Target, settings: Settings, now: int) -> Verdict:
    try:
        link = target.verify(signer_of(settings), now)
    except LinkRefused as refusal:
        return _refused(refusal.reason)
    except LinkExpired as error:
        until = moment(error.expires_at)
        return Verdict("expired", f"it was good until {until}", "410 link.expired")
    zone = settings.zone_values()[link.zone]
    generation = generation_of(zone, link, settings.server.database)
    with suppress(StopIteration):
        return next(_objections(link, settings, generation, now))
    left = link.expires_at - now
    unsure = "" if generation.known is not None else f"; revocation: {generation.trouble}"
    return Verdict("good", f"{left} s left, signed by {link.kid}{unsure}")


def _refused(reason: str) -> Verdict:
    if reason in _UPSTREAM:
        return Verdict("upstream", _UPSTREAM[reason])
    return Verdict("refused", f"{REFUSALS.get(reason, reason)} ({reason})", "403 link.refused")


def granted(link: Link, renditions: Renditions) -> bool:
    """Whether the link's grant reaches its rendition."""
    name = link.rendition
    declared, carries = renditions.declared(name), renditions.carries_original(name)
    try:
        check_grant(link, declared=declared, carries_original=carries)
    except GrantRefused:
        return False
    return True


def _closed(link: Link, zone: Zone, generation: Generation, now: int) -> bool:
    """Whether its document was revoked without its folder, as long as that closes it."""
    over = generation.alone_at + zone.longest_life + CLOCK_SKEW
    return isinstance(link, FolderLink) and generation.alone_at > 0 and now <= over


def _objections(
    link: Link, settings: Settings, generation: Generation, now: int
) -> Iterator[Verdict]:
    zone = settings.zone_values()[link.zone]
    try:
        if generation.known is not None:
            check_generation(link, generation.known)
    except LinkRevoked:
        yield Verdict("revoked", f"it {generation.told(link)}", "410 link.revoked")
    except GenerationAhead:
        yield Verdict("refused", f"it {generation.told(link)}: issued on another state", "403")
    if generation.key_at:
        what = f"its key {link.kid} was revoked at {moment(int(generation.key_at))}"
        yield Verdict("revoked", what, "403 link.refused")
    if _closed(link, zone, generation, now):
        what = "its document was revoked by itself, which closes it to links of the folder"
        yield Verdict("revoked", what, "410 link.revoked")
    if generation.used_at:
        used = moment(generation.used_at)
        yield Verdict("used", f"it was good once, and was used at {used}", "410 link.used")
    if link.audience != ABSENT:
        yield Verdict("refused", "it is bound to a viewer, whom nothing proves", "403")
    renditions = renditions_of(settings)
    if not granted(link, renditions):
        yield Verdict("refused", f"it does not grant {link.rendition}", "403 rendition.refused")
    if link.rendition != "original":
        try:
            product = renditions.find(link.rendition)
        except UnknownRendition:
            yield Verdict("refused", f"{link.rendition} is not made", "403 rendition.refused")
        else:
            if isinstance(product, Rendition) and product.mark.names_viewer:
                what = "its mark names the viewer, whom nothing proves"
                yield Verdict("refused", what, "403 viewer.unknown")
    if not Residency(settings.server.region).admits(zone):
        yield Verdict("refused", "its zone may not be served in this region", "451")
