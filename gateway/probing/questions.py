"""Questions: requests that nobody may be answered, whatever the CDN holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from gateway.copies import key_of
from gateway.fronts.pullers import SHIELD, TOKEN
from gateway.probing.links import CanaryLinks
from gateway.probing.replies import Ask
from signing.links import Link

WINDOWED = 'docs/cdns.md, "Any CDN in windowed mode"'
KEYED = 'docs/cdns.md, "Where the URL is the key"'

_OF_KEY = f"the cache key does not hold the whole query as it came: {WINDOWED}"
_BY_ENDING = f"a rule for names that end so leaves the query out of the cache key: {WINDOWED}"
_JUDGED = f"copies are looked up before the link is judged: {WINDOWED}"
_COPIES = f"the keys of copies are open to viewers, take ?c= away from them: {KEYED}"
_BELIEVED = f"Ostiary-Shield or Ostiary-Token of a viewer reaches the gateway: {KEYED}"


@dataclass(frozen=True, slots=True)
class Question:
    """What is tried in one respect, and what is set up wrongly where it opens something."""

    name: str
    what: str
    asks: tuple[Ask, ...]
    hint: str


def questions(link: Link, links: CanaryLinks, life: int, now: int) -> Iterator[Question]:
    """All of them, about the canary that a good link opens."""
    path, _, query = link.target.partition("?")
    token = query.removeprefix("t=")
    key = key_of(link).decode()
    yield _asked("broken signature", _broken(path, query), _OF_KEY)
    yield _asked("no token", [path, f"{path}?", f"{path}?t="], _OF_KEY)
    yield _asked("other spellings of the query", _spelt(path, token), _OF_KEY)
    yield _asked(
        "a token of another zone", [_worn(path, links.elsewhere(link, life, now))], _OF_KEY
    )
    yield _asked(
        "a grant without the original", [_worn(path, links.previews(link, life, now))], _JUDGED
    )
    yield _asked(
        "a generation of no revocation", [_worn(path, links.ahead(link, life, now))], _JUDGED
    )
    copies = [f"{path}?{key}", f"{path}?{key.replace('w', 'r')}"]
    yield _asked("the key of a copy", copies, _COPIES)
    yield Question("forged proofs", "refused", tuple(_forged(f"{path}?{key}", token)), _BELIEVED)


def about_ending(ending: str, link: Link) -> Question:
    """What is tried of a canary that ends like a static file, for which CDNs have other rules."""
    path, _, query = link.target.partition("?")
    asks = Ask(_broken(path, query)[0]), Ask(path)
    return Question(f"names that end in {ending}", "refused", asks, _BY_ENDING)


def _asked(name: str, targets: list[str], hint: str) -> Question:
    asks = [Ask(target) for target in targets]
    return Question(name, "refused", (*asks, Ask(targets[0], method="HEAD")), hint)


def _worn(path: str, other: Link) -> str:
    """A target with the token of another link."""
    return f"{path}?t={other.body}.{other.signature}"


def _broken(path: str, query: str) -> list[str]:
    """One octet of the signature changed: its last, and its first."""
    end, start = len(query) - 1, len(query) - 32
    return [f"{path}?{_turned(query, at)}" for at in (end, start)]


def _turned(text: str, at: int) -> str:
    other = "B" if text[at] == "A" else "A"
    return text[:at] + other + text[at + 1 :]


def _spelt(path: str, token: str) -> list[str]:
    return [
        f"{path}?t={token}&x=1",
        f"{path}?x=1&t={token}",
        f"{path}?t={token}&t={token}",
        f"{path}?T={token}",
        f"{path}?t=%31{token[1:]}",
    ]


def _forged(target: str, token: str) -> Iterator[Ask]:
    shield, beside = SHIELD.decode(), TOKEN.decode()
    yield Ask(target, {beside: token})
    yield Ask(target, {beside: token, shield: "forged"})
    yield Ask(target, {beside: _turned(token, len(token) - 1), shield: "forged"})
