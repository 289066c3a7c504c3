"""Values: text of the environment or of a file read as the kind of value its setting takes."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

from gateway.settings.schema import Kind, Node
from gateway.settings.table import Unfit

_NUMBER = re.compile(r"-?[0-9]{1,18}")
_SHARE = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,9})?")
_YES = frozenset({"true", "1", "yes", "on"})
_NO = frozenset({"false", "0", "no", "off"})


def read_value(text: str, node: Node) -> object:
    """The value that `text` spells. Raises `Unfit`, which never repeats the text.

    Lists and tables are written as JSON. A list with commas only is refused: a name may hold a
    comma, and one spelling is enough.
    """
    return _READERS[node.kind](text)


def _text(text: str) -> object:
    return text


def _number(text: str) -> object:
    if not _NUMBER.fullmatch(text.strip()):
        raise Unfit("must be a whole number")
    return int(text)


def _share(text: str) -> object:
    if not _SHARE.fullmatch(text.strip()):
        raise Unfit("must be a number such as 0.25")
    return float(text)


def _switch(text: str) -> object:
    word = text.strip().lower()
    if word not in _YES | _NO:
        raise Unfit("must be true or false")
    return word in _YES


def _list(text: str) -> object:
    hint = 'a list is written as JSON, such as ["documents", "scans"]'
    return _json(text, list, "must be a list", hint)


def _table(text: str) -> object:
    hint = 'a table is written as JSON, such as {"name": "value"}'
    return _json(text, dict, "must be a table", hint)


def _json(text: str, shape: type, what: str, hint: str) -> object:
    try:
        value: object = json.loads(text, object_pairs_hook=_once)
    except Unfit:
        raise
    except (ValueError, RecursionError):
        raise Unfit(what, hint) from None
    if not isinstance(value, shape):
        raise Unfit(what, hint)
    return value


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise Unfit("has a key twice in its JSON")
    return table


_READERS: dict[Kind, Callable[[str], object]] = {
    "text": _text,
    "secret": _text,
    "number": _number,
    "share": _share,
    "switch": _switch,
    "list": _list,
    "names": _table,
    "table": _table,
}
