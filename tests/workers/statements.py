"""Fastly's VCL, read into statements and played through as its manual explains them.

It knows what our file says and nothing else: any other word is an error.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

_TOKEN = re.compile(
    r"\s+|#[^\n]*|(?P<long>\{(?P<mark>[A-Z]*)\"(?P<text>.*?)\"(?P=mark)\})"
    r'|(?P<short>"[^"\n]*")|(?P<word>[A-Za-z_][\w.:-]*)|(?P<number>\d+(?:ms|s)?)'
    r"|(?P<sign>\+=|-=|!~|!=|==|<=|>=|&&|\|\||[-{}();,.:=~<>!])",
    re.DOTALL,
)
Subs = dict[str, list[Any]]


class Refused(Exception):
    """The VCL said `error`."""


class Returned(Exception):
    """The VCL said `return`, with a word or without."""


def tokens(text: str) -> list[tuple[str, str]]:
    """Kinds and texts; raises ValueError for what is none."""
    found, at = [], 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if match is None:
            raise ValueError(text[at : at + 40])
        at = match.end()
        if match["long"] is not None:
            found.append(("text", match["text"]))
        elif match["short"] is not None:
            found.append(("text", match["short"][1:-1]))
        else:
            kinds = [kind for kind in ("word", "number", "sign") if match[kind] is not None]
            found += [(kind, match[kind]) for kind in kinds]
    return found


class Reader:
    """Reads declarations, with each subroutine's statements as nested lists."""

    def __init__(self, text: str) -> None:
        self._left = tokens(text)
        self.subs: Subs = {}
        self.tables: dict[str, dict[str, str]] = {}
        while self._left:
            kind, name = self.word(), self.word()
            if kind == "sub":
                assert name not in self.subs
                self.subs[name] = self.block()
            elif kind == "table":
                self.tables[name] = self.table()
            else:
                assert kind == "backend"
                self.skip_block()

    def take(self, text: str = "") -> tuple[str, str]:
        found = self._left.pop(0)
        assert not text or found[1] == text, (found, text)
        return found

    def word(self) -> str:
        kind, text = self.take()
        assert kind == "word", text
        return text

    def sees(self, text: str) -> bool:
        return self._left[0] in (("sign", text), ("word", text))

    def skip_block(self) -> None:
        self.take("{")
        depth = 1
        while depth:
            depth += {("sign", "{"): 1, ("sign", "}"): -1}.get(self.take(), 0)

    def table(self) -> dict[str, str]:
        found = {}
        self.take("{")
        while not self.sees("}"):
            (_, name), _, (_, value) = self.take(), self.take(":"), self.take()
            found[name] = value
            self.take(",")
        self.take("}")
        return found

    def block(self) -> list[Any]:
        self.take("{")
        found = []
        while not self.sees("}"):
            found.append(self.statement())
        self.take("}")
        return found

    def statement(self) -> list[Any]:
        word = self.word()
        if word == "if":
            self.take("(")
            asked = self.either()
            self.take(")")
            then, other = self.block(), []
            if self.sees("else"):
                self.take()
                other = self.block()
            return ["if", asked, then, other]
        rest: list[Any] = []
        if word == "set":
            rest = [self.word(), self.take()[1], self.joined()]
        elif word == "synthetic":
            rest = [self.joined()]
        else:
            while not self.sees(";"):
                rest.append(self.take()[1])
        self.take(";")
        return [word, *rest]

    def either(self) -> list[Any]:
        found = [self.both()]
        while self.sees("||"):
            self.take()
            found.append(self.both())
        return ["any", *found]

    def both(self) -> list[Any]:
        found = [self.one()]
        while self.sees("&&"):
            self.take()
            found.append(self.one())
        return ["all", *found]

    def one(self) -> list[Any]:
        if self.sees("!"):
            self.take()
            return ["not", self.one()]
        if self.sees("("):
            self.take()
            found = self.either()
            self.take(")")
            return found
        left = self.joined()
        if self._left[0][1] in ("~", "!~", "==", "!=", "<", "<=", ">", ">="):
            return ["compare", self.take()[1], left, self.joined()]
        return ["is", left]

    def joined(self) -> list[Any]:
        found = [self.value()]
        while self._left[0][0] in ("text", "word", "number"):
            found.append(self.value())
        return ["join", *found]

    def value(self) -> list[Any]:
        kind, text = self.take()
        if kind == "word" and self.sees("("):
            self.take()
            given = []
            while not self.sees(")"):
                given.append(self.joined())
                if self.sees(","):
                    self.take()
            self.take(")")
            return ["call", text, *given]
        return [kind, text]


