"""Content-Disposition: the name a document is saved under (RFC 6266, RFC 8187).

The name comes from a store, so it may hold anything; what leaves here can end no field, holds no
path, and shows its true extension.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal
from urllib.parse import quote

# Below every file system's 255 octets, with room for a browser's own " (1)".
LONGEST_NAME = 200
LONGEST_EXTENSION = 16
NAMELESS = "document"

# Controls, line and paragraph separators, lone surrogates; marks that turn the reading direction
# (a name ending in "fdp.exe" that reads "exe.pdf"); the byte order mark.
_UNWANTED = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]"
)
# RFC 6266 appendix D: no escapes and nothing that looks like one, as readers differ on them.
_NOT_PLAIN = re.compile(r"[^ !#$&\'()+,.0-9;=@A-Z\[\]^_`a-z{}~-]")
_ATTR_CHARS = "!#$&+-.^_`|~"  # RFC 8187 §3.2.1, beside letters and digits


def content_disposition(disposition: Literal["inline", "attachment"], filename: str) -> bytes:
    """The field's value; an inline document has its name too, for when it is saved from view.

    `filename*` is added only when the plain name is not the whole truth, and stands second, as
    RFC 6266 appendix D asks.
    """
    name = safe_name(filename)
    plain = _plain(name)
    value = f'{disposition}; filename="{plain}"'
    if plain != name:
        value += f"; filename*=UTF-8''{quote(name, safe=_ATTR_CHARS)}"
    return value.encode("ascii")


def safe_name(filename: str) -> str:
    """The last segment of a name as Unicode (NFC) fit to show and to save; never empty."""
    last = re.split(r"[/\\]", _UNWANTED.sub("", filename))[-1]
    name = unicodedata.normalize("NFC", last).strip(" .")
    if len(name.encode()) <= LONGEST_NAME:
        return name or NAMELESS
    stem, extension = _split(name)
    room = LONGEST_NAME - len(extension.encode())
    return stem.encode()[:room].decode("utf-8", "ignore").rstrip(" .") + extension


def _plain(name: str) -> str:
    """The nearest name in ASCII: accents dropped, anything else an underscore."""
    letters = unicodedata.normalize("NFKD", name)
    bare = "".join(letter for letter in letters if not unicodedata.combining(letter))
    plain = _NOT_PLAIN.sub("_", bare)
    stem, extension = _split(plain)
    return plain if re.search("[0-9A-Za-z]", stem) else NAMELESS + extension


def _split(name: str) -> tuple[str, str]:
    stem, dot, extension = name.rpartition(".")
    if not dot or not stem or len(extension.encode()) > LONGEST_EXTENSION:
        return name, ""
    return stem, dot + extension
