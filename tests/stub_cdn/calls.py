"""What comes in, what it orders, and what goes out."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import parse_qsl


@dataclass(frozen=True, slots=True)
class Call:
    """One request; names of `fields` are lower-case, `path` is as it was sent."""

    method: str
    path: str
    query: str = ""
    fields: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def asked(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def target(self) -> str:
        return self.path + (f"?{self.query}" if self.query else "")

    def json(self) -> dict[str, Any]:
        """The body as a JSON object; raises `Refusal` (400) for anything else."""
        try:
            told = json.loads(self.body)
        except ValueError:
            told = None
        if not isinstance(told, dict):
            raise Refusal(Reply(400, {"error": "no JSON object"}))
        return told


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer; a mapping goes out as JSON."""

    status: int
    body: object = ""
    fields: tuple[tuple[str, str], ...] = ()

    def octets(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return (self.body if isinstance(self.body, str) else json.dumps(self.body)).encode()


class Refusal(Exception):
    """A call that breaks the contract, and what the vendor says to it."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Order:
    """What a call wants forgotten. Orders of the same `key` are one, if the vendor knows keys."""

    names: tuple[str, ...]
    soft: bool = False
    key: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """Whether the order that was taken under `reference` is carried out."""

    reference: str


class Vendor(Protocol):
    """One vendor's interface."""

    def order(self, call: Call) -> Order | Question | Reply:
        """What a call wants, or an answer that forgets nothing; raises `Refusal`."""
        ...

    def progress(self, reference: str, done: bool) -> Reply:
        """How far an order is that was taken; only vendors have it who can be asked."""
        ...

    def unknown(self) -> Reply:
        """What they say to a reference that is none."""
        ...

    def taken(self, order: Order, reference: str) -> Reply:
        """The vendor's word that it took an order."""
        ...


def demand(holds: bool, status: int, what: str) -> None:
    """Raise `Refusal` unless it holds."""
    if not holds:
        raise Refusal(Reply(status, {"error": what}))
