"""What `auto` chooses for a document, in words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

from gateway.app import compose
from gateway.documents import DocumentRef
from gateway.errors import GatewayError
from gateway.making.choices import Choice
from gateway.settings import Settings
from imaging.errors import ImagingError

REASONS = {
    "text": "page one is text, and a linearised PDF shows it from its first octets",
    "drawing": "page one is drawn, and a linearised PDF shows it from its first octets",
    "scan": "page one is the scan of a page, and lighter as a picture",
    "heavy": "page one takes far more octets than a picture of it",
    "light": "nothing that could be made of it is much lighter",
    "format": "browsers can not show the original",
    "lighter": "a picture of that width is much lighter",
    "small": "it is a small picture that browsers show",
    "moves": "it moves, and plays from its first octets",
    "clear": "one sees through it, which no format that is accepted keeps",
    "no-picture": "it is neither a picture nor pages",
    "empty": "it is empty",
    "too-large": "it is too large to be looked at",
}


def choice_of(ref: DocumentRef, settings: Settings) -> Choice | str:
    """What today's browsers get, looked at here if nobody has yet; or why that is not known."""
    try:
        return asyncio.run(_choice(ref, settings))
    except (GatewayError, ImagingError) as error:
        return type(error).__name__


def told(choice: Choice | str) -> Iterator[tuple[str, str]]:
    """The choice, why, and the octets of each candidate until page one is there."""
    if isinstance(choice, str):
        yield "auto", f"not known: {choice}"
        return
    why = REASONS.get(choice.why, f"nothing can be made of it ({choice.why})")
    yield "auto", f"{choice.name}: {why}"
    if choice.negotiated:
        yield "auto", "other clients may get another answer: it follows Accept"
    for name, octets in sorted(choice.octets.items(), key=lambda one: one[1]):
        yield "candidate", f"{name}, {octets:,} octets"


async def _choice(ref: DocumentRef, settings: Settings) -> Choice:
    parts = compose(settings, serves=False)
    try:
        return await parts.descriptions.choice(ref)
    finally:
        await parts.close()