class Player:
    """Plays subroutines over one request; every variable is text or a number."""

    def __init__(self, read: Reader, now: int, values: dict[str, Any]) -> None:
        self._read = read
        self.values: dict[str, Any] = {"now.sec": str(now), **values}

    def run(self, name: str) -> None:
        outer = {key: self.values.pop(key) for key in [*self.values] if key.startswith("var.")}
        try:
            self._do(self._read.subs[name])
        except Returned as returned:
            if returned.args:
                raise
        finally:
            for key in [*self.values]:
                if key.startswith("var."):
                    del self.values[key]
            self.values.update(outer)

    def _do(self, statements: list[Any]) -> None:
        for word, *rest in statements:
            getattr(self, f"_{word}")(*rest)

    def _if(self, asked: list[Any], then: list[Any], other: list[Any]) -> None:
        self._do(then if self.holds(asked) else other)

    def _declare(self, local: str, name: str, kind: str) -> None:
        assert (local, kind) in (("local", "STRING"), ("local", "INTEGER"))
        assert name not in self.values
        self.values[name] = "" if kind == "STRING" else 0

    def _set(self, name: str, how: str, value: list[Any]) -> None:
        assert not name.startswith("var.") or name in self.values, name
        found = self.of(value)
        if how != "=":
            found = self.values[name] + (found if how == "+=" else -found)
        assert type(self.values.get(name, found)) is type(found), name
        self.values[name] = found

    def _unset(self, name: str) -> None:
        self.values.pop(name, None)

    def _call(self, name: str) -> None:
        self.run(name)

    def _error(self, status: str) -> None:
        raise Refused(status)

    def _return(self, *word: str) -> None:
        raise Returned(*word[1:2])

    def holds(self, asked: list[Any]) -> bool:
        kind, *rest = asked
        if kind == "any":
            return any(map(self.holds, rest))
        if kind == "all":
            return all(map(self.holds, rest))
        if kind == "not":
            return not self.holds(rest[0])
        if kind == "is":
            return bool(self.of(rest[0]))
        how, left, right = rest[0], self.of(rest[1]), self.of(rest[2])
        if how in ("~", "!~"):
            return (re.search(right, left) is not None) is (how == "~")
        assert type(left) is type(right), (left, right)
        same: dict[str, bool] = {"==": left == right, "!=": left != right}
        order = {"<": left < right, "<=": left <= right, ">": left > right, ">=": left >= right}
        return {**same, **order}[how]

    def of(self, value: list[Any]) -> Any:
        kind, *rest = value
        if kind == "join":
            found = [self.of(part) for part in rest]
            return found[0] if len(found) == 1 else "".join(found)
        if kind == "call":
            return CALLS[rest[0]](self, *[self.of(given) for given in rest[1:]])
        if kind == "number":
            return int(rest[0])
        return rest[0] if kind == "text" else self.named(rest[0])

    def named(self, name: str) -> Any:
        if name.startswith("req.http.") or name in self._read.tables:
            return self.values.get(name, "" if name.startswith("req.http.") else name)
        return self.values[name]


def _regsub(player: Player, text: str, what: str, by: str) -> str:
    return re.sub(what, by, text, count=1)


def _lookup(player: Player, table: str, name: str, other: str) -> str:
    return player._read.tables[table].get(name, other)


def _mac(player: Player, key: str, text: str) -> str:
    mac = hmac.new(key.encode(), text.encode("latin-1"), hashlib.sha256)
    return base64.b64encode(mac.digest()).decode()


CALLS: dict[str, Callable[..., Any]] = {
    "regsub": _regsub,
    "regsuball": lambda player, text, what, by: re.sub(what, by, text),
    "substr": lambda player, text, at, length: text[at : at + length],
    "std.strlen": lambda player, text: len(text),
    "std.atoi": lambda player, text: int(text) if text.isdigit() else 0,
    "table.lookup": _lookup,
    "digest.hmac_sha256_base64": _mac,
    "digest.secure_is_equal": lambda player, one, other: hmac.compare_digest(one, other),
}
