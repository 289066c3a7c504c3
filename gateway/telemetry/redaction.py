"""What no log may hold, and how it is taken out of an event on its way there."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping, Sequence

HIDDEN = "[redacted]"

# Keys whose value is a secret or a name whatever it looks like.
_KEYS = re.compile(
    r"(?i)(token|secret|password|passwd|authori[sz]ation|cookie|signature|credential|api_?key"
    r"|seal_?key|access_?key|(?:^|_)key(?:s|_name)?$|filename|file_name|(?:^|_)(?:path|query|url)$)"
)
# Values that are, or hold, a link or a secret: a signed target from its path on, a link's token,
# a query, a credential, a long run of hex or a JWT.
_VALUES = re.compile(
    r"/d/\S*"
    r"|\bt=\S*"
    r"|\b1\.[a-z0-9]{1,8}\.[1-9][0-9]{9}\.\S*"
    r"|\?[^\s\"']*=[^\s\"']*"
    r"|(?i:\b(?:bearer|basic)\s+\S+)"
    r"|(?i:\bsha256:[0-9a-f]+)"
    r"|\beyJ[\w-]+\.[\w.-]*"
    r"|\b[0-9a-fA-F]{64,}\b"
)


def redact_text(text: str) -> str:
    """The text without anything that looks like a link, a token or a key."""
    return _VALUES.sub(HIDDEN, text)


def redacted(value: object) -> object:
    """The value without secrets, at any depth; what is no plain value becomes redacted text."""
    match value:
        case None | bool() | int() | float():
            return value
        case str():
            return redact_text(value)
        case bytes() | bytearray():
            return redact_text(value.decode("ascii", "backslashreplace"))
        case Mapping():
            return {
                redact_text(str(key)): HIDDEN if _KEYS.search(str(key)) else redacted(item)
                for key, item in value.items()
            }
        case tuple() if type(value) is not tuple:  # a value with fields: it knows what to show
            return redact_text(str(value))
        case Sequence() | set() | frozenset():
            return [redacted(item) for item in value]
        case _:
            return redact_text(str(value))


def redact(
    _logger: object, _method: str, event: MutableMapping[str, object]
) -> MutableMapping[str, object]:
    """The structlog processor: every key and value of an event, at any depth."""
    return {key: HIDDEN if _KEYS.search(key) else redacted(value) for key, value in event.items()}
