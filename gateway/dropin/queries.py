"""Queries: the parameters of the storage routes that mean something here."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Self
from urllib.parse import parse_qsl, unquote, unquote_to_bytes

from signing.errors import LinkRefused

OURS = b"1."
_MOST = 64
_ESCAPED = re.compile(r"%[0-9A-Fa-f]{2}")


@dataclass(frozen=True, slots=True)
class Query:
    """The tokens as they came, whether and under what name to save, and all decoded pairs.

    `download` is None when the document is to be shown, and "" when it is to be saved under its
    own name. Parameters that nobody knows change nothing, as at Supabase.
    """

    tokens: tuple[bytes, ...] = field(repr=False)
    download: str | None = field(repr=False)
    pairs: tuple[tuple[str, str], ...] = field(repr=False)

    @classmethod
    def parse(cls, raw: bytes) -> Self:
        """Read a query string; one with too many parameters has none but its tokens."""
        parts = (part.partition(b"=") for part in raw.split(b"&"))
        tokens = tuple(value for name, _, value in parts if unquote_to_bytes(name) == b"token")
        try:
            text = raw.decode(errors="replace")
            pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST)
        except ValueError:
            return cls(tokens, None, ())
        saved = [value for name, value in pairs if name == "download"]
        return cls(tokens, _once_more(saved[0]) if saved else None, tuple(pairs))

    @property
    def ours(self) -> bool:
        """Whether a token is of our making, or pretends to be, however it is spelled."""
        return any(unquote_to_bytes(token).startswith(OURS) for token in self.tokens)

    @property
    def token(self) -> bytes:
        """The one token; `LinkRefused` for several, which readers could choose from differently."""
        if len(self.tokens) != 1:
            raise LinkRefused("query")
        return self.tokens[0]


def _once_more(name: str) -> str:
    """storage-js encodes a name twice where it is not ASCII: its escapes are left over here."""
    if not _ESCAPED.search(name):
        return name
    try:
        return unquote(name, errors="strict")
    except UnicodeDecodeError:
        return name
