"""The grammar of links as edges take it: one expression over the whole target, and its names.

Each is for PCRE and for JavaScript alike, linear, and holds no quote that would need escaping.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from gateway.edges.facts import ALWAYS, EdgeFacts
from gateway.edges.limits import LONGEST_EXPRESSION, within

_PAGE = "p[1-9][0-9]{0,3}"
_RENDITION = "[a-z0-9][a-z0-9_-]{0,63}"
_VERSION = "(?:-|[A-Za-z0-9_-]{22})"
_TAG = "(?:-|[A-Za-z0-9_-]{16})"
_GRANT = rf"[id](?:[aop]|x-(?!original\.){_RENDITION})"
_PLAIN = "[A-Za-z0-9._~!$&'()*+,;=:@-]*"
_SEGMENT = rf"(?!(?:\.|%2E){{0,2}}[/?]){_PLAIN}(?:%[0-9A-F][0-9A-F]{_PLAIN})*"
_KID = "[a-z0-9]{1,8}"
_END = "[1-9][0-9]{9}"
_GENERATION = "(?:0|[1-9][0-9]{0,9})"
_SIGNATURE = "[A-Za-z0-9_-]{32}"
_TOKEN = rf"1\.{_KID}\.{_END}\.{_GENERATION}\.{_TAG}\.{_TAG}\.{_GRANT}\.{_SIGNATURE}"
_PARTED = (
    rf"(1\.({_KID})\.({_END})\.({_GENERATION})\.({_TAG})\.({_TAG})\.({_GRANT}))\.({_SIGNATURE})"
)

WHOLE: Final = rf"^(?:{'|'.join(ALWAYS)}|{_PAGE}-text)$"
"""The names that carry the original or may end in it."""

FOLDER: Final = r"^/d/[^?]*\?t=1f[0-9]"
PASSED: Final = r"^/(?:$|\?|(?:storage/v1|v1|hooks)/)"
"""Beside links: what goes on to the origin unseen. All else, operators' routes too, is refused."""


@dataclass(frozen=True, slots=True)
class Expressions:
    """What is compared with targets (`target`), names (`declared`, `automatic`) and Accept."""

    facts: EdgeFacts

    @property
    def target(self) -> str:
        """The whole raw target of a link of the zone, up to its signature."""
        return rf"^/d/{_RENDITION}/{self._scope}\?t={_TOKEN}$"

    @property
    def parts(self) -> str:
        """As `target`, with groups: rendition, scope, signed body, kid, end, generation, audience,
        one-time name, grant, signature."""
        return rf"^/d/({_RENDITION})/({self._scope})\?t={_PARTED}$"

    @property
    def _scope(self) -> str:
        sealed = rf"~/{_VERSION}/[A-Za-z0-9_-]+(?:\.[a-z0-9]{{1,8}})?"
        readable = rf"(?!~(?!canary/)){_SEGMENT}/{_VERSION}/{_SEGMENT}(?:/{_SEGMENT})*"
        return rf"{self.facts.zone}/(?:{sealed}|{readable})"

    @property
    def declared(self) -> str:
        """Declared names that do not carry the original, with page and format. Raises TooLarge."""
        grouped: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for name, formats in self.facts.names.items():
            grouped[formats].append(name)
        forms = [_one_of(names) + _format(formats) for formats, names in grouped.items()]
        text = rf"^(?:{_PAGE}-)?{_one_of(forms)}$"
        return within("the expression of all names", text, LONGEST_EXPRESSION)

    @property
    def automatic(self) -> str:
        """Declared names without a format that can be given one."""
        names = self.facts.automatic
        return rf"^(?:{_PAGE}-)?{_one_of(names)}$"

    @staticmethod
    def shows(form: str) -> str:
        """Accept fields that name a format."""
        return rf"(?:^|[\s,])image/{form}(?=[\s,;]|$)"

    @staticmethod
    def bars(form: str) -> str:
        """Accept fields that name it only to bar it."""
        return rf"(?:^|[\s,])image/{form}[^,]*;\s*[qQ]=0(?:\.0*)?(?=[\s,;]|$)"


def _one_of(names: Iterable[str]) -> str:
    return f"(?:{'|'.join(names)})"


def _format(formats: tuple[str, ...]) -> str:
    return f"(?:-{_one_of(formats)})?" if formats else ""
