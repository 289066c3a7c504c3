"""Harms: what came to a link that can not be mended, as far as it and its refusal tell."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from gateway.cli.mending import look_of, look_of_token
from gateway.cli.targets import PathTarget, StorageTarget, Target
from gateway.configuration.nearest import nearest
from gateway.settings import Settings
from signing.grammar import STORAGE_TOKEN

_PLAIN = re.compile(r"[A-Za-z0-9_.;-]{1,32}")


def looks(target: Target) -> Iterator[str]:
    """What its text shows of what is wrong; nothing in it is proved."""
    if isinstance(target, PathTarget) and not target.beside:
        yield from look_of(target.raw_path, target.query)
    elif isinstance(target, StorageTarget) and target.query.ours:
        yield from look_of_token(target.token)


def additions(target: Target) -> Iterator[str]:
    """What a query has that means nothing here, and yet makes each of its texts a copy of its own.

    Names that can not be printed, or not at a glance, are not repeated.
    """
    if not isinstance(target, StorageTarget):
        return
    known = {"token", "download", "cacheNonce"}
    for name in dict.fromkeys(name for name, _ in target.query.pairs if name not in known):
        shown = name if _PLAIN.fullmatch(name) else "a parameter"
        yield f"{shown} in its query differs: it means nothing here, so leave it off"


def harms(reason: str, target: Target, settings: Settings) -> Iterator[str]:
    """What the reason of its refusal means, beside what the settings know."""
    if reason == "kid" and (token := STORAGE_TOKEN.match(target.token)):
        known = ", ".join(settings.signing.keys)
        yield f"it was signed by {token[2].decode()}, the keys here are: {known}"
    elif reason == "signature":
        yield "an octet of it was changed, or another key of the same id signed it"
    elif reason == "zone" and isinstance(target, PathTarget):
        name = target.raw_path.split(b"/")[3].decode()
        yield f"it is of zone {_beside(name, settings.zones)}"
    elif reason == "bucket" and isinstance(target, StorageTarget):
        name = target.bucket.encode(errors="replace").decode()
        yield f"it is of bucket {_beside(name, settings.supabase_zones())}"


def _beside(name: str, known: Collection[str]) -> str:
    near = nearest(name, known)
    meant = f"did you mean {near}?" if near else ", ".join(known) or "there is none"
    return f"{name}; here: {meant}"
